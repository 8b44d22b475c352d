//! News: what a contract is worth jumps, makers pull their quotes and come back wide, everybody trades; then it calms.

use std::sync::Arc;

use super::Population;
use crate::venue::Venue;
use crate::venue::units::Price;

/// A market in turmoil acts so often per second, at first, on top of its share.
const ACTS_PER_SECOND: i64 = 40;
/// So many steps quotes stand back, at first.
const WIDER: i64 = 6;
/// Full intensity.
const FULL: i64 = 1_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Shock {
    started_us: i64,
    lasts_us: i64,
    /// Acts owed, in thousandths of millionths.
    owed: i64,
}

impl Shock {
    /// From [`FULL`] down to nothing.
    fn intensity(&self, now_us: i64) -> i64 {
        let left_us = (self.started_us + self.lasts_us).saturating_sub(now_us).clamp(0, self.lasts_us);
        left_us * FULL / self.lasts_us.max(1)
    }
}

impl Population {
    /// Brings news about a market in which the population trades.
    pub(crate) fn shock(
        &mut self,
        venue: &mut Venue,
        ticker: &Arc<str>,
        by: Price,
        lasts_us: i64,
        now_us: i64,
    ) {
        let Some(belief) = self.beliefs.get_mut(ticker) else { return };
        *belief = (*belief + by).clamp(200, 9_800);
        let belief = *belief;
        self.shocks.insert(Arc::clone(ticker), Shock { started_us: now_us, lasts_us, owed: 0 });
        for (maker, order_id) in self.quotes(venue, ticker) {
            let _ = venue.cancel(maker, &order_id, None, now_us);
        }
        self.open_book(venue, ticker, belief, now_us);
    }

    /// Lets the markets in turmoil act on top of their share.
    pub(super) fn act_on_news(&mut self, venue: &mut Venue, now_us: i64, elapsed_us: i64) {
        self.shocks.retain(|_, shock| shock.intensity(now_us) > 0);
        let tickers: Vec<Arc<str>> = self.shocks.keys().cloned().collect();
        for ticker in tickers {
            let Some(shock) = self.shocks.get_mut(&ticker) else { continue };
            shock.owed += elapsed_us.min(1_000_000) * ACTS_PER_SECOND * shock.intensity(now_us);
            let acts = shock.owed / (FULL * 1_000_000);
            shock.owed %= FULL * 1_000_000;
            (0..acts).for_each(|_| self.act_in(venue, &ticker, now_us));
        }
    }

    /// How far back quotes stand, in steps.
    pub(super) fn wider(&self, ticker: &str, now_us: i64) -> i64 {
        self.shocks.get(ticker).map_or(0, |shock| (shock.intensity(now_us) * WIDER + FULL / 2) / FULL)
    }

    /// Percent of the acts that take.
    pub(super) fn takes(&self, ticker: &str) -> i64 {
        if self.shocks.contains_key(ticker) { 50 } else { 20 }
    }
}
