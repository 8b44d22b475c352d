//! Rules one by one: what an account can afford, pauses, expiry, the queue.

use super::account::AccountId;
use super::event::{Side, VenueEvent};
use super::order::{NewOrder, Order, OrderStatus, TimeInForce};
use super::steer::Steer;
use super::tests::{START, new, venue};
use super::{Amendment, Placed, Venue};

const SECOND: i64 = 1_000_000;

fn place(venue: &mut Venue, account: AccountId, order: &NewOrder) -> Placed {
    venue.place(account, order, START).unwrap()
}

fn refusal(venue: &mut Venue, account: AccountId, order: &NewOrder) -> &'static str {
    venue.place(account, order, START).unwrap_err().code
}

fn order<'a>(venue: &'a Venue, placed: &Placed, account: AccountId) -> &'a Order {
    venue.order_of(account, &placed.order_id).unwrap()
}

fn reasons(venue: &mut Venue) -> Vec<&'static str> {
    let reason = |event| match event {
        VenueEvent::UserOrder { reason, .. } => Some(reason),
        _ => None,
    };
    venue.take_events().into_iter().filter_map(reason).collect()
}

/// Gives account 0 a position at 0.50, with an account 1 that can afford the other side.
fn with_position(venue: &mut Venue, net: i64) {
    venue.accounts[1].cash.insert(0, 2_000_000_000);
    let (mine, theirs) = if net > 0 { (Side::Bid, Side::Ask) } else { (Side::Ask, Side::Bid) };
    place(venue, 1, &new(theirs, 5_000, net.abs()));
    place(venue, 0, &new(mine, 5_000, net.abs()));
    assert_eq!(venue.accounts[0].position("KXT-1").net, net);
}

#[test]
fn closing_orders_need_no_cash_as_far_as_the_position_goes() {
    for (net, side, price) in [(100_000, Side::Ask, 6_000), (-100_000, Side::Bid, 4_000)] {
        let mut venue = venue(10_000);
        // 1000 contracts cost 500 dollars, all there is but for the fee.
        venue.accounts[0].cash.insert(0, 520_000_000);
        with_position(&mut venue, net);
        place(&mut venue, 0, &new(side, price, 60_000));
        place(&mut venue, 0, &new(side, price, 40_000));
        assert_eq!(refusal(&mut venue, 0, &new(side, price, 20_000)), "insufficient_balance");
    }
}

#[test]
fn resting_orders_tie_up_cash_until_they_are_gone() {
    let mut venue = venue(10_000);
    let whole = new(Side::Bid, 5_000, 90_000);
    let placed = place(&mut venue, 0, &whole);
    assert!(venue.free_cash(0, 0) < 50_000_000 && venue.accounts[0].cash[&0] == 500_000_000);
    assert_eq!(refusal(&mut venue, 0, &whole), "insufficient_balance");
    venue.cancel(0, &placed.order_id, None, START).unwrap();
    assert_eq!(venue.free_cash(0, 0), 500_000_000);
    place(&mut venue, 0, &whole);
}

#[test]
fn an_amend_is_paid_for_in_place_of_what_it_changes() {
    let mut venue = venue(10_000);
    let placed = place(&mut venue, 0, &new(Side::Bid, 5_000, 90_000));
    let amendment = |price, count| Amendment {
        ticker: "KXT-1".into(),
        side: Side::Bid,
        price,
        count,
        client_order_id: None,
        updated_client_order_id: None,
        expiration_time: None,
    };
    let amended = venue.amend(0, &placed.order_id, &amendment(5_200, 90_000), None, START).unwrap();
    assert!(!amended.size_changed);
    let dear = venue.amend(0, &placed.order_id, &amendment(5_200, 120_000), None, START);
    assert_eq!(dear.unwrap_err().code, "insufficient_balance");
    assert_eq!(order(&venue, &placed, 0).remaining, 90_000);
}

