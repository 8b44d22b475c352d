//! Orders as the exchange keeps them.

use std::sync::Arc;

use super::account::AccountId;
use super::event::Side;
use super::units::{Count, Micros, Price};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeInForce {
    GoodTillCanceled,
    ImmediateOrCancel,
    FillOrKill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfTradePrevention {
    TakerAtCross,
    Maker,
}

impl SelfTradePrevention {
    pub const fn name(self) -> &'static str {
        match self {
            SelfTradePrevention::TakerAtCross => "taker_at_cross",
            SelfTradePrevention::Maker => "maker",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    Resting,
    Canceled,
    Executed,
}

impl OrderStatus {
    pub const fn name(self) -> &'static str {
        match self {
            OrderStatus::Resting => "resting",
            OrderStatus::Canceled => "canceled",
            OrderStatus::Executed => "executed",
        }
    }
}

/// What a member asks for, already read from the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub ticker: String,
    pub client_order_id: Option<String>,
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
    pub subaccount: i64,
    pub order_group_id: Option<String>,
    pub exchange_index: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Counts orders of the whole exchange; smaller is earlier.
    pub number: u64,
    pub order_id: Arc<str>,
    pub client_order_id: Arc<str>,
    pub account: AccountId,
    /// The member that the account belongs to.
    pub member: AccountId,
    pub user_id: Arc<str>,
    pub ticker: Arc<str>,
    /// Where the market is held.
    pub(super) market: usize,
    pub exchange_index: i64,
    pub side: Side,
    pub price: Price,
    pub initial: Count,
    pub filled: Count,
    pub remaining: Count,
    pub status: OrderStatus,
    pub self_trade_prevention: SelfTradePrevention,
    pub cancel_order_on_pause: bool,
    pub post_only: bool,
    pub expiration_us: Option<i64>,
    pub subaccount: i64,
    pub order_group_id: Option<Arc<str>>,
    pub taker_cost: Micros,
    pub maker_cost: Micros,
    pub taker_fees: Micros,
    pub maker_fees: Micros,
    /// Stands in the queue of its price.
    pub is_queued: bool,
    /// Rounding paid and not yet given back.
    pub rounding: Micros,
    pub created_us: i64,
    pub updated_us: i64,
}

impl Order {
    /// Counts a match of this order.
    pub(super) fn note_fill(&mut self, is_taker: bool, price: Price, count: Count, fee: Micros, now_us: i64) {
        self.filled += count;
        self.remaining -= count;
        self.updated_us = now_us;
        let (cost, fees) = match is_taker {
            true => (&mut self.taker_cost, &mut self.taker_fees),
            false => (&mut self.maker_cost, &mut self.maker_fees),
        };
        *cost += price * count;
        *fees += fee;
        if self.remaining == 0 {
            self.status = OrderStatus::Executed;
        }
    }

    /// Sum of price times count over the fills, on the YES leg.
    pub fn average_price(&self, cost_before: Micros, filled_before: Count) -> Option<Price> {
        let count = self.filled - filled_before;
        let cost = self.taker_cost + self.maker_cost - cost_before;
        (count > 0).then(|| (cost + count / 2) / count)
    }
}
