//! What the live exchange tells its subscribers, in integers and borrowed text.
//!
//! Times are in Unix microseconds, those of life cycles in seconds, as the channel gives them.

use crate::venue::account::AccountId;
use crate::venue::communications::notice::Notice;
use crate::venue::event::{GroupChange, Leg, Side};
use crate::venue::fees::FeeSchedule;
use crate::venue::units::{Count, Micros, Price};

/// One message to send, before it has a subscription.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outgoing<'a> {
    BookDelta(BookDelta<'a>),
    Ticker(Ticker<'a>),
    Trade(Trade<'a>),
    Fill(Fill<'a>),
    UserOrder(UserOrder<'a>),
    Position(Position<'a>),
    Group(Group<'a>),
    MarketLifecycle(MarketLifecycle<'a>),
    EventLifecycle(EventLifecycle<'a>),
    Communication(&'a Notice),
    EventFee(EventFee<'a>),
}

/// A change of one level.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BookDelta<'a> {
    pub(crate) ticker: &'a str,
    pub(crate) market_id: &'a str,
    pub(crate) clock: u64,
    pub(crate) leg: Leg,
    /// Price on the leg itself.
    pub(crate) price: Price,
    pub(crate) delta: Count,
    pub(crate) ts_us: i64,
    /// Whose order made the change; shown to that account only.
    pub(crate) owner: Option<Owner<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) account: AccountId,
    pub(crate) client_order_id: Option<&'a str>,
    pub(crate) subaccount: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticker<'a> {
    pub(crate) ticker: &'a str,
    pub(crate) market_id: &'a str,
    /// Price of the last trade.
    pub(crate) price: Price,
    pub(crate) yes_bid: Price,
    pub(crate) yes_ask: Price,
    pub(crate) yes_bid_size: Count,
    pub(crate) yes_ask_size: Count,
    pub(crate) last_trade_size: Count,
    pub(crate) volume: Count,
    pub(crate) open_interest: Count,
    /// Whole dollars.
    pub(crate) dollar_volume: i64,
    pub(crate) dollar_open_interest: i64,
    pub(crate) ts_us: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Trade<'a> {
    pub(crate) trade_id: &'a str,
    pub(crate) ticker: &'a str,
    pub(crate) yes_price: Price,
    pub(crate) count: Count,
    pub(crate) taker: Side,
    pub(crate) is_block_trade: bool,
    pub(crate) ts_us: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill<'a> {
    pub(crate) account: AccountId,
    pub(crate) trade_id: &'a str,
    pub(crate) order_id: &'a str,
    pub(crate) client_order_id: Option<&'a str>,
    pub(crate) ticker: &'a str,
    pub(crate) exchange_index: i64,
    pub(crate) is_taker: bool,
    pub(crate) side: Side,
    pub(crate) yes_price: Price,
    pub(crate) count: Count,
    pub(crate) fee: Micros,
    pub(crate) post_position: Count,
    pub(crate) subaccount: i64,
    pub(crate) ts_us: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct UserOrder<'a> {
    pub(crate) account: AccountId,
    pub(crate) order_id: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) client_order_id: &'a str,
    pub(crate) ticker: &'a str,
    pub(crate) exchange_index: i64,
    /// `resting`, `canceled` or `executed`.
    pub(crate) status: &'a str,
    pub(crate) side: Side,
    pub(crate) yes_price: Price,
    pub(crate) fill_count: Count,
    pub(crate) remaining_count: Count,
    pub(crate) initial_count: Count,
    pub(crate) taker_fill_cost: Micros,
    pub(crate) maker_fill_cost: Micros,
    pub(crate) taker_fees: Micros,
    pub(crate) maker_fees: Micros,
    pub(crate) order_group_id: Option<&'a str>,
    pub(crate) self_trade_prevention_type: Option<&'a str>,
    pub(crate) created_us: i64,
    pub(crate) last_updated_us: Option<i64>,
    pub(crate) last_update_reason: Option<&'a str>,
    pub(crate) expiration_us: Option<i64>,
    pub(crate) subaccount: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Position<'a> {
    pub(crate) account: AccountId,
    pub(crate) ticker: &'a str,
    pub(crate) position: Count,
    pub(crate) position_cost: Micros,
    pub(crate) realized_pnl: Micros,
    pub(crate) fees_paid: Micros,
    pub(crate) position_fee_cost: Micros,
    pub(crate) volume: Count,
    pub(crate) subaccount: i64,
}

/// A change of an order group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    pub(crate) account: AccountId,
    pub(crate) subaccount: i64,
    pub(crate) group_id: &'a str,
    pub(crate) change: GroupChange,
    pub(crate) ts_us: i64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct MarketLifecycle<'a> {
    pub(crate) is_combo: bool,
    pub(crate) ticker: &'a str,
    pub(crate) change: MarketChange<'a>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum MarketChange<'a> {
    Created(Created<'a>),
    Activated,
    Deactivated,
    CloseDateUpdated { close_ts: i64 },
    PriceLevelStructureUpdated { price_level_structure: &'a str, price_ranges: &'a [(Price, Price, Price)] },
    MetadataUpdated { yes_sub_title: &'a str },
    Determined { determination_ts: i64, result: &'a str, settlement_value: Price },
    Settled { settled_ts: i64 },
}

/// What is told about a new market.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Created<'a> {
    pub(crate) exchange_index: i64,
    pub(crate) open_ts: i64,
    pub(crate) close_ts: i64,
    pub(crate) event_ticker: &'a str,
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    pub(crate) yes_sub_title: &'a str,
    pub(crate) no_sub_title: &'a str,
    pub(crate) rules_primary: &'a str,
    pub(crate) rules_secondary: &'a str,
    pub(crate) can_close_early: bool,
    pub(crate) expected_expiration_ts: i64,
    pub(crate) price_level_structure: &'a str,
    /// Bands of the price grid: start, end, step.
    pub(crate) price_ranges: &'a [(Price, Price, Price)],
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct EventLifecycle<'a> {
    pub(crate) is_combo: bool,
    pub(crate) event_ticker: &'a str,
    pub(crate) exchange_index: i64,
    pub(crate) title: &'a str,
    pub(crate) subtitle: &'a str,
    pub(crate) collateral_return_type: &'a str,
    pub(crate) series_ticker: &'a str,
}

/// New terms of an event; none where it is back to those of its series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventFee<'a> {
    pub(crate) event_ticker: &'a str,
    pub(crate) fees: Option<FeeSchedule>,
}