#[test]
fn a_post_only_order_stays_one_when_it_is_amended() {
    let mut venue = venue(10_000);
    place(&mut venue, 1, &new(Side::Ask, 5_000, 100));
    let placed = place(&mut venue, 0, &NewOrder { post_only: true, ..new(Side::Bid, 4_000, 100) });
    let crossing = Amendment {
        ticker: "KXT-1".into(),
        side: Side::Bid,
        price: 5_000,
        count: 100,
        client_order_id: None,
        updated_client_order_id: None,
        expiration_time: None,
    };
    let refused = venue.amend(0, &placed.order_id, &crossing, None, START).unwrap_err();
    assert_eq!(refused.details.as_deref(), Some("post only cross"));
}

#[test]
fn orders_that_can_no_longer_be_paid_are_cancelled_newest_first() {
    let mut venue = venue(10_000);
    let older = place(&mut venue, 0, &new(Side::Bid, 4_000, 30_000));
    let newer = place(&mut venue, 0, &new(Side::Bid, 4_100, 30_000));
    venue.accounts[0].cash.insert(0, 130_000_000);
    venue.take_events();
    venue.cancel_unpayable(0, 0, START);
    assert_eq!(reasons(&mut venue), ["MarginCancel"]);
    assert_eq!(order(&venue, &newer, 0).status, OrderStatus::Canceled);
    assert_eq!(order(&venue, &older, 0).status, OrderStatus::Resting);
}

#[test]
fn expiry_is_the_newest_one_that_was_asked_for() {
    let mut venue = venue(10_000);
    let expires =
        |at: i64| NewOrder { expiration_time: Some(START / SECOND + at), ..new(Side::Bid, 4_000, 100) };
    let short = place(&mut venue, 0, &expires(10));
    let moved = place(&mut venue, 0, &expires(10));
    let amendment = Amendment {
        ticker: "KXT-1".into(),
        side: Side::Bid,
        price: 4_000,
        count: 100,
        client_order_id: None,
        updated_client_order_id: None,
        expiration_time: Some(START / SECOND + 20),
    };
    venue.amend(0, &moved.order_id, &amendment, None, START).unwrap();
    venue.take_events();
    venue.advance(START + 10 * SECOND);
    assert_eq!(reasons(&mut venue), ["ExpiryCancel"]);
    assert_eq!(order(&venue, &short, 0).status, OrderStatus::Canceled);
    assert_eq!(order(&venue, &moved, 0).status, OrderStatus::Resting);
    let forever = Amendment { expiration_time: Some(0), ..amendment };
    venue.amend(0, &moved.order_id, &forever, None, START + 11 * SECOND).unwrap();
    venue.advance(START + 60 * SECOND);
    assert_eq!(order(&venue, &moved, 0).status, OrderStatus::Resting);
}

#[test]
fn a_trading_pause_lets_orders_be_cancelled_only() {
    let mut venue = venue(10_000);
    let stays = place(&mut venue, 0, &new(Side::Bid, 4_000, 100));
    let goes = place(&mut venue, 0, &NewOrder { cancel_order_on_pause: true, ..new(Side::Bid, 4_000, 100) });
    venue.take_events();
    venue.set_trading_paused(true, START);
    assert_eq!(reasons(&mut venue), ["HaltCancel"]);
    assert_eq!(order(&venue, &goes, 0).status, OrderStatus::Canceled);
    assert_eq!(refusal(&mut venue, 0, &new(Side::Bid, 4_000, 100)), "trading_is_paused");
    venue.set_exchange_paused(true, START);
    assert_eq!(venue.cancel(0, &stays.order_id, None, START).unwrap_err().code, "exchange_is_paused");
    venue.set_exchange_paused(false, START);
    venue.cancel(0, &stays.order_id, None, START).unwrap();
    venue.set_trading_paused(false, START);
    place(&mut venue, 0, &new(Side::Bid, 4_000, 100));
}

#[test]
fn a_market_that_resumes_loses_its_resting_orders() {
    let mut venue = venue(10_000);
    let placed = place(&mut venue, 0, &new(Side::Bid, 4_000, 100));
    venue.steer("KXT-1", Steer::Pause, START).unwrap();
    assert_eq!(order(&venue, &placed, 0).status, OrderStatus::Resting);
    assert_eq!(refusal(&mut venue, 0, &new(Side::Bid, 4_000, 100)), "MARKET_NOT_ACTIVE");
    venue.steer("KXT-1", Steer::Resume, START).unwrap();
    assert_eq!(order(&venue, &placed, 0).status, OrderStatus::Canceled);
    place(&mut venue, 0, &new(Side::Bid, 4_000, 100));
    assert_eq!(venue.steer("KXT-1", Steer::Resume, START).unwrap_err().code, "bad_request");
}

