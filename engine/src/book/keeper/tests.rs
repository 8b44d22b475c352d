//! Items in, announcements and resyncs out.

use super::{Keeper, KeeperOutput};
use crate::book::Trust;
use crate::domain::{Generation, Leg, Monotonic, Now, SubscriptionId, Ticker};
use crate::stream::Announcement;
use crate::venue::{Channel, FeedItem, FeedState, MarketFrame};

const SID: SubscriptionId = SubscriptionId(2);

fn at(ms: u64) -> Now {
    Now { monotonic: Monotonic(ms * 1_000_000), ..Now::default() }
}

fn live(generation: u64) -> FeedItem {
    FeedItem::State {
        generation: Generation(generation),
        state: FeedState::Live,
        reason: String::new(),
        at: at(0),
    }
}

fn frame(generation: u64, seq: u64, frame: MarketFrame) -> FeedItem {
    FeedItem::Frame { generation: Generation(generation), sid: SID, seq: Some(seq), received: at(seq), frame }
}

fn snapshot(ticker: &str, yes: &[(&str, &str)]) -> MarketFrame {
    let yes = yes.iter().map(|(price, count)| (price.parse().unwrap(), count.parse().unwrap())).collect();
    MarketFrame::Snapshot { ticker: ticker.into(), yes, no: vec![], clock: None, asked: None }
}

/// A snapshot with a clock, answering a request of `asked` (in ms).
fn snapshot_at(clock: i64, asked: Option<u64>, yes: &[(&str, &str)]) -> MarketFrame {
    let asked = asked.map(|ms| at(ms).monotonic);
    match snapshot("A", yes) {
        MarketFrame::Snapshot { ticker, yes, no, .. } => {
            MarketFrame::Snapshot { ticker, yes, no, clock: Some(clock), asked }
        }
        other => other,
    }
}

fn delta_at(clock: i64, price: &str, change: &str) -> MarketFrame {
    match delta("A", price, change) {
        MarketFrame::Delta { ticker, leg, price, change, venue_time, .. } => {
            MarketFrame::Delta { ticker, leg, price, change, clock: Some(clock), venue_time }
        }
        other => other,
    }
}

fn delta(ticker: &str, price: &str, change: &str) -> MarketFrame {
    MarketFrame::Delta {
        ticker: ticker.into(),
        leg: Leg::Yes,
        price: price.parse().unwrap(),
        change: change.parse().unwrap(),
        clock: None,
        venue_time: None,
    }
}

/// Feeds `items` and returns the keeper with all it put out.
fn run(items: Vec<FeedItem>) -> (Keeper, KeeperOutput) {
    let mut keeper = Keeper::default();
    let mut out = KeeperOutput::default();
    for item in items {
        keeper.apply(item, &mut out);
    }
    (keeper, out)
}

fn book(keeper: &Keeper, ticker: &str) -> (Trust, u64, Vec<String>) {
    let view = keeper.view(&Ticker::from(ticker), Monotonic(0)).unwrap();
    (view.trust, view.seq, view.yes.iter().map(|(price, count)| format!("{price}x{count}")).collect())
}

#[test]
fn snapshot_then_deltas_is_live_and_exact() {
    let subscribed =
        FeedItem::Subscribed { generation: Generation(1), sid: SID, channel: Channel::OrderbookDelta };
    let (keeper, out) = run(vec![
        live(1),
        subscribed,
        frame(1, 1, MarketFrame::Ack),
        frame(1, 2, snapshot("A", &[("0.4000", "5.00"), ("0.4700", "3.00")])),
        frame(1, 3, delta("A", "0.4700", "-3.00")),
        frame(1, 4, delta("A", "0.4100", "1.50")),
    ]);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 4, vec!["0.4100x1.50".into(), "0.4000x5.00".into()]));
    let books = out.announcements.iter().filter(|a| !matches!(a, Announcement::Health(_)));
    assert_eq!(books.count(), 3);
    assert!(out.resyncs.is_empty());
}

