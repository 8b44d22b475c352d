//! Carries out the schedule of a scenario: each entry at its time, in the order of the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::faults::Cut;
use crate::population::Population;
use crate::scenario::pattern::fits;
use crate::scenario::schedule::{Entry, Verb};
use crate::venue::Venue;
use crate::venue::refusal::Refusal;

/// All sockets are to end, and upgrades refused for so many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disconnect {
    pub(crate) how: Cut,
    pub(crate) refuse_ms: i64,
}

/// What is still to come, by time and then in the order in which it was planned.
#[derive(Debug)]
pub(crate) struct Script {
    coming: BTreeMap<(i64, u64), Entry>,
    planned: u64,
}

impl Script {
    pub(crate) fn new(schedule: &[Entry], start_us: i64) -> Script {
        let mut script = Script { coming: BTreeMap::new(), planned: 0 };
        schedule.iter().for_each(|entry| script.plan(start_us.saturating_add(entry.at.0), entry.clone()));
        script
    }

    fn plan(&mut self, at_us: i64, entry: Entry) {
        self.planned += 1;
        self.coming.insert((at_us, self.planned), entry);
    }

    /// Does what is due, and returns how sockets end by it.
    pub(crate) fn run(
        &mut self,
        venue: &mut Venue,
        population: &mut Population,
        now_us: i64,
    ) -> Vec<Disconnect> {
        let mut cuts = Vec::new();
        while let Some(first) = self.coming.first_entry()
            && first.key().0 <= now_us
        {
            let ((at_us, _), entry) = first.remove_entry();
            cuts.extend(act(&entry, venue, population, now_us));
            if let (Some(verb), Some(lasts)) = (entry.verb.ended_by(), entry.lasts) {
                self.plan(
                    at_us.saturating_add(lasts.0),
                    Entry { verb, lasts: None, every: None, ..entry.clone() },
                );
            }
            if let Some(every) = entry.every {
                self.plan(at_us.saturating_add(every.0), entry);
            }
        }
        cuts
    }
}

fn act(entry: &Entry, venue: &mut Venue, population: &mut Population, now_us: i64) -> Option<Disconnect> {
    let resume_us = entry.lasts.map(|lasts| now_us.saturating_add(lasts.0));
    match entry.verb {
        Verb::TradingPause => {
            venue.set_trading_paused(true, now_us);
            venue.hours.resume_us = resume_us;
        }
        Verb::TradingResume => venue.set_trading_paused(false, now_us),
        Verb::ExchangePause => {
            venue.set_exchange_paused(true, now_us);
            venue.hours.resume_us = resume_us;
        }
        Verb::ExchangeResume => venue.set_exchange_paused(false, now_us),
        Verb::Disconnect => {
            let refuse_ms = entry.refuse_for.map_or(0, |span| span.0.div_euclid(1_000));
            return Some(Disconnect { how: entry.how.unwrap_or_default(), refuse_ms });
        }
        Verb::Shock => {
            let (by, lasts_us) = (entry.shift().unwrap_or(0), entry.lasts.map_or(0, |lasts| lasts.0));
            for ticker in concerned(entry, venue) {
                population.shock(venue, &ticker, by, lasts_us, now_us);
            }
        }
        _ => {
            for ticker in concerned(entry, venue) {
                if let Err(refusal) = steer(entry, venue, &ticker, now_us) {
                    let reason = refusal.details.unwrap_or(refusal.message);
                    tracing::debug!(event = "schedule_skipped", %ticker, reason, "the market is not in a state for this");
                }
            }
        }
    }
    None
}

fn steer(entry: &Entry, venue: &mut Venue, ticker: &str, now_us: i64) -> Result<(), Refusal> {
    let Some(verb) = entry.verb.of_market() else { return Ok(()) };
    let steer = entry.terms().steer(verb, now_us).map_err(Refusal::bad_request)?;
    venue.steer(ticker, steer, now_us)
}

/// Returns the markets that an entry is about.
fn concerned(entry: &Entry, venue: &Venue) -> Vec<Arc<str>> {
    let Some(what) = &entry.what else { return Vec::new() };
    venue.markets.keys().filter(|ticker| fits(what, ticker)).cloned().collect()
}
