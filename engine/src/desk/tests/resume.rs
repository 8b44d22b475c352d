//! Where reads begin, and what is found missing by what the stream does tell.

use std::sync::atomic::Ordering::Relaxed;

use super::{Bench, accepted, fill, venue_order};
use crate::desk::DeskInput;
use crate::desk::view::OrderStatus;
use crate::domain::{Generation, Money, VenueTime};
use crate::journal::{Entry, StoredEntry};
use crate::venue::{
    FeedState, PrivateItem, VenueBalance, VenueFill, VenueOrderStatus, VenuePosition, VenueReport, WriteKind,
};

fn watermarks(bench: &Bench) -> Vec<i64> {
    let watermark = |stored: &StoredEntry| match stored.entry {
        Entry::Reconciled { as_of } => Some(as_of.0),
        _ => None,
    };
    bench.journal.iter().filter_map(watermark).collect()
}

/// Lets time pass until the next report is asked for.
fn until_asked(bench: &mut Bench) {
    let before = bench.reports.len();
    for _ in 0..400 {
        bench.ms += 100;
        bench.input(DeskInput::Tick);
        if bench.reports.len() > before {
            return;
        }
    }
    panic!("no report was asked for");
}

fn reconcile(bench: &mut Bench) {
    bench.input(DeskInput::Report(Ok(bench.report())));
}

fn after_restart(bench: Bench) -> Bench {
    let ms = bench.ms;
    let mut after = Bench::cold(bench.journal);
    after.ms = ms;
    after.input(DeskInput::Recover);
    after
}

fn live() -> PrivateItem {
    PrivateItem::StreamState { generation: Generation(1), state: FeedState::Live }
}

#[test]
fn a_restart_reads_from_the_watermark_on_and_an_old_ledger_everything() {
    let mut bench = Bench::ready();
    for _ in 0..10 {
        bench.ms += 5_000;
        reconcile(&mut bench);
    }
    assert_eq!(watermarks(&bench), [1_000_000, 1_030_000], "raised in steps, not with every report");
    let entries = bench.journal.iter().filter(|e| !matches!(e.entry, Entry::Reconciled { .. })).cloned();
    let old_ledger: Vec<_> = (1..).zip(entries).map(|(seq, entry)| StoredEntry { seq, ..entry }).collect();
    let mut after = after_restart(bench);
    until_asked(&mut after);
    assert_eq!(after.reports.last().unwrap().since, Some(VenueTime(1_030_000 - 60_000)));
    let mut old = Bench::cold(old_ledger);
    old.input(DeskInput::Recover);
    until_asked(&mut old);
    assert_eq!(old.reports.last().unwrap().since, None);
}

#[test]
fn an_order_in_doubt_makes_a_restart_read_back_to_its_beginning() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    for _ in 0..2 {
        bench.ms += 40_000;
        reconcile(&mut bench);
    }
    assert_eq!(watermarks(&bench), [1_000_000, 1_040_000, 1_080_000]);
    let mut after = after_restart(bench);
    assert_eq!(after.view(id).status, OrderStatus::Unknown);
    until_asked(&mut after);
    assert_eq!(after.reports.last().unwrap().since, Some(VenueTime(1_000_000 - 60_000)));
}

#[test]
fn a_fill_of_an_order_nobody_knows_holds_the_watermark_back() {
    let mut bench = Bench::ready();
    bench.ms += 40_000;
    let stranger = VenueFill { client_order_id: None, ..fill("t1", "1.00") };
    bench.input(DeskInput::Report(Ok(VenueReport { fills: vec![stranger.clone()], ..bench.report() })));
    assert_eq!(watermarks(&bench), [1_000_000]);
    until_asked(&mut bench);
    assert_eq!(bench.reports.last().unwrap().orders, ["v1".into()]);
    let orders = vec![venue_order(VenueOrderStatus::Resting, "1.00", "9.00", bench.ms)];
    let found = VenueReport { orders, fills: vec![stranger], ..bench.report() };
    bench.input(DeskInput::Report(Ok(found)));
    assert_eq!(watermarks(&bench), [1_000_000, bench.ms]);
}

#[test]
fn the_position_after_a_fill_shows_that_one_before_it_was_lost() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    let said = |trade: &str, at: i64, position: &str| {
        let (ts_ms, post_position) = (VenueTime(at), Some(position.parse().unwrap()));
        PrivateItem::Fill(VenueFill { ts_ms, post_position, ..fill(trade, "1.00") })
    };
    let breaks = bench.desk.counters();
    bench.input(DeskInput::Private(said("t1", 1_000_100, "1.00")));
    assert_eq!(breaks.position_breaks.load(Relaxed), 0);
    bench.input(DeskInput::Private(said("t3", 1_000_300, "3.00")));
    bench.input(DeskInput::Private(said("t4", 1_000_400, "4.00")));
    assert_eq!(breaks.position_breaks.load(Relaxed), 1, "told once until a report explains");
    assert_eq!(bench.alerts, ["OUT-RECON-003"]);
    bench.input(DeskInput::Tick);
    assert_eq!(bench.reports.len(), 1, "at once");
    // What was late comes after all. It is older than what is known, so its position says nothing about now.
    reconcile(&mut bench);
    bench.input(DeskInput::Private(said("t2", 1_000_200, "2.00")));
    bench.input(DeskInput::Private(said("t2", 1_000_200, "2.00")));
    assert_eq!(breaks.position_breaks.load(Relaxed), 1);
    assert_eq!(bench.view(id).filled.to_string(), "4.00");
}

