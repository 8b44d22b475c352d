//! Bodies of the REST side: pages, single objects, order replies and requests.

use std::borrow::Cow;

use outrigger_engine::domain::{Count, Money, Price, Ticker, VenueOrderId};
use serde::{Deserialize, Serialize};

use super::account::{Fill, Order, Position};
use super::exact::{Exact, Maybe};
use super::market::Trade;
use super::time::WireTime;

/// A list answer: the rows under the list's own key, and the cursor of the next page.
pub(crate) trait Page<'a>: Deserialize<'a> {
    type Row;
    fn into_parts(self) -> (Vec<Self::Row>, Option<Cow<'a, str>>);
}

macro_rules! page {
    ($name:ident, $field:ident, $row:ty) => {
        #[derive(Debug, Deserialize)]
        pub(crate) struct $name<'a> {
            // A list without rows is sent as [], null or not at all.
            #[serde(borrow)]
            $field: Option<Vec<$row>>,
            #[serde(borrow)]
            cursor: Option<Cow<'a, str>>,
        }

        impl<'a> Page<'a> for $name<'a> {
            type Row = $row;
            fn into_parts(self) -> (Vec<$row>, Option<Cow<'a, str>>) {
                (self.$field.unwrap_or_default(), self.cursor)
            }
        }
    };
}

page!(OrdersPage, orders, Order<'a>);
page!(FillsPage, fills, Fill<'a>);
page!(PositionsPage, market_positions, Position<'a>);
page!(SettlementsPage, settlements, Settlement<'a>);
page!(MarketsPage, markets, Market<'a>);
page!(TradesPage, trades, Trade<'a>);

/// `GET /markets/orderbooks`
#[derive(Debug, Deserialize)]
pub(crate) struct Books<'a> {
    #[serde(borrow)]
    pub(crate) orderbooks: Option<Vec<Book<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Book<'a> {
    #[serde(borrow)]
    pub(crate) ticker: Cow<'a, str>,
    pub(crate) orderbook_fp: BookSides,
}

/// A side that is empty is sent as [], null or not at all.
#[derive(Debug, Deserialize)]
pub(crate) struct BookSides {
    pub(crate) yes_dollars: Option<Vec<(Exact<Price>, Exact<Count>)>>,
    pub(crate) no_dollars: Option<Vec<(Exact<Price>, Exact<Count>)>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OneOrder<'a> {
    #[serde(borrow)]
    pub(crate) order: Order<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PriceStep {
    pub(crate) start: Exact<Price>,
    pub(crate) end: Exact<Price>,
    pub(crate) step: Exact<Price>,
}

/// The fields of a market that the engine keeps.
#[derive(Debug, Deserialize)]
pub(crate) struct Market<'a> {
    #[serde(borrow)]
    pub(crate) ticker: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) event_ticker: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) title: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) yes_sub_title: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) status: Cow<'a, str>,
    pub(crate) price_ranges: Option<Vec<PriceStep>>,
    pub(crate) exchange_index: Option<i64>,
    #[serde(borrow)]
    pub(crate) open_time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) close_time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) result: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Settlement<'a> {
    #[serde(borrow)]
    pub(crate) ticker: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) market_result: Cow<'a, str>,
    /// Whole cents.
    pub(crate) revenue: i64,
    #[serde(default)]
    pub(crate) fee_cost: Maybe<Money>,
    #[serde(borrow)]
    pub(crate) settled_time: WireTime<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Balance<'a> {
    /// Whole cents, truncated: used only when the exact string is missing.
    pub(crate) balance: i64,
    #[serde(default)]
    pub(crate) balance_dollars: Maybe<Money>,
    /// Whole cents.
    #[serde(default)]
    pub(crate) portfolio_value: i64,
    #[serde(borrow)]
    pub(crate) updated_ts: Option<WireTime<'a>>,
    pub(crate) balance_breakdown: Option<Vec<ShardBalance>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ShardBalance {
    pub(crate) exchange_index: i64,
    pub(crate) balance: Exact<Money>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct UserDataTimestamp<'a> {
    #[serde(borrow)]
    pub(crate) as_of_time: WireTime<'a>,
}

/// `GET /account/limits`
#[derive(Debug, Deserialize)]
pub(crate) struct Limits<'a> {
    #[serde(borrow, default)]
    pub(crate) usage_tier: Cow<'a, str>,
    pub(crate) read: BucketLimit,
    pub(crate) write: BucketLimit,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct BucketLimit {
    pub(crate) refill_rate: u32,
    pub(crate) bucket_capacity: u32,
}

/// `GET /account/endpoint_costs`
#[derive(Debug, Deserialize)]
pub(crate) struct EndpointCosts<'a> {
    pub(crate) default_cost: u32,
    #[serde(borrow)]
    pub(crate) endpoint_costs: Vec<EndpointCost<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EndpointCost<'a> {
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) path: Cow<'a, str>,
    pub(crate) cost: u32,
}

/// Body of `POST /portfolio/events/orders`.
#[derive(Debug, Serialize)]
pub(crate) struct CreateBody<'a> {
    pub(crate) ticker: &'a str,
    pub(crate) client_order_id: &'a str,
    pub(crate) side: &'static str,
    pub(crate) count: Count,
    pub(crate) price: Price,
    pub(crate) time_in_force: &'static str,
    pub(crate) self_trade_prevention_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expiration_time: Option<i64>,
    pub(crate) post_only: bool,
    pub(crate) reduce_only: bool,
    pub(crate) cancel_order_on_pause: bool,
    pub(crate) exchange_index: i64,
}

/// Body of both batches.
#[derive(Debug, Serialize)]
pub(crate) struct Batch<T> {
    pub(crate) orders: Vec<T>,
}

/// One order of a batch cancel.
#[derive(Debug, Serialize)]
pub(crate) struct CancelItem {
    pub(crate) order_id: VenueOrderId,
    pub(crate) market_ticker: Ticker,
    pub(crate) exchange_index: i64,
}

/// Body of `POST .../{id}/amend`.
#[derive(Debug, Serialize)]
pub(crate) struct AmendBody<'a> {
    pub(crate) ticker: &'a str,
    pub(crate) side: &'static str,
    pub(crate) price: Price,
    pub(crate) count: Count,
    pub(crate) exchange_index: i64,
}

/// Body of `POST .../{id}/decrease`.
#[derive(Debug, Serialize)]
pub(crate) struct DecreaseBody<'a> {
    pub(crate) reduce_to: Count,
    pub(crate) market_ticker: &'a str,
    pub(crate) exchange_index: i64,
}
