//! The way from the exchange to the keeper, and all that can go wrong on it.

use std::collections::VecDeque;

use outrigger_engine::book::{Keeper, KeeperOutput, Trust};
use outrigger_engine::domain::{Generation, Leg, Monotonic, Now, SignedCount, SubscriptionId};
use outrigger_engine::venue::{FeedItem, MarketFrame};

use crate::truth::{Truth, price, rows};
use crate::venue::{Content, Dice, MARKETS, Venue};

/// What happened, over all runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) frames: u64,
    /// Frames after which the book they were about was live, and equal to the truth.
    pub(crate) live: u64,
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) late: u64,
    pub(crate) unreadable: u64,
    pub(crate) impossible: u64,
    pub(crate) resets: u64,
    pub(crate) renewals: u64,
    pub(crate) reconnects: u64,
    pub(crate) grids: u64,
    /// Frames of connections and subscriptions that were over.
    pub(crate) retired: u64,
}

/// A numbered frame.
#[derive(Clone)]
struct Sent {
    generation: Generation,
    sid: SubscriptionId,
    seq: u64,
    content: Content,
}

/// A request for a snapshot, on its way to the exchange.
struct Asked {
    left: usize,
    market: usize,
    asked: Monotonic,
}

const LIFECYCLE: SubscriptionId = SubscriptionId(1_000);
const MILLISECOND: u64 = 1_000_000;

mod faults;

pub(crate) struct Run {
    seed: u64,
    dice: Dice,
    venue: Venue,
    truth: Truth,
    keeper: Keeper,
    out: KeeperOutput,
    generation: Generation,
    sid: SubscriptionId,
    seq: u64,
    /// The highest number delivered.
    seen: u64,
    renew_in: Option<usize>,
    now: Monotonic,
    /// Numbered, and not yet reached by what was delivered.
    unreached: VecDeque<(u64, usize, u64)>,
    held: Vec<(usize, Sent)>,
    recent: VecDeque<Sent>,
    asked: Vec<Asked>,
    /// Whose first snapshot on the subscription came; the feed asks for the others, from time to time.
    told: [bool; MARKETS],
    reminded: Monotonic,
    has_faults: bool,
}

impl Run {
    pub(crate) fn new(seed: u64) -> Run {
        let mut run = Run {
            seed,
            dice: Dice::new(seed),
            venue: Venue::new(),
            truth: Truth::new(),
            keeper: Keeper::default(),
            out: KeeperOutput::default(),
            generation: Generation(0),
            sid: SubscriptionId(1),
            seq: 0,
            seen: 0,
            renew_in: None,
            now: Monotonic(0),
            unreached: VecDeque::new(),
            held: Vec::new(),
            recent: VecDeque::new(),
            asked: Vec::new(),
            told: [false; MARKETS],
            reminded: Monotonic(0),
            has_faults: true,
        };
        run.reconnect();
        run
    }

    /// Makes so many changes, then lets everything heal and checks that it did.
    pub(crate) fn go(mut self, deltas: u64, tally: &mut Tally) {
        for step in 0..deltas {
            self.step(step, tally);
        }
        self.has_faults = false;
        for step in 0..20_000 {
            self.step(step, tally);
        }
        for market in 0..MARKETS {
            let view = self.keeper.view(self.truth.ticker(market), self.now);
            let live = self.truth.check(market, view.as_ref());
            assert_eq!(live, Ok(true), "seed {}: healed at the end", self.seed);
        }
    }

    fn step(&mut self, step: u64, tally: &mut Tally) {
        self.venue.trade(&mut self.dice);
        if self.has_faults {
            self.happenings(tally);
        }
        self.answer_requests();
        while let Some(content) = self.venue.next(&mut self.dice) {
            self.number(content, tally);
        }
        let (due, rest) = std::mem::take(&mut self.held).into_iter().partition(|(left, _)| *left == 0);
        self.held = rest;
        self.held.iter_mut().for_each(|(left, _)| *left -= 1);
        let due: Vec<(usize, Sent)> = due;
        for (_, sent) in due {
            self.deliver(&sent, tally);
        }
        if step.is_multiple_of(64) {
            self.keeper.sweep(self.now, &mut self.out);
            self.settle(tally);
            self.remind();
            self.check_all();
        }
    }

