//! Series: what is asked, how often a new event opens, how long it trades, in how many markets.

use serde::Deserialize;

use crate::venue::fees::FeeKind;
use crate::venue::grid::{DECI_CENT, Grid, LINEAR_CENT, TAPERED_DECI_CENT};
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

fn plan(ticker: &str, title: &str, category: &str, question: &str) -> SeriesPlan {
    SeriesPlan {
        ticker: ticker.to_owned(),
        title: title.to_owned(),
        category: category.to_owned(),
        question: question.to_owned(),
        exchange_index: 0,
        grid: LINEAR_CENT,
        maker_fees: false,
        first_strike: 0,
        strike_step: 1,
        markets: 5,
        lasts_s: 7 * DAY_S,
        at_once: 1,
        settlement_timer_s: usual_settlement_timer(),
        can_close_early: true,
    }
}

/// About thirty markets at once: long ones to trade at leisure, short ones that open, close and settle while one watches.
pub(super) fn calm() -> Vec<SeriesPlan> {
    [long(), short()].concat()
}

/// Markets that stay open for days.
fn long() -> Vec<SeriesPlan> {
    vec![
        SeriesPlan {
            first_strike: 62,
            strike_step: 2,
            markets: 6,
            ..plan(
                "KXSIMTEMP",
                "High temperature in Simville",
                "Climate and Weather",
                "Will it be above {strike}° in Simville?",
            )
        },
        SeriesPlan {
            first_strike: 225,
            strike_step: 25,
            markets: 5,
            lasts_s: 30 * DAY_S,
            ..plan(
                "KXSIMRATE",
                "Simulated policy rate",
                "Economics",
                "Will the simulated rate be above {strike} basis points?",
            )
        },
        SeriesPlan {
            exchange_index: 3,
            maker_fees: true,
            first_strike: 1,
            strike_step: 1,
            markets: 6,
            lasts_s: 14 * DAY_S,
            ..plan("KXSIMCUP", "Simulated cup winner", "Sports", "Will team {strike} win the simulated cup?")
        },
    ]
}

/// Markets of a day, a quarter of an hour, two minutes.
fn short() -> Vec<SeriesPlan> {
    vec![
        SeriesPlan {
            exchange_index: 2,
            grid: TAPERED_DECI_CENT,
            first_strike: 99_000,
            strike_step: 500,
            markets: 5,
            lasts_s: DAY_S,
            ..plan(
                "KXSIMBTCD",
                "Simulated coin, daily",
                "Crypto",
                "Will the simulated coin be above ${strike}?",
            )
        },
        SeriesPlan {
            exchange_index: 2,
            grid: TAPERED_DECI_CENT,
            first_strike: 100_000,
            markets: 1,
            lasts_s: 15 * 60,
            at_once: 2,
            ..plan(
                "KXSIMBTC15M",
                "Simulated coin, 15 minutes",
                "Crypto",
                "Simulated coin up in the next 15 minutes?",
            )
        },
        SeriesPlan {
            exchange_index: 1,
            grid: DECI_CENT,
            first_strike: 1,
            markets: 2,
            lasts_s: 120,
            at_once: 4,
            ..plan("KXSIMFLASH", "Two-minute markets", "Simulation", "Will wheel {strike} stop on green?")
        },
    ]
}
