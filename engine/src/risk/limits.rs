//! What one account may do. All figures have units; config names them the same.

use serde::{Deserialize, Serialize};

use crate::domain::{Count, Money};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Contracts in one order.
    pub max_order_count: Count,
    /// Dollars one order can cost or lose.
    pub max_order_notional: Money,
    /// Orders that rest, are pending or unknown, all markets together.
    pub max_open_orders: u32,
    /// Contracts held in one market if everything working filled.
    pub max_position: Count,
}

impl Default for Limits {
    /// Wide enough for a person, narrow enough to stop a slipped digit.
    fn default() -> Limits {
        Limits {
            max_order_count: Count::from_hundredths(1_000_000).unwrap_or(Count::ZERO),
            max_order_notional: Money::from_micros(5_000_000_000),
            max_open_orders: 1_000,
            max_position: Count::from_hundredths(2_500_000).unwrap_or(Count::ZERO),
        }
    }
}
