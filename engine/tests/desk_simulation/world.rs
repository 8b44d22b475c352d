//! One desk, its disk, its gateway and the exchange, moved by events in the order of their time. Everything random comes
//! from one seed. Here: time, the process and its crashes, what the desk's effects do.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::desk::command::DeskCommand;
use outrigger_engine::desk::{Desk, DeskConfig, DeskInput, DeskState, Effect, Held, WaiterId};
use outrigger_engine::domain::{Generation, Monotonic, Now, OrderId, WallTime};
use outrigger_engine::journal::{Entry, StoredEntry};
use outrigger_engine::planted::{Bug, has};
use outrigger_engine::risk::Limits;
use outrigger_engine::venue::{
    FeedState, PrivateItem, ReportScope, VenueReport, VenueWrite, WriteOutcome, WriteReply,
};

use crate::checks::{Asked, Told};
use crate::dice::Dice;
use crate::disk::Disk;
use crate::gateway::{Gateway, Write};
use crate::venue::Venue;

/// How long after it was signed the venue accepts a request, and what the desk reckons with: that and the travel.
pub(crate) const ACCEPTED_MS: i64 = 400;
const WINDOW_MS: u64 = 500;
const REPORT_INTERVAL_MS: u64 = 2_000;

/// A broken promise.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) promise: &'static str,
    pub(crate) how: String,
}

/// Something that happens at its time.
pub(crate) enum Event {
    /// A request reaches the venue; its answer goes to the call, if the process that made it still waits.
    Arrives {
        call: u64,
        write: VenueWrite,
        signed: i64,
    },
    Answer {
        call: u64,
        outcome: WriteOutcome,
    },
    /// The limiter or the clock window sent it back: proven to have done nothing, so it is tried again.
    Again {
        call: u64,
    },
    Synced {
        life: u64,
    },
    ReadBack {
        life: u64,
        report: Box<Result<VenueReport, String>>,
    },
    News {
        stream: u64,
        item: Box<PrivateItem>,
    },
    StreamUp,
}

/// A request of this process on its way, without an answer so far.
pub(crate) struct Call {
    pub(crate) write: Write,
    pub(crate) fate: crate::wire::Fate,
}

pub(crate) struct World {
    pub(crate) dice: Dice,
    pub(crate) ms: i64,
    /// The venue's clock minus ours.
    pub(crate) skew: i64,
    pub(crate) faulty: bool,
    pub(crate) venue: Venue,
    pub(crate) disk: Disk,
    pub(crate) desk: Desk,
    pub(crate) held: Held,
    pub(crate) gateway: Gateway,
    pub(crate) calls: BTreeMap<u64, Call>,
    events: BTreeMap<(i64, u64), Event>,
    pub(crate) numbers: u64,
    /// Number of the process's life, and of the stream's connection.
    pub(crate) life: u64,
    pub(crate) stream: u64,
    pub(crate) stream_is_up: bool,
    /// Effects until the power goes, if it is about to.
    pub(crate) fuse: Option<u64>,
    pub(crate) durable_ids: BTreeSet<String>,
    pub(crate) asked: BTreeMap<WaiterId, Asked>,
    pub(crate) told: Told,
    pub(crate) broken: Option<Broken>,
    pub(crate) trace: Option<Vec<String>>,
}

/// Notes a line for the one who replays the seed.
macro_rules! note {
    ($world:expr, $($words:tt)*) => {
        if let Some(trace) = &mut $world.trace {
            trace.push(format!("{:>8} ms  {}", $world.ms - $crate::world::START_MS, format!($($words)*)));
        }
    };
}
pub(crate) use note;

pub(crate) const START_MS: i64 = 1_000_000;

fn desk(entries: &[StoredEntry]) -> Desk {
    let mut state = DeskState::default();
    entries.iter().for_each(|entry| state.apply(entry));
    let limits = Limits { max_open_orders: 1_000_000, ..Limits::default() };
    let (acceptance_window_ms, report_interval_ms) = (WINDOW_MS, REPORT_INTERVAL_MS);
    Desk::new(state, DeskConfig { limits, acceptance_window_ms, report_interval_ms })
}

