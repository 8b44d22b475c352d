//! Readers of books that have not come yet: answered with the book, with nothing when there will be none, or when time is up.

use tokio::sync::oneshot;

use crate::book::{BookView, Keeper};
use crate::domain::{Catalog, Monotonic, Presence, Ticker};

/// A snapshot comes within a round trip; a market that must be looked up first takes two.
const WAIT_MS: u64 = 3_000;
/// More readers than this are answered at once, with nothing.
const PARKED_MAX: usize = 4_096;

struct Reader {
    ticker: Ticker,
    reply: oneshot::Sender<Option<BookView>>,
    since: Monotonic,
}

/// See the module.
#[derive(Default)]
pub(super) struct Parked {
    readers: Vec<Reader>,
}

impl Parked {
    pub(super) fn park(
        &mut self,
        ticker: Ticker,
        reply: oneshot::Sender<Option<BookView>>,
        since: Monotonic,
    ) {
        if self.readers.len() < PARKED_MAX {
            self.readers.push(Reader { ticker, reply, since });
        } else {
            // A reader that went away needs no answer.
            let _ = reply.send(None);
        }
    }

    /// Answers those who need not wait any longer.
    pub(super) fn serve(&mut self, now: Monotonic, keeper: &Keeper, catalog: &Catalog) {
        if self.readers.is_empty() {
            return;
        }
        let mut waiting = Vec::new();
        for reader in self.readers.drain(..) {
            let view = keeper.view(&reader.ticker, now);
            let is_hopeless =
                matches!(catalog.presence(reader.ticker.as_str()), Presence::Absent | Presence::Over);
            if view.is_some() || is_hopeless || now.millis_since(reader.since) >= WAIT_MS {
                let _ = reader.reply.send(view);
            } else if !reader.reply.is_closed() {
                waiting.push(reader);
            }
        }
        self.readers = waiting;
    }
}
