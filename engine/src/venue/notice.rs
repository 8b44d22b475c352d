//! What the venue tells beside books, trades and the account's own objects: events, order groups, quotes on request.

use serde::{Deserialize, Serialize};

use crate::domain::{ClientOrderId, Count, Leg, Money, Price, Ticker, VenueOrderId, VenueTime};

/// Something happened to an event, the group of markets that share one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNotice {
    pub event_ticker: String,
    #[serde(flatten)]
    pub change: EventChange,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event_type", rename_all = "snake_case")]
pub enum EventChange {
    /// The event is new (`event_lifecycle`).
    EventCreated { series_ticker: Option<String>, title: Option<String>, exchange_index: Option<i64> },
    /// Its fees differ from its series' from now on (`event_fee_update`); `None` where they do not.
    EventFeesChanged {
        fee_type: Option<String>,
        /// A factor without a unit, as the decimal text the venue sent.
        fee_multiplier: Option<String>,
    },
}

/// Something happened to an order group of the account (`order_group_updates`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderGroupNotice {
    pub order_group_id: String,
    /// The venue's word: `created`, `triggered`, `reset`, `deleted`, `limit_updated`. `triggered` cancels its orders.
    pub event_type: String,
    pub contracts_limit: Option<Count>,
    pub ts_ms: Option<VenueTime>,
}

/// The messages of channel `communications`, by the venue's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommunicationKind {
    RfqCreated,
    RfqDeleted,
    QuoteCreated,
    QuoteAccepted,
    QuoteExecuted,
    RfqBatchCreated,
    RfqBatchDeleted,
    RfqBatchBestQuotes,
    RfqBatchExecuted,
    BatchQuoteCreated,
    BatchQuoteAccepted,
    BatchQuoteExecuted,
}

impl CommunicationKind {
    pub const ALL: [CommunicationKind; 12] = [
        CommunicationKind::RfqCreated,
        CommunicationKind::RfqDeleted,
        CommunicationKind::QuoteCreated,
        CommunicationKind::QuoteAccepted,
        CommunicationKind::QuoteExecuted,
        CommunicationKind::RfqBatchCreated,
        CommunicationKind::RfqBatchDeleted,
        CommunicationKind::RfqBatchBestQuotes,
        CommunicationKind::RfqBatchExecuted,
        CommunicationKind::BatchQuoteCreated,
        CommunicationKind::BatchQuoteAccepted,
        CommunicationKind::BatchQuoteExecuted,
    ];

    /// Returns the venue's name, which is also ours.
    pub const fn as_str(self) -> &'static str {
        match self {
            CommunicationKind::RfqCreated => "rfq_created",
            CommunicationKind::RfqDeleted => "rfq_deleted",
            CommunicationKind::QuoteCreated => "quote_created",
            CommunicationKind::QuoteAccepted => "quote_accepted",
            CommunicationKind::QuoteExecuted => "quote_executed",
            CommunicationKind::RfqBatchCreated => "rfq_batch_created",
            CommunicationKind::RfqBatchDeleted => "rfq_batch_deleted",
            CommunicationKind::RfqBatchBestQuotes => "rfq_batch_best_quotes",
            CommunicationKind::RfqBatchExecuted => "rfq_batch_executed",
            CommunicationKind::BatchQuoteCreated => "batch_quote_created",
            CommunicationKind::BatchQuoteAccepted => "batch_quote_accepted",
            CommunicationKind::BatchQuoteExecuted => "batch_quote_executed",
        }
    }
}

/// A request for quotes or a quote, as the venue announces it. What a kind does not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Communication {
    pub event_type: CommunicationKind,
    pub ts_ms: Option<VenueTime>,
    #[serde(flatten)]
    pub terms: QuoteTerms,
    #[serde(flatten)]
    pub batch: BatchTerms,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rfq_creator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_creator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_side: Option<Leg>,
    /// The order a quote became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<VenueOrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_order_id: Option<ClientOrderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subaccount: Option<i64>,
    /// The markets a combination is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<ComboLeg>,
}

/// What is asked for or offered in one market.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct QuoteTerms {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rfq_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker: Option<Ticker>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_ticker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection_ticker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contracts: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yes_bid: Option<Price>,
    /// At the NO leg's own price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_bid: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yes_contracts_offered: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_contracts_offered: Option<Count>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contracts_accepted: Option<Count>,
    /// Which of the batch's legs it combines, counted from zero.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leg_indices: Vec<u64>,
}

/// What only messages about a batch have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BatchTerms {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rfq_batch_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_quote_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_batch_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yes_complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_complete: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<String>,
    /// The batch's requests or quotes, one per market.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<QuoteTerms>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub executed_rfq_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_rfq_ids: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted_rfq_ids: Vec<String>,
}

/// One market of a combination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComboLeg {
    pub ticker: Ticker,
    pub event_ticker: Option<String>,
    pub leg: Leg,
    /// What a YES contract of it settled at, once it has.
    pub yes_settlement_value: Option<Price>,
}
