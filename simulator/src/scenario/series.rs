//! Series: what is asked, how often a new event opens, how long it trades, in how many markets.

use serde::Deserialize;

use crate::venue::fees::FeeKind;
use crate::venue::grid::Grid;
use crate::venue::market::Series;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesPlan {
    /// e.g. `KXSIMTEMP`; all simulated series start with `KXSIM`.
    pub ticker: String,
    pub title: String,
    pub category: String,
    /// What a market asks; `{strike}` stands for its threshold.
    pub question: String,
    pub exchange_index: i64,
    /// By its label.
    pub grid: Grid,
    pub maker_fees: bool,
    /// Thresholds of one event: first, step, how many markets.
    pub first_strike: i64,
    pub strike_step: i64,
    pub markets: u32,
    /// Seconds an event trades; a new one opens as the last one closes.
    pub lasts_s: i64,
    /// Events that trade at once, their closes spread evenly.
    pub at_once: u32,
    /// Seconds from the result to the payout.
    #[serde(default = "usual_settlement_timer")]
    pub settlement_timer_s: i64,
    #[serde(default = "yes")]
    pub can_close_early: bool,
}

const fn usual_settlement_timer() -> i64 {
    10
}

const fn yes() -> bool {
    true
}

impl SeriesPlan {
    /// Returns what people are told of the series.
    pub fn described(&self) -> Series {
        let frequency = match self.lasts_s {
            lasts_s if lasts_s > 14 * DAY_S => "monthly",
            lasts_s if lasts_s > DAY_S => "weekly",
            DAY_S => "daily",
            _ => "custom",
        };
        Series {
            title: self.title.clone(),
            category: self.category.clone(),
            frequency: frequency.to_owned(),
            tags: vec!["Simulated".to_owned()],
        }
    }

    pub fn fee_kind(&self) -> FeeKind {
        if self.maker_fees { FeeKind::QuadraticWithMakerFees } else { FeeKind::Quadratic }
    }
}

const DAY_S: i64 = 24 * 60 * 60;