#[test]
fn a_gap_makes_every_book_of_the_subscription_suspect_in_the_same_step() {
    let (keeper, out) = run(vec![
        live(1),
        frame(1, 1, snapshot("A", &[("0.4000", "5.00")])),
        frame(1, 2, snapshot("B", &[("0.2000", "5.00")])),
        frame(1, 5, delta("A", "0.4000", "1.00")),
    ]);
    assert_eq!(
        book(&keeper, "A"),
        (Trust::Suspect, 1, vec!["0.4000x5.00".into()]),
        "the late delta is not applied"
    );
    assert_eq!(book(&keeper, "B").0, Trust::Suspect);
    assert_eq!(out.resyncs.len(), 1);
    assert_eq!(out.resyncs.first().unwrap().tickers.len(), 2);
}

#[test]
fn a_snapshot_heals_only_its_own_book() {
    let (keeper, _) = run(vec![
        live(1),
        frame(1, 1, snapshot("A", &[("0.4000", "5.00")])),
        frame(1, 2, snapshot("B", &[("0.2000", "5.00")])),
        frame(1, 4, snapshot("A", &[("0.4100", "1.00")])),
        frame(1, 5, delta("A", "0.4100", "1.00")),
    ]);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 5, vec!["0.4100x2.00".into()]));
    assert_eq!(book(&keeper, "B").0, Trust::Suspect);
}

#[test]
fn duplicates_change_nothing() {
    let (keeper, _) = run(vec![
        live(1),
        frame(1, 1, snapshot("A", &[("0.4000", "5.00")])),
        frame(1, 2, delta("A", "0.4000", "1.00")),
        frame(1, 2, delta("A", "0.4000", "1.00")),
    ]);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 2, vec!["0.4000x6.00".into()]));
}

#[test]
fn an_impossible_or_unreadable_change_makes_the_book_suspect() {
    for broken in [delta("A", "0.4000", "-6.00"), MarketFrame::Unreadable { reason: "cut".into() }] {
        let (keeper, out) =
            run(vec![live(1), frame(1, 1, snapshot("A", &[("0.4000", "5.00")])), frame(1, 2, broken)]);
        assert_eq!(book(&keeper, "A").0, Trust::Suspect);
        assert_eq!(out.resyncs.len(), 1);
    }
}

#[test]
fn a_new_connection_retires_the_old_one() {
    let (keeper, out) = run(vec![
        live(1),
        frame(1, 1, snapshot("A", &[("0.4000", "5.00")])),
        live(2),
        frame(1, 2, delta("A", "0.4000", "1.00")),
    ]);
    assert_eq!(
        book(&keeper, "A"),
        (Trust::Stale, 1, vec!["0.4000x5.00".into()]),
        "kept as last known, not live"
    );
    let trust = out.announcements.iter().filter(|a| matches!(a, Announcement::BookTrust { .. })).count();
    assert_eq!(trust, 1);
}

#[test]
fn an_empty_snapshot_empties_the_book() {
    let (keeper, _) = run(vec![
        live(1),
        frame(1, 1, snapshot("A", &[("0.4000", "5.00")])),
        frame(1, 2, snapshot("A", &[])),
    ]);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 2, vec![]));
}

#[test]
fn a_snapshot_that_does_not_come_is_asked_for_again() {
    let (mut keeper, _) = run(vec![
        live(1),
        frame(1, 1, snapshot("A", &[("0.4000", "5.00")])),
        frame(1, 3, delta("A", "0.4000", "1.00")),
    ]);
    let mut out = KeeperOutput::default();
    keeper.sweep(at(1_000).monotonic, &mut out);
    assert!(out.resyncs.is_empty());
    keeper.sweep(at(6_000).monotonic, &mut out);
    assert_eq!(out.resyncs.len(), 1);
}

