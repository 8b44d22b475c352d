//! Executing an accepted batch: every child in full, or none.

use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::place::trades_at;

use super::batch::BatchQuote;
use super::execute::Deal;
use super::notice::{Ended, Notice};
use super::state::{BatchQuoteStatus, BatchQuoteStep, BatchStatus, BatchStep, QuoteStep};

impl Venue {
    /// Trades all children of a confirmed batch, if each can fill in full.
    pub(super) fn execute_batch(&mut self, id: &Arc<str>, now_us: i64) {
        let batch = self.communications.batches.get(id).filter(|b| b.status == BatchStatus::Accepted);
        let Some((batch, side)) = batch.and_then(|batch| Some((batch.clone(), batch.accepted_side?))) else {
            return;
        };
        let deals = self.deals(&batch.accepted_quotes, side);
        let can_fill = deals.len() == batch.rfqs.len()
            && deals.iter().all(|deal| self.fills_in_full(deal, now_us))
            && self.covers(&deals, None);
        let mut ended = Ended { executed: Vec::new(), failed: Vec::new(), ts_us: now_us };
        for (quote_id, rfq_id) in batch.accepted_quotes.iter().zip(&batch.rfqs) {
            let deal = self.deals(std::slice::from_ref(quote_id), side).pop().filter(|_| can_fill);
            match deal.and_then(|deal| self.trade_deal(&deal, now_us)) {
                Some(orders) => {
                    self.mark_executed(quote_id, orders, now_us);
                    ended.executed.push(Arc::clone(rfq_id));
                }
                None => {
                    self.end_quote(quote_id, QuoteStep::Void, "execution failed", now_us);
                    ended.failed.push(Arc::clone(rfq_id));
                }
            }
        }
        self.finish_batch(id, &ended, now_us);
    }

    /// Tells whether the maker's order would rest at its price, where the requester's meets all of it.
    fn fills_in_full(&self, deal: &Deal, now_us: i64) -> bool {
        let Ok(market) = self.tradable(&deal.ticker, now_us) else { return false };
        let against = market.best_against(deal.maker_side);
        !against.is_some_and(|best| trades_at(deal.maker_side, deal.price, best))
    }

    /// Closes a batch whose children have ended, and tells everyone in the words that are theirs.
    fn finish_batch(&mut self, id: &Arc<str>, ended: &Ended, now_us: i64) {
        if let Some(batch) = self.communications.batches.get_mut(id) {
            batch.has_executed = !ended.executed.is_empty();
        }
        let confirmed = self.communications.batch_quotes.values();
        let confirmed =
            confirmed.filter(|quote| quote.batch_id == *id && quote.status == BatchQuoteStatus::Confirmed);
        let mut winners: Vec<BatchQuote> = confirmed.cloned().collect();
        winners.sort_by_key(|quote| quote.number);
        let mut shares = Vec::new();
        for winner in &winners {
            let share = self.share(winner, ended);
            let step = match (share.executed.is_empty(), share.failed.is_empty()) {
                (_, true) => BatchQuoteStep::Execute,
                (true, false) => BatchQuoteStep::Void,
                (false, false) => BatchQuoteStep::ExecutePartly,
            };
            if let Some(quote) = self.communications.batch_quotes.get_mut(&winner.id)
                && let Some(status) = quote.status.after(step)
            {
                quote.status = status;
                quote.updated_us = now_us;
                shares.push((quote.clone(), share));
            }
        }
        self.end_batch(id, BatchStep::Finish, ended.reason(), now_us);
        let Some(batch) = self.communications.batches.get(id).cloned() else { return };
        let mut except: Vec<AccountId> = vec![batch.creator.member];
        self.tell(Notice::BatchExecuted { batch: batch.clone(), ended: ended.clone() });
        for (batch_quote, ended) in shares {
            except.push(batch_quote.creator.member);
            self.tell(Notice::BatchQuoteExecuted { batch: batch.clone(), batch_quote, ended });
        }
        self.tell(Notice::BatchDeleted { batch, except });
    }

    /// Returns how the children of one winner ended.
    fn share(&self, winner: &BatchQuote, ended: &Ended) -> Ended {
        let own = |rfq_id: &&Arc<str>| {
            let quotes = winner.quotes.iter().filter_map(|id| self.communications.quotes.get(id));
            quotes.into_iter().any(|quote| quote.rfq_id == **rfq_id)
        };
        Ended {
            executed: ended.executed.iter().filter(own).cloned().collect(),
            failed: ended.failed.iter().filter(own).cloned().collect(),
            ts_us: ended.ts_us,
        }
    }
}
