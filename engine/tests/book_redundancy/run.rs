//! One run: the exchange, both strands, the keeper, and what goes wrong between them.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use outrigger_engine::book::{BookCounters, Keeper, KeeperOutput};
use outrigger_engine::domain::{Generation, Monotonic, Now, SubscriptionId, WallTime};
use outrigger_engine::venue::{FeedItem, MarketFrame, TradesReport, TradesScope};

use crate::oracle::Oracle;
use crate::strand::{Arrival, Strand, Tells, Well, monotonic};
use crate::venue::{Dice, MARKETS, Venue};

/// What happened, over all runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) looks: u64,
    pub(crate) live: u64,
    pub(crate) lost: u64,
    pub(crate) cuts: u64,
    pub(crate) stalls: u64,
    pub(crate) maintenances: u64,
    pub(crate) waited: u64,
    pub(crate) gaps: usize,
    pub(crate) backfilled: u64,
    pub(crate) duplicates: u64,
    pub(crate) first: [u64; 2],
}

/// How often what goes wrong, of 100,000 steps or frames.
#[derive(Clone, Copy)]
pub(crate) struct Faults {
    lost: u64,
    cut: u64,
    stall: u64,
    maintenance: u64,
}

impl Faults {
    /// With holes all the time, so that nothing lasts.
    pub(crate) const MANY: Faults = Faults { lost: 200, cut: 60, stall: 60, maintenance: 12 };
    /// With time for what lasts longer.
    pub(crate) const SOME: Faults = Faults { lost: 20, cut: 25, stall: 60, maintenance: 30 };
    pub(crate) const NONE: Faults = Faults { lost: 0, cut: 0, stall: 0, maintenance: 0 };
}

/// A request for a snapshot, on its way to the exchange.
struct Asked {
    at_ms: u64,
    generation: Generation,
    sid: SubscriptionId,
    /// None of them: the whole subscription anew.
    market: usize,
    asked: Monotonic,
}

pub(crate) struct Run {
    seed: u64,
    faults: Faults,
    dice: Dice,
    venue: Venue,
    strands: [Strand; 2],
    keeper: Keeper,
    counters: Arc<BookCounters>,
    out: KeeperOutput,
    oracle: Oracle,
    asked: Vec<Asked>,
    reads: Vec<(u64, TradesScope)>,
    now_ms: u64,
    swept_ms: u64,
    not_live: u64,
}

impl Run {
    pub(crate) fn new(seed: u64, faults: Faults, has_clock: bool) -> Run {
        let counters = Arc::new(BookCounters::default());
        Run {
            seed,
            faults,
            dice: Dice::new(seed),
            venue: Venue::new(has_clock),
            strands: [Strand::new(0), Strand::new(1)],
            keeper: Keeper::of_two(Arc::clone(&counters), None),
            counters,
            out: KeeperOutput::default(),
            oracle: Oracle::default(),
            asked: Vec::new(),
            reads: Vec::new(),
            now_ms: 1_000,
            swept_ms: 0,
            not_live: 0,
        }
    }

    /// Makes so many steps, then lets everything heal and checks that it did.
    pub(crate) fn go(mut self, steps: u64, tally: &mut Tally) {
        self.steps(steps, tally);
        self.finish(tally);
    }

    pub(crate) fn steps(&mut self, steps: u64, tally: &mut Tally) {
        for _ in 0..steps {
            self.step(tally);
        }
    }

    pub(crate) fn finish(mut self, tally: &mut Tally) {
        self.faults = Faults::NONE;
        self.steps(15_000, tally);
        while self.strands.iter().any(|strand| !strand.is_empty()) {
            self.now_ms += 1;
            self.deliver(tally);
        }
        for market in 0..MARKETS {
            let now = self.venue.markets[market].now();
            assert!(self.look(market, tally), "seed {}: healed at the end", self.seed);
            let told = self.strands.each_ref().map(|strand| strand.told[market]);
            assert_eq!(told, [now; 2], "seed {}: both strands told all", self.seed);
        }
        let missing = self.oracle.missing_trades(&self.venue);
        assert!(missing.is_empty(), "seed {}: trades were never told: {missing:?}", self.seed);
        tally.waited += self.oracle.waited;
        tally.duplicates += self.counters.strand_duplicates.load(Relaxed);
        for (of, first) in tally.first.iter_mut().zip(&self.counters.strand_first) {
            *of += first.load(Relaxed);
        }
    }

