//! The store: two SQLite databases and the captures, one writing thread each, and everything a person may do to their files.
//!
//! Database rows never leave this folder. Invariants: an entry is reported committed only after a commit with
//! `synchronous=FULL`; a damaged, foreign or newer ledger is refused untouched (I10).

mod append;
mod backup;
mod capture;
mod chain;
mod committer;
mod directory;
mod disk;
mod error;
mod line;
mod mark;
mod migrate;
mod open;
mod read_back;
mod reserve;
mod stats;
mod tape;
mod tokens;
mod verify;
mod writer;

pub use backup::{backup, restore};
pub use capture::{Capture, CapturePlan, CaptureStats, Ending, Look, captures_in, look};
pub use directory::{DataDirectory, LEDGER_FILE, TAPE_FILE};
pub use error::StoreError;
pub use migrate::{Direction, MigrationStatus, migrate, migration_status};
pub use open::{open_ledger, open_ledger_read_only, open_tape};
pub use read_back::VerifiedLedger;
pub use stats::{LedgerStats, Sizes};
pub use tape::{Tape, TapeStats, TapedTrades};
pub use tokens::{Scope, TokenRow, Tokens, admin_token, admin_token_path};
pub use verify::{Finding, Verification, verify};
pub use writer::{LedgerWriter, WriterJournal};

#[cfg(test)]
mod tests;
