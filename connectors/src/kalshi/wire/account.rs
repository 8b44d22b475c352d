//! The account's own objects. The stream and REST send the same things with partly different names, so one struct reads both.

use std::borrow::Cow;

use outrigger_engine::domain::{Count, Money, Price, SignedCount};
use serde::Deserialize;

use super::exact::{Exact, Maybe};
use super::time::WireTime;

/// A fill: `fill` on the stream, an element of `GET /portfolio/fills`.
#[derive(Debug, Deserialize)]
pub(crate) struct Fill<'a> {
    #[serde(borrow)]
    pub(crate) trade_id: Option<Cow<'a, str>>,
    /// The same id under REST's other name.
    #[serde(borrow)]
    pub(crate) fill_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) order_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) client_order_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) market_ticker: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) ticker: Option<Cow<'a, str>>,
    pub(crate) is_taker: Option<bool>,
    pub(crate) yes_price_dollars: Exact<Price>,
    pub(crate) count_fp: Exact<Count>,
    #[serde(default)]
    pub(crate) fee_cost: Maybe<Money>,
    #[serde(default)]
    pub(crate) post_position_fp: Maybe<SignedCount>,
    pub(crate) ts_ms: Option<i64>,
    #[serde(borrow)]
    pub(crate) ts: Option<WireTime<'a>>,
    #[serde(borrow)]
    pub(crate) created_time: Option<WireTime<'a>>,
    /// Which way it goes; the three fields after it are the older words for the same.
    #[serde(borrow)]
    pub(crate) book_side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) outcome_side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) action: Option<Cow<'a, str>>,
}

/// An order: `user_order` on the stream, `order` and elements of `GET /portfolio/orders`.
#[derive(Debug, Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) order_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) client_order_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) ticker: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) market_ticker: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) status: Cow<'a, str>,
    pub(crate) yes_price_dollars: Exact<Price>,
    pub(crate) fill_count_fp: Exact<Count>,
    pub(crate) remaining_count_fp: Exact<Count>,
    #[serde(default)]
    pub(crate) initial_count_fp: Maybe<Count>,
    pub(crate) exchange_index: Option<i64>,
    pub(crate) created_ts_ms: Option<i64>,
    #[serde(borrow)]
    pub(crate) created_time: Option<WireTime<'a>>,
    pub(crate) last_updated_ts_ms: Option<i64>,
    #[serde(borrow)]
    pub(crate) last_update_time: Option<WireTime<'a>>,
    #[serde(borrow)]
    pub(crate) last_update_reason: Option<Cow<'a, str>>,
    /// Which way it goes; the three fields after it are the older words for the same.
    #[serde(borrow)]
    pub(crate) book_side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) outcome_side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) action: Option<Cow<'a, str>>,
    /// The stream's oldest word for the outcome.
    pub(crate) is_yes: Option<bool>,
}

/// A position: `market_position` on the stream, an element of `market_positions` by REST.
#[derive(Debug, Deserialize)]
pub(crate) struct Position<'a> {
    #[serde(borrow)]
    pub(crate) market_ticker: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) ticker: Option<Cow<'a, str>>,
    pub(crate) position_fp: Exact<SignedCount>,
    #[serde(default)]
    pub(crate) realized_pnl_dollars: Maybe<Money>,
    #[serde(default)]
    pub(crate) fees_paid_dollars: Maybe<Money>,
    #[serde(default)]
    pub(crate) market_exposure_dollars: Maybe<Money>,
    #[serde(default)]
    pub(crate) position_cost_dollars: Maybe<Money>,
}