#[test]
fn after_a_break_in_time_nothing_is_live_until_a_connection_of_afterwards_brings_it() {
    let (mut keeper, _) = run(vec![live(1), frame(1, 1, snapshot("A", &[("0.4", "1")]))]);
    let state = |generation, state, ms| FeedItem::State {
        generation: Generation(generation),
        state,
        reason: String::new(),
        at: at(ms),
    };
    let mut out = KeeperOutput::default();
    keeper.distrust_all("the machine slept", at(100), &mut out);
    assert_eq!(book(&keeper, "A").0, Trust::Stale);
    assert!(matches!(&out.announcements[..], [Announcement::BookTrust { trust: Trust::Stale, .. }]));
    assert_eq!(out.reconnects.pop().map(|(generation, _)| generation), Some(Generation(1)));
    // What waited in the lane is of before, a whole new connection included.
    let before = [
        frame(1, 2, snapshot("A", &[("0.4", "2")])),
        state(2, FeedState::Subscribing, 99),
        frame(2, 1, snapshot("A", &[("0.4", "3")])),
    ];
    for item in before {
        keeper.apply(item, &mut out);
        assert_eq!(book(&keeper, "A").0, Trust::Stale);
    }
    keeper.sweep(Monotonic(101_000_000), &mut out);
    assert_eq!(out.reconnects[0].0, Generation(2), "asked until it comes");
    let mut out = KeeperOutput::default();
    keeper.apply(state(3, FeedState::Subscribing, 102), &mut out);
    keeper.apply(frame(3, 1, snapshot("A", &[("0.4", "4")])), &mut out);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 1, vec!["0.4000x4.00".to_owned()]));
    keeper.sweep(Monotonic(103_000_000), &mut out);
    assert!(out.reconnects.is_empty());
}

#[test]
fn a_degraded_connection_leaves_the_books_what_they_are() {
    let degraded = FeedItem::State {
        generation: Generation(1),
        state: FeedState::Degraded,
        reason: "channel ticker is down".to_owned(),
        at: at(2),
    };
    let (keeper, _) = run(vec![live(1), frame(1, 1, snapshot("A", &[("0.4", "1")])), degraded]);
    assert_eq!(book(&keeper, "A").0, Trust::Live);
}

#[test]
fn a_snapshot_takes_in_what_came_before_it_and_leaves_out_what_it_contains() {
    let (keeper, _) = run(vec![
        live(1),
        frame(1, 1, delta_at(41, "0.4000", "1.00")),
        frame(1, 2, delta_at(42, "0.4000", "2.00")),
        frame(1, 3, delta_at(42, "0.4100", "4.00")),
        frame(1, 4, snapshot_at(41, None, &[("0.4000", "5.00")])),
        frame(1, 5, delta_at(43, "0.4000", "1.00")),
    ]);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 5, vec!["0.4100x4.00".into(), "0.4000x8.00".into()]));
    assert_eq!(keeper.watermark(&Ticker::from("A")).and_then(|mark| mark.clock), Some(43));
    let (keeper, _) = run(vec![
        live(1),
        frame(1, 1, snapshot_at(50, None, &[("0.4000", "5.00")])),
        frame(1, 2, delta_at(49, "0.4000", "1.00")),
        frame(1, 3, delta_at(50, "0.4000", "1.00")),
        frame(1, 4, delta_at(51, "0.4000", "1.00")),
        frame(1, 5, delta_at(51, "0.4000", "1.00")),
    ]);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 5, vec!["0.4000x7.00".into()]));
}

#[test]
fn a_snapshot_that_may_lack_what_was_lost_is_refused() {
    let gap = |rest: Vec<FeedItem>| {
        let begin = [
            live(1),
            frame(1, 1, snapshot_at(50, None, &[("0.4000", "5.00")])),
            frame(1, 9, MarketFrame::Ack),
        ];
        let (keeper, _) = run(begin.into_iter().chain(rest).collect());
        book(&keeper, "A").0
    };
    let levels = [("0.4000", "5.00")];
    assert_eq!(
        gap(vec![frame(1, 10, snapshot_at(50, Some(8), &levels))]),
        Trust::Suspect,
        "asked before the loss"
    );
    assert_eq!(gap(vec![frame(1, 10, snapshot_at(50, Some(9), &levels))]), Trust::Live);
    let later = frame(1, 10, delta_at(60, "0.4000", "1.00"));
    assert_eq!(gap(vec![later.clone(), frame(1, 11, snapshot_at(59, Some(9), &levels))]), Trust::Suspect);
    assert_eq!(gap(vec![later, frame(1, 11, snapshot_at(60, None, &levels))]), Trust::Live);
}

