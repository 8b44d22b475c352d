//! Batches: best bids across makers, all or nothing, and every way they end.

use super::*;
use crate::venue::combo::{Collection, SelectedLeg};
use crate::venue::communications::state::{BatchQuoteStatus, BatchStatus, RfqStatus};
use crate::venue::communications::{BatchAccept, ChildMarket, NewBatch, NewBatchQuote, NewChild};
use crate::venue::event::Side;
use crate::venue::tests::{CLOSE, new};

fn children(tickers: &[&str]) -> NewBatch {
    let child = |ticker: &&str| NewChild { market: ChildMarket::Ticker((*ticker).into()), size: None };
    NewBatch {
        children: tickers.iter().map(child).collect(),
        collection_ticker: None,
        size: Some(Size::Contracts(1_000)),
        is_obscured: false,
        replace_existing: false,
        client_batch_id: None,
        subaccount: None,
    }
}

/// A venue with two combos and an open batch of member 0 on them.
fn batched() -> (Venue, Arc<str>, Vec<Arc<str>>) {
    let mut venue = with_combos(&[&[0, 1], &[0, 2]]);
    let id = venue.create_batch(0, &children(&["KXMVE-0", "KXMVE-1"]), START).unwrap();
    let rfqs = venue.communications.batches[&id].rfqs.clone();
    (venue, id, rfqs)
}

fn send(venue: &mut Venue, maker: usize, id: &str, bids: &[(&Arc<str>, i64)], at: i64) -> Arc<str> {
    let bids = bids.iter().map(|(rfq, yes)| (rfq.to_string(), *yes, 0)).collect();
    let new = NewBatchQuote { bids, rest_remainder: false, post_only: false, subaccount: None };
    venue.create_batch_quote(maker, id, &new, at).unwrap()
}

fn take(rfqs: &[Arc<str>], min: i64) -> BatchAccept {
    let min_bids = rfqs.iter().map(|id| (id.to_string(), min)).collect();
    BatchAccept { side: Leg::Yes, min_bids, client_order_id: Some("key".into()) }
}

type Won = (Venue, Arc<str>, Vec<Arc<str>>, [Arc<str>; 2]);

/// Makers 1 and 2 win a child each; accepted.
fn won() -> Won {
    let (mut venue, id, rfqs) = batched();
    let one = send(&mut venue, 1, &id, &[(&rfqs[0], 4_000), (&rfqs[1], 3_000)], START);
    let two = send(&mut venue, 2, &id, &[(&rfqs[0], 3_500), (&rfqs[1], 3_500)], START);
    venue.accept_batch(0, &id, &take(&rfqs, 3_500), START).unwrap();
    (venue, id, rfqs, [one, two])
}

#[test]
fn each_child_goes_to_the_best_bid_and_all_trade_together() {
    let (mut venue, id, rfqs, [one, two]) = won();
    let told = notices(&mut venue);
    let accepted = told.iter().filter(|notice| matches!(notice, Notice::BatchQuoteAccepted { .. }));
    assert_eq!(accepted.count(), 2);
    assert_eq!(venue.communications.batch_quotes[&one].quotes.len(), 1, "the child it won");
    venue.confirm_batch_quote(1, &id, &one, START + 1).unwrap();
    venue.advance(START + 2 * SECOND);
    assert!(venue.accounts[0].fills.is_empty(), "one winner has not confirmed");
    venue.confirm_batch_quote(2, &id, &two, START + 2 * SECOND).unwrap();
    venue.take_events();
    venue.advance(START + 3 * SECOND);
    assert_eq!(venue.accounts[1].position("KXMVE-0").net, 1_000);
    assert_eq!(venue.accounts[2].position("KXMVE-1").net, 1_000);
    assert_eq!(venue.accounts[0].position("KXMVE-1").net, -1_000);
    let batch = &venue.communications.batches[&id];
    assert_eq!((batch.status, batch.close_reason), (BatchStatus::Closed, Some("executed")));
    assert_eq!(venue.communications.batch_quotes[&two].status, BatchQuoteStatus::Executed);
    let told = notices(&mut venue);
    let Notice::BatchExecuted { ended, .. } = &told[2] else { panic!("{told:?}") };
    assert_eq!((&ended.executed, ended.failed.len()), (&rfqs, 0));
    let Notice::BatchDeleted { except, .. } = told.last().unwrap() else { panic!("{told:?}") };
    assert_eq!(except, &[0, 1, 2]);
}

