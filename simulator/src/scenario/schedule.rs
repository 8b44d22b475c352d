//! What a scenario makes happen, and when: `[[schedule]]` entries, read and checked.
//!
//! Invariant: an entry that passed its check can be carried out, save that a market may be in the wrong state for it.

use serde::Deserialize;

use super::pattern::fits;
use super::span::Span;
use super::terms::{MarketVerb, ResultWord, Terms};
use crate::faults::Cut;
use crate::venue::grid::Grid;
use crate::venue::units::{self, DOLLAR, Price};

/// Entries repeat no faster than this.
const EVERY_MIN: Span = Span(1_000_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Pause,
    Resume,
    Close,
    MoveClose,
    Determine,
    Dispute,
    Amend,
    Settle,
    Grid,
    Rename,
    Shock,
    TradingPause,
    TradingResume,
    ExchangePause,
    ExchangeResume,
    Disconnect,
}

/// One `[[schedule]]` entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From the start.
    pub at: Span,
    /// Again and again after that.
    pub every: Option<Span>,
    #[serde(rename = "do")]
    pub verb: Verb,
    /// A ticker, or a pattern for tickers.
    pub what: Option<String>,
    pub result: Option<ResultWord>,
    pub value: Option<String>,
    pub grid: Option<Grid>,
    pub close_in: Option<Span>,
    pub yes_sub_title: Option<String>,
    /// By how many dollars a shock moves what a YES contract is worth.
    pub by: Option<String>,
    /// How long a shock or a pause lasts.
    #[serde(rename = "for")]
    pub lasts: Option<Span>,
    /// How sockets end.
    pub how: Option<Cut>,
    /// Upgrades are refused this long after a disconnect, in real time.
    pub refuse_for: Option<Span>,
}

impl Verb {
    /// What it does to a market, if it is about markets.
    pub(crate) const fn of_market(self) -> Option<MarketVerb> {
        Some(match self {
            Verb::Pause => MarketVerb::Pause,
            Verb::Resume => MarketVerb::Resume,
            Verb::Close => MarketVerb::Close,
            Verb::MoveClose => MarketVerb::MoveClose,
            Verb::Determine => MarketVerb::Determine,
            Verb::Dispute => MarketVerb::Dispute,
            Verb::Amend => MarketVerb::Amend,
            Verb::Settle => MarketVerb::Settle,
            Verb::Grid => MarketVerb::Grid,
            Verb::Rename => MarketVerb::Rename,
            Verb::Shock
            | Verb::TradingPause
            | Verb::TradingResume
            | Verb::ExchangePause
            | Verb::ExchangeResume
            | Verb::Disconnect => return None,
        })
    }

    /// What ends it, if it may last for a while.
    pub(crate) const fn ended_by(self) -> Option<Verb> {
        match self {
            Verb::Pause => Some(Verb::Resume),
            Verb::TradingPause => Some(Verb::TradingResume),
            Verb::ExchangePause => Some(Verb::ExchangeResume),
            _ => None,
        }
    }
}

impl Entry {
    pub(crate) fn terms(&self) -> Terms {
        Terms {
            result: self.result,
            value: self.value.clone(),
            grid: self.grid,
            close_in: self.close_in,
            yes_sub_title: self.yes_sub_title.clone(),
        }
    }

    /// Returns by how much a shock moves the price.
    pub(crate) fn shift(&self) -> Option<Price> {
        let by = self.by.as_deref()?;
        let (sign, size) = match by.strip_prefix('-') {
            Some(size) => (-1, size),
            None => (1, by.strip_prefix('+').unwrap_or(by)),
        };
        units::parse(size, 4).filter(|size| (1..DOLLAR).contains(size)).map(|size| sign * size)
    }

    /// Refuses what cannot be carried out in a scenario with these series.
    pub(crate) fn check(&self, series: &[&str]) -> Result<(), String> {
        let is_shock = self.verb == Verb::Shock;
        let market_verb = self.verb.of_market();
        match (&self.what, market_verb.is_some() || is_shock) {
            (None, true) => return Err("what? give a ticker or a pattern such as KXSIMTEMP-*".to_owned()),
            (Some(_), false) => return Err("what is for markets only".to_owned()),
            (Some(what), true) => check_series(what, series)?,
            (None, false) => {}
        }
        match market_verb {
            Some(verb) => drop(self.terms().steer(verb, 0)?),
            None if self.terms() != Terms::default() => {
                return Err("result, value, grid, close_in and yes_sub_title are for markets only".to_owned());
            }
            None => {}
        }
        if is_shock && (self.shift().is_none() || self.lasts.is_none()) {
            return Err("a shock needs by, in dollars such as \"-0.25\", and for".to_owned());
        }
        let is_disconnect = self.verb == Verb::Disconnect;
        for (name, is_given, takes) in [
            ("by", self.by.is_some(), is_shock),
            ("for", self.lasts.is_some(), is_shock || self.verb.ended_by().is_some()),
            ("how", self.how.is_some(), is_disconnect),
            ("refuse_for", self.refuse_for.is_some(), is_disconnect),
        ] {
            if is_given && !takes {
                return Err(format!("{name} does not go with this"));
            }
        }
        if self.every.is_some_and(|every| every < EVERY_MIN) {
            return Err("every must be at least 1s".to_owned());
        }
        Ok(())
    }
}

/// A pattern must be able to fit a market of the scenario: its part before the first dash names a series.
fn check_series(what: &str, series: &[&str]) -> Result<(), String> {
    let head = what.split('-').next().unwrap_or_default();
    if series.iter().any(|name| fits(head, name)) {
        return Ok(());
    }
    Err(format!("no series \"{head}\"; there are {}", series.join(", ")))
}
