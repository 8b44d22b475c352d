//! Content of the market-data channels' messages.

use std::borrow::Cow;

use outrigger_engine::domain::{Count, Price, SignedCount};
use serde::Deserialize;

use super::exact::{Cents, Exact, Maybe};
use super::rest::PriceStep;
use super::time::WireTime;

/// Levels as `[["0.4700","3.00"], ...]`.
pub(crate) type Levels = Vec<(Exact<Price>, Exact<Count>)>;
/// Levels as `[[47, 3], ...]`.
pub(crate) type OldLevels = Vec<(Cents, Exact<Count>)>;

/// `orderbook_snapshot`. An empty side is absent, null or `[]`; both absent means an empty book.
#[derive(Debug, Deserialize)]
pub(crate) struct Snapshot<'a> {
    #[serde(borrow)]
    pub(crate) market_ticker: Cow<'a, str>,
    pub(crate) yes_dollars_fp: Option<Levels>,
    pub(crate) no_dollars_fp: Option<Levels>,
    /// The oldest format: whole cents and contracts.
    pub(crate) yes: Option<OldLevels>,
    pub(crate) no: Option<OldLevels>,
    pub(crate) clock: Option<i64>,
}

/// `orderbook_delta`
#[derive(Debug, Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(borrow)]
    pub(crate) market_ticker: Cow<'a, str>,
    #[serde(default)]
    pub(crate) price_dollars: Maybe<Price>,
    #[serde(default)]
    pub(crate) delta_fp: Maybe<SignedCount>,
    /// The oldest format: whole cents and contracts.
    pub(crate) price: Option<Cents>,
    #[serde(default)]
    pub(crate) delta: Maybe<SignedCount>,
    #[serde(borrow)]
    pub(crate) side: Cow<'a, str>,
    pub(crate) clock: Option<i64>,
    pub(crate) ts_ms: Option<i64>,
    #[serde(borrow)]
    pub(crate) ts: Option<WireTime<'a>>,
}

/// A public trade: `trade` on the stream, an element of `GET /markets/trades`.
#[derive(Debug, Deserialize)]
pub(crate) struct Trade<'a> {
    #[serde(borrow)]
    pub(crate) trade_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) market_ticker: Option<Cow<'a, str>>,
    /// The same under REST's name.
    #[serde(borrow)]
    pub(crate) ticker: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) yes_price_dollars: Maybe<Price>,
    #[serde(default)]
    pub(crate) count_fp: Maybe<Count>,
    /// The oldest format: whole cents and contracts.
    pub(crate) yes_price: Option<Cents>,
    #[serde(default)]
    pub(crate) count: Maybe<Count>,
    #[serde(borrow)]
    pub(crate) taker_book_side: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) taker_outcome_side: Option<Cow<'a, str>>,
    /// Deprecated, still sent: the outcome the taker bought.
    #[serde(borrow)]
    pub(crate) taker_side: Option<Cow<'a, str>>,
    pub(crate) ts_ms: Option<i64>,
    #[serde(borrow)]
    pub(crate) ts: Option<WireTime<'a>>,
    /// REST's time, to the microsecond.
    #[serde(borrow)]
    pub(crate) created_time: Option<WireTime<'a>>,
}

/// `ticker`. Prices of empty sides come as absent, null, empty or zero.
#[derive(Debug, Deserialize)]
pub(crate) struct Ticker<'a> {
    #[serde(borrow)]
    pub(crate) market_ticker: Cow<'a, str>,
    #[serde(default)]
    pub(crate) price_dollars: Maybe<Price>,
    #[serde(default)]
    pub(crate) yes_bid_dollars: Maybe<Price>,
    #[serde(default)]
    pub(crate) yes_ask_dollars: Maybe<Price>,
    #[serde(default)]
    pub(crate) volume_fp: Maybe<Count>,
    #[serde(default)]
    pub(crate) open_interest_fp: Maybe<Count>,
    pub(crate) ts_ms: Option<i64>,
    #[serde(borrow)]
    pub(crate) ts: Option<WireTime<'a>>,
}

/// `market_lifecycle_v2` and `multivariate_market_lifecycle`
#[derive(Debug, Deserialize)]
pub(crate) struct Lifecycle<'a> {
    #[serde(borrow)]
    pub(crate) market_ticker: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) event_type: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) result: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) settlement_value: Maybe<Price>,
    pub(crate) open_ts: Option<i64>,
    pub(crate) close_ts: Option<i64>,
    pub(crate) determination_ts: Option<i64>,
    pub(crate) settled_ts: Option<i64>,
    pub(crate) is_deactivated: Option<bool>,
    pub(crate) exchange_index: Option<i64>,
    pub(crate) price_ranges: Option<Vec<PriceStep>>,
}

/// `subscribed`
#[derive(Debug, Deserialize)]
pub(crate) struct Subscribed<'a> {
    #[serde(borrow)]
    pub(crate) channel: Cow<'a, str>,
    pub(crate) sid: u64,
}

/// `error`
#[derive(Debug, Deserialize)]
pub(crate) struct ErrorMessage<'a> {
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(borrow, default)]
    pub(crate) msg: Cow<'a, str>,
}
