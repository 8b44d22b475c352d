//! Subaccounts, order groups, transfers: money stays whole, limits bite, ids are single use.

use std::collections::BTreeMap;

use super::account::AccountId;
use super::event::{GroupChange, Side, VenueEvent};
use super::order::OrderStatus;
use super::tests::{START, new, venue};
use super::transfers::{NewTransfer, Reservation};
use super::units::{Count, Micros};
use super::{Venue, refusal::Refusal};

const SECOND: i64 = 1_000_000;
const DOLLAR: Micros = 1_000_000;

fn cash(venue: &Venue, account: AccountId, shard: i64) -> Micros {
    venue.accounts[account].cash.get(&shard).copied().unwrap_or(0)
}

fn group_changes(venue: &mut Venue) -> Vec<GroupChange> {
    let change = |event| match event {
        VenueEvent::Group { change, .. } => Some(change),
        _ => None,
    };
    venue.take_events().into_iter().filter_map(change).collect()
}

#[test]
fn a_subaccount_has_its_own_money_and_position_and_its_orders_are_the_members() {
    let mut venue = venue(0);
    assert_eq!(venue.open_subaccount(0), Ok(1));
    let mut order = new(Side::Bid, 5_000, 300);
    order.subaccount = 1;
    assert_eq!(venue.place(0, &order, START).unwrap_err().code, "insufficient_balance");
    venue.transfer_between_subaccounts(0, "t", (0, 1), 0, 10 * DOLLAR, START).unwrap();
    let again = venue.transfer_between_subaccounts(0, "t", (0, 1), 0, 10 * DOLLAR, START);
    assert_eq!(again, Err(Refusal::transfer_exists()));
    let placed = venue.place(0, &order, START).unwrap();
    assert!(venue.order_of(0, &placed.order_id).is_some_and(|order| order.subaccount == 1));
    venue.place(1, &new(Side::Ask, 5_000, 300), START).unwrap();
    let sub = venue.subaccount(0, 1).unwrap();
    assert_eq!(
        (venue.accounts[sub].position("KXT-1").net, venue.accounts[0].position("KXT-1").net),
        (300, 0)
    );
    assert_eq!(cash(&venue, 0, 0), 490 * DOLLAR);
    assert!(cash(&venue, sub, 0) < 10 * DOLLAR - 1_500_000 + 1);
    assert_eq!((venue.accounts[0].fills.len(), venue.accounts[sub].fills.len()), (1, 0));
    assert_eq!(
        venue
            .place(
                0,
                &{
                    let mut o = new(Side::Bid, 1_000, 100);
                    o.subaccount = 2;
                    o
                },
                START
            )
            .unwrap_err()
            .status,
        404
    );
}

#[test]
fn subaccounts_of_one_member_do_not_trade_with_each_other() {
    let mut venue = venue(0);
    venue.open_subaccount(0).unwrap();
    venue.transfer_between_subaccounts(0, "t", (0, 1), 0, 10 * DOLLAR, START).unwrap();
    venue.place(0, &new(Side::Bid, 5_000, 300), START).unwrap();
    let mut ask = new(Side::Ask, 5_000, 300);
    ask.subaccount = 1;
    assert_eq!(venue.place(0, &ask, START).unwrap().filled, 0);
}

#[test]
fn there_are_sixty_three_subaccounts_and_no_more() {
    let mut venue = venue(0);
    for number in 1..=63 {
        assert_eq!(venue.open_subaccount(0), Ok(number));
    }
    assert!(venue.open_subaccount(0).is_err());
    assert_eq!(venue.open_subaccount(1), Ok(1), "each member counts its own");
}

fn grouped(side: Side, price: i64, count: Count, group: &str) -> super::order::NewOrder {
    let mut order = new(side, price, count);
    order.order_group_id = Some(group.to_owned());
    order
}

#[test]
fn a_group_that_reaches_its_limit_loses_its_orders_until_it_is_reset() {
    let mut venue = venue(0);
    let group = venue.create_group(0, 0, 0, 500, START).unwrap();
    let first = venue.place(0, &grouped(Side::Bid, 5_000, 300, &group), START).unwrap();
    let second = venue.place(0, &grouped(Side::Bid, 4_900, 300, &group), START).unwrap();
    venue.place(1, &new(Side::Ask, 5_000, 300), START + SECOND).unwrap();
    assert_eq!(venue.order_of(0, &second.order_id).unwrap().status, OrderStatus::Resting);
    venue.take_events();
    let hit = venue.place(1, &new(Side::Ask, 4_900, 200), START + 2 * SECOND).unwrap();
    assert_eq!(hit.filled, 200);
    assert_eq!(venue.order_of(0, &first.order_id).unwrap().status, OrderStatus::Executed);
    let second = venue.order_of(0, &second.order_id).unwrap();
    assert_eq!((second.status, second.filled), (OrderStatus::Canceled, 200));
    assert_eq!(group_changes(&mut venue), [GroupChange::Triggered]);
    let refused = venue.place(0, &grouped(Side::Bid, 5_000, 100, &group), START + 3 * SECOND);
    assert_eq!(refused.unwrap_err().code, "exceeded_order_group_risk_limit");
    venue.reset_group(0, &group, START + 4 * SECOND).unwrap();
    assert!(venue.place(0, &grouped(Side::Bid, 5_000, 100, &group), START + 4 * SECOND).is_ok());
}

