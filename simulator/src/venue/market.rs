//! A market: identity, life, grid, the two sides of its book, and its totals.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::candles::Candles;
use super::combo::Combo;
use super::event::{Side, Ticker};
use super::fees::FeeSchedule;
use super::grid::Grid;
use super::units::{Count, DOLLAR, Price};

const HOUR_US: i64 = 3_600_000_000;
const HOURS_PER_DAY: i64 = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Initialized,
    Active,
    Inactive,
    Closed,
    Determined,
    Disputed,
    Amended,
    Finalized,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Status::Initialized => "initialized",
            Status::Active => "active",
            Status::Inactive => "inactive",
            Status::Closed => "closed",
            Status::Determined => "determined",
            Status::Disputed => "disputed",
            Status::Amended => "amended",
            Status::Finalized => "finalized",
        }
    }
}

/// How a market ends. `value` is what a YES contract pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub result: &'static str,
    pub value: Price,
}

impl Outcome {
    pub const YES: Outcome = Outcome { result: "yes", value: DOLLAR };
    pub const NO: Outcome = Outcome { result: "no", value: 0 };

    /// A YES contract pays a part of the dollar, or all or nothing of it.
    pub fn scalar(value: Price) -> Outcome {
        Outcome { result: "scalar", value: value.clamp(0, DOLLAR) }
    }
}

/// What people are told of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub title: String,
    pub category: String,
    pub frequency: String,
    pub tags: Vec<String>,
}

/// What a market is made from.
#[derive(Debug, Clone)]
pub struct Listing {
    pub ticker: String,
    pub event_ticker: String,
    pub series_ticker: String,
    pub event_title: String,
    pub title: String,
    pub yes_sub_title: String,
    pub exchange_index: i64,
    pub grid: Grid,
    pub fees: FeeSchedule,
    pub open_us: i64,
    pub close_us: i64,
    /// From determination to payout.
    pub settlement_timer_s: i64,
    /// Whether the close may move to an earlier time.
    pub can_close_early: bool,
    /// What it will turn out to be; members learn it at determination.
    pub outcome: Outcome,
    /// Where the population believes it stands when it opens.
    pub first_price: Price,
}

#[derive(Debug, Clone)]
pub struct PublicTrade {
    /// Counts trades of the whole exchange; smaller is earlier.
    pub number: u64,
    pub trade_id: Arc<str>,
    pub yes_price: Price,
    pub count: Count,
    pub taker_side: Side,
    /// Agreed off the book.
    pub is_block_trade: bool,
    pub ts_us: i64,
}

#[derive(Debug, Clone)]
pub struct Market {
    pub listing: Listing,
    pub ticker: Arc<str>,
    pub market_id: Arc<str>,
    pub status: Status,
    pub created_us: i64,
    pub updated_us: i64,
    pub determined_us: Option<i64>,
    pub settled_us: Option<i64>,
    /// Order numbers by price, first come first; bids best last, asks best first.
    pub bids: BTreeMap<Price, VecDeque<u64>>,
    pub asks: BTreeMap<Price, VecDeque<u64>>,
    /// Contracts by price on each side, kept beside the queues.
    pub bid_sizes: BTreeMap<Price, Count>,
    pub ask_sizes: BTreeMap<Price, Count>,
    pub clock: u64,
    pub last_price: Price,
    pub last_size: Count,
    pub volume: Count,
    pub dollar_volume: i64,
    pub open_interest: Count,
    /// Made by members out of other markets.
    pub combo: Option<Combo>,
    /// What its event has of its own.
    pub event_fees: Option<FeeSchedule>,
    pub fee_waiver_until_us: Option<i64>,
    pub trades: VecDeque<PublicTrade>,
    pub candles: Candles,
    /// Contracts traded in each of the last hours, oldest first.
    hours: VecDeque<(i64, Count)>,
}

impl Market {
    pub fn new(listing: Listing, market_id: Arc<str>, now_us: i64) -> Market {
        Market {
            ticker: listing.ticker.as_str().into(),
            market_id,
            status: Status::Initialized,
            created_us: now_us,
            updated_us: now_us,
            determined_us: None,
            settled_us: None,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            bid_sizes: BTreeMap::new(),
            ask_sizes: BTreeMap::new(),
            clock: 0,
            last_price: 0,
            last_size: 0,
            volume: 0,
            dollar_volume: 0,
            open_interest: 0,
            combo: None,
            event_fees: None,
            fee_waiver_until_us: None,
            trades: VecDeque::new(),
            candles: Candles::default(),
            hours: VecDeque::new(),
            listing,
        }
    }

    /// Counts a trade in the hour in which it happened.
    pub(super) fn note_volume(&mut self, count: Count, now_us: i64) {
        let hour = now_us.div_euclid(HOUR_US);
        match self.hours.back_mut() {
            Some((latest, volume)) if *latest == hour => *volume += count,
            _ => self.hours.push_back((hour, count)),
        }
        while self.hours.front().is_some_and(|(oldest, _)| *oldest <= hour - HOURS_PER_DAY) {
            self.hours.pop_front();
        }
    }

    /// Returns the contracts traded in the last 24 hours, in whole hours of the clock.
    pub fn volume_24h(&self, now_us: i64) -> Count {
        let since = now_us.div_euclid(HOUR_US) - HOURS_PER_DAY;
        self.hours.iter().filter(|(hour, _)| *hour > since).map(|(_, volume)| volume).sum()
    }

    pub fn best_bid(&self) -> Option<(Price, Count)> {
        self.bid_sizes.last_key_value().map(|(price, count)| (*price, *count))
    }

    pub fn best_ask(&self) -> Option<(Price, Count)> {
        self.ask_sizes.first_key_value().map(|(price, count)| (*price, *count))
    }

    /// Returns the best price an order on `side` would trade with.
    pub fn best_against(&self, side: Side) -> Option<Price> {
        match side {
            Side::Bid => self.best_ask().map(|(price, _)| price),
            Side::Ask => self.best_bid().map(|(price, _)| price),
        }
    }

    pub fn queue(&mut self, side: Side, price: Price) -> &mut VecDeque<u64> {
        match side {
            Side::Bid => self.bids.entry(price).or_default(),
            Side::Ask => self.asks.entry(price).or_default(),
        }
    }

    /// YES bids, worst first, at YES prices.
    pub fn yes_levels(&self) -> impl DoubleEndedIterator<Item = (Price, Count)> + '_ {
        self.bid_sizes.iter().map(|(price, count)| (*price, *count))
    }

    /// NO bids, worst first, at NO prices: the asks seen from the other leg.
    pub fn no_levels(&self) -> impl DoubleEndedIterator<Item = (Price, Count)> + '_ {
        self.ask_sizes.iter().rev().map(|(price, count)| (DOLLAR - price, *count))
    }

    pub fn ticker_view(&self, now_us: i64) -> Ticker {
        let (yes_bid, yes_bid_size) = self.best_bid().unwrap_or((0, 0));
        let (yes_ask, yes_ask_size) = self.best_ask().unwrap_or((DOLLAR, 0));
        Ticker {
            ticker: Arc::clone(&self.ticker),
            market_id: Arc::clone(&self.market_id),
            last_price: self.last_price,
            yes_bid,
            yes_bid_size,
            yes_ask,
            yes_ask_size,
            last_trade_size: self.last_size,
            volume: self.volume,
            open_interest: self.open_interest,
            dollar_volume: self.dollar_volume / 1_000_000,
            dollar_open_interest: self.open_interest / 100,
            ts_us: now_us,
        }
    }
}
