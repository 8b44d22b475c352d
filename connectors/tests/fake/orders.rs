//! The writes that tests send to the fake venue, and what it says to an order that it takes.

use outrigger_engine::domain::{SelfTradePrevention, Side, TimeInForce};
use outrigger_engine::venue::{CancelTarget, CreateOrder, VenueWrite};

pub(crate) const ORDERS: &str = "/portfolio/events/orders";
pub(crate) const CREATED: &str =
    r#"{"order_id":"v-1","fill_count":"0.00","remaining_count":"10.00","ts_ms":1}"#;

pub(crate) fn create(client_order_id: &str) -> VenueWrite {
    VenueWrite::Create(CreateOrder {
        client: "ui".to_owned(),
        client_order_id: client_order_id.into(),
        ticker: "KXA".into(),
        side: Side::Bid,
        price: "0.5".parse().unwrap(),
        count: "10".parse().unwrap(),
        time_in_force: TimeInForce::GoodTillCanceled,
        self_trade_prevention: SelfTradePrevention::TakerAtCross,
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        exchange_index: 0,
    })
}

pub(crate) fn cancel(id: &str) -> VenueWrite {
    VenueWrite::Cancel(CancelTarget { venue_order_id: id.into(), ticker: "KXA".into(), exchange_index: 0 })
}
