//! What the exchange announces, in commit order. Integers inside; wire strings are made by whoever serves them.

use std::sync::Arc;

use super::account::AccountId;
use super::communications::notice::Notice;
use super::fees::FeeSchedule;
use super::order::Order;
use super::units::{Count, Micros, Price};

/// A leg of a binary market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leg {
    Yes,
    No,
}

/// Side of an order on the YES leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Bid,
    Ask,
}

impl Leg {
    pub const fn name(self) -> &'static str {
        match self {
            Leg::Yes => "yes",
            Leg::No => "no",
        }
    }
}

impl Side {
    pub const fn opposite(self) -> Side {
        match self {
            Side::Bid => Side::Ask,
            Side::Ask => Side::Bid,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Side::Bid => "bid",
            Side::Ask => "ask",
        }
    }

    /// The outcome one side wants: `yes` for a bid, `no` for an ask.
    pub const fn outcome(self) -> Leg {
        match self {
            Side::Bid => Leg::Yes,
            Side::Ask => Leg::No,
        }
    }
}

/// Whose order a book change came from; shown only to that account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub account: AccountId,
    pub client_order_id: Arc<str>,
    pub subaccount: i64,
}

/// Private events name the member by its primary account.
#[derive(Debug, Clone, PartialEq)]
pub enum VenueEvent {
    BookChange {
        ticker: Arc<str>,
        market_id: Arc<str>,
        clock: u64,
        leg: Leg,
        /// At the leg's own price.
        price: Price,
        /// Signed change of the level.
        delta: Count,
        ts_us: i64,
        owner: Option<Owner>,
    },
    Trade {
        trade_id: Arc<str>,
        ticker: Arc<str>,
        market_id: Arc<str>,
        yes_price: Price,
        count: Count,
        taker_side: Side,
        is_block_trade: bool,
        ts_us: i64,
    },
    Fill(Box<Fill>),
    UserOrder {
        account: AccountId,
        order: Arc<Order>,
        reason: &'static str,
    },
    Position {
        account: AccountId,
        subaccount: i64,
        ticker: Arc<str>,
        position: Count,
        cost: Micros,
        realized_pnl: Micros,
        fees_paid: Micros,
        volume: Count,
    },
    /// A change of an order group, for the member it belongs to.
    Group {
        account: AccountId,
        subaccount: i64,
        group_id: Arc<str>,
        change: GroupChange,
        ts_us: i64,
    },
    /// Cash moved without a trade; no channel tells of it.
    Money {
        account: AccountId,
    },
    Ticker(Ticker),
    Lifecycle(Box<Lifecycle>),
    /// Before the first market of an event.
    EventCreated(Box<EventCreated>),
    /// Of RFQs and quotes.
    Communication(Box<Notice>),
    EventFee(Box<EventFee>),
}

/// What became of an order group; limits in 1e-2 contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupChange {
    Created(Count),
    Triggered,
    Reset,
    Deleted,
    LimitUpdated(Count),
}

impl GroupChange {
    pub const fn name(self) -> &'static str {
        match self {
            GroupChange::Created(_) => "created",
            GroupChange::Triggered => "triggered",
            GroupChange::Reset => "reset",
            GroupChange::Deleted => "deleted",
            GroupChange::LimitUpdated(_) => "limit_updated",
        }
    }

    pub const fn limit(self) -> Option<Count> {
        match self {
            GroupChange::Created(limit) | GroupChange::LimitUpdated(limit) => Some(limit),
            GroupChange::Triggered | GroupChange::Reset | GroupChange::Deleted => None,
        }
    }
}

/// One side of a match, for the account it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    pub account: AccountId,
    pub trade_id: Arc<str>,
    pub order_id: Arc<str>,
    pub client_order_id: Arc<str>,
    pub ticker: Arc<str>,
    pub exchange_index: i64,
    pub is_taker: bool,
    pub side: Side,
    pub yes_price: Price,
    pub count: Count,
    /// Net fee: trade fee plus rounding less rebate.
    pub fee: Micros,
    pub post_position: Count,
    pub subaccount: i64,
    pub ts_us: i64,
}

/// The top of a market's book and its totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticker {
    pub ticker: Arc<str>,
    pub market_id: Arc<str>,
    pub last_price: Price,
    pub yes_bid: Price,
    pub yes_bid_size: Count,
    pub yes_ask: Price,
    pub yes_ask_size: Count,
    pub last_trade_size: Count,
    pub volume: Count,
    pub open_interest: Count,
    /// Whole dollars.
    pub dollar_volume: i64,
    pub dollar_open_interest: i64,
    pub ts_us: i64,
}

/// An event whose first market is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCreated {
    pub is_combo: bool,
    pub event_ticker: Arc<str>,
    pub series_ticker: Arc<str>,
    pub exchange_index: i64,
    pub title: String,
}

/// New terms of an event over its series'; none where they end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFee {
    pub event_ticker: Arc<str>,
    pub fees: Option<FeeSchedule>,
}

/// A step in a market's life. Times in Unix seconds, as the channel gives them.
#[derive(Debug, Clone, PartialEq)]
pub struct Lifecycle {
    pub is_combo: bool,
    pub ticker: Arc<str>,
    pub event_ticker: Arc<str>,
    pub exchange_index: i64,
    pub kind: LifecycleKind,
    pub ts_us: i64,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LifecycleKind {
    Created {
        open_ts: i64,
        close_ts: i64,
        title: String,
        yes_sub_title: String,
        price_level_structure: &'static str,
        ranges: &'static [(Price, Price, Price)],
        can_close_early: bool,
    },
    Activated,
    Deactivated,
    CloseDateUpdated {
        close_ts: i64,
    },
    /// Also tells of the new ranges.
    PriceLevelStructureUpdated {
        price_level_structure: &'static str,
        ranges: &'static [(Price, Price, Price)],
    },
    MetadataUpdated {
        yes_sub_title: String,
    },
    Determined {
        result: &'static str,
        settlement_value: Price,
        determination_ts: i64,
    },
    Settled {
        settled_ts: i64,
    },
}

impl LifecycleKind {
    /// The channel's `event_type`.
    pub const fn event_type(&self) -> &'static str {
        match self {
            LifecycleKind::Created { .. } => "created",
            LifecycleKind::Activated => "activated",
            LifecycleKind::Deactivated => "deactivated",
            LifecycleKind::CloseDateUpdated { .. } => "close_date_updated",
            LifecycleKind::PriceLevelStructureUpdated { .. } => "price_level_structure_updated",
            LifecycleKind::MetadataUpdated { .. } => "metadata_updated",
            LifecycleKind::Determined { .. } => "determined",
            LifecycleKind::Settled { .. } => "settled",
        }
    }
}
