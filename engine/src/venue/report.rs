//! The account as the venue's REST side reports it: what reconciliation compares with.

use serde::{Deserialize, Serialize};

use super::feed::{PublicTrade, VenueFill, VenueOrder, VenuePosition};
use crate::domain::{Money, Ticker, VenueOrderId, VenueTime, WallTime};

/// How far back a report must look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportScope {
    /// Fills, orders and settlements created at or after this venue time; `None` reads all there is.
    pub since: Option<VenueTime>,
    /// Orders that must be read one by one, because no list is certain to hold them.
    pub orders: Vec<VenueOrderId>,
    /// Orders whose fills must all be read, however old.
    pub fills_of: Vec<VenueOrderId>,
}

/// A complete read of the account. A read that failed anywhere is not a report and is never delivered as one.
#[derive(Debug, Clone, PartialEq)]
pub struct VenueReport {
    pub scope: ReportScope,
    /// Local wall time when the first request was made.
    pub started: WallTime,
    /// The venue's `user_data_timestamp`, read before anything else: all below is at least this fresh.
    pub as_of: VenueTime,
    /// Every resting order, plus every order created in scope, plus those asked for by id.
    pub orders: Vec<VenueOrder>,
    /// Ids asked for one by one that the venue does not know.
    pub orders_not_found: Vec<VenueOrderId>,
    pub fills: Vec<VenueFill>,
    pub positions: Vec<VenuePosition>,
    pub settlements: Vec<SettlementRow>,
    pub balance: VenueBalance,
}

/// Cash and value, as of `updated_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct VenueBalance {
    pub cash: Money,
    pub portfolio_value: Money,
    /// Cash by shard (`exchange_index`).
    pub by_shard: Vec<(i64, Money)>,
    pub updated_ms: Option<VenueTime>,
}

/// One market's settlement for this account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRow {
    pub ticker: Ticker,
    /// `yes`, `no` or `scalar`.
    pub result: String,
    pub revenue: Money,
    pub fee: Money,
    pub settled_ms: VenueTime,
}

/// Which public trades to read back after a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradesScope {
    /// Trades at or after this venue time.
    pub since: VenueTime,
    pub tickers: Vec<Ticker>,
}

/// Public trades that were read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradesReport {
    pub scope: TradesScope,
    /// Oldest first.
    pub trades: Vec<PublicTrade>,
    /// There were more than are read: some before this venue time are missing.
    pub cut_before: Option<VenueTime>,
}