#[test]
fn what_fails_to_apply_does_not_move_the_watermark() {
    let (keeper, _) = run(vec![
        live(1),
        frame(1, 1, snapshot_at(50, None, &[("0.4000", "5.00")])),
        frame(1, 2, delta_at(51, "0.4000", "-6.00")),
    ]);
    let mark = keeper.watermark(&Ticker::from("A")).unwrap();
    assert_eq!((book(&keeper, "A").0, mark.seq, mark.clock), (Trust::Suspect, 1, Some(50)));
}

#[test]
fn a_new_price_grid_begins_the_book_anew() {
    let event = crate::venue::LifecycleEvent::new("A".into(), "price_level_structure_updated");
    let changed = FeedItem::Frame {
        generation: Generation(1),
        sid: SubscriptionId(4),
        seq: Some(1),
        received: at(3),
        frame: MarketFrame::Lifecycle(Box::new(event)),
    };
    let (keeper, out) = run(vec![live(1), frame(1, 1, snapshot("A", &[("0.4000", "5.00")])), changed]);
    assert_eq!(book(&keeper, "A").0, Trust::Suspect);
    assert_eq!(out.resyncs.first().map(|resync| resync.sid), Some(SID));
}

#[test]
fn a_subscription_numbered_anew_is_given_up_until_it_is_made_anew() {
    let mut items = vec![live(1), frame(1, 1, snapshot("A", &[("0.4000", "5.00")]))];
    items.extend([frame(1, 2, MarketFrame::Ack), frame(1, 1, snapshot("A", &[("0.3000", "1.00")]))]);
    let (mut keeper, mut out) = run(items);
    assert_eq!((book(&keeper, "A").0, out.renewals.len()), (Trust::Suspect, 1));
    keeper.apply(frame(1, 2, snapshot("A", &[("0.3000", "1.00")])), &mut out);
    assert_eq!(book(&keeper, "A").0, Trust::Suspect);
    let sid = SubscriptionId(9);
    let channel = Channel::OrderbookDelta;
    keeper.apply(FeedItem::Subscribed { generation: Generation(1), sid, channel }, &mut out);
    let (generation, received) = (Generation(1), at(9));
    let fresh = snapshot("A", &[("0.3000", "2.00")]);
    keeper.apply(FeedItem::Frame { generation, sid, seq: Some(1), received, frame: fresh }, &mut out);
    keeper.apply(frame(1, 3, snapshot("A", &[("0.3000", "1.00")])), &mut out);
    assert_eq!(book(&keeper, "A"), (Trust::Live, 1, vec!["0.3000x2.00".into()]), "the old one is retired");
}

/// A gap, a snapshot and a delta cost the same whether there are ten books or ten thousand, but for those the gap hits.
#[test]
fn two_thousand_books_heal_one_by_one() {
    let name = |number: u64| format!("T{number:04}");
    let mut items = vec![live(1)];
    items.extend((0..2_000).map(|n| frame(1, n + 1, snapshot(&name(n), &[("0.4000", "5.00")]))));
    items.push(frame(1, 2_002, MarketFrame::Ack));
    let (mut keeper, out) = run(items);
    assert_eq!(out.resyncs.first().map(|resync| resync.tickers.len()), Some(2_000));
    assert_eq!(keeper.strands[0].counters.books_live.load(std::sync::atomic::Ordering::Relaxed), 0);
    let mut out = KeeperOutput::default();
    for n in 0..2_000 {
        keeper.apply(frame(1, 2_003 + n, snapshot(&name(n), &[("0.4000", "6.00")])), &mut out);
        assert_eq!(keeper.strands[0].counters.books_live.load(std::sync::atomic::Ordering::Relaxed), n + 1);
    }
    assert!(out.resyncs.is_empty());
}
