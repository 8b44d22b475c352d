//! The exchange: markets as plain arrays with all the states they ever had, changes with clocks that some of them share.

use outrigger_engine::domain::{Count, Leg, Price, Side, SignedCount, Ticker, VenueTime};
use outrigger_engine::venue::{BookLevels, MarketFrame, PublicTrade};

pub(crate) const MARKETS: usize = 3;
pub(crate) const LEVELS: usize = 6;

pub(crate) type Levels = [[i64; LEVELS]; 2];

/// Small and repeatable.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    /// True `times` in 100,000.
    pub(crate) fn hits(&mut self, times: u64) -> bool {
        self.below(100_000) < times
    }
}

/// Where a state stands in time: clocks begin anew with each era.
pub(crate) type Position = (u64, i64);

pub(crate) struct Market {
    pub(crate) ticker: Ticker,
    /// Every state it had, the present one last, with its position.
    pub(crate) states: Vec<(Levels, Position)>,
    /// A snapshot of the present clock exists, so no other change may share it.
    is_told: bool,
}

impl Market {
    /// Returns the number of the present state.
    pub(crate) fn now(&self) -> usize {
        self.states.len() - 1
    }
}

pub(crate) struct Venue {
    pub(crate) markets: Vec<Market>,
    pub(crate) has_clock: bool,
    pub(crate) trades: Vec<PublicTrade>,
    era: u64,
}

pub(crate) fn price(level: usize) -> Price {
    Price::from_ten_thousandths(100 + level as u16 * 100).unwrap()
}

impl Venue {
    pub(crate) fn new(has_clock: bool) -> Venue {
        let market = |number| Market {
            ticker: Ticker::new(format!("KXTWO-26NOV21-{number:02}")),
            states: vec![(Levels::default(), (0, 0))],
            is_told: true,
        };
        Venue { markets: (0..MARKETS).map(market).collect(), has_clock, trades: Vec::new(), era: 0 }
    }

    /// Makes a change somewhere. Returns it with its market and the number of the state it makes.
    pub(crate) fn change(&mut self, dice: &mut Dice) -> (usize, usize, MarketFrame) {
        let number = dice.below(MARKETS as u64) as usize;
        let (leg, level) = (dice.below(2) as usize, dice.below(LEVELS as u64) as usize);
        let market = &mut self.markets[number];
        let (mut levels, (_, mut clock)) = *market.states.last().unwrap();
        let held = levels[leg][level];
        let by = match dice.below(3) {
            0 if held > 0 => -held,
            1 if held > 0 => -(dice.below(held as u64) as i64 + 1),
            _ => dice.below(500) as i64 + 1,
        };
        // Half of the changes share the clock of the one before.
        if market.is_told || dice.below(2) == 0 {
            clock += 1 + dice.below(3) as i64;
            market.is_told = false;
        }
        levels[leg][level] += by;
        market.states.push((levels, (self.era, clock)));
        let frame = MarketFrame::Delta {
            ticker: market.ticker.clone(),
            leg: [Leg::Yes, Leg::No][leg],
            price: price(level),
            change: SignedCount::from_hundredths(by).unwrap(),
            clock: self.has_clock.then_some(clock),
            venue_time: None,
        };
        (number, market.now(), frame)
    }

    pub(crate) fn snapshot(&mut self, number: usize) -> (usize, MarketFrame) {
        let market = &mut self.markets[number];
        market.is_told = true;
        let (levels, (_, clock)) = *market.states.last().unwrap();
        let [yes, no] = levels.map(|leg| rows(&leg));
        let (ticker, clock) = (market.ticker.clone(), self.has_clock.then_some(clock));
        (market.now(), MarketFrame::Snapshot { ticker, yes, no, clock, asked: None })
    }

    pub(crate) fn trade(&mut self, now_ms: u64, dice: &mut Dice) -> PublicTrade {
        let market = dice.below(MARKETS as u64) as usize;
        let trade = PublicTrade {
            trade_id: format!("t{}", self.trades.len()).as_str().into(),
            ticker: self.markets[market].ticker.clone(),
            yes_price: price(0),
            count: Count::from_hundredths(100).unwrap(),
            taker_side: Side::Bid,
            ts_ms: VenueTime(now_ms as i64),
        };
        self.trades.push(trade.clone());
        trade
    }

    /// After maintenance clocks begin anew.
    pub(crate) fn set_clocks_back(&mut self) {
        self.era += 1;
        for market in &mut self.markets {
            let (levels, _) = *market.states.last().unwrap();
            market.states.push((levels, (self.era, 0)));
            market.is_told = true;
        }
    }
}

fn rows(levels: &[i64; LEVELS]) -> BookLevels {
    let held = levels.iter().enumerate().filter(|(_, held)| **held > 0);
    held.map(|(at, held)| (price(at), Count::from_hundredths(*held as u64).unwrap())).collect()
}