    /// Looks at which a book was not live, once it had been.
    pub(crate) fn not_live(&mut self) -> u64 {
        std::mem::take(&mut self.not_live)
    }

    pub(crate) fn cut(&mut self, strand: usize, tally: &mut Tally) {
        tally.cuts += 1;
        let away = 100 + self.dice.below(3_000);
        self.strands[strand].cut(self.now_ms, away, false, &mut self.dice);
    }

    fn step(&mut self, tally: &mut Tally) {
        self.now_ms += 1 + self.dice.below(6);
        self.happenings(tally);
        for index in 0..2 {
            if !self.strands[index].is_connected && self.now_ms >= self.strands[index].back_at {
                self.strands[index].connect(self.now_ms, &mut self.dice);
                self.snapshots(index);
            }
        }
        let (market, state, frame) = self.venue.change(&mut self.dice);
        self.send_book(Tells { market, state, is_snapshot: false }, &frame, tally);
        if self.dice.below(4) == 0 {
            let trade = self.venue.trade(self.now_ms, &mut self.dice);
            let mut is_lost = false;
            for index in 0..2 {
                // What is lost on one strand is often lost on the other as well.
                is_lost = self.is_lost(tally) || (is_lost && self.dice.below(2) == 0);
                let strand = &mut self.strands[index];
                if strand.is_connected {
                    strand.trade(self.now_ms, MarketFrame::Trade(trade.clone()), is_lost, &mut self.dice);
                }
            }
        }
        self.answer();
        self.deliver(tally);
        if self.now_ms - self.swept_ms >= 1_000 {
            self.swept_ms = self.now_ms;
            self.keeper.sweep(monotonic(self.now_ms), &mut self.out);
            self.settle(tally);
            self.look_at_all(tally);
        }
    }

    fn happenings(&mut self, tally: &mut Tally) {
        let Faults { cut, stall, maintenance, .. } = self.faults;
        for index in 0..2 {
            if self.strands[index].is_connected && self.dice.hits(cut) {
                self.cut(index, tally);
            }
            if self.dice.hits(stall) {
                tally.stalls += 1;
                let (ms, is_lag) = (self.dice.below(3_000), self.dice.below(2) == 0);
                let strand = &mut self.strands[index];
                if is_lag {
                    (strand.lag_ms, strand.lags_until) = (ms, self.now_ms + 4_000);
                } else {
                    strand.stalled_until = self.now_ms + ms;
                }
            }
        }
        if self.dice.hits(maintenance) {
            tally.maintenances += 1;
            self.venue.set_clocks_back();
            for strand in &mut self.strands {
                let (away, arrives) = (500 + self.dice.below(4_000), self.dice.below(2) == 0);
                if strand.is_connected {
                    strand.cut(self.now_ms, away, arrives, &mut self.dice);
                }
            }
        }
    }

    fn is_lost(&mut self, tally: &mut Tally) -> bool {
        let is_lost = self.dice.hits(self.faults.lost);
        tally.lost += u64::from(is_lost);
        is_lost
    }

    fn send_book(&mut self, tells: Tells, frame: &MarketFrame, tally: &mut Tally) {
        for index in 0..2 {
            let is_lost = self.is_lost(tally);
            let strand = &mut self.strands[index];
            if strand.is_connected {
                strand.book(self.now_ms, tells, frame.clone(), is_lost, &mut self.dice);
            }
        }
    }

    /// Sends the snapshots a subscription begins with.
    fn snapshots(&mut self, index: usize) {
        for market in 0..MARKETS {
            let (state, frame) = self.venue.snapshot(market);
            let tells = Tells { market, state, is_snapshot: true };
            self.strands[index].book(self.now_ms, tells, frame, false, &mut self.dice);
        }
    }

