//! Turns between clients that wait for the same: start-time fair queueing. Each gets tokens in proportion to its share for
//! as long as it waits, and none saves up turns while it asks for nothing.

use std::collections::BTreeMap;

use super::terms::Client;

/// Virtual time of one token at share one.
const TOKEN: u64 = 1 << 16;

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Virtual time: where the request granted last began.
    now: u64,
    /// Where the next request of a client begins, if that is later.
    next: BTreeMap<Client, u64>,
}

impl Turns {
    /// Returns where a client's next request begins; the earliest goes first.
    pub(super) fn start(&self, client: &Client) -> u64 {
        self.next.get(client).map_or(self.now, |next| self.now.max(*next))
    }

    pub(super) fn granted(&mut self, client: &Client, tokens: u32) {
        self.now = self.start(client);
        let took = (u64::from(tokens) * TOKEN / u64::from(client.share())).max(1);
        self.next.insert(client.clone(), self.now.saturating_add(took));
        let now = self.now;
        self.next.retain(|_, next| *next > now);
    }
}
