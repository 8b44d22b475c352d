//! Whether the ledger can be relied on now: what the store reports, and that it reports at all. Pure; the desk's shell asks it.

use super::port::JournalReport;
use crate::domain::Monotonic;

/// Entries that wait this long without any commit mean a disk that hangs.
const SLOW_MS: u64 = 5_000;

/// Why trading is stopped on the ledger's account.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    None,
    /// No commit for too long. Ends with the next one.
    Slow(String),
    /// The store says so. Ends when it says so.
    Stalled(String),
    /// Entries will never be recorded. Only a restart ends it.
    Lost(String),
}

/// What changed for trading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerTurn {
    Same,
    /// Trading stops, for this reason.
    Stops(String),
    /// Trading may go on as far as the ledger is concerned.
    Opens,
}

#[derive(Debug)]
pub struct LedgerStanding {
    submitted: u64,
    committed: u64,
    /// When the last commit was reported, or the first entry after it was submitted.
    progress: Monotonic,
    trouble: Trouble,
}

impl LedgerStanding {
    /// Begins with everything up to `committed` durable.
    pub fn new(committed: u64) -> LedgerStanding {
        LedgerStanding {
            submitted: committed,
            committed,
            progress: Monotonic::default(),
            trouble: Trouble::None,
        }
    }

    /// Returns the sequence up to which entries are durable.
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// Returns how many entries are not durable yet.
    pub fn uncommitted(&self) -> u64 {
        self.submitted.saturating_sub(self.committed)
    }

    /// Returns why nothing new may be promised.
    pub fn trouble(&self) -> Option<&str> {
        match &self.trouble {
            Trouble::None => None,
            Trouble::Slow(reason) | Trouble::Stalled(reason) | Trouble::Lost(reason) => Some(reason),
        }
    }

    pub fn is_lost(&self) -> bool {
        matches!(self.trouble, Trouble::Lost(_))
    }

    /// Notes that entries up to `seq` were handed to the store.
    pub fn submitted(&mut self, seq: u64, now: Monotonic) {
        if self.uncommitted() == 0 {
            self.progress = now;
        }
        self.submitted = self.submitted.max(seq);
    }

    pub fn report(&mut self, report: JournalReport, now: Monotonic) -> LedgerTurn {
        match report {
            JournalReport::Committed { up_to } => {
                self.committed = self.committed.max(up_to);
                self.progress = now;
                self.end(|trouble| matches!(trouble, Trouble::Slow(_)))
            }
            JournalReport::Resumed => self.end(|trouble| !matches!(trouble, Trouble::Lost(_))),
            JournalReport::Stalled { reason } => self.begin(Trouble::Stalled(reason)),
            JournalReport::Failed { reason } => self.begin(Trouble::Lost(reason)),
        }
    }

    /// Looks whether the store still gets on.
    pub fn tick(&mut self, now: Monotonic) -> LedgerTurn {
        if self.trouble == Trouble::None
            && self.uncommitted() > 0
            && now.millis_since(self.progress) >= SLOW_MS
        {
            return self
                .begin(Trouble::Slow(format!("no commit for {SLOW_MS} ms, the disk hangs or is too slow")));
        }
        LedgerTurn::Same
    }

    fn begin(&mut self, trouble: Trouble) -> LedgerTurn {
        if self.is_lost() {
            return LedgerTurn::Same;
        }
        self.trouble = trouble;
        self.trouble().map_or(LedgerTurn::Same, |reason| LedgerTurn::Stops(reason.to_owned()))
    }

    fn end(&mut self, is_over: impl Fn(&Trouble) -> bool) -> LedgerTurn {
        if self.trouble == Trouble::None || !is_over(&self.trouble) {
            return LedgerTurn::Same;
        }
        self.trouble = Trouble::None;
        LedgerTurn::Opens
    }
}

#[cfg(test)]
mod tests {
    use super::{JournalReport, LedgerStanding, LedgerTurn, Monotonic, SLOW_MS};

    fn ms(ms: u64) -> Monotonic {
        Monotonic(ms * 1_000_000)
    }

    #[test]
    fn a_disk_that_hangs_stops_trading_and_the_next_commit_opens_it() {
        let mut standing = LedgerStanding::new(5);
        assert_eq!(standing.tick(ms(60_000)), LedgerTurn::Same, "nothing waits");
        standing.submitted(6, ms(60_000));
        standing.submitted(7, ms(61_000));
        assert_eq!(standing.tick(ms(60_000 + SLOW_MS - 1)), LedgerTurn::Same);
        assert!(matches!(standing.tick(ms(60_000 + SLOW_MS)), LedgerTurn::Stops(_)));
        assert_eq!(standing.tick(ms(70_000)), LedgerTurn::Same, "told once");
        assert!(standing.trouble().is_some());
        assert_eq!(standing.report(JournalReport::Committed { up_to: 6 }, ms(70_000)), LedgerTurn::Opens);
        assert_eq!((standing.trouble(), standing.uncommitted()), (None, 1));
        assert_eq!(standing.tick(ms(71_000)), LedgerTurn::Same, "it gets on");
    }

    #[test]
    fn a_stall_ends_when_the_store_says_so_and_a_loss_never() {
        let mut standing = LedgerStanding::new(0);
        let stalled = |reason: &str| JournalReport::Stalled { reason: reason.into() };
        assert_eq!(standing.report(stalled("full"), ms(0)), LedgerTurn::Stops("full".into()));
        standing.submitted(1, ms(0));
        let committed = JournalReport::Committed { up_to: 1 };
        assert_eq!(standing.report(committed, ms(1)), LedgerTurn::Same, "in the room of the reserve");
        assert_eq!(standing.report(JournalReport::Resumed, ms(2)), LedgerTurn::Opens);
        let failed = JournalReport::Failed { reason: "refused".into() };
        assert_eq!(standing.report(failed, ms(3)), LedgerTurn::Stops("refused".into()));
        for report in [JournalReport::Committed { up_to: 2 }, JournalReport::Resumed, stalled("full")] {
            assert_eq!(standing.report(report, ms(4)), LedgerTurn::Same);
        }
        assert!(standing.is_lost() && standing.trouble() == Some("refused"));
    }
}