#[test]
fn better_prices_stand_before_an_order_too() {
    let mut venue = venue(10_000);
    place(&mut venue, 1, &new(Side::Bid, 4_100, 300));
    place(&mut venue, 1, &new(Side::Bid, 4_000, 200));
    let mine = place(&mut venue, 0, &new(Side::Bid, 4_000, 100));
    assert_eq!(venue.queue_position(order(&venue, &mine, 0)), 500);
    let ask = place(&mut venue, 0, &new(Side::Ask, 6_000, 100));
    assert_eq!(venue.queue_position(order(&venue, &ask, 0)), 0);
}

#[test]
fn a_spent_id_is_told_even_after_the_market_is_gone() {
    let mut venue = venue(10_000);
    let once = NewOrder { client_order_id: Some("once".into()), ..new(Side::Bid, 4_000, 100) };
    place(&mut venue, 0, &once);
    venue.advance(START + 7_200 * SECOND);
    assert_eq!(refusal(&mut venue, 0, &once), "order_already_exists");
    let killed = NewOrder { time_in_force: TimeInForce::FillOrKill, ..once };
    assert_eq!(refusal(&mut venue, 0, &killed), "order_already_exists");
}

#[test]
fn orders_off_a_new_grid_are_cancelled_and_the_others_stay() {
    let mut venue = venue(10_000);
    venue.change_grid("KXT-1", super::grid::DECI_CENT, START).unwrap();
    let on = venue.place(0, &new(Side::Bid, 4_500, 100), START).unwrap();
    let off = venue.place(0, &new(Side::Bid, 4_510, 100), START).unwrap();
    venue.take_events();
    venue.change_grid("KXT-1", super::grid::LINEAR_CENT, START + 1).unwrap();
    let status = |venue: &Venue, id: &str| venue.order_of(0, id).unwrap().status;
    assert_eq!(status(&venue, &on.order_id), OrderStatus::Resting);
    assert_eq!(status(&venue, &off.order_id), OrderStatus::Canceled);
    let events = venue.take_events();
    let canceled = events.iter().position(
        |event| matches!(event, VenueEvent::UserOrder { reason: "HaltCancel", order, .. } if order.price == 4_510),
    );
    let told = events.iter().position(|event| matches!(event, VenueEvent::Lifecycle(_)));
    assert!(canceled.unwrap() < told.unwrap());
    assert_eq!(venue.place(0, &new(Side::Bid, 4_510, 100), START).unwrap_err().code, "invalid_price");
}

#[test]
fn a_scalar_payout_is_in_whole_cents_and_the_rest_is_the_fee() {
    let mut venue = venue(10_000);
    venue.place(0, &new(Side::Bid, 5_000, 116), START).unwrap();
    venue.place(1, &new(Side::Ask, 5_000, 116), START).unwrap();
    let before = (venue.accounts[0].cash[&0], venue.accounts[1].cash[&0], venue.fees_taken);
    let scalar = super::market::Outcome::scalar(4_325);
    venue.steer("KXT-1", Steer::Settle(Some(scalar)), START + 1).unwrap();
    // 1.16 x 0.4325 = 0.5017 and 1.16 x 0.5675 = 0.6583
    let paid = |member: usize, before: i64| venue.accounts[member].cash[&0] - before;
    assert_eq!((paid(0, before.0), paid(1, before.1)), (500_000, 650_000));
    assert_eq!(venue.fees_taken - before.2, 1_700 + 8_300);
    let rows = [0, 1].map(|member: usize| venue.accounts[member].settlements[0].clone());
    assert_eq!(rows.map(|row| (row.revenue, row.fee)), [(500_000, 1_700), (650_000, 8_300)]);
}
