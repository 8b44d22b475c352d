//! Candlesticks of one market: quotes, trades, volume and open interest by minute, folded into hours and days.
//!
//! Bounded, and cheap to keep: a change touches the current minute only, a minute that is over is folded once.
//! Periods in which nothing changed have no candle. Periods are aligned to Unix time.

use std::collections::VecDeque;

use super::units::{Count, DOLLAR, Micros, Price};

const MINUTE_US: i64 = 60_000_000;
const HOUR_MIN: i64 = 60;
const DAY_MIN: i64 = 1_440;
/// Candles kept of each length: two days of minutes, two months of hours, a year of days.
const MINUTES_KEPT: usize = 2_880;
const HOURS_KEPT: usize = 1_440;
const DAYS_KEPT: usize = 366;

/// First, lowest, highest and last price of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ohlc {
    pub open: Price,
    pub low: Price,
    pub high: Price,
    pub close: Price,
}

impl Ohlc {
    const fn at(price: Price) -> Ohlc {
        Ohlc { open: price, low: price, high: price, close: price }
    }

    fn note(&mut self, price: Price) {
        self.low = self.low.min(price);
        self.high = self.high.max(price);
        self.close = price;
    }

    fn append(&mut self, later: Ohlc) {
        self.low = self.low.min(later.low);
        self.high = self.high.max(later.high);
        self.close = later.close;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candle {
    /// The end of the period, in Unix minutes.
    pub end_min: i64,
    pub bid: Ohlc,
    pub ask: Ohlc,
    /// None where nothing traded.
    pub price: Option<Ohlc>,
    /// Price times count over the trades.
    cost: Micros,
    pub volume: Count,
    pub open_interest: Count,
    /// The last price before the period.
    pub previous: Option<Price>,
}

impl Candle {
    /// The first of a market: nobody has quoted yet.
    const fn first(end_min: i64) -> Candle {
        Candle {
            end_min,
            bid: Ohlc::at(0),
            ask: Ohlc::at(DOLLAR),
            price: None,
            cost: 0,
            volume: 0,
            open_interest: 0,
            previous: None,
        }
    }

    /// Returns the average price of the contracts traded.
    pub fn mean(&self) -> Option<Price> {
        (self.volume > 0).then(|| (self.cost + self.volume / 2) / self.volume)
    }

    /// Returns the last price known at the end of the period.
    pub fn last(&self) -> Option<Price> {
        self.price.map(|price| price.close).or(self.previous)
    }

    fn append(&mut self, later: &Candle) {
        self.bid.append(later.bid);
        self.ask.append(later.ask);
        match (&mut self.price, later.price) {
            (Some(price), Some(later)) => price.append(later),
            (price @ None, later) => *price = later,
            (Some(_), None) => {}
        }
        self.cost += later.cost;
        self.volume += later.volume;
        self.open_interest = later.open_interest;
    }

    /// Returns the candle that carries this one on to a later period in which nothing happened.
    fn projected(&self, end_min: i64) -> Candle {
        let (bid, ask) = (Ohlc::at(self.bid.close), Ohlc::at(self.ask.close));
        Candle { end_min, bid, ask, price: None, cost: 0, volume: 0, previous: self.last(), ..*self }
    }
}

/// Which candles are asked for. Times are Unix seconds, both included; they are compared with the ends of periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleRange {
    pub start_s: i64,
    pub end_s: i64,
    pub period_min: i64,
    /// Begin with what was known before the range.
    pub with_latest_before: bool,
}

impl CandleRange {
    /// Returns how many periods end inside the range.
    pub fn periods(&self) -> i64 {
        let length_s = self.period_min.max(1).saturating_mul(60);
        let whole = self.end_s.div_euclid(length_s) - (self.start_s.saturating_sub(1)).div_euclid(length_s);
        whole.max(0)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Candles {
    current: Option<Candle>,
    /// Finished minutes, and the longer periods made of them.
    minutes: VecDeque<Candle>,
    hours: VecDeque<Candle>,
    days: VecDeque<Candle>,
}

impl Candles {
    pub(super) fn note_quote(&mut self, bid: Price, ask: Price, open_interest: Count, now_us: i64) {
        let minute = self.minute(now_us);
        minute.bid.note(bid);
        minute.ask.note(ask);
        minute.open_interest = open_interest;
    }

    pub(super) fn note_trade(&mut self, price: Price, count: Count, now_us: i64) {
        let minute = self.minute(now_us);
        match &mut minute.price {
            Some(prices) => prices.note(price),
            none => *none = Some(Ohlc::at(price)),
        }
        minute.cost += price * count;
        minute.volume += count;
    }

    /// Returns the candles of a range, oldest first.
    pub fn of(&self, range: CandleRange) -> Vec<Candle> {
        let period = range.period_min.max(1);
        let all = self.by_period(period);
        let ends_s = |candle: &Candle| candle.end_min * 60;
        let inside = all.iter().filter(|candle| (range.start_s..=range.end_s).contains(&ends_s(candle)));
        let mut candles: Vec<Candle> = inside.copied().collect();
        let first_end = range.start_s.div_euclid(60).div_euclid(period) * period + period;
        let is_known = candles.first().is_some_and(|candle| candle.end_min <= first_end);
        if range.with_latest_before
            && !is_known
            && let Some(before) = all.iter().rfind(|candle| ends_s(candle) < range.start_s)
        {
            candles.insert(0, before.projected(first_end));
        }
        candles
    }

    /// Returns what was known at a time: the last candle that ended by then.
    pub fn at(&self, at_us: i64) -> Option<Candle> {
        let at_min = at_us.div_euclid(MINUTE_US);
        let before = |candles: &VecDeque<Candle>| candles.partition_point(|candle| candle.end_min <= at_min);
        let latest = |candles: &VecDeque<Candle>| candles.get(before(candles).checked_sub(1)?).copied();
        let current = self.current.filter(|current| current.end_min <= at_min);
        current.or_else(|| latest(&self.minutes)).or_else(|| latest(&self.hours))
    }

    fn by_period(&self, period: i64) -> Vec<Candle> {
        let source = match period {
            period if period % DAY_MIN == 0 => &self.days,
            period if period % HOUR_MIN == 0 => &self.hours,
            _ => &self.minutes,
        };
        let mut folded = VecDeque::new();
        source.iter().chain(&self.current).for_each(|candle| fold(&mut folded, candle, period, usize::MAX));
        folded.into()
    }

    /// Returns the candle of the minute that it is, after folding the one before.
    fn minute(&mut self, now_us: i64) -> &mut Candle {
        let end_min = now_us.div_euclid(MINUTE_US) + 1;
        // Time never goes back.
        if self.current.is_some_and(|current| current.end_min < end_min) {
            self.finish();
        }
        self.current.get_or_insert_with(|| {
            let projected = self.minutes.back().map(|before| before.projected(end_min));
            projected.unwrap_or_else(|| Candle::first(end_min))
        })
    }

    fn finish(&mut self) {
        let Some(over) = self.current.take() else { return };
        fold(&mut self.minutes, &over, 1, MINUTES_KEPT);
        fold(&mut self.hours, &over, HOUR_MIN, HOURS_KEPT);
        fold(&mut self.days, &over, DAY_MIN, DAYS_KEPT);
    }
}

/// Adds a candle to the longer one that it is part of.
fn fold(longer: &mut VecDeque<Candle>, candle: &Candle, period: i64, kept: usize) {
    let end_min = (candle.end_min - 1).div_euclid(period) * period + period;
    match longer.back_mut() {
        Some(latest) if latest.end_min == end_min => latest.append(candle),
        _ => longer.push_back(Candle { end_min, ..*candle }),
    }
    if longer.len() > kept {
        longer.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_US: i64 = 1_000_000;

    fn range(start_s: i64, end_s: i64, period_min: i64) -> CandleRange {
        CandleRange { start_s, end_s, period_min, with_latest_before: false }
    }

    /// Quotes and trades in minutes 0, 1 and 90.
    fn traded() -> Candles {
        let mut candles = Candles::default();
        candles.note_quote(4_000, 6_000, 0, SECOND_US);
        candles.note_trade(6_000, 100, 2 * SECOND_US);
        candles.note_trade(5_000, 300, 3 * SECOND_US);
        candles.note_quote(4_500, 5_500, 400, 4 * SECOND_US);
        candles.note_quote(4_200, 5_600, 400, 61 * SECOND_US);
        candles.note_trade(4_200, 200, 90 * MINUTE_US);
        candles.note_quote(4_100, 5_600, 600, 90 * MINUTE_US);
        candles
    }

    #[test]
    fn minutes_hold_quotes_and_trades_and_what_was_before() {
        let minutes = traded().of(range(0, 1_000_000, 1));
        assert_eq!(minutes.iter().map(|candle| candle.end_min).collect::<Vec<_>>(), [1, 2, 91]);
        let [first, second, third] = minutes[..] else { panic!("{minutes:?}") };
        assert_eq!(first.bid, Ohlc { open: 0, low: 0, high: 4_500, close: 4_500 });
        assert_eq!(first.price, Some(Ohlc { open: 6_000, low: 5_000, high: 6_000, close: 5_000 }));
        assert_eq!((first.volume, first.mean(), first.open_interest), (400, Some(5_250), 400));
        assert_eq!((second.price, second.previous, second.ask.high), (None, Some(5_000), 5_600));
        assert_eq!((third.bid.open, third.bid.close, third.previous), (4_200, 4_100, Some(5_000)));
    }

    #[test]
    fn longer_periods_add_their_minutes_up() {
        let hours = traded().of(range(0, 1_000_000, 60));
        assert_eq!(hours.iter().map(|candle| candle.end_min).collect::<Vec<_>>(), [60, 120]);
        assert_eq!((hours[0].volume, hours[0].bid.close, hours[0].ask.low), (400, 4_200, 5_500));
        let days = traded().of(range(0, 1_000_000, 1_440));
        assert_eq!((days.len(), days[0].end_min, days[0].volume), (1, 1_440, 600));
        let price = Ohlc { open: 6_000, low: 4_200, high: 6_000, close: 4_200 };
        assert_eq!((days[0].price, days[0].open_interest), (Some(price), 600));
    }

    #[test]
    fn a_range_can_begin_with_what_was_known_before() {
        let asked = CandleRange { with_latest_before: true, ..range(600, 6_000, 1) };
        let candles = traded().of(asked);
        assert_eq!(candles.iter().map(|candle| candle.end_min).collect::<Vec<_>>(), [11, 91]);
        let before = candles[0];
        assert_eq!((before.price, before.previous, before.volume), (None, Some(5_000), 0));
        assert_eq!(before.bid, Ohlc::at(4_200));
        assert_eq!(traded().of(CandleRange { with_latest_before: true, ..range(0, 60, 1) }).len(), 1);
        assert_eq!((range(60, 120, 1).periods(), range(1, 59, 1).periods()), (2, 0));
    }

    #[test]
    fn old_minutes_are_forgotten_but_not_their_days() {
        let mut candles = Candles::default();
        for minute in 0..5_000 {
            candles.note_trade(5_000, 100, minute * MINUTE_US);
        }
        assert_eq!(candles.of(range(0, i64::MAX, 1)).len(), MINUTES_KEPT + 1);
        let days = candles.of(range(0, i64::MAX, 1_440));
        assert_eq!(days.iter().map(|day| day.volume).sum::<i64>(), 500_000);
        assert_eq!(candles.at(100 * MINUTE_US).map(|candle| candle.end_min), Some(60), "by the hour");
        assert_eq!(candles.at(4_900 * MINUTE_US).map(|candle| candle.end_min), Some(4_900));
    }
}
