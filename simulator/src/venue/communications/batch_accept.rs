//! Accepting and confirming batches: every child goes to the maker who bids best for it, and every winner confirms.
//!
//! Children are combos, so the short windows hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::event::Leg;
use crate::venue::refusal::Refusal;
use crate::venue::units::{Micros, Price, price_text};

use super::HIGH_VOLATILITY;
use super::batch::Batch;
use super::deadline::Due;
use super::execute::Deal;
use super::model::Quote;
use super::notice::Notice;
use super::refusal;
use super::state::{BatchQuoteStatus, BatchQuoteStep, BatchStatus, BatchStep, QuoteStep};

/// An accept: a side for all children, and the lowest bid taken on each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchAccept {
    pub side: Leg,
    pub min_bids: Vec<(String, Price)>,
    pub client_order_id: Option<String>,
}

impl Venue {
    /// Takes a side of every child of the member's batch, or of none.
    pub fn accept_batch(
        &mut self,
        member: AccountId,
        id: &str,
        accept: &BatchAccept,
        now_us: i64,
    ) -> Result<Vec<Arc<str>>, Refusal> {
        let batch = self.own_batch(member, id)?;
        let is_retry = accept.client_order_id.is_some()
            && accept.client_order_id.as_deref() == batch.accept_key.as_deref();
        if is_retry {
            return Ok(batch.accepted_quotes.clone());
        }
        let Some(status) = batch.status.after(BatchStep::Accept) else {
            return Err(refusal::invalid(format!("the batch is {}", batch.status.name())));
        };
        let winners = self.winners(batch, accept, now_us)?;
        let deals = self.deals(&winners, accept.side);
        for deal in &deals {
            self.tradable(&deal.ticker, now_us)?;
        }
        if !self.covers(&deals, Some(batch.creator.trader)) {
            return Err(Refusal::insufficient_balance());
        }
        let id = Arc::clone(&batch.id);
        if let Some(batch) = self.communications.batches.get_mut(&id) {
            batch.status = status;
            batch.accepted_us = Some(now_us);
            batch.updated_us = now_us;
            batch.accepted_side = Some(accept.side);
            batch.accept_key = accept.client_order_id.as_deref().map(Into::into);
            batch.accepted_quotes.clone_from(&winners);
        }
        self.take_winners(&winners, accept.side, now_us);
        self.settle_batch_quotes(&id, accept.side, now_us);
        self.set_due(now_us.saturating_add(HIGH_VOLATILITY.confirm_us), Due::BatchConfirm(id));
        Ok(winners)
    }

    /// Confirms the children that a batch quote of the member won; the last winner's starts the timer.
    pub fn confirm_batch_quote(
        &mut self,
        member: AccountId,
        batch_id: &str,
        id: &str,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let quote = self.own_batch_quote(member, batch_id, id)?;
        let (Some(status), Some(side)) = (quote.status.after(BatchQuoteStep::Confirm), quote.accepted_side)
        else {
            return Err(refusal::invalid(format!("the batch quote is {}", quote.status.name())));
        };
        let deals = self.deals(&quote.quotes, side);
        for deal in &deals {
            self.tradable(&deal.ticker, now_us)?;
        }
        if !self.covers(&deals, Some(quote.creator.trader)) {
            return Err(Refusal::insufficient_balance());
        }
        let (id, batch_id) = (Arc::clone(&quote.id), Arc::clone(&quote.batch_id));
        let children = quote.quotes.clone();
        if let Some(quote) = self.communications.batch_quotes.get_mut(&id) {
            quote.status = status;
            quote.confirmed_us = Some(now_us);
            quote.updated_us = now_us;
        }
        for child in children {
            if let Some(quote) = self.communications.quotes.get_mut(&child)
                && let Some(status) = quote.status.after(QuoteStep::Confirm)
            {
                quote.status = status;
                quote.confirmed_us = Some(now_us);
                quote.updated_us = now_us;
            }
        }
        if self.all_confirmed(&batch_id) {
            self.set_due(now_us.saturating_add(HIGH_VOLATILITY.execute_us), Due::BatchExecute(batch_id));
        }
        Ok(())
    }

    /// Closes an accepted batch that a winner has not confirmed.
    pub(super) fn lapse_batch(&mut self, id: &Arc<str>, now_us: i64) {
        let waits = self.communications.batches.get(id).is_some_and(|b| b.status == BatchStatus::Accepted);
        if waits && !self.all_confirmed(id) {
            self.void_batch(id, "not confirmed in time", now_us);
        }
    }

    fn all_confirmed(&self, batch_id: &str) -> bool {
        let of_batch = self.communications.batch_quotes.values().filter(|quote| *quote.batch_id == *batch_id);
        !of_batch.into_iter().any(|quote| quote.status == BatchQuoteStatus::Accepted)
    }

