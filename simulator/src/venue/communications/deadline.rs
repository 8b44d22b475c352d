//! What happens to communications by itself: deadlines, markets that are over, and forgetting.

use std::sync::Arc;

use crate::venue::Venue;

use super::state::{BatchStatus, QuoteStatus, QuoteStep, RfqStatus};

/// What has ended stays readable this long.
pub(super) const ENDED_KEPT_US: i64 = 7 * 24 * 3_600_000_000;
/// Quotes that came to nothing stay readable this long.
pub(super) const CANCELLED_KEPT_US: i64 = 600_000_000;

/// Something that falls due at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Confirm(Arc<str>),
    Execute(Arc<str>),
    BatchConfirm(Arc<str>),
    BatchExecute(Arc<str>),
    /// A batch quote stops counting.
    BatchQuoteStale(Arc<str>),
    /// Best quotes that were held back may be told.
    BestQuotes(Arc<str>),
    Proposal(Arc<str>),
    ForgetRfq(Arc<str>),
    ForgetQuote(Arc<str>),
    ForgetBatch(Arc<str>),
    ForgetBatchQuote(Arc<str>),
    ForgetProposal(Arc<str>),
}

impl Venue {
    /// Moves communications along to `now_us`.
    pub(in crate::venue) fn advance_communications(&mut self, now_us: i64) {
        while let Some((at_us, _)) = self.communications.due.first()
            && *at_us <= now_us
        {
            let Some((_, due)) = self.communications.due.pop_first() else { return };
            self.fall_due(&due, now_us);
        }
        self.close_over(now_us);
    }

    pub(super) fn set_due(&mut self, at_us: i64, due: Due) {
        self.communications.due.insert((at_us, due));
    }

    fn fall_due(&mut self, due: &Due, now_us: i64) {
        match due {
            Due::Confirm(id) => {
                let waits = self.communications.quotes.get(id).map(|quote| quote.status);
                if waits == Some(QuoteStatus::Accepted) {
                    self.end_quote(id, QuoteStep::Void, "not confirmed in time", now_us);
                }
            }
            Due::Execute(id) => self.execute_quote(id, now_us),
            Due::BatchConfirm(id) => self.lapse_batch(id, now_us),
            Due::BatchExecute(id) => self.execute_batch(id, now_us),
            Due::BatchQuoteStale(id) => {
                let batch = self.communications.batch_quotes.get(id).map(|quote| Arc::clone(&quote.batch_id));
                if let Some(batch_id) = batch {
                    self.renew_best_quotes(&batch_id, now_us);
                }
            }
            Due::BestQuotes(id) => self.tell_best_quotes(id, now_us),
            Due::Proposal(id) => self.expire_proposal(id, now_us),
            Due::ForgetRfq(id) => drop(self.communications.rfqs.remove(id)),
            Due::ForgetQuote(id) => drop(self.communications.quotes.remove(id)),
            Due::ForgetBatch(id) => self.forget_batch(id),
            Due::ForgetBatchQuote(id) => drop(self.communications.batch_quotes.remove(id)),
            Due::ForgetProposal(id) => drop(self.communications.proposals.remove(id)),
        }
    }

    /// Closes what is still open on markets that are over.
    fn close_over(&mut self, now_us: i64) {
        let is_over = |ticker: &str| {
            self.markets
                .get(ticker)
                .is_none_or(|market| !market.status.is_before_close() || now_us >= market.listing.close_us)
        };
        let open = self.communications.open.iter().filter_map(|(_, id)| self.communications.rfqs.get(id));
        let over: Vec<_> = open
            .filter(|rfq| is_over(&rfq.ticker))
            .map(|rfq| (Arc::clone(&rfq.id), rfq.batch_id.clone()))
            .collect();
        for (id, batch_id) in over {
            match batch_id {
                Some(batch_id) => self.close_batch_over(&batch_id, now_us),
                None => self.close_rfq(&id, Some("market closed"), now_us),
            }
        }
    }

    fn close_batch_over(&mut self, id: &Arc<str>, now_us: i64) {
        match self.communications.batches.get(id).map(|batch| batch.status) {
            Some(BatchStatus::Open) => self.close_batch(id, "market closed", now_us),
            Some(BatchStatus::Accepted) => self.void_batch(id, "market closed", now_us),
            Some(BatchStatus::Closed) | None => {}
        }
    }

    /// Ends a quote that did not trade.
    pub(super) fn end_quote(&mut self, id: &Arc<str>, by: QuoteStep, reason: &'static str, now_us: i64) {
        let Some(quote) = self.communications.quotes.get_mut(id) else { return };
        let Some(status) = quote.status.after(by) else { return };
        quote.status = status;
        quote.cancellation_reason = Some(reason);
        quote.cancelled_us = Some(now_us);
        quote.updated_us = now_us;
        let rfq_id = Arc::clone(&quote.rfq_id);
        if let Some(rfq) = self.communications.rfqs.get_mut(&rfq_id)
            && rfq.in_flight.as_ref() == Some(id)
        {
            rfq.in_flight = None;
        }
        if let Some(rfq) = self.communications.rfqs.get_mut(&rfq_id) {
            rfq.quotes.retain(|quote| quote != id);
        }
        self.set_due(now_us.saturating_add(CANCELLED_KEPT_US), Due::ForgetQuote(Arc::clone(id)));
    }

    /// Closes an RFQ and every quote on it; tells everyone, unless it is a batch that is told of.
    pub(super) fn close_rfq(&mut self, id: &Arc<str>, reason: Option<&'static str>, now_us: i64) {
        let Some(rfq) = self.communications.rfqs.get_mut(id).filter(|rfq| rfq.status == RfqStatus::Open)
        else {
            return;
        };
        rfq.status = RfqStatus::Closed;
        rfq.cancellation_reason = reason;
        rfq.cancelled_us = reason.map(|_| now_us);
        rfq.updated_us = now_us;
        let number = rfq.number;
        for quote in rfq.quotes.clone() {
            self.end_quote(&quote, QuoteStep::Withdraw, "RFQ closed", now_us);
            self.end_quote(&quote, QuoteStep::Void, "RFQ closed", now_us);
        }
        self.communications.open.remove(&(number, Arc::clone(id)));
        self.set_due(now_us.saturating_add(ENDED_KEPT_US), Due::ForgetRfq(Arc::clone(id)));
        if let Some(rfq) = self.communications.rfqs.get(id).filter(|rfq| rfq.batch_id.is_none()).cloned() {
            self.tell(super::notice::Notice::RfqDeleted(rfq));
        }
    }
}
