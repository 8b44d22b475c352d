//! RFQs and quotes as the exchange keeps them.
//!
//! `creator` is the member who sees and steers it, `trader` the account (primary or subaccount) that trades.

use std::sync::Arc;

use crate::venue::account::AccountId;
use crate::venue::combo::SelectedLeg;
use crate::venue::event::{Leg, Side};
use crate::venue::units::{Count, DOLLAR, Micros, Price};

use super::OBSCURED_ID;
use super::state::{QuoteStatus, RfqStatus};

/// Who made something: the member, the account that trades, and the member's public name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    pub member: AccountId,
    pub trader: AccountId,
    /// None where the primary account trades without having been named.
    pub subaccount: Option<i64>,
    pub user_id: Arc<str>,
    pub communications_id: Arc<str>,
}

impl Party {
    /// The number of the subaccount that trades.
    pub fn number(&self) -> i64 {
        self.subaccount.unwrap_or(0)
    }

    /// Returns the public name as a member sees it; others get a placeholder for a hidden one.
    pub fn shown_to(&self, viewer: AccountId, is_hidden: bool) -> &str {
        if is_hidden && viewer != self.member { OBSCURED_ID } else { &self.communications_id }
    }
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Contracts(Count),
    TargetCost { cost: Micros, excludes_fees: bool },
}

impl Size {
    /// Contracts asked for; none where a cost was named.
    pub fn contracts(self) -> Option<Count> {
        match self {
            Size::Contracts(count) => Some(count),
            Size::TargetCost { .. } => None,
        }
    }

    pub fn target_cost(self) -> Option<Micros> {
        match self {
            Size::Contracts(_) => None,
            Size::TargetCost { cost, .. } => Some(cost),
        }
    }

    pub fn excludes_fees(self) -> bool {
        matches!(self, Size::TargetCost { excludes_fees: true, .. })
    }
}

/// What a combo market is made of, as far as anyone knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combo {
    pub collection_ticker: Arc<str>,
    pub legs: Vec<SelectedLeg>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rfq {
    /// Counts everything of the exchange; smaller is earlier.
    pub number: u64,
    pub id: Arc<str>,
    pub creator: Party,
    pub ticker: Arc<str>,
    pub event_ticker: Arc<str>,
    pub combo: Option<Combo>,
    pub size: Size,
    pub rest_remainder: bool,
    /// Others see a placeholder instead of the creator's public name until a quote has executed.
    pub is_obscured: bool,
    pub status: RfqStatus,
    pub has_executed: bool,
    pub cancellation_reason: Option<&'static str>,
    pub cancelled_us: Option<i64>,
    pub created_us: i64,
    pub updated_us: i64,
    /// The batch that it is a child of.
    pub batch_id: Option<Arc<str>>,
    /// The quote that is accepted or confirmed and has not come to its end.
    pub in_flight: Option<Arc<str>>,
    /// Quotes on it, in the order they came.
    pub quotes: Vec<Arc<str>>,
}

/// An order that came of an execution, for the account that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRef {
    pub order_id: Arc<str>,
    pub client_order_id: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Counts everything of the exchange; smaller is earlier.
    pub number: u64,
    pub id: Arc<str>,
    pub rfq_id: Arc<str>,
    pub creator: Party,
    /// Zero where the maker does not bid.
    pub yes_bid: Price,
    pub no_bid: Price,
    /// Contracts that each bid is for.
    pub yes_count: Option<Count>,
    pub no_count: Option<Count>,
    pub rest_remainder: bool,
    pub post_only: bool,
    pub status: QuoteStatus,
    pub accepted_side: Option<Leg>,
    pub created_us: i64,
    pub updated_us: i64,
    pub accepted_us: Option<i64>,
    pub confirmed_us: Option<i64>,
    pub executed_us: Option<i64>,
    pub cancelled_us: Option<i64>,
    pub cancellation_reason: Option<&'static str>,
    pub creator_order: Option<OrderRef>,
    pub rfq_creator_order: Option<OrderRef>,
    pub batch_quote_id: Option<Arc<str>>,
    /// When each bid came, for ties: numbers, smaller is earlier.
    pub yes_since: u64,
    pub no_since: u64,
}

impl Quote {
    /// Contracts that the bid of a side is for; none if there is no bid.
    pub fn count(&self, side: Leg) -> Option<Count> {
        match side {
            Leg::Yes => self.yes_count,
            Leg::No => self.no_count,
        }
    }

    /// The bid of a side, at the side's own price; none if there is none.
    pub fn bid(&self, side: Leg) -> Option<Price> {
        let bid = if side == Leg::Yes { self.yes_bid } else { self.no_bid };
        self.count(side).map(|_| bid)
    }

    /// When the bid of a side came.
    pub fn since(&self, side: Leg) -> u64 {
        if side == Leg::Yes { self.yes_since } else { self.no_since }
    }

    /// Returns the RFQ creator's public name as a member sees it on this quote: its execution reveals it.
    pub fn rfq_creator_shown_to<'a>(&self, rfq: &'a Rfq, viewer: AccountId) -> &'a str {
        rfq.creator.shown_to(viewer, rfq.is_obscured && self.status != QuoteStatus::Executed)
    }

    pub fn accepted_count(&self) -> Option<Count> {
        self.accepted_side.and_then(|side| self.count(side))
    }

    /// The maker's side of the book and the YES price of the trade, once a side is accepted: whoever accepts a bid sells
    /// to it.
    pub fn maker_terms(&self, side: Leg) -> (Side, Price) {
        match side {
            Leg::Yes => (Side::Bid, self.yes_bid),
            Leg::No => (Side::Ask, DOLLAR - self.no_bid),
        }
    }
}
