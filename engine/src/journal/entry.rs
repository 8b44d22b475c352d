//! The kinds of journal entries. They are stored, so a field is only ever added with a default.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ClientOrderId, Count, IdempotencyKey, OrderId, Price, SelfTradePrevention, Side, SignedCount, Ticker,
    TimeInForce, VenueTime, WallTime,
};
use crate::venue::{SettlementRow, VenueBalance, VenueFill, VenueOrder, WriteKind, WriteOutcome};

/// A journal entry with its place and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEntry {
    /// Gapless, from 1.
    pub seq: u64,
    pub at: WallTime,
    /// The input that caused it, e.g. a request id.
    pub cause: String,
    pub entry: Entry,
}

/// Something that happened. `kind` names the variant in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A local client's order, cleared by the gate. From here on it may reach the venue.
    IntentRecorded {
        order: NewOrder,
    },
    /// A cancel, amend or decrease is about to be sent.
    ChangeRequested {
        order_id: OrderId,
        attempt: u64,
        change: WriteKind,
        price: Option<Price>,
        count: Option<Count>,
    },
    /// How a write ended.
    WriteEnded {
        order_id: OrderId,
        attempt: u64,
        write: WriteKind,
        #[serde(flatten)]
        outcome: WriteOutcome,
    },
    /// The venue's word on an order of ours, from the stream or a report.
    VenueOrderSeen {
        order_id: OrderId,
        order: VenueOrder,
    },
    /// An order at the venue that no local client placed is taken over.
    OrderAdopted {
        order_id: OrderId,
        order: VenueOrder,
    },
    /// A change without an answer was settled by the venue's records: it took effect or it provably did not.
    ChangeSettled {
        order_id: OrderId,
        attempt: u64,
        applied: bool,
    },
    /// The venue has proven that the order never reached it.
    OrderAbsent {
        order_id: OrderId,
        as_of: VenueTime,
    },
    /// A fill, counted once by its trade id and order.
    FillRecorded {
        order_id: OrderId,
        fill: VenueFill,
    },
    /// A position differs from the sum of fills (trades from before this ledger): the difference is adopted.
    PositionCorrected {
        ticker: Ticker,
        to: SignedCount,
        as_of: VenueTime,
    },
    Settled {
        row: SettlementRow,
    },
    BalanceRead {
        balance: VenueBalance,
        as_of: VenueTime,
    },
    /// The watermark: everything the venue knew of the account at this time is in the ledger. Reads need not go back further.
    Reconciled {
        as_of: VenueTime,
    },
    HaltSet {
        mode: HaltMode,
        reason: String,
    },
    /// The answer a local client was given, so that a repeat gets the same one. `answer` is the order as shown then.
    Answered {
        order_id: OrderId,
        answer: serde_json::Value,
    },
}

impl Entry {
    /// Returns the order this entry is about, if it is about one.
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Entry::IntentRecorded { order } => Some(order.order_id),
            Entry::ChangeRequested { order_id, .. }
            | Entry::WriteEnded { order_id, .. }
            | Entry::VenueOrderSeen { order_id, .. }
            | Entry::OrderAdopted { order_id, .. }
            | Entry::OrderAbsent { order_id, .. }
            | Entry::ChangeSettled { order_id, .. }
            | Entry::FillRecorded { order_id, .. }
            | Entry::Answered { order_id, .. } => Some(*order_id),
            Entry::PositionCorrected { .. }
            | Entry::Settled { .. }
            | Entry::BalanceRead { .. }
            | Entry::Reconciled { .. }
            | Entry::HaltSet { .. } => None,
        }
    }
}

/// An order intent, complete: everything needed to send it and to recognise a repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOrder {
    pub order_id: OrderId,
    pub client_order_id: ClientOrderId,
    pub idempotency_key: IdempotencyKey,
    /// SHA-256 of the canonical request body, hex.
    pub fingerprint: String,
    /// The token's name that placed it.
    pub client: String,
    pub ticker: Ticker,
    pub side: Side,
    pub price: Price,
    pub count: Count,
    pub time_in_force: TimeInForce,
    pub self_trade_prevention: SelfTradePrevention,
    #[serde(default)]
    pub post_only: bool,
    #[serde(default)]
    pub reduce_only: bool,
    #[serde(default)]
    pub cancel_order_on_pause: bool,
    /// Unix seconds.
    #[serde(default)]
    pub expiration_time: Option<i64>,
    pub exchange_index: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum HaltMode {
    #[default]
    Active,
    /// Only orders that bring a position nearer to zero.
    ReduceOnly,
    /// No new orders; cancels go on.
    Halted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderSource {
    Local,
    /// Placed elsewhere with the same account.
    External,
}

/// Why an order is no longer working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    Filled,
    Canceled,
    Refused {
        code: String,
        message: String,
    },
    /// Two complete reads newer than the last moment it could have been accepted do not know it.
    NeverArrived,
}