impl World {
    pub(crate) fn new(seed: u64, trace: bool) -> World {
        let mut dice = Dice::new(seed);
        let skew = dice.between(-150, 150);
        let mut world = World {
            dice,
            ms: START_MS,
            skew,
            faulty: true,
            venue: Venue::default(),
            disk: Disk::default(),
            desk: desk(&[]),
            held: Held::default(),
            gateway: Gateway::new(START_MS),
            calls: BTreeMap::new(),
            events: BTreeMap::new(),
            numbers: 0,
            life: 1,
            stream: 1,
            stream_is_up: true,
            fuse: None,
            durable_ids: BTreeSet::new(),
            asked: BTreeMap::new(),
            told: Told::default(),
            broken: None,
            trace: trace.then(Vec::new),
        };
        world.input(DeskInput::Recover);
        world.stream_comes_up();
        world
    }

    /// The venue's time now.
    pub(crate) fn venue_ms(&self) -> i64 {
        self.ms + self.skew
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn after(&mut self, delay_ms: i64, event: Event) {
        let key = (self.ms + delay_ms.max(0), self.number());
        self.events.insert(key, event);
    }

    pub(crate) fn fail(&mut self, promise: &'static str, how: impl FnOnce() -> String) {
        if self.broken.is_none() {
            let how = how();
            note!(self, "{promise} BROKEN: {how}");
            self.broken = Some(Broken { promise, how });
        }
    }

    /// Lets `ms` pass: every event at its time, with all promises checked after each.
    pub(crate) fn pass(&mut self, ms: i64) {
        let until = self.ms + ms;
        while let Some(((at, number), _)) = self.events.first_key_value()
            && *at <= until
            && self.broken.is_none()
        {
            let key = (*at, *number);
            self.ms = self.ms.max(key.0);
            if let Some(event) = self.events.remove(&key) {
                self.happen(event);
                self.settle_down();
            }
        }
        self.ms = self.ms.max(until);
        self.settle_down();
    }

    /// What follows from the last event at once: the wire, the disk, the news, and the look at all promises.
    pub(crate) fn settle_down(&mut self) {
        self.send_what_may_leave();
        if self.disk.begin(&mut self.dice) {
            let is_slow = self.faulty && self.dice.chance(5);
            let delay = if is_slow { self.dice.between(100, 900) } else { self.dice.between(1, 10) };
            self.after(delay, Event::Synced { life: self.life });
        }
        self.tell_news();
        if self.fuse == Some(0) {
            self.crash();
        }
        self.check();
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrives { call, write, signed } => self.arrives(call, &write, signed),
            Event::Answer { call, outcome } => {
                if let Some(call) = self.calls.remove(&call) {
                    self.answer(&call.write, outcome);
                }
            }
            Event::Again { call } => {
                if let Some(call) = self.calls.remove(&call) {
                    self.gateway.ask(Write { tries: call.write.tries + 1, ..call.write });
                }
            }
            Event::Synced { life } if life == self.life => self.synced(),
            Event::ReadBack { life, report } if life == self.life => {
                match report.as_ref() {
                    Ok(report) => note!(
                        self,
                        "read back as of {}: {} orders, {} fills",
                        report.as_of.0 - START_MS,
                        report.orders.len(),
                        report.fills.len()
                    ),
                    Err(reason) => note!(self, "not read back: {reason}"),
                }
                self.input(DeskInput::Report(*report));
            }
            Event::News { stream, item } if stream == self.stream && self.stream_is_up => {
                note!(self, "stream: {item:?}");
                self.input(DeskInput::Private(*item));
            }
            Event::StreamUp => self.stream_comes_up(),
            Event::Synced { .. } | Event::ReadBack { .. } | Event::News { .. } => {}
        }
    }

    fn synced(&mut self) {
        let fresh = self.disk.finish();
        let Some(last) = fresh.last().map(|entry| entry.seq) else { return };
        for entry in fresh {
            if let Entry::IntentRecorded { order } = &entry.entry {
                self.durable_ids.insert(order.client_order_id.as_str().to_owned());
            }
        }
        self.held.committed(last);
        self.release();
    }

    pub(crate) fn input(&mut self, input: DeskInput) {
        if self.fuse == Some(0) {
            return;
        }
        let now = Now { wall: WallTime(self.ms * 1000), monotonic: Monotonic(self.ms as u64 * 1_000_000) };
        let step = self.desk.step(input, now, "sim");
        let (entries, at_once) = self.held.take(step, self.desk.state().seq);
        self.look_at(&entries);
        self.disk.submit(entries);
        for effect in at_once {
            self.perform(effect);
        }
        self.release();
    }

