//! The overseer beside a keeper: what is followed, what turns suspect, what is called ready.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::{Overseer, OverseerConfig, OverseerOutput};
use crate::book::{BookCounters, BookStanding, DemandConfig, Keeper, KeeperOutput, Trust};
use crate::domain::{
    Catalog, Generation, Market, MarketStatus, Monotonic, Now, PriceGrid, SubscriptionId, Ticker,
};
use crate::stream::Announcement;
use crate::venue::{BookLevels, BookSample, FeedCommand, FeedItem, FeedState, MarketFrame, Quote};

fn at(ms: u64) -> Now {
    Now { monotonic: Monotonic(ms * 1_000_000), ..Now::default() }
}

fn market(ticker: &str, status: MarketStatus) -> Market {
    Market {
        ticker: Ticker::from(ticker),
        event_ticker: "E".into(),
        title: "T".into(),
        status,
        grid: PriceGrid::default(),
        exchange_index: 0,
        open_time: None,
        close_time: None,
        result: String::new(),
    }
}

struct Bench {
    keeper: Keeper,
    overseer: Overseer,
    catalog: Catalog,
    counters: Arc<BookCounters>,
    standing: Arc<BookStanding>,
    /// What was announced since it was last taken.
    out: KeeperOutput,
    generation: u64,
    seq: u64,
    ms: u64,
}

impl Bench {
    fn new(pinned: &[&str]) -> Bench {
        let (counters, standing) = (Arc::new(BookCounters::default()), Arc::new(BookStanding::default()));
        let pinned = pinned.iter().map(|name| Ticker::from(*name)).collect();
        let demand = DemandConfig { pinned, all_tradable: false, grace_ms: 60_000 };
        let config = OverseerConfig { demand, truth_every_ms: 5_000 };
        let mut bench = Bench {
            keeper: Keeper::new(Arc::clone(&counters), None),
            overseer: Overseer::new(config, Arc::clone(&counters), Arc::clone(&standing)),
            catalog: Catalog::default(),
            counters,
            standing,
            out: KeeperOutput::default(),
            generation: 0,
            seq: 0,
            ms: 0,
        };
        bench.connect();
        bench
    }

    fn connect(&mut self) {
        self.generation += 1;
        self.seq = 0;
        let (generation, state) = (Generation(self.generation), FeedState::Live);
        self.apply(FeedItem::State { generation, state, reason: "live".into(), at: at(self.ms) });
    }

    fn apply(&mut self, item: FeedItem) {
        let mut out = KeeperOutput::default();
        self.keeper.apply(item, &mut out);
        out.announcements.iter().for_each(|announcement| self.overseer.note(announcement));
        self.out.resyncs.extend(out.resyncs);
    }

    fn frame(&mut self, frame: MarketFrame) {
        self.seq += 1;
        let (generation, sid) = (Generation(self.generation), SubscriptionId(1));
        self.apply(FeedItem::Frame { generation, sid, seq: Some(self.seq), received: at(self.ms), frame });
    }

    fn snapshot(&mut self, ticker: &str) {
        let (yes, no) = (levels("3.00"), Vec::new());
        self.frame(MarketFrame::Snapshot { ticker: ticker.into(), yes, no, clock: None, asked: None });
    }

    fn look(&mut self) -> OverseerOutput {
        self.ms += 50;
        self.overseer.look(at(self.ms), &mut self.keeper, &self.catalog, &mut self.out)
    }

    /// Looks for so long and returns all that was to be done. Reads are answered with `read` contracts at 0.47.
    fn run(&mut self, ms: u64, read: &str) -> Vec<OverseerOutput> {
        let mut todos = Vec::new();
        for _ in 0..ms / 50 {
            let todo = self.look();
            if let Some(tickers) = todo.read.clone() {
                let sample = |ticker| BookSample { ticker, yes: levels(read), no: Vec::new() };
                let samples = tickers.into_iter().map(sample).collect();
                self.overseer.sampled(Ok(samples), at(self.ms).monotonic);
            }
            todos.push(todo);
        }
        todos
    }

    fn trust(&self, ticker: &str) -> Option<Trust> {
        self.keeper.trust(&Ticker::from(ticker))
    }

    fn is_ready(&self) -> bool {
        self.standing.is_ready_on(Generation(self.generation))
    }
}

fn levels(count: &str) -> BookLevels {
    vec![("0.4700".parse().unwrap(), count.parse().unwrap())]
}

fn tickers(names: &[&str]) -> Vec<Ticker> {
    names.iter().map(|name| Ticker::from(*name)).collect()
}

