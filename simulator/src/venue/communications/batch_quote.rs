//! Batch quotes, and the best bids of all makers on each child.
//!
//! A batch quote counts for a while after it was sent. Among equal bids the earlier one is best; a bid that is sent
//! again unchanged while it counts keeps its time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::event::Leg;
use crate::venue::refusal::Refusal;

use super::batch::{BatchQuote, BestBid, BestChild, NewBatchQuote};
use super::deadline::{CANCELLED_KEPT_US, Due};
use super::model::{Party, Quote, Rfq};
use super::notice::Notice;
use super::quote::check_bids;
use super::refusal;
use super::state::{BatchQuoteStatus, BatchQuoteStep, BatchStatus, QuoteStep};

/// How long a batch quote counts after it was sent.
pub(super) const COUNTS_US: i64 = 30_000_000;
/// Best quotes of a batch are told at most this often.
const TOLD_EVERY_US: i64 = 250_000;

impl Venue {
    /// Quotes every child of a batch; the member's earlier quote on it is replaced.
    pub fn create_batch_quote(
        &mut self,
        member: AccountId,
        batch_id: &str,
        new: &NewBatchQuote,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let batch = self.communications.batches.get(batch_id);
        let batch = batch.ok_or_else(|| refusal::not_found("RFQ batch not found"))?.clone();
        if batch.creator.member == member {
            return Err(refusal::forbidden("a batch cannot be quoted by its creator"));
        }
        let creator = self.party(member, new.subaccount)?;
        if batch.status != BatchStatus::Open {
            return Err(refusal::rfq_closed());
        }
        let rfqs: Vec<Rfq> = self.children(&batch).into_iter().cloned().collect();
        let (number, id) = self.new_id();
        let mut quotes = self.build_children(&creator, &rfqs, new, now_us)?;
        let previous = self.open_batch_quote(member, &batch.id);
        for quote in &mut quotes {
            quote.batch_quote_id = Some(Arc::clone(&id));
            quote.rest_remainder = new.rest_remainder;
            quote.post_only = new.post_only;
            if let Some(previous) = &previous {
                self.keep_time(quote, previous, now_us);
            }
        }
        if let Some(previous) = previous {
            self.end_batch_quote(&previous.id, "replaced", now_us);
        }
        let batch_quote = BatchQuote {
            number,
            id: Arc::clone(&id),
            batch_id: Arc::clone(&batch.id),
            creator,
            status: BatchQuoteStatus::Open,
            quotes: quotes.iter().map(|quote| Arc::clone(&quote.id)).collect(),
            rest_remainder: new.rest_remainder,
            post_only: new.post_only,
            created_us: now_us,
            updated_us: now_us,
            accepted_side: None,
            accepted_us: None,
            confirmed_us: None,
        };
        quotes.into_iter().for_each(|quote| self.store_quote(quote));
        self.communications.batch_quotes.insert(Arc::clone(&id), batch_quote.clone());
        self.set_due(now_us.saturating_add(COUNTS_US), Due::BatchQuoteStale(Arc::clone(&id)));
        let quotes = batch_quote.quotes.iter().filter_map(|id| self.snapshot(id)).collect();
        self.tell(Notice::BatchQuoteCreated { batch_quote, quotes });
        self.renew_best_quotes(&batch.id, now_us);
        Ok(id)
    }

    /// Withdraws an open batch quote of the member.
    pub fn delete_batch_quote(
        &mut self,
        member: AccountId,
        batch_id: &str,
        id: &str,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let quote = self.own_batch_quote(member, batch_id, id)?;
        if quote.status.after(BatchQuoteStep::Withdraw).is_none() {
            return Err(refusal::invalid(format!("the batch quote is {}", quote.status.name())));
        }
        let (id, batch_id) = (Arc::clone(&quote.id), Arc::clone(&quote.batch_id));
        self.end_batch_quote(&id, "deleted by creator", now_us);
        self.renew_best_quotes(&batch_id, now_us);
        Ok(())
    }

    pub(super) fn own_batch_quote(
        &self,
        member: AccountId,
        batch_id: &str,
        id: &str,
    ) -> Result<&BatchQuote, Refusal> {
        let quote = self.communications.batch_quotes.get(id);
        let quote = quote.filter(|quote| quote.creator.member == member && *quote.batch_id == *batch_id);
        quote.ok_or_else(|| refusal::not_found("batch quote not found"))
    }

    fn open_batch_quote(&self, member: AccountId, batch_id: &str) -> Option<BatchQuote> {
        let is_own = |quote: &&BatchQuote| {
            quote.creator.member == member
                && *quote.batch_id == *batch_id
                && quote.status == BatchQuoteStatus::Open
        };
        self.communications.batch_quotes.values().find(is_own).cloned()
    }

