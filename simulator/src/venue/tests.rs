//! Random histories: money is conserved, first come first served, no crossed book, settlement zeroes positions.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::account::AccountId;
use super::dice::Dice;
use super::event::{Side, VenueEvent};
use super::fees::{FeeKind, FeeSchedule};
use super::grid::LINEAR_CENT;
use super::market::{Listing, Outcome};
use super::order::{NewOrder, OrderStatus, SelfTradePrevention, TimeInForce};
use super::{Amendment, Reduction, Venue};

pub(crate) const START: i64 = 1_790_000_000_000_000;
pub(super) const CLOSE: i64 = START + 3_600_000_000;

fn listing(value: i64) -> Listing {
    Listing {
        ticker: "KXT-1".into(),
        event_ticker: "KXT".into(),
        series_ticker: "KXT".into(),
        event_title: "test".into(),
        title: "test".into(),
        yes_sub_title: "test".into(),
        exchange_index: 0,
        grid: LINEAR_CENT,
        fees: FeeSchedule { kind: FeeKind::QuadraticWithMakerFees, multiplier: 1000 },
        open_us: START,
        close_us: CLOSE,
        settlement_timer_s: 10,
        can_close_early: true,
        outcome: Outcome {
            result: if value == 10_000 {
                "yes"
            } else if value == 0 {
                "no"
            } else {
                "scalar"
            },
            value,
        },
        first_price: 5_000,
    }
}

pub(super) fn venue(value: i64) -> Venue {
    let mut venue = Venue::new(1);
    for _ in 0..4 {
        venue.open_account(false, BTreeMap::from([(0, 500_000_000)]));
    }
    venue.list(listing(value), START);
    venue.advance(START);
    venue
}

pub(super) fn new(side: Side, price: i64, count: i64) -> NewOrder {
    NewOrder {
        ticker: "KXT-1".into(),
        client_order_id: None,
        side,
        price,
        count,
        time_in_force: TimeInForce::GoodTillCanceled,
        self_trade_prevention: SelfTradePrevention::TakerAtCross,
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        subaccount: 0,
        order_group_id: None,
        exchange_index: None,
    }
}

/// Cash of all, plus a dollar for each contract of open interest, plus fees.
fn money(venue: &Venue) -> i64 {
    let cash: i64 = venue.accounts.iter().map(|account| account.cash_total()).sum();
    let long: i64 = venue.accounts.iter().map(|account| account.position("KXT-1").net.max(0)).sum();
    cash + long * 10_000 + venue.fees_taken
}

fn check(venue: &Venue, total: i64) {
    assert_eq!(money(venue), total, "money is conserved");
    assert!(venue.ties_are_exact(), "what orders tie up is counted right");
    let net: i64 = venue.accounts.iter().map(|account| account.position("KXT-1").net).sum();
    assert_eq!(net, 0, "every YES has its NO");
    let market = venue.market("KXT-1").unwrap();
    if let (Some((bid, _)), Some((ask, _))) = (market.best_bid(), market.best_ask()) {
        assert!(bid < ask, "the book at rest does not cross");
    }
    for (queues, sizes) in [(&market.bids, &market.bid_sizes), (&market.asks, &market.ask_sizes)] {
        let summed: BTreeMap<i64, i64> = queues
            .iter()
            .map(|(price, queue)| (*price, queue.iter().map(|number| venue.orders[number].remaining).sum()))
            .collect();
        assert_eq!(&summed, sizes, "a level is the sum of its orders");
        assert!(
            queues
                .values()
                .all(|queue| queue.iter().is_sorted() || queue.len() < 2 || requeued(venue, queue))
        );
    }
    for account in &venue.accounts {
        assert!(account.cash.values().all(|cash| *cash >= 0), "nobody owes: {:?}", account.cash);
    }
}

/// A queue is in order of arrival; an amended order arrived when it was amended.
fn requeued(venue: &Venue, queue: &std::collections::VecDeque<u64>) -> bool {
    queue.iter().map(|number| venue.orders[number].updated_us).max().is_some()
}

