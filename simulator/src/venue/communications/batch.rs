//! RFQ batches: several requests that are quoted, accepted and executed together.
//!
//! A batch and its children open and close as one; children are RFQs that answer to their batch alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::combo::SelectedLeg;
use crate::venue::event::Leg;
use crate::venue::refusal::Refusal;
use crate::venue::units::{Count, Price};

use super::deadline::{Due, ENDED_KEPT_US};
use super::model::{Party, Rfq, Size};
use super::notice::Notice;
use super::refusal;
use super::rfq::check_size;
use super::state::{BatchQuoteStatus, BatchQuoteStep, BatchStatus, BatchStep};

pub const CHILDREN_MIN: usize = 2;
pub const CHILDREN_MAX: usize = 57;
/// Distinct legs of all combos of a batch.
const LEGS_MAX: usize = 6;
/// Open batches of a member.
const OPEN_MAX: usize = 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub number: u64,
    pub id: Arc<str>,
    pub creator: Party,
    pub client_batch_id: Option<Arc<str>>,
    pub is_obscured: bool,
    /// A child has traded.
    pub has_executed: bool,
    pub status: BatchStatus,
    /// Children in request order.
    pub rfqs: Vec<Arc<str>>,
    pub created_us: i64,
    pub updated_us: i64,
    pub accepted_us: Option<i64>,
    pub closed_us: Option<i64>,
    pub close_reason: Option<&'static str>,
    pub accepted_side: Option<Leg>,
    /// The key of the accept that succeeded, and the quote of each child.
    pub accept_key: Option<Arc<str>>,
    pub accepted_quotes: Vec<Arc<str>>,
    pub best: BestQuotes,
    /// When best quotes were told last.
    pub told_us: Option<i64>,
}

/// One maker's prices for every child; once accepted, for the children it won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchQuote {
    pub number: u64,
    pub id: Arc<str>,
    pub batch_id: Arc<str>,
    pub creator: Party,
    pub status: BatchQuoteStatus,
    pub quotes: Vec<Arc<str>>,
    pub rest_remainder: bool,
    pub post_only: bool,
    pub created_us: i64,
    pub updated_us: i64,
    pub accepted_side: Option<Leg>,
    pub accepted_us: Option<i64>,
    pub confirmed_us: Option<i64>,
}

