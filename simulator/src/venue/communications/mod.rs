//! Communications: requests for quotes, quotes, batches of requests, and block trades.
//!
//! A request is answered by quotes; its creator accepts a side of one, the maker confirms, and after a timer the orders
//! of both go to the book. Invariants: an RFQ has at most one quote in flight; what has ended never moves again; every
//! deadline is in `due` until it has passed.

pub mod batch;
mod batch_accept;
mod batch_execute;
mod batch_quote;
pub mod block;
mod deadline;
mod execute;
pub mod model;
pub mod notice;
mod quote;
pub mod refusal;
mod rfq;
mod sizing;
pub mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use ring::digest::{SHA256, digest};

use super::Venue;
use super::account::AccountId;
use super::event::VenueEvent;
use super::market::{Market, Status};
use super::refusal::Refusal;

use batch::{Batch, BatchQuote};
use block::Proposal;
use deadline::Due;
use model::{Party, Quote, Rfq};
use notice::Notice;

pub use batch::{ChildMarket, NewBatch, NewBatchQuote, NewChild};
pub use batch_accept::BatchAccept;
pub use block::NewProposal;
pub use quote::NewQuote;
pub use rfq::NewRfq;

/// What others see instead of the name of a creator who hides it: the SHA-256 of nothing.
pub const OBSCURED_ID: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Everything members ask, quote and propose, by id.
#[derive(Debug, Default)]
pub struct Communications {
    pub rfqs: BTreeMap<Arc<str>, Rfq>,
    pub quotes: BTreeMap<Arc<str>, Quote>,
    pub batches: BTreeMap<Arc<str>, Batch>,
    pub batch_quotes: BTreeMap<Arc<str>, BatchQuote>,
    pub proposals: BTreeMap<Arc<str>, Proposal>,
    due: BTreeSet<(i64, Due)>,
    /// Ids of the RFQs that are open, in the order they came.
    open: BTreeSet<(u64, Arc<str>)>,
}

/// How long a maker may take to confirm, and what lies between that and the orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    pub confirm_us: i64,
    pub execute_us: i64,
}

/// Ordinary markets.
pub const STANDARD: Windows = Windows { confirm_us: 30_000_000, execute_us: 15_000_000 };
/// High volatility markets: all combos.
pub const HIGH_VOLATILITY: Windows = Windows { confirm_us: 3_000_000, execute_us: 1_000_000 };

impl Venue {
    /// Returns the public name of a member, which says nothing of who it is.
    pub fn communications_id(&self, member: AccountId) -> Result<Arc<str>, Refusal> {
        let holder = self.accounts.get(member).ok_or_else(Refusal::not_found)?;
        let hash = digest(&SHA256, holder.user_id.as_bytes());
        let hex = hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Ok(hex.into())
    }

    fn party(&self, member: AccountId, subaccount: Option<i64>) -> Result<Party, Refusal> {
        let number = subaccount.unwrap_or(0);
        let trader = self.subaccount(member, number);
        let trader = trader.map_err(|_| refusal::invalid(format!("subaccount {number} does not exist")))?;
        let holder = self.accounts.get(member).ok_or_else(Refusal::not_found)?;
        Ok(Party {
            member,
            trader,
            subaccount,
            user_id: Arc::clone(&holder.user_id),
            communications_id: self.communications_id(member)?,
        })
    }

    fn windows(&self, ticker: &str) -> Windows {
        let is_combo = self.market(ticker).is_some_and(|market| market.combo.is_some());
        if is_combo { HIGH_VOLATILITY } else { STANDARD }
    }

    /// Returns a market in which trading goes on.
    fn tradable(&self, ticker: &str, now_us: i64) -> Result<&Market, Refusal> {
        self.trading_allowed()?;
        let market = self.markets.get(ticker);
        let market =
            market.ok_or_else(|| refusal::invalid(format!("market_ticker {ticker} does not exist")))?;
        if market.status != Status::Active || now_us >= market.listing.close_us {
            return Err(Refusal::market_not_active());
        }
        Ok(market)
    }

    fn tell(&mut self, notice: Notice) {
        self.events.push(VenueEvent::Communication(Box::new(notice)));
    }

    fn new_id(&mut self) -> (u64, Arc<str>) {
        (self.number(), self.dice.uuid())
    }
}

#[cfg(test)]
pub(crate) mod tests;
