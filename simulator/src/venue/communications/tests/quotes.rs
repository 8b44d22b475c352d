//! Single RFQs from request to execution, and each way they end early.

use super::*;
use crate::venue::communications::OBSCURED_ID;
use crate::venue::communications::state::{QuoteStatus, RfqStatus};
use crate::venue::event::Side;
use crate::venue::order::OrderStatus;
use crate::venue::tests::{CLOSE, new};

#[test]
fn a_confirmed_quote_trades_between_both_after_the_timer() {
    let mut venue = quiet();
    let (rfq_id, quote_id) = quoted(&mut venue);
    venue.accept_quote(0, &quote_id, Leg::No, START + 1).unwrap();
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Accepted);
    venue.confirm_quote(1, &quote_id, START + 2).unwrap();
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Confirmed);
    venue.advance(START + 15 * SECOND + 1);
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Confirmed, "the timer runs");
    venue.take_events();
    venue.advance(START + 15 * SECOND + 2);
    let done = quote(&venue, &quote_id).clone();
    assert_eq!((done.status, done.executed_us), (QuoteStatus::Executed, Some(START + 15 * SECOND + 2)));
    assert_eq!(rfq(&venue, &rfq_id).status, RfqStatus::Closed);
    // The maker bid 0.55 for NO, so the requester bought YES at 0.45.
    assert_eq!(venue.accounts[0].position("KXT-1").net, 1_000);
    assert_eq!(venue.accounts[1].position("KXT-1").net, -1_000);
    let fill = venue.accounts[0].fills[0].clone();
    assert_eq!((fill.yes_price, fill.is_taker, fill.count), (4_500, true, 1_000));
    assert_eq!(fill.order_id, done.rfq_creator_order.unwrap().order_id);
    assert_eq!(venue.accounts[1].fills[0].order_id, done.creator_order.unwrap().order_id);
    let trade = venue.market("KXT-1").unwrap().trades[0].clone();
    assert_eq!((trade.yes_price, trade.count, trade.is_block_trade), (4_500, 1_000, false));
    let told = notices(&mut venue);
    assert!(matches!(told[..], [Notice::QuoteExecuted(_), Notice::RfqDeleted(_)]), "{told:?}");
}

#[test]
fn combos_have_the_short_windows() {
    let mut venue = with_combos(&[&[0, 1]]);
    let id = venue.create_rfq(0, &request("KXMVE-0", Size::Contracts(100)), START).unwrap();
    let quote_id = venue.create_quote(1, &bids(&id, 4_000, 5_000), START).unwrap();
    venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
    venue.advance(START + 3 * SECOND - 1);
    venue.confirm_quote(1, &quote_id, START + 3 * SECOND - 1).unwrap();
    venue.advance(START + 4 * SECOND - 1);
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Executed);
    assert_eq!(venue.accounts[1].position("KXMVE-0").net, 100, "who accepts a YES bid sells YES to it");
}

#[test]
fn a_quote_that_is_not_confirmed_in_time_is_void_and_the_rfq_open() {
    let mut venue = quiet();
    let (rfq_id, quote_id) = quoted(&mut venue);
    venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
    let second = venue.create_quote(2, &bids(&rfq_id, 4_100, 0), START).unwrap();
    let refused = venue.accept_quote(0, &second, Leg::Yes, START).unwrap_err();
    assert_eq!(refused.details.as_deref(), Some("another quote on the RFQ is accepted"));
    venue.advance(START + 30 * SECOND);
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Cancelled);
    assert!(venue.confirm_quote(1, &quote_id, START + 30 * SECOND).is_err());
    assert_eq!(rfq(&venue, &rfq_id).status, RfqStatus::Open);
    venue.accept_quote(0, &second, Leg::Yes, START + 31 * SECOND).unwrap();
}

#[test]
fn what_is_accepted_cannot_be_withdrawn() {
    let mut venue = quiet();
    let (rfq_id, quote_id) = quoted(&mut venue);
    venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
    assert!(venue.delete_rfq(0, &rfq_id, START).is_err());
    assert!(venue.delete_quote(1, &quote_id, START).is_err());
    assert!(venue.create_quote(1, &bids(&rfq_id, 3_000, 0), START).is_err(), "nor replaced");
}