#[test]
fn an_order_that_says_more_filled_than_its_fills_make_is_read_back_soon() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    let told = venue_order(VenueOrderStatus::Resting, "2.00", "8.00", bench.ms + 1);
    bench.input(DeskInput::Private(PrivateItem::Order(told)));
    bench.ms += 100;
    let before = bench.reports.len();
    bench.input(DeskInput::Tick);
    let reports = bench.reports.len();
    assert_eq!(bench.desk.counters().fill_count_breaks.load(Relaxed), 0, "its fill may be on its way");
    if reports > before {
        reconcile(&mut bench);
    }
    bench.ms += 1_000;
    bench.input(DeskInput::Tick);
    assert_eq!(bench.desk.counters().fill_count_breaks.load(Relaxed), 1);
    assert_eq!((bench.reports.len(), bench.alerts.as_slice()), (reports + 1, ["OUT-RECON-003"].as_slice()));
    bench.input(DeskInput::Report(Ok(VenueReport { fills: vec![fill("t1", "2.00")], ..bench.report() })));
    bench.ms += 1_000;
    bench.input(DeskInput::Tick);
    assert_eq!(bench.desk.state().short_orders().count(), 0);
    assert_eq!(bench.desk.counters().fill_count_breaks.load(Relaxed), 1, "it adds up");
}

#[test]
fn fills_that_no_read_by_time_brings_are_asked_for_by_order_and_then_given_up() {
    let mut bench = Bench::ready();
    until_asked(&mut bench);
    reconcile(&mut bench);
    let id = bench.place(1, 1);
    bench.answer(id, 1, WriteKind::Create, accepted("v1", "3.00", "7.00", bench.ms));
    let mut asked = Vec::new();
    for _ in 0..3 {
        until_asked(&mut bench);
        asked.push(bench.reports.last().unwrap().fills_of.len());
        let orders = vec![venue_order(VenueOrderStatus::Resting, "3.00", "7.00", 1_000_000)];
        bench.input(DeskInput::Report(Ok(VenueReport { orders, ..bench.report() })));
    }
    assert_eq!(asked, [0, 1, 1]);
    assert_eq!(bench.alerts, ["OUT-RECON-003", "OUT-RECON-005"]);
    // The doubt survives a restart, wherever the watermark is.
    let mut after = after_restart(bench);
    for _ in 0..2 {
        until_asked(&mut after);
        reconcile(&mut after);
    }
    until_asked(&mut after);
    assert_eq!(after.reports.last().unwrap().fills_of, ["v1".into()]);
}

#[test]
fn fills_a_live_stream_did_not_bring_are_told() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    bench.input(DeskInput::Private(live()));
    bench.ms += 10;
    reconcile(&mut bench);
    bench.ms += 5_000;
    let at = |trade: &str, ms: i64| VenueFill { ts_ms: VenueTime(ms), ..fill(trade, "1.00") };
    let fills = vec![at("old", 1_000_005), at("lost", 1_002_000), at("on its way", bench.ms - 10)];
    bench.input(DeskInput::Report(Ok(VenueReport { fills, ..bench.report() })));
    assert_eq!(bench.desk.counters().fills_missed.load(Relaxed), 1, "the one that had its time");
    assert_eq!(bench.alerts, ["OUT-RECON-004"]);
}

#[test]
fn every_break_and_every_interval_makes_the_account_be_read_back() {
    let mut bench = Bench::ready();
    until_asked(&mut bench);
    reconcile(&mut bench);
    let before = bench.ms;
    until_asked(&mut bench);
    assert_eq!(bench.ms - before, 30_000);
    reconcile(&mut bench);
    bench.ms += 2_000;
    let broken = PrivateItem::StreamState { generation: Generation(1), state: FeedState::BackingOff };
    bench.input(DeskInput::Private(broken));
    bench.input(DeskInput::Private(live()));
    let before = bench.ms;
    until_asked(&mut bench);
    assert_eq!(bench.ms - before, 100);
}

#[test]
fn an_old_read_of_positions_and_cash_changes_neither() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    bench.ms += 2_000;
    let cash =
        |cents: i64| VenueBalance { cash: Money::from_micros(cents * 10_000), ..VenueBalance::default() };
    bench.input(DeskInput::Private(PrivateItem::Fill(fill("t1", "2.00"))));
    let positions = |position: &str| {
        let (ticker, position) = ("KXA-1".into(), position.parse().unwrap());
        vec![VenuePosition { ticker, position, realized_pnl: None, fees_paid: None, exposure: None }]
    };
    let now = VenueReport { positions: positions("2.00"), balance: cash(900), ..bench.report() };
    bench.input(DeskInput::Report(Ok(now)));
    for _ in 0..5 {
        let as_of = VenueTime(1_000_050);
        let old = VenueReport { as_of, positions: positions("0.00"), balance: cash(1_000), ..bench.report() };
        bench.input(DeskInput::Report(Ok(old)));
    }
    let state = bench.desk.state();
    assert_eq!(state.holdings.get("KXA-1").unwrap().net.to_string(), "2.00");
    assert_eq!(state.balance.as_ref().unwrap().cash.to_string(), "9.000000");
    assert!(bench.alerts.is_empty(), "{:?}", bench.alerts);
}
