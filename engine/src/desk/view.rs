//! Orders, fills, positions and cash as readers see them. Field names are the public API's.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ClientOrderId, Count, Money, OrderId, Price, Side, SignedCount, Ticker, TimeInForce, TradeId,
    VenueOrderId, VenueTime, WallTime,
};
use crate::journal::OrderSource;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Recorded here, no answer from the venue yet.
    Pending,
    Resting,
    Executed,
    Canceled,
    /// Refused by the venue, or proven never to have arrived.
    Rejected,
    /// A write got no usable answer. Counted at full risk until the venue's records settle it.
    Unknown,
}

impl OrderStatus {
    /// Tells whether nothing more is expected to trade.
    pub const fn is_final(self) -> bool {
        matches!(self, OrderStatus::Executed | OrderStatus::Canceled | OrderStatus::Rejected)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub order_id: OrderId,
    pub client_order_id: Option<ClientOrderId>,
    pub venue_order_id: Option<VenueOrderId>,
    pub ticker: Ticker,
    pub side: Side,
    pub price: Price,
    /// Total wanted, including what has filled.
    pub count: Count,
    pub status: OrderStatus,
    pub filled: Count,
    /// What still rests or may rest; zero once final.
    pub remaining: Count,
    pub time_in_force: TimeInForce,
    pub fees: Money,
    pub source: OrderSource,
    /// Why it is in this status, where that is not plain from the status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// A cancel, amend or decrease awaits its answer.
    pub change_pending: bool,
    pub created_us: WallTime,
    pub updated_us: WallTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillView {
    pub trade_id: TradeId,
    pub order_id: OrderId,
    pub venue_order_id: VenueOrderId,
    pub ticker: Ticker,
    pub side: Side,
    pub price: Price,
    pub count: Count,
    pub fee: Money,
    pub is_taker: bool,
    pub ts_ms: VenueTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionView {
    pub ticker: Ticker,
    /// Positive is YES, negative is NO.
    pub position: SignedCount,
    pub fees_paid: Money,
    /// Contracts that would add to the position if every working and unknown order filled: bids, then asks.
    pub working_bid: Count,
    pub working_ask: Count,
}

impl PositionView {
    /// Tells whether neither contracts are held nor orders work.
    pub fn is_empty(&self) -> bool {
        self.position == SignedCount::default() && self.working_bid.is_zero() && self.working_ask.is_zero()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct BalanceView {
    pub cash: Money,
    pub portfolio_value: Money,
    pub by_shard: Vec<ShardCash>,
    pub as_of_ms: VenueTime,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardCash {
    pub exchange_index: i64,
    pub cash: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementView {
    pub ticker: Ticker,
    pub result: String,
    pub revenue: Money,
    pub fee: Money,
    pub settled_ms: VenueTime,
}
