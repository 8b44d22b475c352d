//! Content of the channels beside market data and the account's objects: events, order groups, requests for quotes.

use std::borrow::Cow;

use outrigger_engine::domain::{Count, Money, Price};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::exact::Maybe;
use super::time::WireTime;

/// `event_lifecycle`
#[derive(Debug, Deserialize)]
pub(crate) struct EventLifecycle<'a> {
    #[serde(borrow)]
    pub(crate) event_ticker: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) series_ticker: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) title: Option<Cow<'a, str>>,
    pub(crate) exchange_index: Option<i64>,
}

/// `event_fee_update`. The multiplier is a JSON number; its digits are kept as they are.
#[derive(Debug, Deserialize)]
pub(crate) struct EventFees<'a> {
    #[serde(borrow)]
    pub(crate) event_ticker: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) fee_type_override: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) fee_multiplier_override: Option<&'a RawValue>,
}

/// `order_group_updates`
#[derive(Debug, Deserialize)]
pub(crate) struct OrderGroup<'a> {
    #[serde(borrow)]
    pub(crate) order_group_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) event_type: Cow<'a, str>,
    #[serde(default)]
    pub(crate) contracts_limit_fp: Maybe<Count>,
    pub(crate) ts_ms: Option<i64>,
}

/// Any message of channel `communications`; which fields it has depends on its type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Communication<'a> {
    /// The id of an RFQ or a batch of them, in messages about itself.
    pub(crate) id: Option<String>,
    pub(crate) rfq_id: Option<String>,
    pub(crate) quote_id: Option<String>,
    pub(crate) rfq_batch_id: Option<String>,
    pub(crate) batch_quote_id: Option<String>,
    pub(crate) client_batch_id: Option<String>,
    /// The RFQ's, in messages about itself.
    pub(crate) creator_id: Option<String>,
    pub(crate) rfq_creator_id: Option<String>,
    pub(crate) quote_creator_id: Option<String>,
    #[serde(borrow)]
    pub(crate) market_ticker: Option<Cow<'a, str>>,
    pub(crate) event_ticker: Option<String>,
    pub(crate) mve_collection_ticker: Option<String>,
    pub(crate) contracts_fp: Maybe<Count>,
    pub(crate) target_cost_dollars: Maybe<Money>,
    pub(crate) rfq_target_cost_dollars: Maybe<Money>,
    pub(crate) yes_bid_dollars: Maybe<Price>,
    pub(crate) no_bid_dollars: Maybe<Price>,
    pub(crate) yes_contracts_offered_fp: Maybe<Count>,
    pub(crate) no_contracts_offered_fp: Maybe<Count>,
    pub(crate) contracts_accepted_fp: Maybe<Count>,
    pub(crate) accepted_side: Option<String>,
    pub(crate) order_id: Option<String>,
    pub(crate) client_order_id: Option<String>,
    pub(crate) subaccount: Option<i64>,
    pub(crate) version: Option<u64>,
    pub(crate) yes_complete: Option<bool>,
    pub(crate) no_complete: Option<bool>,
    pub(crate) close_reason: Option<String>,
    pub(crate) leg_indices: Vec<u64>,
    pub(crate) mve_selected_legs: Vec<Leg>,
    pub(crate) legs: Vec<Leg>,
    #[serde(borrow)]
    pub(crate) rfqs: Vec<Communication<'a>>,
    #[serde(borrow)]
    pub(crate) quotes: Vec<Communication<'a>>,
    pub(crate) rfq_ids: Vec<String>,
    pub(crate) executed_rfq_ids: Vec<String>,
    pub(crate) failed_rfq_ids: Vec<String>,
    /// Each type has one of these times.
    #[serde(borrow)]
    pub(crate) created_ts: Option<WireTime<'a>>,
    #[serde(borrow)]
    pub(crate) deleted_ts: Option<WireTime<'a>>,
    #[serde(borrow)]
    pub(crate) accepted_ts: Option<WireTime<'a>>,
    #[serde(borrow)]
    pub(crate) executed_ts: Option<WireTime<'a>>,
    #[serde(borrow)]
    pub(crate) updated_ts: Option<WireTime<'a>>,
}

/// One market of a combination.
#[derive(Debug, Deserialize)]
pub(crate) struct Leg {
    pub(crate) market_ticker: String,
    pub(crate) event_ticker: Option<String>,
    pub(crate) side: String,
    #[serde(default)]
    pub(crate) yes_settlement_value_dollars: Maybe<Price>,
}