#[test]
fn nothing_is_asked_before_the_lists_are_read_and_ready_needs_every_required_book() {
    let mut bench = Bench::new(&["A", "B", "CLOSED", "NONE"]);
    assert_eq!(bench.look(), OverseerOutput::default());
    assert!(!bench.is_ready());
    bench.catalog.put([
        market("A", MarketStatus::Active),
        market("B", MarketStatus::Inactive),
        market("CLOSED", MarketStatus::Closed),
    ]);
    bench.catalog.put_absent(tickers(&["NONE"]));
    let todo = bench.look();
    assert_eq!(todo.commands, [FeedCommand::Want { tickers: tickers(&["A", "B", "CLOSED"]) }]);
    assert_eq!(bench.standing.get().missing, tickers(&["A", "B"]), "the others owe nothing");
    bench.snapshot("A");
    bench.look();
    assert!(!bench.is_ready());
    bench.snapshot("B");
    bench.look();
    assert!(bench.is_ready());
    bench.connect();
    assert!(!bench.is_ready(), "the books of the connection before do not count");
    bench.look();
    assert!(!bench.is_ready());
}

#[test]
fn a_dropped_book_is_told_and_what_still_comes_of_it_is_not_applied() {
    let mut bench = Bench::new(&[]);
    bench.catalog.put([market("A", MarketStatus::Active)]);
    bench.overseer.clients(&Ticker::from("A"), true, at(0).monotonic);
    bench.look();
    bench.snapshot("A");
    assert_eq!(bench.trust("A"), Some(Trust::Live));
    bench.catalog.set_status("A", MarketStatus::Finalized, Some("yes"));
    let todo = bench.look();
    assert_eq!(todo.commands, [FeedCommand::Forget { tickers: tickers(&["A"]) }]);
    let told = bench.out.announcements.iter().any(|announcement| {
        matches!(announcement, Announcement::BookTrust { trust: Trust::Stale, reason, .. } if reason.contains("settled"))
    });
    assert!(told);
    bench.snapshot("A");
    assert_eq!(bench.trust("A"), None);
    bench.connect();
    bench.snapshot("A");
    assert_eq!(bench.trust("A"), Some(Trust::Live), "a new connection sends only what was asked of it");
}

/// A frame was lost that no number betrayed: the book is wrong, and nothing but the truth says so.
#[test]
fn a_book_that_is_not_what_is_read_turns_suspect_and_is_healed() {
    let mut bench = Bench::new(&["A"]);
    bench.catalog.put([market("A", MarketStatus::Active)]);
    bench.look();
    bench.snapshot("A");
    bench.run(20_000, "3.00");
    assert_eq!(bench.trust("A"), Some(Trust::Live));
    assert!(bench.counters.truth_agrees.load(Relaxed) >= 2);
    let todos = bench.run(20_000, "2.00");
    let alerts: Vec<_> = todos.iter().flat_map(|todo| &todo.alerts).collect();
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!(alert.code, "OUT-BOOK-002");
    assert!(alert.message.contains("yes 0.4700 holds 3.00 here and 2.00 there"), "{}", alert.message);
    assert_eq!(bench.trust("A"), Some(Trust::Suspect));
    assert_eq!(bench.out.resyncs.len(), 1, "a snapshot is asked for in the same step");
    assert_eq!(bench.counters.truth_differs.load(Relaxed), 1);
    assert_eq!(bench.counters.books_suspect.load(Relaxed), 1);
    assert!(bench.is_ready(), "the book's own trust tells it; the streams are up");
    bench.snapshot("A");
    bench.run(20_000, "3.00");
    assert_eq!(bench.trust("A"), Some(Trust::Live));
    assert_eq!(bench.counters.truth_differs.load(Relaxed), 1);
}

#[test]
fn a_silent_book_is_sampled_first_and_alarmed_only_when_that_does_not_clear_it() {
    for (read, is_cleared) in [("3.00", true), ("2.00", false)] {
        let mut bench = Bench::new(&["A"]);
        bench.catalog.put([market("A", MarketStatus::Active)]);
        bench.look();
        bench.snapshot("A");
        bench.ms = 100_000;
        for bid in ["0.4600", "0.4700"] {
            let yes_bid = Some(bid.parse().unwrap());
            let (last_price, yes_ask, volume) = (None, None, None);
            let (open_interest, ts_ms, ticker) = (None, None, Ticker::from("A"));
            let quote = Quote { ticker, last_price, yes_bid, yes_ask, volume, open_interest, ts_ms };
            bench.ms += 1_000;
            bench.frame(MarketFrame::Ticker(quote));
        }
        let todos = bench.run(60_000, read);
        let alerts: Vec<&str> = todos.iter().flat_map(|todo| &todo.alerts).map(|alert| alert.code).collect();
        assert_eq!(alerts.is_empty(), is_cleared, "{alerts:?}");
        assert_eq!(bench.trust("A"), Some(if is_cleared { Trust::Live } else { Trust::Suspect }));
        assert_eq!(bench.counters.alarms_book.load(Relaxed) == 0, is_cleared || alerts == ["OUT-BOOK-002"]);
    }
}