    fn answer_requests(&mut self) {
        if let Some(left) = &mut self.renew_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.subscribe(SubscriptionId(self.sid.0 + 10));
            }
        }
        self.asked.iter_mut().for_each(|asked| asked.left = asked.left.saturating_sub(1));
        while let Some(at) = self.asked.iter().position(|asked| asked.left == 0) {
            let Asked { market, asked, .. } = self.asked.swap_remove(at);
            self.venue.snapshot(market, Some(asked), &mut self.dice);
        }
    }

    fn remind(&mut self) {
        if self.now.millis_since(self.reminded) >= 5_000 {
            self.reminded = self.now;
            for market in (0..MARKETS).filter(|market| !self.told[*market]) {
                self.asked.push(Asked { left: 10, market, asked: self.now });
            }
        }
    }

    /// Numbers a frame and sends it into the pipe.
    fn number(&mut self, content: Content, tally: &mut Tally) {
        self.seq += 1;
        if let Content::Delta(change) = &content {
            self.unreached.push_back((self.seq, change.market, change.index));
        }
        let sent = Sent { generation: self.generation, sid: self.sid, seq: self.seq, content };
        if !self.has_faults {
            return self.deliver(&sent, tally);
        }
        match self.dice.below(100_000) {
            0..100 => tally.lost += 1,
            100..300 => {
                self.deliver(&sent, tally);
                tally.repeated += 1;
                self.deliver(&sent, tally);
            }
            300..400 => {
                tally.late += 1;
                self.held.push((self.dice.below(3), sent));
            }
            400..430 => self.spoil(&sent, MarketFrame::Unreadable { reason: "spoilt".into() }, tally),
            430..460 => {
                let market = self.dice.below(MARKETS);
                let frame = self.impossible(market);
                self.spoil(&sent, frame, tally);
            }
            _ => self.deliver(&sent, tally),
        }
    }

    /// Notes that a number of the present subscription was delivered.
    fn arrive(&mut self, seq: u64, is_numbered: bool) {
        if is_numbered && seq > self.seen {
            self.seen = seq;
            self.reach(seq);
        }
    }

    fn reach(&mut self, seq: u64) {
        while let Some((at, market, index)) = self.unreached.front().copied()
            && at <= seq
        {
            self.unreached.pop_front();
            self.truth.reach(market, index, &self.venue.markets[market]);
        }
    }

    fn deliver(&mut self, sent: &Sent, tally: &mut Tally) {
        let is_present = sent.generation == self.generation && sent.sid == self.sid;
        let is_ahead = is_present && sent.seq > self.seen;
        let is_gap = is_ahead && self.seen > 0 && sent.seq > self.seen + 1;
        tally.retired += u64::from(!is_present);
        if is_present {
            self.arrive(sent.seq, true);
        }
        let (market, frame) = match &sent.content {
            Content::Ack => (None, MarketFrame::Ack),
            Content::Delta(change) => {
                let leg = [Leg::Yes, Leg::No][change.leg];
                let by = SignedCount::from_hundredths(change.by).unwrap();
                let (ticker, price) = (self.truth.ticker(change.market).clone(), price(change.level));
                let (clock, venue_time) = (change.clock, None);
                let frame = MarketFrame::Delta { ticker, leg, price, change: by, clock, venue_time };
                (Some(change.market), frame)
            }
            Content::Snapshot { market, index, levels: [yes, no], clock, asked } => {
                if is_ahead {
                    self.told[*market] = true;
                    self.truth.reach(*market, *index, &self.venue.markets[*market]);
                }
                let ticker = self.truth.ticker(*market).clone();
                let (yes, no, clock, asked) = (rows(yes), rows(no), *clock, *asked);
                (Some(*market), MarketFrame::Snapshot { ticker, yes, no, clock, asked })
            }
        };
        self.apply(sent, Some(sent.seq), frame, tally);
        if is_gap && !matches!(sent.content, Content::Snapshot { .. }) {
            self.check_none_live("after a gap");
        }
        if let Some(market) = market {
            tally.frames += 1;
            tally.live += u64::from(self.check(market));
        }
        if self.recent.len() == 64 {
            self.recent.pop_front();
        }
        self.recent.push_back(sent.clone());
    }

    fn apply(&mut self, sent: &Sent, seq: Option<u64>, frame: MarketFrame, tally: &mut Tally) {
        self.now = Monotonic(self.now.0 + MILLISECOND);
        let received = Now { monotonic: self.now, ..Now::default() };
        let (generation, sid) = (sent.generation, sent.sid);
        self.keeper.apply(FeedItem::Frame { generation, sid, seq, received, frame }, &mut self.out);
        self.settle(tally);
    }

    /// Does what the keeper asks for, or loses it.
    fn settle(&mut self, tally: &mut Tally) {
        let out = std::mem::take(&mut self.out);
        for announcement in &out.announcements {
            self.truth.announced(announcement);
        }
        for resync in out.resyncs.into_iter().filter(|resync| resync.sid == self.sid) {
            for ticker in resync.tickers {
                let market = self.truth.market(&ticker);
                for _ in 0..[1, 1, 1, 1, 1, 1, 1, 2, 0][self.dice.below(9)] {
                    let left = 1 + self.dice.below(30);
                    self.asked.push(Asked { left, market, asked: self.now });
                }
            }
        }
        if out.renewals.iter().any(|renewal| (renewal.generation, renewal.sid) == (self.generation, self.sid))
            && self.renew_in.is_none()
        {
            tally.renewals += 1;
            self.renew_in = Some(1 + self.dice.below(30));
        }
    }

    fn check(&self, market: usize) -> bool {
        let view = self.keeper.view(self.truth.ticker(market), self.now);
        match self.truth.check(market, view.as_ref()) {
            Ok(is_live) => is_live,
            Err(difference) => panic!("seed {}, {} ms: {difference}", self.seed, self.now.0 / MILLISECOND),
        }
    }

    fn check_all(&self) {
        for market in 0..MARKETS {
            self.check(market);
            let view = self.keeper.view(self.truth.ticker(market), self.now);
            self.truth.check_mirror(market, view.as_ref());
        }
    }

    fn check_none_live(&self, when: &str) {
        for market in 0..MARKETS {
            let view = self.keeper.view(self.truth.ticker(market), self.now);
            let is_live = view.is_some_and(|view| view.trust == Trust::Live);
            assert!(!is_live, "seed {}: {} live {when}", self.seed, self.truth.ticker(market));
        }
    }
}
