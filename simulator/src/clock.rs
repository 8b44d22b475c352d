//! The exchange's heartbeat: a thread that lists markets when due, moves their lives along, and lets the population act.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::host::{Exchange, wall_us};
use crate::population::Population;
use crate::scenario::{Calendar, Scenario};
use crate::venue::Venue;
use crate::venue::dice::Dice;

const TICK: Duration = Duration::from_millis(20);
/// Settled markets stay readable this long.
const SETTLED_KEPT_US: i64 = 60 * 60 * 1_000_000;

/// Everything that moves the exchange by itself.
pub(crate) struct Heart {
    calendar: Calendar,
    population: Population,
    dice: Dice,
    last_us: i64,
}

impl Heart {
    /// Opens the population's accounts; members' accounts must be open already.
    pub(crate) fn new(venue: &mut Venue, scenario: &Scenario, seed: u64, now_us: i64) -> Heart {
        for plan in &scenario.series {
            venue.series.insert(plan.ticker.clone(), plan.described());
        }
        Heart {
            calendar: Calendar::new(scenario.series.clone(), now_us),
            population: Population::new(venue, seed, scenario.acts_per_second, scenario.depth_contracts),
            dice: Dice::new(seed ^ 0x6361_6C65_6E64_6172),
            last_us: now_us,
        }
    }

    pub(crate) fn beat(&mut self, venue: &mut Venue, now_us: i64) {
        for listing in self.calendar.due(now_us, &mut self.dice) {
            venue.list(listing, now_us);
        }
        venue.advance(now_us);
        self.population.act(venue, now_us, (now_us - self.last_us).max(0));
        venue.forget_settled(now_us - SETTLED_KEPT_US);
        self.last_us = now_us;
    }
}

/// Beats until `stop` is set.
pub(crate) fn start(
    exchange: Arc<Exchange>,
    mut heart: Heart,
    stop: Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name("exchange-clock".to_owned()).spawn(move || {
        while !stop.load(Relaxed) {
            exchange.with(|venue| heart.beat(venue, wall_us()));
            thread::sleep(TICK);
        }
    })
}