    /// Returns the best quote of each child, or which children are bid worse than the accept allows.
    fn winners(&self, batch: &Batch, accept: &BatchAccept, now_us: i64) -> Result<Vec<Arc<str>>, Refusal> {
        let mut limits: BTreeMap<&str, Price> = BTreeMap::new();
        for (rfq_id, bid) in &accept.min_bids {
            if !batch.rfqs.iter().any(|child| **child == **rfq_id) {
                return Err(refusal::invalid(format!("min_bids: {rfq_id} is not a child of the batch")));
            }
            if limits.insert(rfq_id, *bid).is_some() {
                return Err(refusal::invalid(format!("min_bids: {rfq_id} is named twice")));
            }
        }
        let (mut winners, mut changed) = (Vec::new(), Vec::new());
        for rfq in self.children(batch) {
            let Some(limit) = limits.get(&*rfq.id) else {
                return Err(refusal::invalid(format!("min_bids: {} is missing", rfq.id)));
            };
            let best = self.best_quote(rfq, accept.side, now_us);
            match best.filter(|quote| quote.bid(accept.side) >= Some(*limit)) {
                Some(quote) => winners.push(Arc::clone(&quote.id)),
                None => {
                    let now =
                        best.and_then(|quote| quote.bid(accept.side)).map_or("no bid".into(), price_text);
                    changed.push(format!("{}: {now}", rfq.id));
                }
            }
        }
        if changed.is_empty() {
            Ok(winners)
        } else {
            Err(refusal::conflict("rfq_batch_quotes_changed", changed.join(", ")))
        }
    }

    /// Returns the trades that quotes come to when a side of them is taken.
    pub(super) fn deals(&self, quotes: &[Arc<str>], side: Leg) -> Vec<Deal> {
        let quoted = quotes.iter().filter_map(|id| self.quoted(id));
        quoted.filter_map(|(quote, rfq)| Deal::of(quote, rfq, side)).collect()
    }

    /// Tells whether everybody (or one account) can pay for several trades together.
    pub(super) fn covers(&self, deals: &[Deal], only: Option<AccountId>) -> bool {
        let mut needed: BTreeMap<(AccountId, i64), Micros> = BTreeMap::new();
        for deal in deals {
            let Some(market) = self.markets.get(&deal.ticker) else { return false };
            for (account, claim) in deal.claims() {
                let Some(holder) = self.accounts.get(account) else { return false };
                if holder.has_credit || only.is_some_and(|only| only != account) {
                    continue;
                }
                let more = self.added_cost(holder, market, claim, None).max(0);
                *needed.entry((account, market.listing.exchange_index)).or_default() += more;
            }
        }
        needed.into_iter().all(|((account, shard), more)| more <= 0 || more <= self.free_cash(account, shard))
    }

    /// Marks the winning child quotes, and ends the others of their children.
    fn take_winners(&mut self, winners: &[Arc<str>], side: Leg, now_us: i64) {
        for id in winners {
            let Some(quote) = self.communications.quotes.get_mut(id) else { continue };
            let Some(status) = quote.status.after(QuoteStep::Accept) else { continue };
            quote.status = status;
            quote.accepted_side = Some(side);
            quote.accepted_us = Some(now_us);
            quote.updated_us = now_us;
            let Some(rfq) = self.communications.rfqs.get_mut(&quote.rfq_id) else { continue };
            rfq.in_flight = Some(Arc::clone(id));
            rfq.updated_us = now_us;
            for loser in rfq.quotes.clone().into_iter().filter(|other| other != id) {
                self.end_quote(&loser, QuoteStep::Withdraw, "not selected", now_us);
            }
        }
    }

    /// Turns batch quotes into those that won children, which are told, and those that are over.
    fn settle_batch_quotes(&mut self, batch_id: &Arc<str>, side: Leg, now_us: i64) {
        let is_won = |quote: Option<&Quote>| quote.is_some_and(|quote| quote.accepted_side.is_some());
        let mut told = BTreeSet::new();
        for quote in self.communications.batch_quotes.values_mut() {
            if quote.batch_id != *batch_id || quote.status != BatchQuoteStatus::Open {
                continue;
            }
            quote.updated_us = now_us;
            let won: Vec<Arc<str>> = quote
                .quotes
                .iter()
                .filter(|id| is_won(self.communications.quotes.get(*id)))
                .cloned()
                .collect();
            let step = if won.is_empty() { BatchQuoteStep::Withdraw } else { BatchQuoteStep::Accept };
            let Some(status) = quote.status.after(step) else { continue };
            quote.status = status;
            if !won.is_empty() {
                quote.quotes = won;
                quote.accepted_side = Some(side);
                quote.accepted_us = Some(now_us);
                told.insert((quote.number, Arc::clone(&quote.id)));
            }
        }
        for (_, id) in told {
            let batch = self.communications.batches.get(batch_id).cloned();
            let batch_quote = self.communications.batch_quotes.get(&id).cloned();
            if let (Some(batch), Some(batch_quote)) = (batch, batch_quote) {
                let quotes = batch_quote.quotes.iter().filter_map(|id| self.snapshot(id)).collect();
                self.tell(Notice::BatchQuoteAccepted { batch, batch_quote, quotes });
            }
        }
    }
}
