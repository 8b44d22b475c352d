//! Quotes on single RFQs: create, withdraw, accept, confirm.

use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::event::Leg;
use crate::venue::market::Market;
use crate::venue::refusal::Refusal;
use crate::venue::units::{DOLLAR, Price, price_text};

use super::deadline::Due;
use super::model::{Party, Quote, Rfq};
use super::notice::{Notice, Quoted};
use super::refusal;
use super::sizing::offered;
use super::state::{QuoteStatus, QuoteStep, RfqStatus};

/// What a maker bids, at each side's own price; zero declines a side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuote {
    pub rfq_id: String,
    pub yes_bid: Price,
    pub no_bid: Price,
    pub rest_remainder: bool,
    pub post_only: bool,
    pub subaccount: Option<i64>,
}

impl Venue {
    /// Quotes on an RFQ; a quote that the member has on it already is replaced.
    pub fn create_quote(
        &mut self,
        member: AccountId,
        new: &NewQuote,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let creator = self.party(member, new.subaccount)?;
        let rfq = self.communications.rfqs.get(new.rfq_id.as_str());
        let rfq = rfq.ok_or_else(|| refusal::invalid("rfq_id: RFQ not found"))?;
        if rfq.status != RfqStatus::Open {
            return Err(refusal::rfq_closed());
        }
        if rfq.batch_id.is_some() {
            return Err(refusal::invalid("the RFQ is a child of a batch, which is quoted as a whole"));
        }
        if rfq.creator.member == member {
            return Err(refusal::invalid("an RFQ cannot be quoted by its creator"));
        }
        let market = self.tradable(&rfq.ticker, now_us)?;
        check_bids(market, new.yes_bid, new.no_bid)?;
        let own = rfq.quotes.iter().filter_map(|id| self.communications.quotes.get(id));
        let previous: Vec<Arc<str>> =
            own.filter(|quote| quote.creator.member == member).map(|quote| Arc::clone(&quote.id)).collect();
        if rfq.in_flight.as_ref().is_some_and(|in_flight| previous.contains(in_flight)) {
            return Err(refusal::invalid("your quote on the RFQ is accepted"));
        }
        let rfq = rfq.clone();
        let bids = (new.yes_bid, new.no_bid);
        let (number, id) = self.new_id();
        let mut quote = self.build_quote((number, Arc::clone(&id)), creator, &rfq, bids, now_us)?;
        quote.rest_remainder = new.rest_remainder;
        quote.post_only = new.post_only;
        for replaced in previous {
            self.end_quote(&replaced, QuoteStep::Withdraw, "replaced", now_us);
        }
        self.store_quote(quote.clone());
        self.tell(Notice::QuoteCreated(Quoted { quote, rfq }));
        Ok(id)
    }

    /// Makes a quote out of its bids; refuses bids that offer nothing.
    pub(super) fn build_quote(
        &self,
        (number, id): (u64, Arc<str>),
        creator: Party,
        rfq: &Rfq,
        (yes_bid, no_bid): (Price, Price),
        now_us: i64,
    ) -> Result<Quote, Refusal> {
        let market = self.markets.get(&rfq.ticker).ok_or_else(Refusal::market_not_found)?;
        let fees = market.listing.fees;
        let (yes_count, no_count) = (offered(rfq.size, yes_bid, fees), offered(rfq.size, no_bid, fees));
        if yes_count.is_none() && no_count.is_none() {
            return Err(refusal::invalid("the target cost buys nothing at these bids"));
        }
        Ok(Quote {
            number,
            id,
            rfq_id: Arc::clone(&rfq.id),
            creator,
            yes_bid,
            no_bid,
            yes_count,
            no_count,
            rest_remainder: false,
            post_only: false,
            status: QuoteStatus::Open,
            accepted_side: None,
            created_us: now_us,
            updated_us: now_us,
            accepted_us: None,
            confirmed_us: None,
            executed_us: None,
            cancelled_us: None,
            cancellation_reason: None,
            creator_order: None,
            rfq_creator_order: None,
            batch_quote_id: None,
            yes_since: number,
            no_since: number,
        })
    }

    pub(super) fn store_quote(&mut self, quote: Quote) {
        if let Some(rfq) = self.communications.rfqs.get_mut(&quote.rfq_id) {
            rfq.quotes.push(Arc::clone(&quote.id));
        }
        self.communications.quotes.insert(Arc::clone(&quote.id), quote);
    }

    /// Withdraws an open quote of the member.
    pub fn delete_quote(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        let quote = self.communications.quotes.get(id).filter(|quote| quote.creator.member == member);
        let quote = quote.ok_or_else(|| refusal::not_found("quote not found"))?;
        not_of_batch(quote)?;
        if quote.status.after(QuoteStep::Withdraw).is_none() {
            return Err(refusal::invalid(format!("the quote is {}", quote.status.name())));
        }
        let id = Arc::clone(&quote.id);
        self.end_quote(&id, QuoteStep::Withdraw, "deleted by creator", now_us);
        Ok(())
    }

