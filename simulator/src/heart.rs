//! The exchange's heartbeat: lists markets when due, moves their lives along, and lets the population act.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use crate::host::Exchange;
use crate::population::Population;
use crate::scenario::{Calendar, Scenario};
use crate::time::Pace;
use crate::venue::Venue;
use crate::venue::dice::Dice;

const TICK: Duration = Duration::from_millis(20);
const TICK_US: i64 = 20_000;
/// Settled markets stay readable this long.
const SETTLED_KEPT_US: i64 = 60 * 60 * 1_000_000;

/// Everything that moves the exchange by itself.
#[derive(Debug)]
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
        scenario.collections.iter().for_each(|plan| plan.open(venue, now_us));
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

/// A heart in its exchange. None beats where a recording is served.
#[derive(Debug)]
pub(crate) struct Pulse {
    exchange: Arc<Exchange>,
    heart: Mutex<Option<Heart>>,
}

impl Pulse {
    pub(crate) fn new(exchange: Arc<Exchange>, heart: Option<Heart>) -> Pulse {
        Pulse { exchange, heart: Mutex::new(heart) }
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn beat(&self, now_us: i64) {
        if let Some(heart) = self.heart.lock().as_mut() {
            self.exchange.with(|venue| heart.beat(venue, now_us));
        }
    }

    /// Moves a stepped exchange on by `ms`, one tick after the other; another exchange moves by itself.
    pub(crate) fn step(&self, ms: u32) {
        let clock = self.exchange.clock();
        if clock.pace() != Pace::Stepped {
            return;
        }
        let end_us = clock.now_us().saturating_add(i64::from(ms) * 1_000);
        while clock.now_us() < end_us {
            clock.step_to(clock.now_us().saturating_add(TICK_US).min(end_us));
            self.beat(clock.now_us());
        }
        self.exchange.wake();
    }

    /// Beats until `stop` is set, unless time only moves in steps.
    pub(crate) fn start(self: Arc<Self>, stop: Arc<AtomicBool>) -> io::Result<Option<JoinHandle<()>>> {
        if self.heart.lock().is_none() || self.exchange.clock().pace() == Pace::Stepped {
            return Ok(None);
        }
        let beating = move || {
            while !stop.load(Relaxed) {
                self.beat(self.exchange.now_us());
                thread::sleep(TICK);
            }
        };
        thread::Builder::new().name("exchange-clock".to_owned()).spawn(beating).map(Some)
    }
}
