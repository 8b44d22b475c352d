//! One transaction after the other: entries, their tables, the journal's head, and then the mark beside the file.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use outrigger_engine::journal::JournalBatch;

use super::append::{append, bury};
use super::chain::Hash;
use super::error::StoreError;
use super::mark::Mark;
use super::read_back::VerifiedLedger;

/// The one that writes to the ledger.
#[derive(Debug)]
pub(super) struct Committer {
    pub(super) connection: Connection,
    end: Hash,
    mark: Mark,
}

/// What a commit made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) up_to: u64,
    pub(super) entries: u64,
    pub(super) dead_letters: u64,
}

/// Whether a commit that failed may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// Another connection holds the lock for a while.
    Busy,
    Full,
    /// The disk, or what the system grants, fails now.
    Fault,
    /// The ledger refuses these entries, whatever the disk does.
    Never,
}

impl Committer {
    /// Takes over a verified ledger, after one write cycle that proves it can be written.
    pub(super) fn new(ledger: VerifiedLedger) -> Result<Committer, StoreError> {
        let VerifiedLedger { site, mut connection, end, entries } = ledger;
        prove_writable(&mut connection).map_err(StoreError::sqlite("write to the ledger"))?;
        let mark = Mark::renew(&site, entries, &end).map_err(StoreError::io("write the ledger's mark"))?;
        Ok(Committer { connection, end, mark })
    }

    /// Commits `batches` in one transaction or none of them. When it returns, they survive a power cut.
    pub(super) fn commit<'a>(
        &mut self,
        batches: impl Iterator<Item = &'a JournalBatch>,
    ) -> rusqlite::Result<Committed> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut end = self.end;
        let mut committed = Committed { up_to: 0, entries: 0, dead_letters: 0 };
        for batch in batches {
            let appended = append(&transaction, end, &batch.entries, &batch.orders)?;
            end = appended.end;
            committed.dead_letters += appended.dead_letters;
            committed.entries += batch.entries.len() as u64;
            committed.up_to = batch.entries.last().map_or(committed.up_to, |entry| entry.seq);
        }
        transaction.commit()?;
        self.end = end;
        if let Err(error) = self.mark.write(committed.up_to, &end) {
            tracing::warn!(%error, "the ledger's mark was not written; a lost end might not be noticed");
        }
        Ok(committed)
    }

    /// Writes a mark that nothing stands behind yet: what a control of the power cuts does.
    #[cfg(test)]
    pub(super) fn forge_mark(&self, seq: u64) {
        self.mark.write(seq, &[0; 32]).unwrap();
    }

    /// Keeps what the ledger refuses for good where a person finds it, as far as it takes even that. Returns how many.
    pub(super) fn bury<'a>(&self, batches: impl Iterator<Item = &'a JournalBatch>, reason: &str) -> u64 {
        let mut buried = 0;
        for entry in batches.flat_map(|batch| &batch.entries) {
            let payload = serde_json::to_string(entry).unwrap_or_default();
            match bury(&self.connection, entry.at.0, reason, &payload) {
                Ok(()) => buried += 1,
                Err(error) => tracing::error!(seq = entry.seq, %error, "an entry could not even be buried"),
            }
        }
        buried
    }

    /// Folds the write-ahead log into the file; `is_whole` remembers that nothing was left out.
    pub(super) fn close(self, is_whole: bool) {
        let clean = if is_whole { set_clean(&self.connection, true).map(|_| ()) } else { Ok(()) };
        let fold = || self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = clean.and_then(|()| fold()) {
            tracing::warn!(%error, "the ledger's write-ahead log was not folded in; the next start does it");
        }
    }
}

/// One empty-handed write cycle: the lock, the disk and the commit all work.
fn prove_writable(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "INSERT INTO meta (key, value) VALUES ('opened', '1')
                         ON CONFLICT (key) DO UPDATE SET value = value + 1",
        [],
    )?;
    set_clean(&transaction, false)?;
    transaction.commit()
}

/// Remembers whether the ledger was closed in order; if not, the next start looks at every page.
fn set_clean(connection: &Connection, clean: bool) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO meta (key, value) VALUES ('clean', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1";
    connection.execute(sql, [if clean { "1" } else { "0" }])
}

/// Tells what a failed commit means.
pub(super) fn outlook(error: &rusqlite::Error) -> Outlook {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            Outlook::Busy
        }
        Some(ErrorCode::DiskFull) => Outlook::Full,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted,
        ) => Outlook::Fault,
        _ => Outlook::Never,
    }
}