    fn look_at(&mut self, entries: &[StoredEntry]) {
        for entry in entries {
            note!(self, "entry {}: {:?}", entry.seq, entry.entry);
            if let Entry::PositionCorrected { ticker, to, .. } = &entry.entry {
                self.fail("I3", || format!("{ticker} corrected to {to}, although every fill can be read"));
            }
        }
    }

    fn release(&mut self) {
        while let Some((_, effects)) = self.held.release() {
            for effect in effects {
                self.perform(effect);
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match self.fuse {
            Some(0) => return,
            Some(left) => self.fuse = Some(left - 1),
            None => {}
        }
        match effect {
            Effect::Send { order_id, attempt, cleared } => self.ask(order_id, attempt, cleared.into_write()),
            Effect::Cancel { order_id, attempt, write } => self.ask(order_id, attempt, write),
            Effect::Report(scope) => self.read_back(scope),
            Effect::Reply { waiter, answer } => self.replied(waiter, answer),
            Effect::Publish(announcement) => self.published(&announcement),
            Effect::HaltSwitch(mode) => self.gateway.halt.set(mode),
            Effect::Reconciled { .. } => {}
        }
    }

    fn ask(&mut self, order_id: OrderId, attempt: u64, write: VenueWrite) {
        self.gateway.ask(Write { order_id, attempt, write, since: self.ms, tries: 0 });
    }

    pub(crate) fn answer(&mut self, write: &Write, outcome: WriteOutcome) {
        let (order_id, attempt, kind) = (write.order_id, write.attempt, write.write.kind());
        note!(self, "answer to {kind:?} {attempt} of {order_id}: {outcome:?}");
        self.input(DeskInput::Venue(WriteReply { order_id, attempt, kind, outcome }));
    }

    pub(crate) fn command(&mut self, command: DeskCommand, asked: Asked) {
        let waiter = WaiterId(self.number());
        note!(self, "command {waiter:?}: {command:?}");
        self.asked.insert(waiter, asked);
        self.input(DeskInput::Command { command, waiter });
    }

    /// The power goes: memory, queues and what was not synced are gone; requests on the wire may still arrive.
    pub(crate) fn crash(&mut self) {
        let mut replayed = DeskState::default();
        self.disk.all().for_each(|entry| replayed.apply(entry));
        let is_rebuilt = replayed == *self.desk.state();
        let had = self.disk.crash(&mut self.dice);
        note!(self, "CRASH: {} of {had} entries survive", self.disk.durable.len());
        self.life += 1;
        (self.stream, self.stream_is_up) = (self.stream + 1, false);
        self.calls.clear();
        self.asked.clear();
        self.gateway = Gateway::new(self.ms);
        for entry in &self.disk.durable {
            if let Entry::IntentRecorded { order } = &entry.entry {
                self.durable_ids.insert(order.client_order_id.as_str().to_owned());
            }
        }
        self.desk = desk(&self.disk.durable);
        self.held = Held::new(self.desk.state().seq);
        self.check_memory();
        // A halt that is not in the journal must be found by what it promises.
        if !is_rebuilt && !has(Bug::HaltNotDurable) {
            self.fail("I2", || "the journal did not make the state it went with".to_owned());
        }
        // One crash in three is followed by another before long.
        self.fuse = (self.faulty && self.dice.chance(33)).then(|| 1 + self.dice.roll(12));
        let (down, up) = (self.dice.between(0, 300), self.dice.between(10, 400));
        self.ms += down;
        self.input(DeskInput::Recover);
        self.after(up, Event::StreamUp);
    }

    pub(crate) fn stream_goes_down(&mut self) {
        (self.stream, self.stream_is_up) = (self.stream + 1, false);
        let (generation, state) = (Generation(self.stream), FeedState::BackingOff);
        self.input(DeskInput::Private(PrivateItem::StreamState { generation, state }));
        let up = self.dice.between(10, 3_000);
        self.after(up, Event::StreamUp);
    }

    pub(crate) fn stream_comes_up(&mut self) {
        self.stream_is_up = true;
        let (generation, state) = (Generation(self.stream), FeedState::Live);
        self.input(DeskInput::Private(PrivateItem::StreamState { generation, state }));
    }

    fn read_back(&mut self, scope: ReportScope) {
        let (delay, report) = self.read(scope);
        self.after(delay, Event::ReadBack { life: self.life, report: Box::new(report) });
    }
}
