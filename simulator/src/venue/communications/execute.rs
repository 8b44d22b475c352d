//! Executions: what was confirmed becomes two orders in the book, the maker's first.
//!
//! The orders are ordinary ones. They meet at the agreed price, unless the book has a better one for the order that
//! meets it. What remains of an order rests only if its owner asked for that.

use std::sync::Arc;

use crate::venue::Placed;
use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::collateral::Claim;
use crate::venue::event::{Leg, Side};
use crate::venue::order::{NewOrder, OrderStatus, SelfTradePrevention, TimeInForce};
use crate::venue::units::{Count, Price};

use super::deadline::{Due, ENDED_KEPT_US};
use super::model::{OrderRef, Party, Quote, Rfq};
use super::notice::Notice;
use super::state::{QuoteStatus, QuoteStep};

/// Why a confirmed quote did not trade.
const FAILED: &str = "execution failed";

/// Who trades: the member, the number of its subaccount, and the account of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    member: AccountId,
    number: i64,
    pub(super) trader: AccountId,
}

impl Seat {
    fn of(party: &Party) -> Seat {
        Seat { member: party.member, number: party.number(), trader: party.trader }
    }
}

/// A trade that both sides have agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deal {
    pub(super) ticker: Arc<str>,
    pub(super) maker: Seat,
    pub(super) taker: Seat,
    pub(super) maker_side: Side,
    /// On the YES leg.
    pub(super) price: Price,
    pub(super) count: Count,
    pub(super) post_only: bool,
    pub(super) maker_rests: bool,
    pub(super) taker_rests: bool,
}

impl Deal {
    pub(super) fn of(quote: &Quote, rfq: &Rfq, side: Leg) -> Option<Deal> {
        let (maker_side, price) = quote.maker_terms(side);
        Some(Deal {
            ticker: Arc::clone(&rfq.ticker),
            maker: Seat::of(&quote.creator),
            taker: Seat::of(&rfq.creator),
            maker_side,
            price,
            count: quote.count(side)?,
            post_only: quote.post_only,
            maker_rests: quote.rest_remainder,
            taker_rests: rfq.rest_remainder,
        })
    }

    /// The accounts and what each of them needs to be able to pay.
    pub(super) fn claims(&self) -> [(AccountId, Claim); 2] {
        let claim = |side| Claim { side, price: self.price, count: self.count };
        [(self.maker.trader, claim(self.maker_side)), (self.taker.trader, claim(self.maker_side.opposite()))]
    }

    fn order(&self, is_maker: bool) -> NewOrder {
        let rests = is_maker || self.taker_rests;
        NewOrder {
            ticker: self.ticker.to_string(),
            client_order_id: None,
            side: if is_maker { self.maker_side } else { self.maker_side.opposite() },
            price: self.price,
            count: self.count,
            time_in_force: if rests { TimeInForce::GoodTillCanceled } else { TimeInForce::ImmediateOrCancel },
            // An own order in the way gives way, it does not stop what was agreed.
            self_trade_prevention: SelfTradePrevention::Maker,
            post_only: is_maker && self.post_only,
            reduce_only: false,
            cancel_order_on_pause: false,
            expiration_time: None,
            subaccount: if is_maker { self.maker.number } else { self.taker.number },
            order_group_id: None,
            exchange_index: None,
        }
    }
}

impl Venue {
    /// Tells whether the maker or the requester can pay for a side of a quote.
    pub(super) fn can_pay(
        &self,
        account: AccountId,
        quote: &Quote,
        rfq: &Rfq,
        side: Leg,
        is_maker: bool,
    ) -> bool {
        let (Some(deal), Some(market)) = (Deal::of(quote, rfq, side), self.markets.get(&rfq.ticker)) else {
            return false;
        };
        let [(_, maker), (_, taker)] = deal.claims();
        self.affords(account, market, if is_maker { maker } else { taker }, None)
    }

    /// Places both orders. Returns them if anything traded; otherwise nothing of theirs is left.
    pub(super) fn trade_deal(&mut self, deal: &Deal, now_us: i64) -> Option<(OrderRef, OrderRef)> {
        let market = self.tradable(&deal.ticker, now_us).ok()?;
        let [(_, _), (taker, claim)] = deal.claims();
        if !self.affords(taker, market, claim, None) {
            return None;
        }
        let making = self.place(deal.maker.member, &deal.order(true), now_us).ok()?;
        let taking = self.place(deal.taker.member, &deal.order(false), now_us).ok();
        let has_traded = taking.as_ref().is_some_and(|taking| taking.filled + making.filled > 0);
        if !deal.maker_rests || !has_traded {
            self.cancel_rest(deal.maker.member, &making, now_us);
        }
        let taking = taking?;
        if !has_traded {
            self.cancel_rest(deal.taker.member, &taking, now_us);
            return None;
        }
        let order =
            |placed: Placed| OrderRef { order_id: placed.order_id, client_order_id: placed.client_order_id };
        Some((order(making), order(taking)))
    }

    fn cancel_rest(&mut self, member: AccountId, placed: &Placed, now_us: i64) {
        let rests = self.order_of(member, &placed.order_id).filter(|o| o.status == OrderStatus::Resting);
        if let Some(number) = rests.map(|order| order.number) {
            self.end(number, OrderStatus::Canceled, "", now_us);
            self.announce_ticker_of(number, now_us);
        }
    }

    fn announce_ticker_of(&mut self, number: u64, now_us: i64) {
        if let Some(ticker) = self.orders.get(&number).map(|order| Arc::clone(&order.ticker)) {
            self.announce_ticker(&ticker, now_us);
        }
    }

    /// Trades a confirmed quote and closes its RFQ; if nothing trades, the quote is void and the RFQ open.
    pub(super) fn execute_quote(&mut self, id: &Arc<str>, now_us: i64) {
        let confirmed = self.quoted(id).filter(|(quote, _)| quote.status == QuoteStatus::Confirmed);
        let deal = confirmed
            .and_then(|(quote, rfq)| quote.accepted_side.and_then(|side| Deal::of(quote, rfq, side)));
        let Some(deal) = deal else { return };
        let Some(orders) = self.trade_deal(&deal, now_us) else {
            self.end_quote(id, QuoteStep::Void, FAILED, now_us);
            return;
        };
        self.mark_executed(id, orders, now_us);
        let rfq_id = self.communications.quotes.get(id).map(|quote| Arc::clone(&quote.rfq_id));
        if let Some(rfq_id) = rfq_id {
            self.close_rfq(&rfq_id, None, now_us);
        }
    }

    /// Notes that a quote has traded, and tells both sides.
    pub(super) fn mark_executed(&mut self, id: &Arc<str>, orders: (OrderRef, OrderRef), now_us: i64) {
        let Some(quote) = self.communications.quotes.get_mut(id) else { return };
        let Some(status) = quote.status.after(QuoteStep::Execute) else { return };
        let (maker, taker) = orders;
        quote.status = status;
        quote.executed_us = Some(now_us);
        quote.updated_us = now_us;
        quote.creator_order = Some(maker);
        quote.rfq_creator_order = Some(taker);
        if let Some(rfq) = self.communications.rfqs.get_mut(&quote.rfq_id) {
            rfq.has_executed = true;
            rfq.in_flight = None;
            rfq.updated_us = now_us;
        }
        self.set_due(now_us.saturating_add(ENDED_KEPT_US), Due::ForgetQuote(Arc::clone(id)));
        if let Some(quoted) = self.snapshot(id) {
            self.tell(Notice::QuoteExecuted(quoted));
        }
    }
}
