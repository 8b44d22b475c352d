//! Books and reads in, findings out, on an injected clock.

use super::{ANSWER_WITHIN_MS, Finding, STREAM_LAG_MS, Truth};
use crate::book::{Keeper, KeeperOutput};
use crate::domain::{Generation, Leg, Monotonic, Now, Price, SubscriptionId, Ticker};
use crate::venue::{BookLevels, BookSample, FeedItem, FeedState, MarketFrame};

const EVERY_MS: u64 = 5_000;

fn at(ms: u64) -> Now {
    Now { monotonic: Monotonic(ms * 1_000_000), ..Now::default() }
}

fn levels(levels: &[(&str, &str)]) -> BookLevels {
    levels.iter().map(|(price, count)| (price.parse().unwrap(), count.parse().unwrap())).collect()
}

fn sample(ticker: &str, yes: &[(&str, &str)]) -> BookSample {
    BookSample { ticker: Ticker::from(ticker), yes: levels(yes), no: Vec::new() }
}

struct Bench {
    keeper: Keeper,
    truth: Truth,
    seq: u64,
    ms: u64,
}

impl Bench {
    /// A connection on which each of `tickers` has three contracts at 0.47.
    fn new(tickers: &[&str]) -> Bench {
        let mut bench = Bench { keeper: Keeper::default(), truth: Truth::new(EVERY_MS), seq: 0, ms: 0 };
        let (generation, state) = (Generation(1), FeedState::Live);
        bench.apply(FeedItem::State { generation, state, reason: String::new(), at: at(0) });
        for ticker in tickers {
            bench.snapshot(ticker, &[("0.4700", "3.00")]);
        }
        bench
    }

    fn apply(&mut self, item: FeedItem) {
        let mut out = KeeperOutput::default();
        self.keeper.apply(item, &mut out);
        out.announcements.iter().for_each(|announcement| self.truth.note(announcement));
    }

    fn frame(&mut self, frame: MarketFrame) {
        self.seq += 1;
        self.apply(FeedItem::Frame {
            generation: Generation(1),
            sid: SubscriptionId(1),
            seq: Some(self.seq),
            received: at(self.ms),
            frame,
        });
    }

    fn snapshot(&mut self, ticker: &str, yes: &[(&str, &str)]) {
        let yes = levels(yes);
        self.frame(MarketFrame::Snapshot {
            ticker: ticker.into(),
            yes,
            no: vec![],
            clock: None,
            asked: None,
        });
    }

    fn delta(&mut self, ticker: &str, price: &str, change: &str) {
        self.frame(MarketFrame::Delta {
            ticker: ticker.into(),
            leg: Leg::Yes,
            price: price.parse().unwrap(),
            change: change.parse().unwrap(),
            clock: None,
            venue_time: None,
        });
    }

    /// Lets time pass until books are to be read, and returns them.
    fn until_read(&mut self) -> Vec<String> {
        for _ in 0..1_000 {
            self.ms += 100;
            let step = self.truth.step(at(self.ms).monotonic, &self.keeper);
            assert_eq!(step.findings, []);
            if let Some(read) = step.read {
                return read.iter().map(ToString::to_string).collect();
            }
        }
        panic!("nothing is read");
    }

    fn answer(&mut self, samples: Vec<BookSample>) {
        self.truth.answered(Ok(samples), at(self.ms).monotonic);
    }

    /// Lets the window close and returns what was found.
    fn findings(&mut self) -> Vec<(Ticker, Finding)> {
        self.ms += STREAM_LAG_MS;
        self.truth.step(at(self.ms).monotonic, &self.keeper).findings
    }

    /// Samples once with what `read` says and returns what was found.
    fn round(&mut self, read: &[(&str, &str)]) -> Vec<(Ticker, Finding)> {
        assert_eq!(self.until_read(), ["A"]);
        self.answer(vec![sample("A", read)]);
        self.findings()
    }
}

fn agrees() -> Vec<(Ticker, Finding)> {
    vec![(Ticker::from("A"), Finding::Agrees)]
}

#[test]
fn a_book_equal_to_what_is_read_agrees() {
    let mut bench = Bench::new(&["A"]);
    assert_eq!(bench.round(&[("0.4700", "3.00")]), agrees());
    assert_eq!(bench.round(&[("0.4700", "3.00")]), agrees(), "and again");
}

