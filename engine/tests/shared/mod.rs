//! What the tests of the desk trade: markets, and orders for them.

use outrigger_engine::domain::{Count, Market, MarketStatus, OrderId, PriceGrid, PriceRange, Side};
use outrigger_engine::journal::NewOrder;

pub(crate) fn contracts(n: u64) -> Count {
    Count::from_hundredths(n * 100).unwrap()
}

pub(crate) fn market(ticker: &str) -> Market {
    let (start, end, step) = ("0.00".parse().unwrap(), "1.00".parse().unwrap(), "0.01".parse().unwrap());
    Market {
        ticker: ticker.into(),
        event_ticker: "KXA".into(),
        title: String::new(),
        status: MarketStatus::Active,
        grid: PriceGrid::new(vec![PriceRange { start, end, step }]),
        exchange_index: 0,
        open_time: None,
        close_time: None,
        result: String::new(),
    }
}

/// Order number `n`, with every id of its own, good till cancelled at 50 cents.
pub(crate) fn intent(n: u64, ticker: &str, side: Side, count: Count) -> NewOrder {
    NewOrder {
        order_id: OrderId(uuid::Uuid::from_u128(u128::from(n))),
        client_order_id: format!("c{n}").as_str().into(),
        idempotency_key: format!("k{n}").as_str().into(),
        fingerprint: "body".into(),
        client: "test".into(),
        ticker: ticker.into(),
        side,
        price: "0.5000".parse().unwrap(),
        count,
        time_in_force: Default::default(),
        self_trade_prevention: Default::default(),
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        exchange_index: 0,
    }
}
