//! One strand: a connection after the other, each with its own numbers, losses and delays, never out of order.

use std::collections::VecDeque;

use outrigger_engine::domain::{Generation, Monotonic, SubscriptionId};
use outrigger_engine::venue::{Channel, FeedState, MarketFrame};

use crate::venue::{Dice, MARKETS};

const TRADES: SubscriptionId = SubscriptionId(900);

/// What comes of the strand.
pub(crate) enum Arrival {
    State(FeedState),
    Subscribed(SubscriptionId, Channel),
    Frame { sid: SubscriptionId, seq: u64, frame: MarketFrame, tells: Option<Tells> },
}

/// Whether a strand's book must be live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Well {
    No,
    /// The keeper has a doubt that this test does not follow.
    Perhaps,
    Yes,
}

/// A frame of a book: the state of the market that it makes.
#[derive(Clone, Copy)]
pub(crate) struct Tells {
    pub(crate) market: usize,
    pub(crate) state: usize,
    pub(crate) is_snapshot: bool,
}

pub(crate) struct Strand {
    pub(crate) index: usize,
    lives: u64,
    pub(crate) generation: Generation,
    pub(crate) is_connected: bool,
    pub(crate) books_sid: SubscriptionId,
    seqs: [u64; 2],
    /// When each arrives.
    on_its_way: VecDeque<(u64, Generation, Arrival)>,
    /// Until then nothing arrives.
    pub(crate) stalled_until: u64,
    /// Until then everything arrives so much later, in milliseconds.
    pub(crate) lags_until: u64,
    pub(crate) lag_ms: u64,
    /// When the next connection begins.
    pub(crate) back_at: u64,
    /// Of each market, whether the present connection has told it without a hole.
    pub(crate) well: [Well; MARKETS],
    /// Of each market, the last state that was told, whatever was lost.
    pub(crate) told: [usize; MARKETS],
    /// The last number of the books that arrived.
    seen: u64,
}

impl Strand {
    pub(crate) fn new(index: usize) -> Strand {
        Strand {
            index,
            lives: 0,
            generation: Generation(0),
            is_connected: false,
            books_sid: SubscriptionId(1),
            seqs: [0; 2],
            on_its_way: VecDeque::new(),
            stalled_until: 0,
            lags_until: 0,
            lag_ms: 0,
            back_at: 0,
            well: [Well::No; MARKETS],
            told: [0; MARKETS],
            seen: 0,
        }
    }

    /// Sends something: it arrives after all that was sent before.
    fn put(&mut self, now_ms: u64, arrival: Arrival, dice: &mut Dice) {
        let before = self.on_its_way.back().map_or(0, |(at, ..)| *at);
        let slow = if dice.below(8) == 0 { dice.below(60) } else { dice.below(4) };
        let lag = if now_ms < self.lags_until { self.lag_ms } else { 0 };
        let at = (now_ms + slow + lag).max(before).max(self.stalled_until);
        self.on_its_way.push_back((at, self.generation, arrival));
    }

    pub(crate) fn connect(&mut self, now_ms: u64, dice: &mut Dice) {
        self.generation = Generation::of(self.index, 2, self.lives);
        self.lives += 1;
        self.is_connected = true;
        (self.stalled_until, self.lags_until) = (0, 0);
        for state in [FeedState::Connecting, FeedState::Authenticating, FeedState::Subscribing] {
            self.put(now_ms, Arrival::State(state), dice);
        }
        self.seqs = [0; 2];
        self.subscribe(now_ms, dice);
        self.put(now_ms, Arrival::Subscribed(TRADES, Channel::Trade), dice);
        self.put(now_ms, Arrival::State(FeedState::Live), dice);
    }

    /// Subscribes the books, again if there was a subscription; snapshots of all have to follow.
    pub(crate) fn subscribe(&mut self, now_ms: u64, dice: &mut Dice) {
        self.books_sid = SubscriptionId(self.books_sid.0 % 800 + 1);
        self.seqs[0] = 0;
        self.put(now_ms, Arrival::Subscribed(self.books_sid, Channel::OrderbookDelta), dice);
    }

    /// Ends the connection: what is on its way is lost, unless it `arrives` first.
    pub(crate) fn cut(&mut self, now_ms: u64, away_ms: u64, arrives: bool, dice: &mut Dice) {
        if !arrives {
            self.on_its_way.clear();
        }
        self.is_connected = false;
        self.back_at = now_ms + away_ms;
        self.put(now_ms, Arrival::State(FeedState::BackingOff), dice);
    }

    pub(crate) fn book(
        &mut self,
        now_ms: u64,
        tells: Tells,
        frame: MarketFrame,
        is_lost: bool,
        dice: &mut Dice,
    ) {
        self.seqs[0] += 1;
        let (sid, seq) = (self.books_sid, self.seqs[0]);
        if is_lost {
            return;
        }
        self.put(now_ms, Arrival::Frame { sid, seq, frame, tells: Some(tells) }, dice);
    }

    pub(crate) fn trade(&mut self, now_ms: u64, frame: MarketFrame, is_lost: bool, dice: &mut Dice) {
        self.seqs[1] += 1;
        let (sid, seq) = (TRADES, self.seqs[1]);
        if !is_lost {
            self.put(now_ms, Arrival::Frame { sid, seq, frame, tells: None }, dice);
        }
    }

    /// Returns what arrives now, and on which connection.
    pub(crate) fn next(&mut self, now_ms: u64) -> Option<(Generation, Arrival)> {
        let (at, ..) = self.on_its_way.front()?;
        let (_, generation, arrival) = (*at <= now_ms).then(|| self.on_its_way.pop_front()).flatten()?;
        Some((generation, arrival))
    }

    /// Follows what an arrival means for the strand's books.
    pub(crate) fn arrived(&mut self, arrival: &Arrival) {
        match arrival {
            Arrival::State(state) if !state.is_admitted() => self.well = [Well::No; MARKETS],
            Arrival::Subscribed(_, Channel::OrderbookDelta) => {
                self.well = [Well::No; MARKETS];
                self.seen = 0;
            }
            Arrival::Frame { seq, tells: Some(Tells { market, state, is_snapshot }), .. } => {
                if *seq != self.seen + 1 {
                    self.well = [Well::No; MARKETS];
                }
                self.seen = *seq;
                self.told[*market] = *state;
                if *is_snapshot && self.well[*market] == Well::No {
                    self.well[*market] = Well::Yes;
                }
            }
            _ => {}
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.on_its_way.is_empty()
    }
}

pub(crate) fn monotonic(ms: u64) -> Monotonic {
    Monotonic(ms * 1_000_000)
}