    /// Takes a side of a quote on the member's RFQ; its maker is asked to confirm.
    pub fn accept_quote(
        &mut self,
        member: AccountId,
        id: &str,
        side: Leg,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let (quote, rfq) = self
            .quoted(id)
            .filter(|(_, rfq)| rfq.creator.member == member)
            .ok_or_else(|| refusal::not_found("quote not found"))?;
        not_of_batch(quote)?;
        if rfq.status != RfqStatus::Open {
            return Err(refusal::rfq_closed());
        }
        let Some(status) = quote.status.after(QuoteStep::Accept) else {
            return Err(refusal::invalid(format!("the quote is {}", quote.status.name())));
        };
        if rfq.in_flight.is_some() {
            return Err(refusal::invalid("another quote on the RFQ is accepted"));
        }
        if quote.bid(side).is_none() {
            return Err(refusal::invalid(format!("the quote has no {} bid", side.name())));
        }
        self.tradable(&rfq.ticker, now_us)?;
        let trader = rfq.creator.trader;
        if !self.can_pay(trader, quote, rfq, side, false) {
            return Err(Refusal::insufficient_balance());
        }
        let (id, rfq_id) = (Arc::clone(&quote.id), Arc::clone(&rfq.id));
        let confirm_us = self.windows(&rfq.ticker).confirm_us;
        if let Some(quote) = self.communications.quotes.get_mut(&id) {
            quote.status = status;
            quote.accepted_side = Some(side);
            quote.accepted_us = Some(now_us);
            quote.updated_us = now_us;
        }
        if let Some(rfq) = self.communications.rfqs.get_mut(&rfq_id) {
            rfq.in_flight = Some(Arc::clone(&id));
            rfq.updated_us = now_us;
        }
        self.set_due(now_us.saturating_add(confirm_us), Due::Confirm(Arc::clone(&id)));
        if let Some(quoted) = self.snapshot(&id) {
            self.tell(Notice::QuoteAccepted(quoted));
        }
        Ok(())
    }

    /// Confirms an accepted quote of the member, which starts the timer.
    pub fn confirm_quote(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        let (quote, rfq) = self
            .quoted(id)
            .filter(|(quote, _)| quote.creator.member == member)
            .ok_or_else(|| refusal::not_found("quote not found"))?;
        not_of_batch(quote)?;
        let (Some(status), Some(side)) = (quote.status.after(QuoteStep::Confirm), quote.accepted_side) else {
            return Err(refusal::invalid(format!("the quote is {}", quote.status.name())));
        };
        self.tradable(&rfq.ticker, now_us)?;
        if !self.can_pay(quote.creator.trader, quote, rfq, side, true) {
            return Err(Refusal::insufficient_balance());
        }
        let id = Arc::clone(&quote.id);
        let execute_us = self.windows(&rfq.ticker).execute_us;
        if let Some(quote) = self.communications.quotes.get_mut(&id) {
            quote.status = status;
            quote.confirmed_us = Some(now_us);
            quote.updated_us = now_us;
        }
        self.set_due(now_us.saturating_add(execute_us), Due::Execute(id));
        Ok(())
    }

    /// Finds a quote and its RFQ.
    pub fn quoted(&self, id: &str) -> Option<(&Quote, &Rfq)> {
        let quote = self.communications.quotes.get(id)?;
        self.communications.rfqs.get(&quote.rfq_id).map(|rfq| (quote, rfq))
    }

    pub(super) fn snapshot(&self, id: &str) -> Option<Quoted> {
        self.quoted(id).map(|(quote, rfq)| Quoted { quote: quote.clone(), rfq: rfq.clone() })
    }
}

fn not_of_batch(quote: &Quote) -> Result<(), Refusal> {
    match quote.batch_quote_id {
        None => Ok(()),
        Some(_) => Err(refusal::invalid("the quote is part of a batch quote")),
    }
}

/// Refuses bids that are off the grid, missing on both sides, or worth more than a dollar together.
pub(super) fn check_bids(market: &Market, yes_bid: Price, no_bid: Price) -> Result<(), Refusal> {
    let grid = market.listing.grid;
    for (name, bid, on_yes) in [("yes_bid", yes_bid, yes_bid), ("no_bid", no_bid, DOLLAR - no_bid)] {
        if bid != 0 && !grid.allows(on_yes) {
            return Err(refusal::invalid(format!(
                "{name} {} is not on the grid {}",
                price_text(bid),
                grid.name
            )));
        }
    }
    if yes_bid == 0 && no_bid == 0 {
        return Err(refusal::invalid("yes_bid and no_bid cannot both be zero"));
    }
    if yes_bid + no_bid > DOLLAR {
        return Err(refusal::invalid("yes_bid and no_bid are more than a dollar together"));
    }
    Ok(())
}
