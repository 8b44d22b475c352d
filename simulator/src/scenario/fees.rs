//! Changes of fees that a scenario brings: what, for whom, how long after the start.

use serde::Deserialize;

use crate::venue::fees::{FeeKind, FeeSchedule};
use crate::venue::market::Market;
use crate::venue::{FeeScope, Venue};

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeePlan {
    pub series_ticker: String,
    /// Concerns the event of the series that closes last, instead of the whole series.
    #[serde(default)]
    pub event_only: bool,
    /// Seconds after the start.
    pub after_s: i64,
    /// None ends what the event had of its own.
    pub fee_type: Option<FeeWord>,
    /// Thousandths: 1000 is the usual multiplier.
    #[serde(default = "usual")]
    pub multiplier_milli: i64,
}

/// The exchange's words for the kinds of fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeWord {
    Quadratic,
    QuadraticWithMakerFees,
    QuadraticWithComboMakerFees,
    Flat,
}

const fn usual() -> i64 {
    1_000
}

impl FeePlan {
    /// Announces the change. The markets of the scenario must be listed.
    pub(crate) fn schedule(&self, venue: &mut Venue, started_us: i64) {
        let at_us = started_us.saturating_add(self.after_s.saturating_mul(1_000_000));
        let multiplier = self.multiplier_milli;
        let fees = self.fee_type.map(|word| FeeSchedule { kind: word.kind(), multiplier });
        let of_series = |market: &&Market| market.listing.series_ticker == self.series_ticker;
        let (scope, ticker) = if self.event_only {
            let last = venue.markets.values().filter(of_series).max_by_key(|market| market.listing.close_us);
            let Some(last) = last else { return };
            (FeeScope::Event, last.listing.event_ticker.clone())
        } else {
            (FeeScope::Series, self.series_ticker.clone())
        };
        venue.schedule_fee_change(scope, &ticker, fees, at_us);
    }
}

impl FeeWord {
    const fn kind(self) -> FeeKind {
        match self {
            FeeWord::Quadratic => FeeKind::Quadratic,
            FeeWord::QuadraticWithMakerFees => FeeKind::QuadraticWithMakerFees,
            FeeWord::QuadraticWithComboMakerFees => FeeKind::QuadraticWithComboMakerFees,
            FeeWord::Flat => FeeKind::Flat,
        }
    }
}
