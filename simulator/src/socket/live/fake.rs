//! For tests: an exchange whose events and books the test sets by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::message::{
    BookDelta, Created, EventLifecycle, Fill, MarketChange, MarketLifecycle, Outgoing, Owner, Position,
    Ticker, Trade, UserOrder,
};
use crate::listener::Listener;
use crate::venue::account::AccountId;
use crate::venue::event::{Leg, Side};

use super::port::{BookState, LiveExchange};

pub(crate) const ID_A: &str = "00000000-0000-4000-8000-00000000000a";
const ORDER_ID: &str = "00000000-0000-4000-8000-00000000000b";
const TRADE_ID: &str = "00000000-0000-4000-8000-00000000000c";
const USER_ID: &str = "00000000-0000-4000-8000-00000000000d";
const TS_US: i64 = 1_790_000_000_123_456;

pub(crate) struct Fake {
    events: broadcast::Sender<Arc<[Outgoing<'static>]>>,
    books: Mutex<BTreeMap<String, BookState>>,
}

impl Fake {
    /// Makes an exchange with market `A`, its book at clock 5.
    pub(crate) fn new() -> Arc<Self> {
        let book = BookState {
            market_id: ID_A.to_owned(),
            clock: 5,
            yes: vec![(4_600, 700), (4_700, 300)],
            no: vec![(4_800, 200)],
        };
        let books = Mutex::new(BTreeMap::from([("A".to_owned(), book)]));
        Arc::new(Self { events: broadcast::channel(1_024).0, books })
    }

    pub(crate) fn publish(&self, events: &[Outgoing<'static>]) {
        self.events.send(Arc::from(events)).unwrap();
    }

    pub(crate) fn add_market(&self, ticker: &str, book: BookState) {
        self.books.lock().insert(ticker.to_owned(), book);
    }
}

impl LiveExchange for Fake {
    type Event = Outgoing<'static>;

    fn events(&self) -> (broadcast::Receiver<Arc<[Self::Event]>>, Listener) {
        (self.events.subscribe(), Listener::default())
    }

    fn outgoing(event: &Self::Event) -> Option<Outgoing<'_>> {
        Some(*event)
    }

    fn book(&self, ticker: &str) -> Option<BookState> {
        self.books.lock().get(ticker).cloned()
    }

    fn show_ticker(&self, ticker: &str, show: &mut dyn FnMut(&Ticker<'_>)) -> bool {
        let known = ticker == "A";
        if known {
            show(&self::ticker(0));
        }
        known
    }

    fn tickers(&self) -> Vec<String> {
        self.books.lock().keys().cloned().collect()
    }

    fn user_id(&self, _account: AccountId) -> String {
        USER_ID.to_owned()
    }

    fn ticker_of(&self, market_id: &str) -> Option<String> {
        (market_id == ID_A).then(|| "A".to_owned())
    }
}

pub(crate) fn delta(
    ticker: &'static str,
    clock: u64,
    leg: Leg,
    price: i64,
    change: i64,
) -> BookDelta<'static> {
    BookDelta { ticker, market_id: ID_A, clock, leg, price, delta: change, ts_us: TS_US, owner: None }
}

/// A change made by an order of account 0.
pub(crate) fn own_delta(clock: u64) -> BookDelta<'static> {
    let owner = Owner { account: 0, client_order_id: Some("mine-\"1\""), subaccount: 3 };
    BookDelta { owner: Some(owner), ..delta("A", clock, Leg::No, 4_800, -200) }
}

pub(crate) fn ticker(volume: i64) -> Ticker<'static> {
    Ticker {
        ticker: "A",
        market_id: ID_A,
        price: 4_700,
        yes_bid: 4_700,
        yes_ask: 5_200,
        yes_bid_size: 300,
        yes_ask_size: 200,
        last_trade_size: 100,
        volume,
        open_interest: 400,
        dollar_volume: 5,
        dollar_open_interest: 2,
        ts_us: TS_US,
    }
}

pub(crate) fn trade() -> Trade<'static> {
    Trade {
        trade_id: TRADE_ID,
        ticker: "A",
        yes_price: 5_200,
        count: 100,
        taker: Side::Bid,
        is_block_trade: false,
        ts_us: TS_US,
    }
}

pub(crate) fn fill() -> Fill<'static> {
    Fill {
        account: 0,
        trade_id: TRADE_ID,
        order_id: ORDER_ID,
        client_order_id: Some("mine-2"),
        ticker: "A",
        exchange_index: 2,
        is_taker: true,
        side: Side::Ask,
        yes_price: 1_600,
        count: 116,
        fee: 11_000,
        post_position: -436,
        subaccount: 0,
        ts_us: TS_US,
    }
}

pub(crate) fn user_order() -> UserOrder<'static> {
    UserOrder {
        account: 0,
        order_id: ORDER_ID,
        user_id: USER_ID,
        client_order_id: "mine-2",
        ticker: "A",
        exchange_index: 2,
        status: "executed",
        side: Side::Bid,
        yes_price: 9_900,
        fill_count: 100,
        remaining_count: 0,
        initial_count: 100,
        taker_fill_cost: 520_000,
        maker_fill_cost: 0,
        taker_fees: 17_500,
        maker_fees: 0,
        order_group_id: None,
        self_trade_prevention_type: Some("taker_at_cross"),
        created_us: TS_US,
        last_updated_us: Some(TS_US),
        last_update_reason: Some("Trade"),
        expiration_us: Some(TS_US),
        subaccount: 0,
    }
}

pub(crate) fn position() -> Position<'static> {
    Position {
        account: 0,
        ticker: "A",
        position: 400,
        position_cost: 2_500_000,
        realized_pnl: -1,
        fees_paid: 18_900,
        position_fee_cost: 18_900,
        volume: 400,
        subaccount: 0,
    }
}

pub(crate) fn created() -> MarketLifecycle<'static> {
    lifecycle(MarketChange::Created(Created {
        exchange_index: 1,
        open_ts: TS_US / 1_000_000,
        close_ts: TS_US / 1_000_000,
        event_ticker: "EV",
        name: "name",
        title: "a \"title\"",
        yes_sub_title: "yes",
        no_sub_title: "no",
        rules_primary: "rules",
        rules_secondary: "",
        can_close_early: true,
        expected_expiration_ts: TS_US / 1_000_000,
        price_level_structure: "tapered_deci_cent",
        price_ranges: &[(0, 1_000, 10), (1_000, 9_000, 100), (9_000, 10_000, 10)],
    }))
}

pub(crate) fn lifecycle(change: MarketChange<'static>) -> MarketLifecycle<'static> {
    MarketLifecycle { is_combo: false, ticker: "NEW", change }
}

pub(crate) fn event() -> EventLifecycle<'static> {
    EventLifecycle {
        is_combo: false,
        event_ticker: "EV",
        exchange_index: 1,
        title: "title",
        subtitle: "",
        collateral_return_type: "MECNET",
        series_ticker: "SER",
    }
}