    /// Makes the quote of each child, in the order of the batch.
    fn build_children(
        &mut self,
        creator: &Party,
        rfqs: &[Rfq],
        new: &NewBatchQuote,
        now_us: i64,
    ) -> Result<Vec<Quote>, Refusal> {
        let mut bids: BTreeMap<&str, _> = BTreeMap::new();
        for (rfq_id, yes_bid, no_bid) in &new.bids {
            if bids.insert(rfq_id.as_str(), (*yes_bid, *no_bid)).is_some() {
                return Err(refusal::invalid(format!("rfq_id {rfq_id} is quoted twice")));
            }
        }
        let mut quotes = Vec::new();
        for rfq in rfqs {
            let Some((yes_bid, no_bid)) = bids.remove(&*rfq.id) else {
                return Err(refusal::invalid(format!("rfq_id {} is not quoted", rfq.id)));
            };
            check_bids(self.tradable(&rfq.ticker, now_us)?, yes_bid, no_bid)?;
            let ids = self.new_id();
            quotes.push(self.build_quote(ids, creator.clone(), rfq, (yes_bid, no_bid), now_us)?);
        }
        match bids.first_key_value() {
            None => Ok(quotes),
            Some((stranger, _)) => {
                Err(refusal::invalid(format!("rfq_id {stranger} is not a child of the batch")))
            }
        }
    }

    /// Lets unchanged bids keep the time of the quote that is replaced, if that still counts.
    fn keep_time(&self, quote: &mut Quote, previous: &BatchQuote, now_us: i64) {
        if now_us >= previous.created_us.saturating_add(COUNTS_US) {
            return;
        }
        let before = previous.quotes.iter().filter_map(|id| self.communications.quotes.get(id));
        let Some(before) = before.into_iter().find(|before| before.rfq_id == quote.rfq_id) else { return };
        if before.bid(Leg::Yes) == quote.bid(Leg::Yes) {
            quote.yes_since = before.yes_since;
        }
        if before.bid(Leg::No) == quote.bid(Leg::No) {
            quote.no_since = before.no_since;
        }
    }

    pub(super) fn end_batch_quote(&mut self, id: &Arc<str>, reason: &'static str, now_us: i64) {
        let Some(quote) = self.communications.batch_quotes.get_mut(id) else { return };
        let Some(status) = quote.status.after(BatchQuoteStep::Withdraw) else { return };
        quote.status = status;
        quote.updated_us = now_us;
        let children = quote.quotes.clone();
        self.set_due(now_us.saturating_add(CANCELLED_KEPT_US), Due::ForgetBatchQuote(Arc::clone(id)));
        for child in children {
            self.end_quote(&child, QuoteStep::Withdraw, reason, now_us);
        }
    }

    /// Returns the quote with the best bid on a side of a child; none if nobody bids.
    pub(super) fn best_quote(&self, rfq: &Rfq, side: Leg, now_us: i64) -> Option<&Quote> {
        let counts = |quote: &&Quote| {
            let of = quote.batch_quote_id.as_ref().and_then(|id| self.communications.batch_quotes.get(id));
            of.is_some_and(|of| {
                of.status == BatchQuoteStatus::Open && now_us < of.created_us.saturating_add(COUNTS_US)
            })
        };
        let quotes = rfq.quotes.iter().filter_map(|id| self.communications.quotes.get(id)).filter(counts);
        let bids = quotes.filter(|quote| quote.bid(side).is_some());
        bids.max_by_key(|quote| (quote.bid(side), std::cmp::Reverse(quote.since(side))))
    }

    /// Finds the best bids anew, and tells the creator if one changed.
    pub(super) fn renew_best_quotes(&mut self, batch_id: &Arc<str>, now_us: i64) {
        let batch = self.communications.batches.get(batch_id);
        let Some(batch) = batch.filter(|batch| batch.status == BatchStatus::Open) else { return };
        let best = |rfq: &Rfq, side: Leg| {
            let quote = self.best_quote(rfq, side, now_us)?;
            Some(BestBid { price: quote.bid(side)?, count: quote.count(side)? })
        };
        let child = |rfq: &Rfq| BestChild { yes: best(rfq, Leg::Yes), no: best(rfq, Leg::No) };
        let children: Vec<BestChild> = self.children(batch).into_iter().map(child).collect();
        if children == batch.best.children {
            return;
        }
        let may_tell_us = batch.told_us.map(|told_us| told_us.saturating_add(TOLD_EVERY_US));
        if let Some(batch) = self.communications.batches.get_mut(batch_id) {
            batch.best.children = children;
            batch.best.version += 1;
            batch.best.updated_us = Some(now_us);
        }
        match may_tell_us.filter(|at_us| *at_us > now_us) {
            Some(at_us) => self.set_due(at_us, Due::BestQuotes(Arc::clone(batch_id))),
            None => self.tell_best_quotes(batch_id, now_us),
        }
    }

    pub(super) fn tell_best_quotes(&mut self, batch_id: &Arc<str>, now_us: i64) {
        let batch = self.communications.batches.get_mut(batch_id);
        let Some(batch) = batch.filter(|batch| batch.status == BatchStatus::Open) else { return };
        batch.told_us = Some(now_us);
        let batch = batch.clone();
        let rfqs = self.children(&batch).into_iter().cloned().collect();
        self.tell(Notice::BestQuotes { best: batch.best.clone(), batch, rfqs });
    }
}
