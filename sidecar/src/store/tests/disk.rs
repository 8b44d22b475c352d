//! The store on a disk that forgets and fails: how it reaches one, what it writes there, and what a start makes of what is left.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outrigger_engine::domain::WallTime;
use outrigger_engine::journal::{Entry, HaltMode, JournalBatch, StoredEntry};
use outrigger_faultdisk::{FaultDisk, Random};

use crate::store::disk::{Disk, DiskFile, Site};
use crate::store::{StoreError, VerifiedLedger};

pub(super) const LEDGER: &str = "/data/ledger.sqlite";
pub(super) const WAL: &str = "/data/ledger.sqlite-wal";
pub(super) const MARK: &str = "/data/ledger.mark";

/// The fault disk as the store knows disks.
#[derive(Debug, Clone)]
pub(super) struct Trial(pub(super) Arc<FaultDisk>);

#[derive(Debug)]
struct TrialFile {
    disk: Arc<FaultDisk>,
    file: u64,
}

impl Disk for Trial {
    fn vfs(&self) -> Option<&str> {
        Some(self.0.vfs())
    }

    fn len(&self, path: &Path) -> Option<u64> {
        self.0.len(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(TrialFile { disk: Arc::clone(&self.0), file: self.0.open(path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        self.0.sync_directory()
    }
}

impl DiskFile for TrialFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.write_at(self.file, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(self.file, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync(self.file)
    }
}

impl Trial {
    pub(super) fn new() -> Trial {
        Trial(Arc::new(FaultDisk::new().unwrap()))
    }

    pub(super) fn site(&self) -> Site {
        self.at(LEDGER)
    }

    pub(super) fn at(&self, path: &str) -> Site {
        Site { disk: Arc::new(self.clone()), path: PathBuf::from(path) }
    }

    /// The start of a sidecar, as far as the ledger is concerned.
    pub(super) fn boot(&self) -> Result<(VerifiedLedger, Vec<StoredEntry>), StoreError> {
        let mut entries = Vec::new();
        let ledger = VerifiedLedger::open_at(self.site(), "sim", |entry| entries.push(entry.clone()))?;
        Ok((ledger, entries))
    }
}

/// Returns the next entry: a halt with a reason of any length, or a fill that is in a table too.
pub(super) fn next_entry(seq: u64, random: &mut Random) -> StoredEntry {
    let entry = if random.happens(40) {
        let fill = serde_json::json!({"kind": "fill_recorded", "order_id": format!("01890a5d-ac96-774b-bcce-{seq:012}"),
            "fill": {"trade_id": format!("t{seq}"), "venue_order_id": "v", "client_order_id": null, "ticker": "A",
            "side": "bid", "price": "0.5000", "count": "1.00", "fee": "0.010000", "is_taker": true, "ts_ms": 5,
            "post_position": null}});
        serde_json::from_value(fill).unwrap()
    } else {
        let longest = if random.happens(5) { 9_000 } else { 200 };
        let reason = "x".repeat(random.index(longest)) + &random.word().to_string();
        Entry::HaltSet { mode: HaltMode::Halted, reason }
    };
    StoredEntry { seq, at: WallTime(1_000 + seq.cast_signed()), cause: "test".into(), entry }
}

/// Returns a batch of one to five entries after `entries`, and remembers it there.
pub(super) fn next_batch(entries: &mut Vec<StoredEntry>, random: &mut Random) -> JournalBatch {
    let from = entries.len();
    for _ in 0..=random.below(5) {
        entries.push(next_entry(entries.len() as u64 + 1, random));
    }
    JournalBatch { entries: entries[from..].to_vec(), orders: vec![] }
}

/// Reads a number from the environment: how much of a long test to run.
pub(super) fn how_many(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |value| value.parse().expect(name))
}
