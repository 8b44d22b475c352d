//! What local clients ask of the desk, and what it answers.

use crate::desk::view::OrderView;
use crate::domain::{Count, Market, OrderId, Price};
use crate::journal::{HaltMode, NewOrder};

/// A request of a local client. Ids and times were minted by the shell that made it.
#[derive(Debug, Clone, PartialEq)]
pub enum DeskCommand {
    /// `market` is the catalogue's record of `order.ticker` at this moment.
    Place {
        order: NewOrder,
        market: Market,
    },
    Cancel {
        order_id: OrderId,
    },
    /// Cancels every order of ours that may rest.
    CancelAll,
    /// `count` is the new total including fills; what is `None` stays.
    Amend {
        order_id: OrderId,
        price: Option<Price>,
        count: Option<Count>,
        market: Market,
    },
    SetHalt {
        mode: HaltMode,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum DeskAnswer {
    /// The order as it stands after the venue's answer (or without one: status `unknown`).
    Order {
        order: OrderView,
        replayed: bool,
    },
    /// Every cancel that was sent, as it ended.
    Canceled {
        orders: Vec<OrderView>,
    },
    Halt {
        mode: HaltMode,
    },
    Rejected(DeskError),
}

/// Why the desk did not do it. Each has a stable public code, see `docs/errors/`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    #[error("trading is not open yet: {reason}")]
    NotReady { reason: String },
    #[error("trading is halted: {reason}")]
    Halted { reason: String },
    #[error("only orders that reduce a position are allowed now: {reason}")]
    ReduceOnly { reason: String },
    #[error("market {ticker} is {status}, not active")]
    MarketNotActive { ticker: String, status: String },
    #[error("price {price} is not on the grid of {ticker}: {grid}")]
    OffGrid { ticker: String, price: Price, grid: String },
    #[error("{limit} is {allowed}, this order would make it {wanted}")]
    Limit { limit: &'static str, allowed: String, wanted: String },
    #[error("{reason}")]
    Invalid { pointer: &'static str, reason: String },
    #[error("this Idempotency-Key was used with another body (order {order_id})")]
    IdempotencyConflict { order_id: OrderId },
    #[error("client_order_id was used before (order {order_id})")]
    ClientOrderIdUsed { order_id: OrderId },
    #[error("no order {order_id}")]
    NoSuchOrder { order_id: OrderId },
    #[error("order {order_id} is {status} and cannot be changed")]
    NotWorking { order_id: OrderId, status: String },
    #[error("order {order_id} has a change in flight")]
    ChangeInFlight { order_id: OrderId },
    #[error("the exchange refused: {code}: {message}")]
    VenueRefused { order_id: OrderId, http_status: u16, code: String, message: String },
    #[error("the request was not sent: {reason}")]
    NotSent { order_id: OrderId, reason: String },
    #[error("the ledger cannot record it now: {reason}")]
    LedgerUnavailable { reason: String },
}
