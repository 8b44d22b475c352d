//! One after the other: ask, ask again later, subscribe anew, connect anew; and never in a storm.

use outrigger_engine::domain::{Monotonic, Ticker};

use super::{ASK_CEILING_MS, Resort, SUBSCRIBED_MS, Snapshots};

fn tickers(names: &[&str]) -> Vec<Ticker> {
    names.iter().map(|name| Ticker::from(*name)).collect()
}

/// Ticks once a second for so long; returns when something was asked, and the resorts taken.
fn ticks(snapshots: &mut Snapshots, from_ms: u64, seconds: u64) -> (Vec<u64>, Vec<(u64, Resort)>) {
    let (mut asked, mut resorts) = (Vec::new(), Vec::new());
    for second in 0..seconds {
        let now_ms = from_ms + second * 1_000;
        let (due, resort) = snapshots.due(now_ms);
        asked.extend((!due.is_empty()).then_some(now_ms));
        resorts.extend(resort.map(|resort| (now_ms, resort)));
    }
    (asked, resorts)
}

#[test]
fn an_unanswered_request_is_repeated_ever_more_slowly_and_then_the_subscription_is_made_anew() {
    let mut snapshots = Snapshots::default();
    assert_eq!(snapshots.ask(&tickers(&["A", "B"]), 1_000).len(), 2);
    assert!(snapshots.ask(&tickers(&["A"]), 1_500).is_empty(), "it is on its way");
    snapshots.came(&Ticker::from("B"));
    let (asked, resorts) = ticks(&mut snapshots, 2_000, 7);
    assert_eq!(asked, [2_000, 4_000]);
    assert_eq!(resorts, [(8_000, Resort::Resubscribe)]);
    // The new subscription's own snapshots are awaited; that nothing at all comes is the third resort.
    snapshots.expect(tickers(&["A", "B"]).iter(), 8_500);
    let (asked, resorts) = ticks(&mut snapshots, 9_000, 40);
    assert!(asked.first().is_some_and(|first| *first >= 8_500 + SUBSCRIBED_MS), "{asked:?}");
    assert_eq!(resorts.first().map(|(_, resort)| *resort), Some(Resort::Reconnect), "{resorts:?}");
}

#[test]
fn a_market_that_has_no_snapshot_to_send_costs_the_others_nothing() {
    let mut snapshots = Snapshots::default();
    snapshots.expect(tickers(&["A", "NOT-YET"]).iter(), 0);
    snapshots.came(&Ticker::from("A"));
    let (asked, resorts) = ticks(&mut snapshots, 0, 600);
    assert!(resorts.is_empty(), "{resorts:?}");
    assert!(asked.len() > 10 && asked.len() as u64 <= 600_000 / ASK_CEILING_MS + 4, "{}", asked.len());
}

#[test]
fn a_book_in_trouble_again_and_again_waits_its_turn() {
    let mut snapshots = Snapshots::default();
    let (mut sent, ticker) = (0, tickers(&["A"]));
    for now_ms in (0..60_000).step_by(10) {
        sent += snapshots.ask(&ticker, now_ms).len();
        if now_ms % 1_000 == 0 {
            sent += snapshots.due(now_ms).0.len();
        }
        snapshots.came(&ticker[0]);
    }
    assert!((5..=14).contains(&sent), "{sent} requests in a minute");
}

#[test]
fn connections_given_up_in_vain_are_ever_further_apart_until_a_snapshot_comes() {
    let mut snapshots = Snapshots::default();
    let mut lives = Vec::new();
    let mut now_ms = 0;
    for _ in 0..4 {
        let begun_ms = now_ms;
        snapshots.clear();
        snapshots.ask(&tickers(&["A"]), now_ms);
        loop {
            now_ms += 1_000;
            match snapshots.due(now_ms).1 {
                Some(Resort::Resubscribe) => snapshots.expect(tickers(&["A"]).iter(), now_ms),
                Some(Resort::Reconnect) => break,
                None => {}
            }
        }
        lives.push(now_ms - begun_ms);
    }
    assert!(lives.windows(2).all(|pair| pair[1] > pair[0]), "{lives:?}");
    snapshots.came(&Ticker::from("A"));
    assert_eq!(snapshots.reconnects, 0);
}

#[test]
fn a_snapshot_is_matched_with_the_request_it_answers() {
    let mut snapshots = Snapshots::default();
    snapshots.requested(7, Monotonic(5));
    assert_eq!(snapshots.asked_at(Some(7)), Some(Monotonic(5)));
    assert_eq!((snapshots.asked_at(Some(8)), snapshots.asked_at(None)), (None, None));
}
