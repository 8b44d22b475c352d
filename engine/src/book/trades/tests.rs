//! Trades of the stream and trades read back, through the keeper.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::book::{BookCounters, Keeper, KeeperOutput, TradeGap};
use crate::domain::{Generation, Monotonic, Now, Received, Side, SubscriptionId, VenueTime, WallTime};
use crate::stream::Announcement;
use crate::venue::{Channel, FeedItem, FeedState, MarketFrame, PublicTrade, TradesReport, TradesScope};

const SID: SubscriptionId = SubscriptionId(6);
/// Venue time of the trade with number 0.
const ZERO_MS: i64 = 1_000_000;

struct Bench {
    keeper: Keeper,
    out: KeeperOutput,
    counters: Arc<BookCounters>,
    generation: u64,
    seq: u64,
    ms: u64,
}

fn trade(number: i64) -> PublicTrade {
    PublicTrade {
        trade_id: format!("t{number}").as_str().into(),
        ticker: "A".into(),
        yes_price: "0.5000".parse().unwrap(),
        count: "1.00".parse().unwrap(),
        taker_side: Side::Bid,
        ts_ms: VenueTime(ZERO_MS + number * 1_000),
    }
}

fn since(number: i64) -> VenueTime {
    VenueTime(ZERO_MS + number * 1_000 - 10_000)
}

impl Bench {
    /// A keeper whose subscription to trades is in place.
    fn new(missing_since: Option<VenueTime>) -> Bench {
        let counters = Arc::new(BookCounters::default());
        let keeper = Keeper::new(Arc::clone(&counters), missing_since);
        let mut bench =
            Bench { keeper, out: KeeperOutput::default(), counters, generation: 0, seq: 0, ms: 0 };
        bench.connect();
        bench.book();
        bench
    }

    fn now(&self) -> Received {
        Now { wall: WallTime((ZERO_MS + self.ms as i64) * 1_000), monotonic: Monotonic(self.ms * 1_000_000) }
    }

    fn item(&mut self, item: FeedItem) {
        self.keeper.apply(item, &mut self.out);
    }

    fn state(&mut self, state: FeedState) {
        let (generation, at) = (Generation(self.generation), self.now());
        self.item(FeedItem::State { generation, state, reason: String::new(), at });
    }

    fn connect(&mut self) {
        (self.generation, self.seq) = (self.generation + 1, 0);
        self.state(FeedState::Connecting);
        self.item(FeedItem::Subscribed {
            generation: Generation(self.generation),
            sid: SID,
            channel: Channel::Trade,
        });
        self.state(FeedState::Live);
    }

    /// The first snapshot of market A.
    fn book(&mut self) {
        let frame =
            MarketFrame::Snapshot { ticker: "A".into(), yes: vec![], no: vec![], clock: None, asked: None };
        let (generation, received) = (Generation(self.generation), self.now());
        self.item(FeedItem::Frame { generation, sid: SubscriptionId(5), seq: Some(1), received, frame });
    }

    fn frame(&mut self, frame: MarketFrame) {
        self.seq += 1;
        let (generation, received) = (Generation(self.generation), self.now());
        self.item(FeedItem::Frame { generation, sid: SID, seq: Some(self.seq), received, frame });
    }

    fn stream(&mut self, number: i64) {
        self.frame(MarketFrame::Trade(trade(number)));
    }

    /// Sweeps for some seconds; returns what was asked for meanwhile.
    fn sweep(&mut self, seconds: u64) -> Vec<TradesScope> {
        for _ in 0..seconds {
            self.ms += 1_000;
            self.keeper.sweep(Monotonic(self.ms * 1_000_000), &mut self.out);
        }
        std::mem::take(&mut self.out.backfills)
    }

    fn read_back(&mut self, scope: TradesScope, numbers: &[i64]) {
        let trades = numbers.iter().copied().map(trade).collect();
        let report = TradesReport { scope, trades, cut_before: None };
        self.keeper.read_back(Ok(report), self.now(), &mut self.out);
    }

    /// Returns trades told since the last look, a `+` before those read back.
    fn told(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.out.announcements);
        let word = |announcement| match announcement {
            Announcement::Trade { trade, backfilled, .. } => {
                Some(format!("{}{}", if backfilled { "+" } else { "" }, trade.trade_id))
            }
            Announcement::Alert(alert) => Some(alert.code.to_owned()),
            _ => None,
        };
        told.into_iter().filter_map(word).collect()
    }
}

#[test]
fn without_a_break_nothing_is_read_back() {
    let mut bench = Bench::new(None);
    (0..3).for_each(|number| bench.stream(number));
    assert!(bench.sweep(20).is_empty() && bench.out.gaps.is_empty());
    assert_eq!(bench.told(), ["t0", "t1", "t2"]);
}