#[test]
fn matches_older_than_fifteen_seconds_do_not_count() {
    let mut venue = venue(0);
    let group = venue.create_group(0, 0, 0, 500, START).unwrap();
    let placed = venue.place(0, &grouped(Side::Bid, 5_000, 900, &group), START).unwrap();
    for second in [0, 16, 32] {
        venue.place(1, &new(Side::Ask, 5_000, 250), START + second * SECOND).unwrap();
    }
    assert_eq!(venue.order_of(0, &placed.order_id).unwrap().status, OrderStatus::Resting);
    venue.place(1, &new(Side::Ask, 5_000, 150), START + 33 * SECOND).unwrap();
    assert_eq!(venue.order_of(0, &placed.order_id).unwrap().status, OrderStatus::Executed);
    venue.limit_group(0, &group, 100, START + 34 * SECOND).unwrap();
    let changes = group_changes(&mut venue);
    assert_eq!(changes[1..], [GroupChange::LimitUpdated(100), GroupChange::Triggered]);
}

#[test]
fn a_taker_that_hits_its_groups_limit_loses_the_rest() {
    let mut venue = venue(0);
    venue.place(1, &new(Side::Ask, 5_000, 300), START).unwrap();
    venue.place(2, &new(Side::Ask, 5_000, 300), START).unwrap();
    let group = venue.create_group(0, 0, 0, 200, START).unwrap();
    let placed = venue.place(0, &grouped(Side::Bid, 5_000, 900, &group), START).unwrap();
    assert_eq!((placed.filled, placed.remaining), (300, 0), "the match that reaches the limit stands");
    assert!(venue.group_of(1, &group).is_err(), "another member's group is not there");
    venue.delete_group(0, &group, START).unwrap();
    assert_eq!(venue.groups_of(0).count(), 0);
}

#[test]
fn cash_between_shards_leaves_at_once_and_arrives_later() {
    let mut venue = Venue::new(1);
    venue.open_account(false, BTreeMap::from([(0, 100 * DOLLAR), (1, 0)]));
    let transfer = NewTransfer {
        client_transfer_id: Some("one".to_owned()),
        source: (0, 0),
        destination: (1, 0),
        amount: 40 * DOLLAR,
    };
    venue.transfer_between_shards(0, &transfer, START).unwrap();
    assert_eq!(venue.transfer_between_shards(0, &transfer, START), Err(Refusal::transfer_exists()));
    assert_eq!((cash(&venue, 0, 0), cash(&venue, 0, 1)), (60 * DOLLAR, 0));
    assert_eq!(venue.cash_in_transit(), 40 * DOLLAR);
    venue.advance(START + SECOND);
    assert_eq!((cash(&venue, 0, 1), venue.cash_in_transit()), (40 * DOLLAR, 0));
    let too_much = NewTransfer { client_transfer_id: None, amount: 61 * DOLLAR, ..transfer };
    assert_eq!(venue.transfer_between_shards(0, &too_much, START), Err(Refusal::insufficient_balance()));
}

#[test]
fn free_cash_follows_the_target_and_leaves_what_orders_need() {
    let mut venue = venue(0);
    venue.accounts[0].cash = BTreeMap::from([(0, 100 * DOLLAR), (1, 0), (2, 0)]);
    venue.place(0, &new(Side::Bid, 5_000, 4_000), START).unwrap();
    let target = BTreeMap::from([(1, 75), (2, 25)]);
    assert!(venue.set_target(0, BTreeMap::from([(1, 60)]), Reservation::Sum).is_err());
    venue.set_target(0, target, Reservation::Sum).unwrap();
    venue.advance(START + 10 * SECOND);
    let tied = venue.accounts[0].tied_on_shard[&0];
    let total: Micros = (0..3).map(|shard| cash(&venue, 0, shard)).sum();
    assert_eq!((cash(&venue, 0, 0), total), (tied, 100 * DOLLAR));
    assert!(tied > 20 * DOLLAR && cash(&venue, 0, 1) > 2 * cash(&venue, 0, 2));
}

#[test]
fn the_tail_of_a_cancel_all_reaches_new_orders() {
    let mut venue = venue(0);
    venue.cancel_all_tail_us = 60 * SECOND;
    venue.cancel_all(0, None, START);
    let caught = venue.place(0, &new(Side::Bid, 5_000, 300), START + SECOND).unwrap();
    assert_eq!(caught.remaining, 0);
    let later = venue.place(0, &new(Side::Bid, 5_000, 300), START + 61 * SECOND).unwrap();
    assert_eq!(later.remaining, 300);
}