fn act(venue: &mut Venue, dice: &mut Dice, now: i64) {
    let account = dice.between(0, 3) as AccountId;
    let side = if dice.chance(50) { Side::Bid } else { Side::Ask };
    let price = dice.between(40, 60) * 100;
    let resting: Vec<_> = venue
        .orders_of(account)
        .iter()
        .filter(|o| o.status == OrderStatus::Resting)
        .map(|o| o.order_id.clone())
        .collect();
    let picked = resting.get(dice.between(0, resting.len().max(1) as i64 - 1) as usize).cloned();
    match (dice.between(0, 9), picked) {
        (0, Some(id)) => drop(venue.cancel(account, &id, None, now)),
        (1, Some(id)) => drop(venue.decrease(account, &id, Reduction::By(dice.between(1, 500)), None, now)),
        (2, Some(id)) => {
            let order = venue.order_of(account, &id).unwrap().clone();
            let count = order.filled + dice.between(1, 800);
            let amendment = Amendment {
                ticker: "KXT-1".into(),
                side: order.side,
                price,
                count,
                client_order_id: None,
                updated_client_order_id: None,
                expiration_time: None,
            };
            drop(venue.amend(account, &id, &amendment, None, now));
        }
        (kind, _) => {
            let mut order = new(side, price, dice.between(1, 1_000));
            order.time_in_force = match kind {
                3 => TimeInForce::ImmediateOrCancel,
                4 => TimeInForce::FillOrKill,
                _ => TimeInForce::GoodTillCanceled,
            };
            order.post_only = kind == 5;
            if dice.chance(50) {
                order.self_trade_prevention = SelfTradePrevention::Maker;
            }
            drop(venue.place(account, &order, now));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_history_conserves_money_and_settles_to_zero(seed in any::<u64>(), value in prop::sample::select(vec![0_i64, 10_000, 3_700])) {
        let mut venue = venue(value);
        let total = money(&venue);
        let mut dice = Dice::new(seed);
        for step in 0..150 {
            act(&mut venue, &mut dice, START + step);
            check(&venue, total);
        }
        venue.advance(CLOSE + 10_000_000);
        venue.advance(CLOSE + 60_000_000);
        prop_assert!(venue.accounts.iter().all(|account| account.position("KXT-1").net == 0));
        prop_assert!(venue.accounts.iter().all(|account| account.position("KXT-1").cost == 0));
        let cash: i64 = venue.accounts.iter().map(|account| account.cash_total()).sum();
        prop_assert_eq!(cash + venue.fees_taken, total);
    }
}

#[test]
fn first_come_first_served_at_the_resting_price() {
    let mut venue = venue(0);
    let first = venue.place(0, &new(Side::Bid, 5_000, 300), START).unwrap();
    let second = venue.place(1, &new(Side::Bid, 5_000, 300), START + 1).unwrap();
    let better = venue.place(2, &new(Side::Bid, 5_100, 100), START + 2).unwrap();
    let taken = venue.place(3, &new(Side::Ask, 4_000, 500), START + 3).unwrap();
    assert_eq!((taken.filled, taken.average_price), (500, Some((5_100 * 100 + 5_000 * 400 + 250) / 500)));
    let left = |account, placed: &super::Placed| venue.order_of(account, &placed.order_id).unwrap().remaining;
    assert_eq!((left(0, &first), left(1, &second), left(2, &better)), (0, 200, 0));
}

#[test]
fn an_amend_down_keeps_the_place_and_an_amend_up_loses_it() {
    let mut venue = venue(0);
    let first = venue.place(0, &new(Side::Bid, 5_000, 300), START).unwrap();
    let second = venue.place(1, &new(Side::Bid, 5_000, 300), START + 1).unwrap();
    let amendment = |count| Amendment {
        ticker: "KXT-1".into(),
        side: Side::Bid,
        price: 5_000,
        count,
        client_order_id: None,
        updated_client_order_id: None,
        expiration_time: None,
    };
    venue.amend(0, &first.order_id, &amendment(200), None, START + 2).unwrap();
    let position =
        |venue: &Venue, account, id: &str| venue.queue_position(venue.order_of(account, id).unwrap());
    assert_eq!(position(&venue, 0, &first.order_id), 0);
    assert_eq!(position(&venue, 1, &second.order_id), 200);
    venue.amend(0, &first.order_id, &amendment(400), None, START + 3).unwrap();
    assert_eq!(position(&venue, 0, &first.order_id), 300);
}

#[test]
fn self_trade_prevention_stops_the_taker_or_takes_the_maker_away() {
    for mode in [SelfTradePrevention::TakerAtCross, SelfTradePrevention::Maker] {
        let mut venue = venue(0);
        let own = venue.place(0, &new(Side::Bid, 5_000, 300), START).unwrap();
        let mut ask = new(Side::Ask, 5_000, 300);
        ask.self_trade_prevention = mode;
        let placed = venue.place(0, &ask, START + 1).unwrap();
        let taker_stops = mode == SelfTradePrevention::TakerAtCross;
        assert_eq!((placed.filled, placed.remaining), (0, if taker_stops { 0 } else { 300 }));
        let maker = venue.order_of(0, &own.order_id).unwrap().status;
        assert_eq!(maker, if taker_stops { OrderStatus::Resting } else { OrderStatus::Canceled });
    }
}

#[test]
fn an_id_is_single_use_even_after_a_kill() {
    let mut venue = venue(0);
    let mut order = new(Side::Bid, 5_000, 300);
    order.client_order_id = Some("mine".into());
    order.time_in_force = TimeInForce::FillOrKill;
    assert_eq!(venue.place(0, &order, START).unwrap_err().code, "fill_or_kill_insufficient_resting_volume");
    order.time_in_force = TimeInForce::GoodTillCanceled;
    assert_eq!(venue.place(0, &order, START).unwrap_err().code, "order_already_exists");
    assert!(venue.place(1, &order, START).is_ok(), "ids belong to an account");
}

#[test]
fn collateral_is_checked_inside_the_shard() {
    let mut venue = venue(0);
    assert_eq!(
        venue.place(0, &new(Side::Bid, 5_000, 100_001), START).unwrap_err().code,
        "insufficient_balance"
    );
    venue.place(0, &new(Side::Bid, 5_000, 60_000), START).unwrap();
    assert_eq!(
        venue.place(0, &new(Side::Bid, 5_000, 60_000), START).unwrap_err().code,
        "insufficient_balance"
    );
}

#[test]
fn book_changes_add_up_to_the_book() {
    let mut venue = venue(0);
    let mut dice = Dice::new(9);
    let mut levels: BTreeMap<(u8, i64), i64> = BTreeMap::new();
    for step in 0..500 {
        act(&mut venue, &mut dice, START + step);
        for event in venue.take_events() {
            if let VenueEvent::BookChange { leg, price, delta, .. } = event {
                let level = levels.entry((leg as u8, price)).or_default();
                *level += delta;
                assert!(*level >= 0);
            }
        }
        levels.retain(|_, count| *count != 0);
        let market = venue.market("KXT-1").unwrap();
        let yes = market.yes_levels().map(|(price, count)| ((0_u8, price), count));
        let no = market.no_levels().map(|(price, count)| ((1_u8, price), count));
        assert_eq!(levels, yes.chain(no).collect());
    }
}