#[test]
fn deleting_closes_the_rfq_and_its_quotes() {
    let mut venue = quiet();
    let (rfq_id, quote_id) = quoted(&mut venue);
    assert_eq!(venue.delete_rfq(1, &rfq_id, START).unwrap_err().status, 404, "only its creator can");
    venue.take_events();
    venue.delete_rfq(0, &rfq_id, START).unwrap();
    assert!(matches!(notices(&mut venue)[..], [Notice::RfqDeleted(_)]));
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Cancelled);
    assert_eq!(venue.delete_rfq(0, &rfq_id, START).unwrap_err().code, "RFQ_CLOSED");
    assert_eq!(venue.create_quote(1, &bids(&rfq_id, 1_000, 0), START).unwrap_err().code, "RFQ_CLOSED");
    assert_eq!(venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap_err().code, "RFQ_CLOSED");
}

#[test]
fn a_new_quote_replaces_the_members_own() {
    let mut venue = quiet();
    let (rfq_id, first) = quoted(&mut venue);
    let second = venue.create_quote(1, &bids(&rfq_id, 4_200, 0), START).unwrap();
    assert_eq!(quote(&venue, &first).cancellation_reason, Some("replaced"));
    assert_eq!(quote(&venue, &second).status, QuoteStatus::Open);
    let refused = venue.accept_quote(0, &second, Leg::No, START).unwrap_err();
    assert_eq!(refused.details.as_deref(), Some("the quote has no no bid"));
    venue.delete_quote(1, &second, START).unwrap();
    assert!(venue.accept_quote(0, &second, Leg::Yes, START).is_err());
}

#[test]
fn bids_are_on_the_grid_and_worth_a_dollar_at_most() {
    let mut venue = quiet();
    let (rfq_id, _) = quoted(&mut venue);
    for (yes, no) in [(0, 0), (4_050, 0), (0, 4_050), (5_000, 5_100), (10_000, 0)] {
        let refused = venue.create_quote(1, &bids(&rfq_id, yes, no), START).unwrap_err();
        assert_eq!((refused.status, refused.code), (400, "invalid_parameters"), "{yes} {no}");
    }
    assert!(venue.create_quote(0, &bids(&rfq_id, 4_000, 0), START).is_err(), "not one's own");
    assert!(venue.create_quote(1, &bids("x", 4_000, 0), START).is_err());
}

#[test]
fn one_rfq_per_market_and_a_hundred_in_all() {
    let mut venue = quiet();
    let first = venue.market("KXT-1").unwrap().listing.clone();
    for number in 2..=102 {
        venue.list(Listing { ticker: format!("KXT-{number}"), ..first.clone() }, START);
    }
    venue.advance(START);
    let ask = |number: i32| request(&format!("KXT-{number}"), Size::Contracts(100));
    let ids: Vec<_> = (1..=100).map(|number| venue.create_rfq(0, &ask(number), START).unwrap()).collect();
    assert_eq!(venue.create_rfq(0, &ask(7), START).unwrap_err().code, "rfq_already_exists");
    assert_eq!(venue.create_rfq(0, &ask(101), START).unwrap_err().code, "max_open_rfqs_reached");
    assert!(venue.create_rfq(1, &ask(101), START).is_ok(), "members are counted each");
    venue.create_rfq(0, &NewRfq { replace_existing: true, ..ask(7) }, START).unwrap();
    assert_eq!(rfq(&venue, &ids[6]).status, RfqStatus::Closed);
    venue.create_rfq(0, &NewRfq { replace_existing: true, ..ask(102) }, START).unwrap();
    assert_eq!(rfq(&venue, &ids[0]).status, RfqStatus::Closed, "the oldest makes room");
}

#[test]
fn who_cannot_pay_is_refused_at_each_step() {
    let mut venue = quiet();
    let id = venue.create_rfq(0, &request("KXT-1", Size::Contracts(200_000)), START).unwrap();
    let quote_id = venue.create_quote(1, &bids(&id, 9_000, 100), START).unwrap();
    let poor = venue.accept_quote(0, &quote_id, Leg::No, START).unwrap_err();
    assert_eq!(poor.code, "insufficient_balance", "2000 contracts at 0.99");
    venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
    let poor = venue.confirm_quote(1, &quote_id, START).unwrap_err();
    assert_eq!(poor.code, "insufficient_balance", "2000 contracts at 0.90");
}

#[test]
fn an_execution_that_fails_leaves_nothing_behind() {
    let mut venue = quiet();
    let (rfq_id, quote_id) = quoted(&mut venue);
    venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
    venue.confirm_quote(1, &quote_id, START).unwrap();
    // The requester's money goes elsewhere meanwhile.
    venue.place(0, &new(Side::Bid, 100, 4_660_000), START).unwrap();
    venue.advance(START + 15 * SECOND);
    assert_eq!(quote(&venue, &quote_id).cancellation_reason, Some("execution failed"));
    assert_eq!(rfq(&venue, &rfq_id).status, RfqStatus::Open);
    assert!(venue.accounts.iter().all(|account| account.fills.is_empty()));
    let resting = venue.orders_of(1).iter().any(|order| order.status == OrderStatus::Resting);
    assert!(!resting, "the maker's order is gone");
}

