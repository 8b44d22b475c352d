//! The exchange's heartbeat: lists markets when due, moves their lives along, and lets the population act.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::faults::{Cut, Faults};
use crate::host::Exchange;
use crate::population::Population;
use crate::scenario::{Calendar, Scenario};
use crate::script::{Disconnect, Script};
use crate::time::Pace;
use crate::venue::Venue;
use crate::venue::dice::Dice;

const TICK: Duration = Duration::from_millis(20);
const TICK_US: i64 = 20_000;
/// A step waits so long in all for sockets that do not keep up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Settled markets stay readable this long.
const SETTLED_KEPT_US: i64 = 60 * 60 * 1_000_000;

/// Everything that moves the exchange by itself.
#[derive(Debug)]
pub(crate) struct Heart {
    calendar: Calendar,
    population: Population,
    script: Script,
    /// Pauses by the clock that sockets were ended for.
    turns: u64,
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
        venue.hours.thursday_pause = scenario.thursday_pause;
        venue.cancel_all_tail_us = scenario.cancel_all_tail_ms.saturating_mul(1_000);
        Heart {
            script: Script::new(&scenario.schedule, now_us),
            turns: 0,
            calendar: Calendar::new(scenario.series.clone(), now_us),
            population: Population::new(venue, seed, scenario.acts_per_second, scenario.depth_contracts),
            dice: Dice::new(seed ^ 0x6361_6C65_6E64_6172),
            last_us: now_us,
        }
    }

    /// Lets everything happen that is due, and returns how sockets end by it.
    pub(crate) fn beat(&mut self, venue: &mut Venue, now_us: i64) -> Vec<Disconnect> {
        for listing in self.calendar.due(now_us, &mut self.dice) {
            venue.list(listing, now_us);
        }
        venue.advance(now_us);
        let mut cuts = self.script.run(venue, &mut self.population, now_us);
        if venue.hours.turns != self.turns {
            self.turns = venue.hours.turns;
            cuts.push(Disconnect { how: Cut::Close, refuse_ms: 0 });
        }
        self.population.act(venue, now_us, (now_us - self.last_us).max(0));
        venue.forget_settled(now_us - SETTLED_KEPT_US);
        self.last_us = now_us;
        cuts
    }
}

fn drop_sockets(faults: &Faults, cut: Disconnect) {
    let sockets = faults.cut(cut.how, cut.refuse_ms);
    tracing::info!(event = "exchange_disconnects", sockets, "all sockets end as planned");
}

/// A heart in its exchange. None beats where a recording is served.
#[derive(Debug)]
pub(crate) struct Pulse {
    exchange: Arc<Exchange>,
    heart: Mutex<Option<Heart>>,
    /// What ends sockets, if anything may.
    faults: Option<Faults>,
}

impl Pulse {
    pub(crate) fn new(exchange: Arc<Exchange>, heart: Option<Heart>, faults: Option<Faults>) -> Pulse {
        Pulse { exchange, heart: Mutex::new(heart), faults }
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    fn beat(&self, now_us: i64) {
        if let Some(heart) = self.heart.lock().as_mut() {
            let cuts = self.exchange.with(|venue| heart.beat(venue, now_us));
            let Some(faults) = &self.faults else { return };
            cuts.into_iter().for_each(|cut| drop_sockets(faults, cut));
        }
    }

    /// Moves a stepped exchange on by `ms`, one tick after the other, each told to all sockets before the next; another
    /// exchange moves by itself.
    pub(crate) fn step(&self, ms: u32) {
        let clock = self.exchange.clock();
        if clock.pace() != Pace::Stepped {
            return;
        }
        let patience = Instant::now() + PATIENCE;
        self.exchange.settle_until(patience);
        let end_us = clock.now_us().saturating_add(i64::from(ms) * 1_000);
        while clock.now_us() < end_us {
            clock.step_to(clock.now_us().saturating_add(TICK_US).min(end_us));
            self.beat(clock.now_us());
            self.exchange.settle_until(patience);
        }
        self.exchange.wake();
        self.exchange.settle_until(patience);
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
