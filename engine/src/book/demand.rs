//! Which markets are followed on the venue's stream, and why: because they are pinned, a local client is subscribed or just
//! read, or an order or position of ours is in them. What nobody needs any more is dropped after a grace time.
//!
//! Never here: sockets, clocks. Invariants: a market the venue does not know is looked up once for each time somebody newly
//! asks, never in a loop; a settled market is forgotten; the number of markets is bounded.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Monotonic, Presence, Ticker};

/// Markets that may be asked for at once. The venue allows more, memory does not have to.
const MARKETS_MAX: usize = 20_000;
/// The venue is asked again about a market it did not know, when somebody asks again after so long.
const LOOK_AGAIN_MS: u64 = 60_000;

/// What is followed whatever clients ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DemandConfig {
    /// Followed as long as they exist.
    pub pinned: BTreeSet<Ticker>,
    /// Every market that opens is followed until it is settled. For exchanges with few markets.
    pub all_tradable: bool,
    /// How long a market is kept after the last need for it ended, in milliseconds.
    pub grace_ms: u64,
}

/// What is to be done now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DemandStep {
    pub follow: Vec<Ticker>,
    /// With the reason, for those who still read.
    pub drop: Vec<(Ticker, &'static str)>,
    /// The venue must be asked whether it knows these.
    pub look_up: Vec<Ticker>,
}

#[derive(Debug, Default)]
struct Need {
    is_standing: bool,
    has_clients: bool,
    has_account: bool,
    grace_until: Option<Monotonic>,
    looked_up_at: Option<Monotonic>,
    followed_at: Option<Monotonic>,
}

impl Need {
    fn is_needed(&self, now: Monotonic) -> bool {
        self.is_standing
            || self.has_clients
            || self.has_account
            || self.grace_until.is_some_and(|until| now < until)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Demand {
    config: DemandConfig,
    needs: BTreeMap<Ticker, Need>,
    is_dirty: bool,
    refused: u64,
}

impl Demand {
    pub fn new(config: DemandConfig) -> Demand {
        let standing = |ticker: &Ticker| (ticker.clone(), Need { is_standing: true, ..Need::default() });
        let needs = config.pinned.iter().map(standing).collect();
        Demand { config, needs, is_dirty: true, refused: 0 }
    }

    pub fn follows_all(&self) -> bool {
        self.config.all_tradable
    }

    /// Clients began or ceased to be subscribed to a market.
    pub fn clients(&mut self, ticker: &Ticker, has_clients: bool, now: Monotonic) {
        if has_clients {
            self.ask(ticker, now);
        }
        let grace = self.grace(now);
        if let Some(need) = self.needs.get_mut(ticker) {
            need.has_clients = has_clients;
            need.grace_until = Some(grace);
            self.is_dirty = true;
        }
    }

    /// Somebody asked for a market once. Returns false when there is no room for one more.
    pub fn ask(&mut self, ticker: &Ticker, now: Monotonic) -> bool {
        let grace = self.grace(now);
        let is_full = self.needs.len() >= MARKETS_MAX;
        if is_full && !self.needs.contains_key(ticker) {
            self.refused += 1;
            return false;
        }
        let need = self.needs.entry(ticker.clone()).or_default();
        need.grace_until = Some(grace);
        // What is followed already changes nothing, however often it is read.
        self.is_dirty |= need.followed_at.is_none();
        if need.looked_up_at.is_some_and(|at| now.millis_since(at) >= LOOK_AGAIN_MS) {
            need.looked_up_at = None;
        }
        true
    }

    /// Takes over in which markets the account has working orders or a position.
    pub fn account(&mut self, tickers: &BTreeSet<Ticker>, now: Monotonic) {
        let grace = self.grace(now);
        for (ticker, need) in &mut self.needs {
            if need.has_account && !tickers.contains(ticker) {
                need.has_account = false;
                need.grace_until = Some(grace);
                self.is_dirty = true;
            }
        }
        for ticker in tickers {
            let need = self.needs.entry(ticker.clone()).or_default();
            self.is_dirty |= !need.has_account;
            need.has_account = true;
        }
    }

    /// Takes over which markets trade, where all of them are followed.
    pub fn tradable(&mut self, tickers: Vec<Ticker>) {
        for ticker in tickers.into_iter().filter(|_| self.config.all_tradable) {
            let need = self.needs.entry(ticker).or_default();
            self.is_dirty |= !need.is_standing;
            need.is_standing = true;
        }
    }

    /// Tells whether `step` could have something to do without a change of the catalogue.
    pub fn is_due(&self, now: Monotonic) -> bool {
        let is_over =
            |need: &Need| need.grace_until.is_some_and(|until| until <= now) && !need.is_needed(now);
        self.is_dirty || self.needs.values().any(is_over)
    }

    /// Decides what is to be followed, dropped and looked up, and takes it as done.
    pub fn step(&mut self, now: Monotonic, presence: impl Fn(&Ticker) -> Presence) -> DemandStep {
        self.is_dirty = false;
        let mut step = DemandStep::default();
        for (ticker, need) in &mut self.needs {
            let is_needed = need.is_needed(now);
            match presence(ticker) {
                Presence::Tradable | Presence::Closed if is_needed => {
                    if need.followed_at.is_none() {
                        need.followed_at = Some(now);
                        step.follow.push(ticker.clone());
                    }
                }
                Presence::Unread | Presence::Absent if is_needed => {
                    if need.looked_up_at.is_none() && need.followed_at.is_none() {
                        need.looked_up_at = Some(now);
                        step.look_up.push(ticker.clone());
                    }
                }
                Presence::Over => {
                    need.is_standing = false;
                    if need.followed_at.take().is_some() {
                        step.drop.push((ticker.clone(), "the market is settled"));
                    }
                }
                Presence::Tradable | Presence::Closed | Presence::Unread | Presence::Absent => {
                    if need.followed_at.take().is_some() {
                        step.drop.push((ticker.clone(), "nobody needs it any more"));
                    }
                }
            }
        }
        // A settled market with a reader left stays known, so that it is not asked for in a loop.
        self.needs.retain(|_, need| need.followed_at.is_some() || need.is_needed(now));
        step
    }

    /// Returns the markets whose books must be live before the streams are called ready, with when they were first followed;
    /// clients' own wishes are not among them.
    pub fn required(&self) -> impl Iterator<Item = (&Ticker, Option<Monotonic>)> {
        let is_required = |need: &Need| need.is_standing || need.has_account;
        self.needs
            .iter()
            .filter(move |(_, need)| is_required(need))
            .map(|(ticker, need)| (ticker, need.followed_at))
    }

    pub fn is_followed(&self, ticker: &Ticker) -> bool {
        self.needs.get(ticker).is_some_and(|need| need.followed_at.is_some())
    }

    pub fn followed(&self) -> usize {
        self.needs.values().filter(|need| need.followed_at.is_some()).count()
    }

    /// Returns how often somebody asked for a market when there was no room for it.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn grace(&self, now: Monotonic) -> Monotonic {
        Monotonic(now.0.saturating_add(self.config.grace_ms.saturating_mul(1_000_000)))
    }
}

#[cfg(test)]
mod tests;
