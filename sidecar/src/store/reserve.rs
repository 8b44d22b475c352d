//! Room kept for bad times: a file beside the ledger that is given up when the disk is full, so that cancels and what the exchange
//! says can still be recorded while trading is stopped.

use std::io;
use std::time::Duration;

use super::disk::Site;

static PIECE: [u8; 1 << 16] = [0; 1 << 16];

#[derive(Debug)]
pub(super) struct Reserve {
    site: Site,
    bytes: u64,
    /// How often a full disk is asked for room again.
    pub(super) every: Duration,
}

impl Reserve {
    /// Names the reserve of a ledger; `take` makes it.
    pub(super) fn of(ledger: &Site, bytes: u64, every: Duration) -> Reserve {
        Reserve { site: ledger.at(ledger.path.with_extension("reserve")), bytes, every }
    }

    /// Takes the room, really written. What could not be taken whole is given back.
    pub(super) fn take(&self) -> io::Result<()> {
        if self.site.disk.len(&self.site.path) == Some(self.bytes) {
            return Ok(());
        }
        let taken = self.fill();
        if taken.is_err() {
            self.release();
        }
        taken
    }

    fn fill(&self) -> io::Result<()> {
        let file = self.site.disk.open(&self.site.path)?;
        let mut at = 0;
        while at < self.bytes {
            let count = (self.bytes - at).min(PIECE.len() as u64);
            let piece = PIECE.get(..usize::try_from(count).unwrap_or(0)).unwrap_or_default();
            file.write_all_at(piece, at)?;
            at += count;
        }
        file.sync()
    }

    /// Gives the room back to whoever writes next.
    pub(super) fn release(&self) {
        if let Err(error) = self.site.remove() {
            tracing::warn!(%error, "the ledger's reserve could not be given up");
        }
    }
}
