//! What the gateway is asked to write, and the only three ways it can end.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ClientOrderId, Count, OrderId, Price, SelfTradePrevention, Side, Ticker, TimeInForce, VenueOrderId,
    VenueTime,
};

/// A new order as it goes on the wire. Made by the desk alone, after the gate and the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateOrder {
    /// Whose token placed it: clients take turns when the rate limit is short. Not on the wire.
    #[serde(default)]
    pub client: String,
    pub client_order_id: ClientOrderId,
    pub ticker: Ticker,
    pub side: Side,
    pub price: Price,
    pub count: Count,
    pub time_in_force: TimeInForce,
    pub self_trade_prevention: SelfTradePrevention,
    pub post_only: bool,
    pub reduce_only: bool,
    pub cancel_order_on_pause: bool,
    /// Unix seconds.
    pub expiration_time: Option<i64>,
    pub exchange_index: i64,
}

/// Which order a cancel, amend or decrease is about; the shard is always named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelTarget {
    pub venue_order_id: VenueOrderId,
    pub ticker: Ticker,
    pub exchange_index: i64,
}

/// A write to the venue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum VenueWrite {
    Create(CreateOrder),
    Cancel(CancelTarget),
    /// `count` is the new total: already filled plus wanted resting.
    Amend {
        target: CancelTarget,
        side: Side,
        price: Price,
        count: Count,
    },
    /// Lowers what rests to `reduce_to`.
    Decrease {
        target: CancelTarget,
        reduce_to: Count,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteKind {
    Create,
    Cancel,
    Amend,
    Decrease,
}

impl VenueWrite {
    pub const fn kind(&self) -> WriteKind {
        match self {
            VenueWrite::Create(_) => WriteKind::Create,
            VenueWrite::Cancel(_) => WriteKind::Cancel,
            VenueWrite::Amend { .. } => WriteKind::Amend,
            VenueWrite::Decrease { .. } => WriteKind::Decrease,
        }
    }
}

/// What the desk asks of the gateway. Each gets exactly one reply, however it ends.
#[derive(Debug, Clone, PartialEq)]
pub enum VenueRequest {
    Write {
        order_id: OrderId,
        attempt: u64,
        write: VenueWrite,
    },
    /// Read the account back.
    Report(super::report::ReportScope),
    /// Read public trades back. The answer goes to the book keeper.
    Trades(super::report::TradesScope),
}

/// The gateway's answer to a write. `attempt` is echoed so that a late answer finds its question.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteReply {
    pub order_id: OrderId,
    pub attempt: u64,
    pub kind: WriteKind,
    pub outcome: WriteOutcome,
}

/// How a write ended. Only proof of refusal is refusal: timeouts, resets, 5xx and unreadable answers are unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum WriteOutcome {
    Accepted(Accepted),
    Refused(Refusal),
    /// The request may or may not have taken effect.
    Unknown {
        reason: String,
    },
    /// Proven never to have left this machine (no budget, breaker open, no connection made).
    NotSent {
        reason: String,
    },
}

/// What the venue said of an accepted write. A field is `None` where that reply does not carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    pub venue_order_id: VenueOrderId,
    pub fill_count: Option<Count>,
    pub remaining_count: Option<Count>,
    pub ts_ms: Option<VenueTime>,
}

/// A proven refusal, in the venue's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub http_status: u16,
    pub code: String,
    pub message: String,
}