#[test]
fn equality_at_any_moment_of_the_window_is_agreement() {
    // The read shows the book before a change that came while it was on its way, or after one that comes behind it.
    for read in
        [[("0.4700", "3.00")].as_slice(), &[("0.4700", "5.00")], &[("0.4700", "5.00"), ("0.4800", "1.00")]]
    {
        let mut bench = Bench::new(&["A"]);
        bench.until_read();
        bench.delta("A", "0.4700", "2.00");
        bench.answer(vec![sample("A", read)]);
        bench.delta("A", "0.4800", "1.00");
        bench.delta("A", "0.4800", "-1.00");
        assert_eq!(bench.findings(), agrees(), "{read:?}");
    }
}

#[test]
fn a_read_that_was_behind_once_is_no_difference() {
    let mut bench = Bench::new(&["A"]);
    assert_eq!(bench.round(&[("0.4700", "9.00")]), [], "it is read again before anything is said");
    assert_eq!(bench.round(&[("0.4700", "3.00")]), agrees());
    // Other levels each time are not one lasting difference.
    assert_eq!(bench.round(&[("0.4700", "9.00")]), []);
    assert_eq!(bench.round(&[("0.4700", "3.00"), ("0.1000", "1.00")]), []);
    assert_eq!(bench.round(&[("0.4700", "3.00")]), agrees());
}

#[test]
fn a_lasting_difference_is_found_at_the_second_read_with_its_level() {
    for (read, price, here, there) in [
        ([("0.4700", "2.00")].as_slice(), "0.4700", "3.00", "2.00"),
        (&[], "0.4700", "3.00", "0.00"),
        (&[("0.4700", "3.00"), ("0.5000", "1.00")], "0.5000", "0.00", "1.00"),
    ] {
        let mut bench = Bench::new(&["A"]);
        assert_eq!(bench.round(read), []);
        let found = bench.round(read);
        let [(_, Finding::Differs(levels))] = found.as_slice() else { panic!("{found:?}") };
        let [level] = levels.as_slice() else { panic!("{levels:?}") };
        assert_eq!(level.price, price.parse::<Price>().unwrap());
        assert_eq!(
            (level.streamed.last().unwrap().to_string(), level.read.to_string()),
            (here.into(), there.into())
        );
    }
}

#[test]
fn what_cannot_be_compared_is_undecided() {
    let undecided = vec![(Ticker::from("A"), Finding::Undecided)];
    let mut bench = Bench::new(&["A"]);
    bench.until_read();
    bench.truth.answered(Err("no budget".into()), at(bench.ms).monotonic);
    assert_eq!(bench.findings(), undecided, "no answer");
    bench.until_read();
    bench.answer(vec![sample("B", &[])]);
    assert_eq!(bench.findings(), undecided, "an answer without it");
    bench.until_read();
    bench.snapshot("A", &[("0.4700", "7.00")]);
    bench.answer(vec![sample("A", &[("0.4700", "9.00")])]);
    assert_eq!(bench.findings(), undecided, "the book was replaced meanwhile");
    bench.until_read();
    bench.ms += ANSWER_WITHIN_MS - STREAM_LAG_MS;
    assert_eq!(bench.findings(), undecided, "an answer that does not come");
    assert_eq!(bench.until_read(), ["A"], "and it goes on");
}

#[test]
fn all_books_have_their_turn_and_doubts_go_first() {
    let names: Vec<String> = (0..50).map(|n| format!("T{n:02}")).collect();
    let mut bench = Bench::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    bench.truth.doubt(&Ticker::from("T49"));
    bench.truth.doubt(&Ticker::from("NO-BOOK"));
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..3 {
        let read = bench.until_read();
        assert!(read.len() <= super::SAMPLE_MAX);
        assert_eq!(round == 0, read.contains(&"T49".to_owned()) && round == 0, "{read:?}");
        seen.extend(read.clone());
        bench.answer(read.iter().map(|name| sample(name, &[("0.4700", "3.00")])).collect());
        assert_eq!(bench.findings().len(), read.len());
    }
    assert_eq!(seen.len(), 50);
}

#[test]
fn no_samples_are_taken_when_off_or_without_live_books() {
    let mut bench = Bench::new(&["A"]);
    bench.truth = Truth::new(0);
    let mut empty = Bench::new(&[]);
    for bench in [&mut bench, &mut empty] {
        for ms in (0..10 * EVERY_MS).step_by(100) {
            let step = bench.truth.step(at(ms).monotonic, &bench.keeper);
            assert_eq!((step.read, step.findings.len()), (None, 0));
        }
    }
}