/// The best bids of all makers on each child, in request order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BestQuotes {
    /// Grows with every change; zero before the first.
    pub version: i64,
    pub updated_us: Option<i64>,
    pub children: Vec<BestChild>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BestChild {
    pub yes: Option<BestBid>,
    pub no: Option<BestBid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BestBid {
    pub price: Price,
    pub count: Count,
}

impl BestQuotes {
    /// Tells whether every child has a bid on a side.
    pub fn is_complete(&self, side: Leg) -> bool {
        let has_bid = |child: &BestChild| if side == Leg::Yes { child.yes } else { child.no }.is_some();
        !self.children.is_empty() && self.children.iter().all(has_bid)
    }
}

/// A combo that quotes are asked for, with its own size if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChild {
    pub market: ChildMarket,
    pub size: Option<Size>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildMarket {
    Ticker(String),
    /// Looked up in the batch's collection.
    Legs(Vec<SelectedLeg>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatch {
    pub children: Vec<NewChild>,
    pub collection_ticker: Option<String>,
    /// Of the children that have none.
    pub size: Option<Size>,
    pub is_obscured: bool,
    pub replace_existing: bool,
    pub client_batch_id: Option<String>,
    pub subaccount: Option<i64>,
}

/// One maker's prices: child, YES bid, NO bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBatchQuote {
    pub bids: Vec<(String, Price, Price)>,
    pub rest_remainder: bool,
    pub post_only: bool,
    pub subaccount: Option<i64>,
}

impl Venue {
    /// Opens a batch with all its children.
    pub fn create_batch(
        &mut self,
        member: AccountId,
        new: &NewBatch,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let creator = self.party(member, new.subaccount)?;
        let children = self.check_children(member, new, now_us)?;
        self.make_batch_room(member, new, now_us)?;
        let (number, id) = self.new_id();
        let mut rfqs = Vec::new();
        for (ticker, size) in &children {
            let rfq_id = self.open_rfq(creator.clone(), ticker, *size, Some(Arc::clone(&id)), now_us)?;
            if let Some(rfq) = self.communications.rfqs.get_mut(&rfq_id) {
                rfq.is_obscured = new.is_obscured;
            }
            rfqs.push(rfq_id);
        }
        let best = BestQuotes { children: vec![BestChild::default(); rfqs.len()], ..BestQuotes::default() };
        let batch = Batch {
            number,
            id: Arc::clone(&id),
            creator,
            client_batch_id: new.client_batch_id.as_deref().map(Into::into),
            is_obscured: new.is_obscured,
            has_executed: false,
            status: BatchStatus::Open,
            rfqs,
            created_us: now_us,
            updated_us: now_us,
            accepted_us: None,
            closed_us: None,
            close_reason: None,
            accepted_side: None,
            accept_key: None,
            accepted_quotes: Vec::new(),
            best,
            told_us: None,
        };
        let rfqs = self.children(&batch).into_iter().cloned().collect();
        self.communications.batches.insert(Arc::clone(&id), batch.clone());
        self.tell(Notice::BatchCreated { batch, rfqs });
        Ok(id)
    }

    /// Closes an open batch of the member.
    pub fn delete_batch(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        let batch = self.own_batch(member, id)?;
        if batch.status.after(BatchStep::Delete).is_none() {
            return Err(refusal::invalid(format!("the batch is {}", batch.status.name())));
        }
        let id = Arc::clone(&batch.id);
        self.close_batch(&id, "cancelled", now_us);
        Ok(())
    }

    /// Children of a batch, in request order.
    pub fn children(&self, batch: &Batch) -> Vec<&Rfq> {
        batch.rfqs.iter().filter_map(|id| self.communications.rfqs.get(id)).collect()
    }

    pub(super) fn own_batch(&self, member: AccountId, id: &str) -> Result<&Batch, Refusal> {
        let batch = self.communications.batches.get(id).filter(|batch| batch.creator.member == member);
        batch.ok_or_else(|| refusal::not_found("RFQ batch not found"))
    }

    /// Closes an open batch, its children and the quotes on it.
    pub(super) fn close_batch(&mut self, id: &Arc<str>, reason: &'static str, now_us: i64) {
        if self.end_batch(id, BatchStep::Delete, reason, now_us)
            && let Some(batch) = self.communications.batches.get(id).cloned()
        {
            self.tell(Notice::BatchDeleted { batch, except: Vec::new() });
        }
    }

    /// Closes an accepted batch that will not trade.
    pub(super) fn void_batch(&mut self, id: &Arc<str>, reason: &'static str, now_us: i64) {
        if self.end_batch(id, BatchStep::Finish, reason, now_us)
            && let Some(batch) = self.communications.batches.get(id).cloned()
        {
            self.tell(Notice::BatchDeleted { batch, except: Vec::new() });
        }
    }

    /// Closes a batch and whatever is still open of it; false if the step is not possible.
    pub(super) fn end_batch(
        &mut self,
        id: &Arc<str>,
        by: BatchStep,
        reason: &'static str,
        now_us: i64,
    ) -> bool {
        let Some(batch) = self.communications.batches.get_mut(id) else { return false };
        let Some(status) = batch.status.after(by) else { return false };
        batch.status = status;
        batch.close_reason = Some(reason);
        batch.closed_us = Some(now_us);
        batch.updated_us = now_us;
        for rfq in batch.rfqs.clone() {
            let executed = self.communications.rfqs.get(&rfq).is_some_and(|rfq| rfq.has_executed);
            self.close_rfq(&rfq, (!executed).then_some(reason), now_us);
        }
        let on_it = self.communications.batch_quotes.values_mut().filter(|quote| quote.batch_id == *id);
        for quote in on_it {
            let after = |step| quote.status.after(step);
            if let Some(status) = after(BatchQuoteStep::Withdraw).or_else(|| after(BatchQuoteStep::Void)) {
                quote.status = status;
                quote.updated_us = now_us;
            }
        }
        self.set_due(now_us.saturating_add(ENDED_KEPT_US), Due::ForgetBatch(Arc::clone(id)));
        true
    }

    pub(super) fn forget_batch(&mut self, id: &Arc<str>) {
        self.communications.batches.remove(id);
        self.communications.batch_quotes.retain(|_, quote| quote.batch_id != *id);
    }

    /// Returns the market and size of each child, or what is wrong with them.
    fn check_children(
        &mut self,
        member: AccountId,
        new: &NewBatch,
        now_us: i64,
    ) -> Result<Vec<(String, Size)>, Refusal> {
        if !(CHILDREN_MIN..=CHILDREN_MAX).contains(&new.children.len()) {
            return Err(refusal::invalid(format!("children must be {CHILDREN_MIN} to {CHILDREN_MAX}")));
        }
        let (mut found, mut seen, mut legs) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let mut shards = BTreeSet::new();
        for child in &new.children {
            let ticker = self.child_ticker(member, child, new.collection_ticker.as_deref(), now_us)?;
            let market = self.tradable(&ticker, now_us)?;
            shards.insert(market.listing.exchange_index);
            let Some(combo) = &market.combo else {
                return Err(refusal::invalid(format!("{ticker} is not a combo")));
            };
            legs.extend(combo.legs.iter().map(|(leg, _)| leg.clone()));
            let Some(size) = child.size.or(new.size) else {
                return Err(refusal::invalid(format!("{ticker} has no size")));
            };
            check_size(size)?;
            if !seen.insert(ticker.clone()) {
                return Err(refusal::invalid(format!("{ticker} is named twice")));
            }
            found.push((ticker, size));
        }
        if legs.len() > LEGS_MAX {
            return Err(refusal::invalid(format!("a batch has at most {LEGS_MAX} distinct legs")));
        }
        if shards.len() > 1 {
            return Err(refusal::invalid("all children must be on one exchange index"));
        }
        let by_cost = found.iter().filter(|(_, size)| size.target_cost().is_some()).count();
        if by_cost != 0 && by_cost != found.len() {
            return Err(refusal::invalid("every child must be sized the same way"));
        }
        Ok(found)
    }

    /// Returns the market of a child: the one that is named, or the combo of its legs, made now if it is new.
    fn child_ticker(
        &mut self,
        member: AccountId,
        child: &NewChild,
        collection: Option<&str>,
        now_us: i64,
    ) -> Result<String, Refusal> {
        let legs = match &child.market {
            ChildMarket::Ticker(ticker) => return Ok(ticker.clone()),
            ChildMarket::Legs(legs) => legs,
        };
        let Some(collection) = collection else {
            return Err(refusal::invalid("mve_collection_ticker is required with selected_markets"));
        };
        if !self.collections.by_ticker.contains_key(collection) {
            return Err(refusal::invalid(format!("collection {collection} does not exist")));
        }
        self.combine(member, collection, legs, now_us).map(|ticker| ticker.to_string())
    }

    /// Closes what a new batch replaces, or refuses it.
    fn make_batch_room(&mut self, member: AccountId, new: &NewBatch, now_us: i64) -> Result<(), Refusal> {
        let own = || self.communications.batches.values().filter(|batch| batch.creator.member == member);
        if new.client_batch_id.is_some()
            && own().any(|batch| batch.client_batch_id.as_deref() == new.client_batch_id.as_deref())
        {
            return Err(refusal::conflict("rfq_batch_already_exists", "client_batch_id was used before"));
        }
        let mut open: Vec<(u64, Arc<str>)> = own()
            .filter(|batch| batch.status == BatchStatus::Open)
            .map(|batch| (batch.number, Arc::clone(&batch.id)))
            .collect();
        open.sort();
        let surplus = (open.len() + 1).saturating_sub(OPEN_MAX);
        if surplus > 0 && !new.replace_existing {
            return Err(refusal::conflict("max_open_rfq_batches_reached", format!("{OPEN_MAX} are open")));
        }
        for (_, id) in open.into_iter().take(surplus) {
            self.close_batch(&id, "replaced", now_us);
        }
        Ok(())
    }
}