    /// Answers what has reached the exchange.
    fn answer(&mut self) {
        while let Some(at) = self.asked.iter().position(|asked| asked.at_ms <= self.now_ms) {
            let Asked { generation, sid, market, asked: asked_at, .. } = self.asked.swap_remove(at);
            let index = generation.strand(2);
            let strand = &self.strands[index];
            if !strand.is_connected || (strand.generation, strand.books_sid) != (generation, sid) {
                continue;
            }
            if market == MARKETS {
                self.strands[index].subscribe(self.now_ms, &mut self.dice);
                self.snapshots(index);
                continue;
            }
            let (state, mut frame) = self.venue.snapshot(market);
            if let MarketFrame::Snapshot { asked, .. } = &mut frame {
                *asked = Some(asked_at);
            }
            let tells = Tells { market, state, is_snapshot: true };
            self.strands[index].book(self.now_ms, tells, frame, false, &mut self.dice);
        }
        while let Some(at) = self.reads.iter().position(|(at_ms, _)| *at_ms <= self.now_ms) {
            let (_, scope) = self.reads.swap_remove(at);
            let trades =
                self.venue.trades.iter().filter(|trade| trade.ts_ms >= scope.since).cloned().collect();
            let report = TradesReport { scope, trades, cut_before: None };
            self.keeper.read_back(Ok(report), self.at(), &mut self.out);
        }
    }

    fn deliver(&mut self, tally: &mut Tally) {
        for index in 0..2 {
            while let Some((generation, arrival)) = self.strands[index].next(self.now_ms) {
                self.strands[index].arrived(&arrival);
                let at = self.at();
                let item = match arrival {
                    Arrival::State(state) => {
                        let reason = state.as_str().to_owned();
                        FeedItem::State { generation, state, reason, at }
                    }
                    Arrival::Subscribed(sid, channel) => FeedItem::Subscribed { generation, sid, channel },
                    Arrival::Frame { sid, seq, frame, .. } => {
                        FeedItem::Frame { generation, sid, seq: Some(seq), received: at, frame }
                    }
                };
                self.keeper.apply(item, &mut self.out);
                self.settle(tally);
                self.look_at_all(tally);
            }
        }
    }

    /// Does what the keeper asks for, sometimes in vain.
    fn settle(&mut self, tally: &mut Tally) {
        let out = std::mem::take(&mut self.out);
        for announcement in &out.announcements {
            if let Err(wrong) = self.oracle.announced(announcement, &self.venue) {
                panic!("seed {}, {} ms: {wrong}", self.seed, self.now_ms);
            }
        }
        tally.gaps += out.gaps.len();
        let received = self.at();
        let asked = &mut self.asked;
        let now_ms = self.now_ms;
        let mut ask = |generation, sid, market, ms| {
            asked.push(Asked { at_ms: now_ms + ms, generation, sid, market, asked: received.monotonic });
        };
        for resync in out.resyncs {
            for ticker in resync.tickers {
                let market = self.venue.markets.iter().position(|market| market.ticker == ticker).unwrap();
                let well = &mut self.strands[resync.generation.strand(2)].well[market];
                if *well == Well::Yes {
                    *well = Well::Perhaps;
                }
                if self.dice.below(10) > 0 {
                    ask(resync.generation, resync.sid, market, 1 + self.dice.below(60));
                }
            }
        }
        for renewal in out.renewals {
            for well in &mut self.strands[renewal.generation.strand(2)].well {
                if *well == Well::Yes {
                    *well = Well::Perhaps;
                }
            }
            ask(renewal.generation, renewal.sid, MARKETS, 1 + self.dice.below(200));
        }
        for scope in out.backfills {
            tally.backfilled += 1;
            self.reads.push((self.now_ms + 20 + self.dice.below(300), scope));
        }
    }

    fn look_at_all(&mut self, tally: &mut Tally) {
        for market in 0..MARKETS {
            self.look(market, tally);
        }
    }

    fn look(&mut self, market: usize, tally: &mut Tally) -> bool {
        let view = self.keeper.view(&self.venue.markets[market].ticker, monotonic(self.now_ms));
        let clock = self.keeper.watermark(&self.venue.markets[market].ticker).and_then(|w| w.clock);
        let judged = self.oracle.judge(market, view.as_ref(), clock, &self.venue, &self.strands, self.now_ms);
        let is_live = match judged {
            Ok(is_live) => is_live,
            Err(wrong) => {
                let strands = self.strands.each_ref().map(|strand| {
                    let told = strand.told[market];
                    (
                        strand.generation.0,
                        strand.well[market],
                        told,
                        self.venue.markets[market].states[told].1,
                    )
                });
                panic!("seed {}, {} ms: {wrong}; {strands:?}", self.seed, self.now_ms)
            }
        };
        tally.looks += 1;
        tally.live += u64::from(is_live);
        self.not_live += u64::from(view.is_some() && !is_live);
        is_live
    }

    fn at(&self) -> Now {
        Now { monotonic: monotonic(self.now_ms), wall: WallTime(self.now_ms as i64 * 1_000) }
    }
}
