//! One history in which every kind of notice occurs.

use super::*;
use crate::venue::communications::{BatchAccept, ChildMarket, NewBatch, NewBatchQuote, NewChild};

/// Member 0 asks, and hides its name; members 1 and 2 quote. Returns every notice in order.
pub(crate) fn story() -> Vec<Notice> {
    let mut venue = with_combos(&[&[0, 1], &[0, 2]]);
    let size = Size::TargetCost { cost: 5_000_000, excludes_fees: true };
    let ask = NewRfq { is_obscured: true, subaccount: Some(0), ..request("KXMVE-0", size) };
    let rfq = venue.create_rfq(0, &ask, START).unwrap();
    let quote = venue.create_quote(1, &bids(&rfq, 2_000, 7_500), START).unwrap();
    venue.accept_quote(0, &quote, Leg::Yes, START).unwrap();
    venue.confirm_quote(1, &quote, START).unwrap();
    venue.advance(START + SECOND);
    batch(&mut venue, START + 2 * SECOND);
    let rfq = venue.create_rfq(1, &request("KXT-1", Size::Contracts(100)), START).unwrap();
    venue.delete_rfq(1, &rfq, START + 9 * SECOND).unwrap();
    notices(&mut venue)
}

/// A batch that trades with two winners, and one that is deleted.
fn batch(venue: &mut Venue, now: i64) {
    let child = |ticker: &str| NewChild { market: ChildMarket::Ticker(ticker.into()), size: None };
    let new = NewBatch {
        children: vec![child("KXMVE-0"), child("KXMVE-1")],
        collection_ticker: None,
        size: Some(Size::Contracts(1_000)),
        is_obscured: true,
        replace_existing: false,
        client_batch_id: Some("mine".into()),
        subaccount: None,
    };
    let id = venue.create_batch(0, &new, now).unwrap();
    let rfqs = venue.communications.batches[&id].rfqs.clone();
    let mut sent = Vec::new();
    for (maker, prices) in [(1, [4_000, 3_000]), (2, [3_000, 4_000])] {
        let bids = rfqs.iter().zip(prices).map(|(rfq, yes)| (rfq.to_string(), yes, 0)).collect();
        let new = NewBatchQuote { bids, rest_remainder: false, post_only: false, subaccount: Some(0) };
        sent.push((maker, venue.create_batch_quote(maker, &id, &new, now).unwrap()));
    }
    let min_bids = rfqs.iter().map(|rfq| (rfq.to_string(), 4_000)).collect();
    let accept = BatchAccept { side: Leg::Yes, min_bids, client_order_id: None };
    venue.accept_batch(0, &id, &accept, now).unwrap();
    for (maker, quote) in sent {
        venue.confirm_batch_quote(maker, &id, &quote, now).unwrap();
    }
    venue.advance(now + SECOND);
    let second = venue.create_batch(0, &NewBatch { client_batch_id: None, ..new }, now).unwrap();
    venue.delete_batch(0, &second, now).unwrap();
}

#[test]
fn the_story_trades_and_ends() {
    let story = story();
    let executed = story.iter().filter(|notice| matches!(notice, Notice::QuoteExecuted(_)));
    assert_eq!(executed.count(), 3);
    let closed = story.iter().filter(|notice| matches!(notice, Notice::BatchDeleted { .. }));
    assert_eq!(closed.count(), 2);
}