#[test]
fn what_a_break_hid_is_told_once_oldest_first_and_marked() {
    let mut bench = Bench::new(None);
    (0..3).for_each(|number| bench.stream(number));
    bench.state(FeedState::BackingOff);
    assert_eq!(bench.out.gaps, [TradeGap::Opened(since(2))]);
    assert!(bench.sweep(20).is_empty(), "not before the stream is back");
    bench.connect();
    bench.stream(7);
    let asked = bench.sweep(5);
    assert_eq!(asked, [TradesScope { since: since(2), tickers: vec!["A".into()] }]);
    bench.told();
    bench.read_back(asked[0].clone(), &[1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(bench.told(), ["+t3", "+t4", "+t5", "+t6"]);
    assert_eq!(bench.out.gaps.last(), Some(&TradeGap::Narrowed(None)));
    bench.stream(6);
    bench.stream(8);
    assert_eq!(bench.told(), ["t8"], "what was read back is not told again");
    assert!(bench.sweep(60).is_empty());
    assert_eq!(bench.counters.trades_backfilled.load(Relaxed), 4);
}

#[test]
fn a_hole_in_the_numbers_of_trades_is_a_break_and_one_elsewhere_is_not() {
    let mut bench = Bench::new(None);
    bench.stream(0);
    let other = FeedItem::Frame {
        generation: Generation(1),
        sid: SubscriptionId(9),
        seq: Some(77),
        received: bench.now(),
        frame: MarketFrame::Ack,
    };
    bench.item(other);
    assert!(bench.sweep(5).is_empty());
    bench.seq += 1;
    bench.stream(2);
    let asked = bench.sweep(5);
    assert_eq!(asked.len(), 1);
    bench.told();
    bench.read_back(asked[0].clone(), &[0, 1, 2]);
    assert_eq!(bench.told(), ["+t1"]);
}

#[test]
fn a_break_while_reading_makes_it_be_read_again_from_that_break_on() {
    let mut bench = Bench::new(None);
    bench.stream(0);
    bench.state(FeedState::BackingOff);
    bench.connect();
    let first = bench.sweep(5);
    bench.stream(3);
    bench.state(FeedState::BackingOff);
    bench.read_back(first[0].clone(), &[0, 1, 2]);
    assert_eq!(bench.out.gaps.last(), Some(&TradeGap::Narrowed(Some(since(3)))), "the second break is open");
    assert!(bench.sweep(20).is_empty(), "the stream is not back");
    bench.connect();
    let second = bench.sweep(5);
    assert_eq!(second[0].since, since(3));
    bench.told();
    bench.read_back(second[0].clone(), &[0, 1, 2, 3, 4]);
    assert_eq!(bench.told(), ["+t4"]);
    assert_eq!(bench.out.gaps.last(), Some(&TradeGap::Narrowed(None)));
}

#[test]
fn a_read_that_fails_is_tried_again_while_there_is_a_stream() {
    let mut bench = Bench::new(Some(since(0)));
    let asked = bench.sweep(5);
    assert_eq!(asked[0].since, since(0), "what an earlier process left");
    bench.keeper.read_back(Err("timeout".into()), bench.now(), &mut bench.out);
    assert_eq!(bench.sweep(10), asked);
    bench.state(FeedState::BackingOff);
    bench.keeper.read_back(Err("not connected".into()), bench.now(), &mut bench.out);
    assert!(bench.sweep(60).is_empty());
    bench.connect();
    assert_eq!(bench.sweep(5), asked);
    assert_eq!(bench.counters.trade_backfill_failures.load(Relaxed), 2);
}

#[test]
fn a_break_longer_than_the_bound_is_told() {
    let mut bench = Bench::new(Some(since(0)));
    let scope = bench.sweep(5).remove(0);
    let report = TradesReport { scope, trades: vec![trade(90)], cut_before: Some(trade(90).ts_ms) };
    bench.keeper.read_back(Ok(report), bench.now(), &mut bench.out);
    assert_eq!(bench.told(), ["+t90", "OUT-TRADES-001"]);
    assert_eq!(bench.counters.trade_backfills_cut.load(Relaxed), 1);
    assert!(bench.sweep(60).is_empty(), "reading again would not bring more");
}

#[test]
fn nothing_is_asked_before_a_book_says_of_which_market() {
    let counters = Arc::new(BookCounters::default());
    let keeper = Keeper::new(Arc::clone(&counters), Some(since(0)));
    let mut bench = Bench { keeper, out: KeeperOutput::default(), counters, generation: 0, seq: 0, ms: 0 };
    bench.connect();
    assert!(bench.sweep(60).is_empty());
    bench.book();
    assert_eq!(bench.sweep(5).len(), 1);
}

#[test]
fn holes_all_the_time_do_not_put_the_read_off_for_ever() {
    let mut bench = Bench::new(None);
    let mut asked = Vec::new();
    for number in 0..10 {
        bench.stream(3 * number);
        bench.seq += 1;
        bench.ms += 500;
        bench.stream(3 * number + 2);
        asked.extend(bench.sweep(1));
        if let Some(scope) = asked.pop() {
            // The hole was seen just now: what it hid may not show yet, so it is asked for again.
            bench.read_back(scope, &[]);
            assert!(matches!(bench.out.gaps.last(), Some(TradeGap::Narrowed(_))));
        }
    }
    assert!(bench.counters.trade_backfills.load(Relaxed) >= 2);
    while let Some(scope) = bench.sweep(60).pop() {
        bench.read_back(scope, &[]);
    }
    bench.seq += 1;
    bench.stream(40);
    bench.told();
    let last = bench.sweep(5).remove(0);
    bench.read_back(last, &[38, 40]);
    assert_eq!(bench.told(), ["+t38"]);
}
