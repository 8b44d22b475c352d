//! Directions and order terms, in Kalshi's own words.

use serde::{Deserialize, Serialize};

/// Side of an order on the YES leg: `bid` buys YES, `ask` sells YES (the same as buying NO).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Bid,
    Ask,
}

/// A leg of a binary market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leg {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    #[default]
    GoodTillCanceled,
    ImmediateOrCancel,
    FillOrKill,
}

/// What happens when an order would trade with another of the same account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum SelfTradePrevention {
    /// The incoming order is stopped and cancelled.
    #[default]
    TakerAtCross,
    /// The resting order is cancelled and matching goes on.
    Maker,
}

impl Side {
    pub const fn as_str(self) -> &'static str {
        match self {
            Side::Bid => "bid",
            Side::Ask => "ask",
        }
    }
}

impl Leg {
    pub const fn as_str(self) -> &'static str {
        match self {
            Leg::Yes => "yes",
            Leg::No => "no",
        }
    }
}

impl TimeInForce {
    pub const fn as_str(self) -> &'static str {
        match self {
            TimeInForce::GoodTillCanceled => "good_till_canceled",
            TimeInForce::ImmediateOrCancel => "immediate_or_cancel",
            TimeInForce::FillOrKill => "fill_or_kill",
        }
    }
}

impl SelfTradePrevention {
    pub const fn as_str(self) -> &'static str {
        match self {
            SelfTradePrevention::TakerAtCross => "taker_at_cross",
            SelfTradePrevention::Maker => "maker",
        }
    }
}
