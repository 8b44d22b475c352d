//! Each limit and each rule of the gate, with the figures it names.

use super::{Exposure, clear_create};
use crate::desk::command::DeskError;
use crate::domain::{
    Market, MarketStatus, OrderId, PriceGrid, PriceRange, SelfTradePrevention, Side, SignedCount, TimeInForce,
};
use crate::journal::{HaltMode, NewOrder};
use crate::risk::Limits;

fn market() -> Market {
    let range = PriceRange {
        start: "0.0000".parse().unwrap(),
        end: "1.0000".parse().unwrap(),
        step: "0.0100".parse().unwrap(),
    };
    Market {
        ticker: "KXA-1".into(),
        event_ticker: "KXA".into(),
        title: String::new(),
        status: MarketStatus::Active,
        grid: PriceGrid::new(vec![range]),
        exchange_index: 2,
        open_time: None,
        close_time: None,
        result: String::new(),
    }
}

fn order() -> NewOrder {
    NewOrder {
        order_id: OrderId(uuid::Uuid::from_u128(1)),
        client_order_id: "c1".into(),
        idempotency_key: "k1".into(),
        fingerprint: "f".into(),
        client: "test".into(),
        ticker: "KXA-1".into(),
        side: Side::Bid,
        price: "0.5600".parse().unwrap(),
        count: "10.00".parse().unwrap(),
        time_in_force: TimeInForce::GoodTillCanceled,
        self_trade_prevention: SelfTradePrevention::TakerAtCross,
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        exchange_index: 2,
    }
}

fn exposure() -> Exposure {
    Exposure {
        halt: HaltMode::Active,
        halt_reason: String::new(),
        open_orders: 0,
        position: SignedCount::ZERO,
        working_same_side: "0".parse().unwrap(),
    }
}

fn refusal(change: impl FnOnce(&mut NewOrder, &mut Market, &mut Exposure, &mut Limits)) -> Option<DeskError> {
    let (mut order, mut market, mut exposure, mut limits) =
        (order(), market(), exposure(), Limits::default());
    change(&mut order, &mut market, &mut exposure, &mut limits);
    clear_create(&order, &market, &exposure, &limits).err()
}

#[test]
fn a_plain_order_passes() {
    assert_eq!(refusal(|_, _, _, _| {}), None);
}

#[test]
fn a_price_off_the_grid_names_the_grid() {
    let error = refusal(|order, _, _, _| order.price = "0.5650".parse().unwrap()).unwrap();
    assert_eq!(
        error.to_string(),
        "price 0.5650 is not on the grid of KXA-1: 0.0000 to 1.0000 in steps of 0.0100"
    );
}

#[test]
fn every_limit_names_its_figures() {
    let limits: [(&str, Option<DeskError>); 4] = [
        ("max_order_count", refusal(|_, _, _, limits| limits.max_order_count = "9.99".parse().unwrap())),
        (
            "max_order_notional",
            refusal(|_, _, _, limits| limits.max_order_notional = "5.599999".parse().unwrap()),
        ),
        ("max_open_orders", refusal(|_, _, _, limits| limits.max_open_orders = 0)),
        (
            "max_position",
            refusal(|_, _, exposure, limits| {
                exposure.working_same_side = "5.00".parse().unwrap();
                limits.max_position = "14.99".parse().unwrap();
            }),
        ),
    ];
    for (name, error) in limits {
        let Some(DeskError::Limit { limit, .. }) = error else { panic!("{name}: {error:?}") };
        assert_eq!(limit, name);
    }
}

#[test]
fn a_short_is_judged_by_the_complement() {
    let at_risk_440 = |limit: &str| {
        let limit = limit.parse().unwrap();
        refusal(|order, _, _, limits| {
            order.side = Side::Ask;
            limits.max_order_notional = limit;
        })
    };
    assert_eq!(at_risk_440("4.400000"), None);
    assert!(at_risk_440("4.399999").is_some());
}

#[test]
fn halted_takes_nothing_and_reduce_only_takes_what_reduces() {
    assert!(matches!(refusal(|_, _, e, _| e.halt = HaltMode::Halted), Some(DeskError::Halted { .. })));
    let reduce = |position: &str| {
        let position = position.parse().unwrap();
        refusal(|_, _, e, _| {
            e.halt = HaltMode::ReduceOnly;
            e.position = position;
        })
    };
    assert_eq!(reduce("-10.00"), None, "a bid of 10 closes a short of 10");
    assert!(reduce("-9.99").is_some());
    assert!(reduce("10.00").is_some());
}

#[test]
fn a_market_that_is_not_active_is_refused() {
    let error = refusal(|_, market, _, _| market.status = MarketStatus::Closed).unwrap();
    assert_eq!(error.to_string(), "market KXA-1 is closed, not active");
}
