//! A naive exchange: markets as plain arrays, changes with an index and a clock, and frames waiting to be numbered.

use std::collections::VecDeque;

use outrigger_engine::domain::Monotonic;

pub(crate) const MARKETS: usize = 16;
pub(crate) const LEVELS: usize = 12;
/// Changes remembered, many more than can be on their way.
const LOG_MAX: usize = 4_096;

pub(crate) type Levels = [[i64; LEVELS]; 2];

/// Small and repeatable.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    /// True `times` in 100,000.
    pub(crate) fn hits(&mut self, times: usize) -> bool {
        self.below(100_000) < times
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) market: usize,
    /// Counts the market's changes.
    pub(crate) index: u64,
    pub(crate) leg: usize,
    pub(crate) level: usize,
    pub(crate) by: i64,
    pub(crate) clock: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Delta(Change),
    /// Everything up to the change of `index`.
    Snapshot {
        market: usize,
        index: u64,
        levels: Levels,
        clock: Option<i64>,
        asked: Option<Monotonic>,
    },
    Ack,
}

#[derive(Default)]
pub(crate) struct Market {
    pub(crate) levels: Levels,
    pub(crate) index: u64,
    clock: i64,
    /// A snapshot of the present clock exists, so no other change may share it.
    is_told: bool,
    log: VecDeque<Change>,
}

impl Market {
    /// Returns the change with `index`.
    pub(crate) fn logged(&self, index: u64) -> Change {
        let first = self.log.front().unwrap().index;
        self.log[(index - first) as usize]
    }
}

/// The exchange's side of one subscription.
pub(crate) struct Venue {
    pub(crate) markets: Vec<Market>,
    /// Whether book messages carry a clock. Without one, a snapshot always is what its place in the sequence says.
    pub(crate) has_clock: bool,
    /// Made, but not yet numbered.
    pub(crate) outgoing: VecDeque<Content>,
    /// Snapshots made that are numbered only after so many more frames.
    delayed: Vec<(usize, Content)>,
}

impl Venue {
    pub(crate) fn new() -> Venue {
        let markets = (0..MARKETS).map(|_| Market::default()).collect();
        Venue { markets, has_clock: true, outgoing: VecDeque::new(), delayed: Vec::new() }
    }

    /// Makes one change somewhere.
    pub(crate) fn trade(&mut self, dice: &mut Dice) {
        let market = dice.below(MARKETS);
        let (leg, level) = (dice.below(2), dice.below(LEVELS));
        let state = &mut self.markets[market];
        let held = state.levels[leg][level];
        let by = match dice.below(4) {
            0 if held > 0 => -held,
            1 if held > 0 => -(dice.below(held as usize) as i64 + 1),
            _ => dice.below(500) as i64 + 1,
        };
        if state.is_told || dice.below(4) > 0 {
            state.clock += 1 + dice.below(3) as i64;
            state.is_told = false;
        }
        state.levels[leg][level] += by;
        state.index += 1;
        let clock = self.has_clock.then_some(state.clock);
        let change = Change { market, index: state.index, leg, level, by, clock };
        if state.log.len() == LOG_MAX {
            state.log.pop_front();
        }
        state.log.push_back(change);
        self.outgoing.push_back(Content::Delta(change));
    }

    /// Makes a snapshot. With a clock it may be numbered before changes it contains, or after changes it lacks.
    pub(crate) fn snapshot(&mut self, market: usize, asked: Option<Monotonic>, dice: &mut Dice) {
        let state = &mut self.markets[market];
        state.is_told = true;
        let (index, levels) = (state.index, state.levels);
        let clock = self.has_clock.then_some(state.clock);
        let content = Content::Snapshot { market, index, levels, clock, asked };
        match dice.below(3) {
            0 if self.has_clock => {
                let at = dice.below(self.outgoing.len() + 1);
                self.outgoing.insert(at, content);
            }
            1 if self.has_clock => self.delayed.push((dice.below(30), content)),
            _ => self.outgoing.push_back(content),
        }
    }

    /// Takes the next content to number, if enough waits.
    pub(crate) fn next(&mut self, dice: &mut Dice) -> Option<Content> {
        for (left, _) in &mut self.delayed {
            *left = left.saturating_sub(1);
        }
        if let Some(due) = self.delayed.iter().position(|(left, _)| *left == 0) {
            self.outgoing.push_back(self.delayed.swap_remove(due).1);
        }
        if dice.hits(300) {
            return Some(Content::Ack);
        }
        (self.outgoing.len() > dice.below(7)).then(|| self.outgoing.pop_front()).flatten()
    }

    /// A new connection or subscription: what waited is gone, and every market's snapshot is on its way.
    pub(crate) fn subscribe(&mut self, dice: &mut Dice) {
        self.outgoing.clear();
        self.delayed.clear();
        for market in 0..MARKETS {
            self.snapshot(market, None, dice);
        }
    }

    /// After maintenance the exchange's clocks may begin anew.
    pub(crate) fn restart_clocks(&mut self) {
        for market in &mut self.markets {
            (market.clock, market.is_told) = (0, true);
        }
    }
}