#[test]
fn remainders_rest_only_where_their_owner_asked() {
    for (rests, status) in [(false, OrderStatus::Canceled), (true, OrderStatus::Resting)] {
        let mut venue = quiet();
        // The requester's order meets a better bid first, so some of the maker's remains.
        venue.place(2, &new(Side::Bid, 4_500, 300), START).unwrap();
        let id = venue.create_rfq(0, &request("KXT-1", Size::Contracts(1_000)), START).unwrap();
        let quote_id =
            venue.create_quote(1, &NewQuote { rest_remainder: rests, ..bids(&id, 4_000, 0) }, START).unwrap();
        venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
        venue.confirm_quote(1, &quote_id, START).unwrap();
        venue.advance(START + 15 * SECOND);
        let order = quote(&venue, &quote_id).creator_order.clone().unwrap();
        let order = venue.order_of(1, &order.order_id).unwrap();
        assert_eq!((order.filled, order.status), (700, status));
        assert_eq!(venue.accounts[0].position("KXT-1").net, -1_000);
    }
}

#[test]
fn a_post_only_quote_does_not_take() {
    for (post_only, status) in [(true, QuoteStatus::Cancelled), (false, QuoteStatus::Executed)] {
        let mut venue = quiet();
        venue.place(2, &new(Side::Ask, 3_900, 300), START).unwrap();
        let id = venue.create_rfq(0, &request("KXT-1", Size::Contracts(1_000)), START).unwrap();
        let quote_id = venue.create_quote(1, &NewQuote { post_only, ..bids(&id, 4_000, 0) }, START).unwrap();
        venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
        venue.confirm_quote(1, &quote_id, START).unwrap();
        venue.advance(START + 15 * SECOND);
        assert_eq!(quote(&venue, &quote_id).status, status);
        assert_eq!(venue.accounts[2].position("KXT-1").net, if post_only { 0 } else { -300 });
    }
}

#[test]
fn a_market_that_closes_takes_its_rfqs_along() {
    let mut venue = quiet();
    let (rfq_id, quote_id) = quoted(&mut venue);
    venue.accept_quote(0, &quote_id, Leg::Yes, CLOSE - SECOND).unwrap();
    venue.confirm_quote(1, &quote_id, CLOSE - SECOND).unwrap();
    venue.advance(CLOSE);
    assert_eq!(rfq(&venue, &rfq_id).cancellation_reason, Some("market closed"));
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Cancelled);
    venue.advance(CLOSE + 15 * SECOND);
    assert!(venue.accounts[0].fills.is_empty());
}

#[test]
fn nothing_is_asked_of_a_market_that_does_not_trade() {
    let mut venue = quiet();
    let ask = request("KXT-1", Size::Contracts(100));
    assert_eq!(venue.create_rfq(0, &request("NOPE", Size::Contracts(1)), START).unwrap_err().status, 400);
    assert!(venue.create_rfq(0, &request("KXT-1", Size::Contracts(0)), START).is_err());
    venue.set_trading_paused(true, START);
    assert_eq!(venue.create_rfq(0, &ask, START).unwrap_err().status, 409);
    venue.set_trading_paused(false, START);
    venue.steer("KXT-1", crate::venue::steer::Steer::Pause, START).unwrap();
    assert_eq!(venue.create_rfq(0, &ask, START).unwrap_err().code, "MARKET_NOT_ACTIVE");
}

#[test]
fn ended_things_are_forgotten_in_time() {
    let mut venue = quiet();
    let (rfq_id, _) = quoted(&mut venue);
    venue.delete_rfq(0, &rfq_id, START).unwrap();
    venue.advance(START + 7 * 24 * 3_600 * SECOND);
    assert!(venue.communications.rfqs.is_empty() && venue.communications.quotes.is_empty());
}

#[test]
fn public_names_differ_and_none_is_the_placeholder() {
    let venue = quiet();
    let names: Vec<_> = (0..4).map(|id| venue.communications_id(id).unwrap()).collect();
    assert!(names.iter().all(|name| name.len() == 64 && **name != *OBSCURED_ID));
    assert_ne!(names[0], names[1]);
}