#[test]
fn a_missed_confirmation_closes_the_batch_without_a_trade() {
    let (mut venue, id, rfqs, [one, two]) = won();
    venue.confirm_batch_quote(1, &id, &one, START).unwrap();
    venue.take_events();
    venue.advance(START + 3 * SECOND);
    let batch = &venue.communications.batches[&id];
    assert_eq!((batch.status, batch.close_reason), (BatchStatus::Closed, Some("not confirmed in time")));
    assert_eq!(rfq(&venue, &rfqs[0]).status, RfqStatus::Closed);
    assert_eq!(venue.communications.batch_quotes[&one].status, BatchQuoteStatus::Cancelled);
    assert!(venue.confirm_batch_quote(2, &id, &two, START + 3 * SECOND).is_err());
    assert!(matches!(notices(&mut venue)[..], [Notice::BatchDeleted { .. }]));
    venue.advance(START + 10 * SECOND);
    assert!(venue.accounts.iter().all(|account| account.fills.is_empty()));
}

#[test]
fn a_child_that_cannot_fill_stops_all() {
    let (mut venue, id, rfqs, [one, two]) = won();
    venue.confirm_batch_quote(1, &id, &one, START).unwrap();
    venue.confirm_batch_quote(2, &id, &two, START).unwrap();
    // Somebody offers the second child cheaper than its maker bids: the maker's order would take that.
    let mut ask = new(Side::Ask, 3_400, 100);
    ask.ticker = "KXMVE-1".into();
    venue.place(3, &ask, START).unwrap();
    venue.take_events();
    venue.advance(START + SECOND);
    assert!(venue.accounts.iter().all(|account| account.fills.is_empty()));
    let told = notices(&mut venue);
    let Notice::BatchExecuted { ended, .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!((ended.reason(), ended.failed.len()), ("execution failed", 2));
    assert_eq!(rfq(&venue, &rfqs[0]).cancellation_reason, Some("execution failed"));
}

#[test]
fn ties_go_to_the_earlier_bid_and_an_unchanged_one_keeps_its_time() {
    let (mut venue, id, rfqs) = batched();
    let all = |price| [(&rfqs[0], price), (&rfqs[1], price)];
    send(&mut venue, 1, &id, &all(4_000), START);
    send(&mut venue, 2, &id, &all(4_000), START + 1);
    let again = send(&mut venue, 1, &id, &all(4_000), START + 2);
    let won = venue.accept_batch(0, &id, &take(&rfqs, 4_000), START + 3).unwrap();
    assert!(won.iter().all(|won| quote(&venue, won).batch_quote_id.as_ref() == Some(&again)));
    let retried = venue.accept_batch(0, &id, &take(&rfqs, 9_000), START + 4).unwrap();
    assert_eq!(retried, won, "a retry with the same key returns the first result");
}

#[test]
fn a_changed_bid_goes_to_the_back() {
    let (mut venue, id, rfqs) = batched();
    let all = |price| [(&rfqs[0], price), (&rfqs[1], price)];
    send(&mut venue, 1, &id, &all(4_000), START);
    let second = send(&mut venue, 2, &id, &all(4_000), START + 1);
    send(&mut venue, 1, &id, &all(3_900), START + 2);
    send(&mut venue, 1, &id, &all(4_000), START + 3);
    let won = venue.accept_batch(0, &id, &take(&rfqs, 4_000), START + 4).unwrap();
    assert!(won.iter().all(|won| quote(&venue, won).batch_quote_id.as_ref() == Some(&second)));
}

#[test]
fn a_batch_quote_counts_for_thirty_seconds() {
    let (mut venue, id, rfqs) = batched();
    send(&mut venue, 1, &id, &[(&rfqs[0], 4_000), (&rfqs[1], 4_000)], START);
    assert!(venue.communications.batches[&id].best.is_complete(Leg::Yes));
    venue.take_events();
    venue.advance(START + 30 * SECOND);
    let Notice::BestQuotes { best, .. } = notices(&mut venue).pop().unwrap() else { panic!() };
    assert!(!best.is_complete(Leg::Yes) && best.version == 2);
    let refused = venue.accept_batch(0, &id, &take(&rfqs, 100), START + 30 * SECOND).unwrap_err();
    assert_eq!((refused.status, refused.code), (409, "rfq_batch_quotes_changed"));
    assert!(refused.details.unwrap().contains(&*rfqs[0]));
}

#[test]
fn best_quotes_are_told_four_times_a_second_at_most() {
    let (mut venue, id, rfqs) = batched();
    venue.take_events();
    for step in 0..5 {
        let price = 4_000 + step * 100;
        send(&mut venue, 1, &id, &[(&rfqs[0], price), (&rfqs[1], price)], START + step);
    }
    let versions = |venue: &mut Venue| -> Vec<i64> {
        let version = |notice| match notice {
            Notice::BestQuotes { best, .. } => Some(best.version),
            _ => None,
        };
        notices(venue).into_iter().filter_map(version).collect()
    };
    assert_eq!(versions(&mut venue), [1]);
    venue.advance(START + 249_999);
    assert_eq!(versions(&mut venue), [0_i64; 0]);
    venue.advance(START + 250_000);
    assert_eq!(versions(&mut venue), [5], "the latest only");
}

#[test]
fn accepts_need_a_limit_for_each_child_that_still_holds() {
    let (mut venue, id, rfqs) = batched();
    send(&mut venue, 1, &id, &[(&rfqs[0], 4_000), (&rfqs[1], 3_000)], START);
    let refused = venue.accept_batch(0, &id, &take(&rfqs, 3_500), START).unwrap_err();
    assert_eq!(refused.details.unwrap(), format!("{}: 0.3000", rfqs[1]));
    assert!(venue.accept_batch(0, &id, &take(&rfqs[..1], 3_000), START).is_err(), "one is missing");
    assert_eq!(venue.accept_batch(1, &id, &take(&rfqs, 3_000), START).unwrap_err().status, 404);
    venue.place(0, &new(Side::Bid, 100, 4_660_000), START).unwrap();
    let poor = venue.accept_batch(0, &id, &take(&rfqs, 3_000), START).unwrap_err();
    assert_eq!(poor.code, "insufficient_balance");
    assert_eq!(venue.communications.batches[&id].status, BatchStatus::Open, "none is accepted");
}

#[test]
fn deleting_a_batch_ends_its_children_and_quotes() {
    let (mut venue, id, rfqs) = batched();
    let one = send(&mut venue, 1, &id, &[(&rfqs[0], 4_000), (&rfqs[1], 3_000)], START);
    assert_eq!(venue.delete_batch(1, &id, START).unwrap_err().status, 404);
    assert!(venue.delete_rfq(0, &rfqs[0], START).is_err(), "a child closes with its batch");
    assert!(venue.create_quote(2, &bids(&rfqs[0], 100, 0), START).is_err(), "and is quoted with it");
    venue.delete_batch(0, &id, START).unwrap();
    assert_eq!(venue.communications.batch_quotes[&one].status, BatchQuoteStatus::Cancelled);
    assert_eq!(rfq(&venue, &rfqs[1]).status, RfqStatus::Closed);
    assert!(venue.delete_batch(0, &id, START).is_err());
}

#[test]
fn a_withdrawn_batch_quote_stops_counting() {
    let (mut venue, id, rfqs) = batched();
    let one = send(&mut venue, 1, &id, &[(&rfqs[0], 4_000), (&rfqs[1], 3_000)], START);
    assert_eq!(venue.delete_batch_quote(2, &id, &one, START).unwrap_err().status, 404);
    venue.delete_batch_quote(1, &id, &one, START).unwrap();
    assert!(venue.communications.batches[&id].best.children[0].yes.is_none());
    assert!(venue.delete_batch_quote(1, &id, &one, START).is_err());
}

#[test]
fn batches_that_make_no_sense_are_refused() {
    let mut venue = with_combos(&[&[0, 1], &[2, 3], &[4, 5, 6]]);
    let refused = |venue: &mut Venue, new: &NewBatch| venue.create_batch(0, new, START).unwrap_err().status;
    assert_eq!(refused(&mut venue, &children(&["KXMVE-0"])), 400, "one child");
    assert_eq!(refused(&mut venue, &children(&["KXMVE-0", "KXMVE-0"])), 400, "twice the same");
    assert_eq!(refused(&mut venue, &children(&["KXMVE-0", "KXMVE-1", "KXMVE-2"])), 400, "seven legs");
    let pair = children(&["KXMVE-0", "KXMVE-1"]);
    assert_eq!(refused(&mut venue, &NewBatch { size: None, ..pair.clone() }), 400, "no size");
    let mut mixed = pair.clone();
    mixed.children[0].size = Some(Size::TargetCost { cost: 5_000_000, excludes_fees: false });
    assert_eq!(refused(&mut venue, &mixed), 400, "sized in two ways");
    let named = NewBatch { client_batch_id: Some("mine".into()), ..pair.clone() };
    let first = venue.create_batch(0, &named, START).unwrap();
    assert_eq!(refused(&mut venue, &named), 409, "an id is used once");
    venue.create_batch(0, &pair, START).unwrap();
    assert_eq!(refused(&mut venue, &pair), 409, "two are open");
    venue.create_batch(0, &NewBatch { replace_existing: true, ..pair }, START).unwrap();
    assert_eq!(venue.communications.batches[&first].status, BatchStatus::Closed, "the oldest");
}

#[test]
fn children_can_be_named_by_their_legs_and_are_made_then() {
    let mut venue = quiet();
    let first = venue.market("KXT-1").unwrap().listing.clone();
    for event in ["KXA", "KXB", "KXC"] {
        let (ticker, event_ticker) = (format!("{event}-1"), event.into());
        venue.list(Listing { ticker, event_ticker, ..first.clone() }, START);
    }
    venue.advance(START);
    let collection = Collection {
        ticker: "KXMVE-C".into(),
        series_ticker: "KXMVE".into(),
        title: String::new(),
        description: String::new(),
        open_us: START,
        close_us: CLOSE,
        source_series: vec!["KXT".into()],
        size_min: 2,
        size_max: 3,
    };
    venue.collections.by_ticker.insert("KXMVE-C".into(), collection);
    let mut by_legs = children(&["", ""]);
    for (child, events) in by_legs.children.iter_mut().zip([["KXA", "KXB"], ["KXA", "KXC"]]) {
        let leg = |event: &str| SelectedLeg {
            event_ticker: event.into(),
            market_ticker: format!("{event}-1"),
            side: Leg::Yes,
        };
        child.market = ChildMarket::Legs(events.map(leg).to_vec());
    }
    assert!(venue.create_batch(0, &by_legs, START).is_err(), "in which collection?");
    by_legs.collection_ticker = Some("NONE".into());
    assert_eq!(venue.create_batch(0, &by_legs, START).unwrap_err().status, 400);
    by_legs.collection_ticker = Some("KXMVE-C".into());
    let id = venue.create_batch(0, &by_legs, START).unwrap();
    let rfqs = venue.communications.batches[&id].rfqs.clone();
    let combo = rfq(&venue, &rfqs[1]).combo.as_ref().unwrap();
    assert_eq!((&*combo.collection_ticker, &*combo.legs[1].market_ticker), ("KXMVE-C", "KXC-1"));
    assert_eq!(
        venue.create_batch(0, &children(&["KXT-1", "KXA-1"]), START).unwrap_err().status,
        400,
        "no combos"
    );
}
