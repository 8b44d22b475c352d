//! The exchange's own traders: makers who quote around a wandering belief, and noise traders who take.
//!
//! They act through the same commands as members, on credit, without fees. Seeded: the same seed and the same times give
//! the same acts. Never a clock: the tick loop says what time it is.

mod maker;
mod noise;
mod shock;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::dice::Dice;
use crate::venue::market::{Market, Status};
use crate::venue::units::Price;

use shock::Shock;

/// Makers take turns in every market, so that queues hold several orders.
const MAKERS: usize = 3;
const NOISE_TRADERS: usize = 2;

#[derive(Debug)]
pub struct Population {
    dice: Dice,
    makers: Vec<AccountId>,
    noise: Vec<AccountId>,
    /// What the makers believe a YES contract is worth, by market.
    beliefs: BTreeMap<Arc<str>, Price>,
    /// Markets in turmoil.
    shocks: BTreeMap<Arc<str>, Shock>,
    depth: i64,
    /// Acts owed, in millionths, so that any rate works with any tick.
    owed: i64,
    acts_per_second: i64,
}

impl Population {
    /// Opens the population's accounts.
    pub fn new(venue: &mut Venue, seed: u64, acts_per_second: u32, depth_contracts: i64) -> Population {
        let mut open = |count: usize| (0..count).map(|_| venue.open_account(true, BTreeMap::new())).collect();
        Population {
            makers: open(MAKERS),
            noise: open(NOISE_TRADERS),
            dice: Dice::new(seed ^ 0x7061_6F70_756C_6174),
            beliefs: BTreeMap::new(),
            shocks: BTreeMap::new(),
            depth: depth_contracts,
            owed: 0,
            acts_per_second: i64::from(acts_per_second),
        }
    }

    /// Lets the population act for the `elapsed_us` since the last tick.
    pub fn act(&mut self, venue: &mut Venue, now_us: i64, elapsed_us: i64) {
        // Combos are quoted on request only.
        let tradable = |market: &&Market| {
            market.status == Status::Active && market.listing.close_us > now_us && market.combo.is_none()
        };
        let open: Vec<Arc<str>> =
            venue.markets.values().filter(tradable).map(|m| Arc::clone(&m.ticker)).collect();
        self.beliefs.retain(|ticker, _| open.binary_search(ticker).is_ok());
        self.shocks.retain(|ticker, _| open.binary_search(ticker).is_ok());
        for ticker in &open {
            if !self.beliefs.contains_key(ticker) {
                let first = venue.market(ticker).map_or(5_000, |market| market.listing.first_price);
                self.beliefs.insert(Arc::clone(ticker), first);
                self.open_book(venue, ticker, first, now_us);
            }
        }
        self.owed += elapsed_us.min(1_000_000).saturating_mul(self.acts_per_second);
        while self.owed >= 1_000_000 && !open.is_empty() {
            self.owed -= 1_000_000;
            let at = usize::try_from(self.dice.between(0, i64::try_from(open.len()).unwrap_or(1) - 1))
                .unwrap_or(0);
            if let Some(ticker) = open.get(at) {
                self.act_in(venue, ticker, now_us);
            }
        }
        self.act_on_news(venue, now_us, elapsed_us);
    }

    fn act_in(&mut self, venue: &mut Venue, ticker: &Arc<str>, now_us: i64) {
        self.drift(ticker);
        if self.dice.chance(self.takes(ticker)) {
            self.take(venue, ticker, now_us);
        } else {
            self.requote(venue, ticker, now_us);
        }
    }

    /// The belief wanders, and is drawn back from the edges.
    fn drift(&mut self, ticker: &Arc<str>) {
        let step = self.dice.between(-18, 18);
        if let Some(belief) = self.beliefs.get_mut(ticker) {
            let pull = (5_000 - *belief) / 2_000;
            *belief = (*belief + step + pull).clamp(200, 9_800);
        }
    }

    fn maker(&mut self) -> AccountId {
        let at = self.dice.between(0, MAKERS as i64 - 1);
        self.makers.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or(0)
    }

    fn noise_trader(&mut self) -> AccountId {
        let at = self.dice.between(0, NOISE_TRADERS as i64 - 1);
        self.noise.get(usize::try_from(at).unwrap_or(0)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
