//! RFQs, quotes, batches and proposals as one member sees them.

use serde_json::{Value, json};

use crate::http::wire::{count, optional_time, price, time, without_nulls};
use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::combo::SelectedLeg;
use crate::venue::communications::batch::{Batch, BatchQuote, BestQuotes};
use crate::venue::communications::block::Proposal;
use crate::venue::communications::model::{Quote, Rfq};
use crate::venue::communications::state::BatchStatus;
use crate::venue::event::Leg;

pub(super) fn rfq(rfq: &Rfq, viewer: AccountId) -> Value {
    let is_own = rfq.creator.member == viewer;
    let legs = rfq.combo.as_ref().map(|combo| combo.legs.iter().map(leg).collect::<Vec<_>>());
    without_nulls(json!({
        "id": rfq.id,
        "creator_id": rfq.creator.shown_to(viewer, rfq.is_obscured && !rfq.has_executed),
        "market_ticker": rfq.ticker,
        "contracts_fp": count(rfq.size.contracts().unwrap_or(0)),
        "target_cost_dollars": rfq.size.target_cost().map(|cost| price(cost / 100)),
        "target_cost_excludes_fees": rfq.size.target_cost().map(|_| rfq.size.excludes_fees()),
        "status": rfq.status.name(),
        "created_ts": time(rfq.created_us),
        "mve_collection_ticker": rfq.combo.as_ref().map(|combo| &combo.collection_ticker),
        "mve_selected_legs": legs,
        "rest_remainder": rfq.rest_remainder,
        "cancellation_reason": rfq.cancellation_reason,
        "creator_user_id": is_own.then_some(&rfq.creator.user_id),
        "creator_subaccount": rfq.creator.subaccount.filter(|_| is_own),
        "cancelled_ts": optional_time(rfq.cancelled_us),
        "updated_ts": time(rfq.updated_us),
    }))
}

fn leg(leg: &SelectedLeg) -> Value {
    json!({ "event_ticker": leg.event_ticker, "market_ticker": leg.market_ticker, "side": leg.side.name() })
}

pub(super) fn quote(quote: &Quote, rfq: &Rfq, viewer: AccountId) -> Value {
    let (is_maker, is_requester) = (quote.creator.member == viewer, rfq.creator.member == viewer);
    let contracts = quote.accepted_count().or(rfq.size.contracts()).unwrap_or(0);
    let maker_order = quote.creator_order.as_ref().filter(|_| is_maker);
    let requester_order = quote.rfq_creator_order.as_ref().filter(|_| is_requester);
    without_nulls(json!({
        "id": quote.id,
        "rfq_id": quote.rfq_id,
        "creator_id": quote.creator.communications_id,
        "rfq_creator_id": quote.rfq_creator_shown_to(rfq, viewer),
        "market_ticker": rfq.ticker,
        "contracts_fp": count(contracts),
        "yes_bid_dollars": price(quote.yes_bid),
        "no_bid_dollars": price(quote.no_bid),
        "created_ts": time(quote.created_us),
        "updated_ts": time(quote.updated_us),
        "status": quote.status.name(),
        "accepted_side": quote.accepted_side.map(Leg::name),
        "accepted_ts": optional_time(quote.accepted_us),
        "confirmed_ts": optional_time(quote.confirmed_us),
        "executed_ts": optional_time(quote.executed_us),
        "cancelled_ts": optional_time(quote.cancelled_us),
        "rest_remainder": quote.rest_remainder,
        "post_only": is_maker.then_some(quote.post_only),
        "cancellation_reason": quote.cancellation_reason,
        "creator_user_id": is_maker.then_some(&quote.creator.user_id),
        "rfq_creator_user_id": is_requester.then_some(&rfq.creator.user_id),
        "rfq_target_cost_dollars": rfq.size.target_cost().map(|cost| price(cost / 100)),
        "target_cost_excludes_fees": rfq.size.target_cost().map(|_| rfq.size.excludes_fees()),
        "rfq_creator_order_id": requester_order.map(|order| &order.order_id),
        "creator_order_id": maker_order.map(|order| &order.order_id),
        "creator_subaccount": quote.creator.subaccount.filter(|_| is_maker),
        "rfq_creator_subaccount": rfq.creator.subaccount.filter(|_| is_requester),
        "yes_contracts_fp": quote.yes_count.map(count),
        "no_contracts_fp": quote.no_count.map(count),
    }))
}

pub(super) fn batch(venue: &Venue, batch: &Batch, viewer: AccountId) -> Value {
    let is_own = batch.creator.member == viewer;
    let rfqs: Vec<Value> = venue.children(batch).into_iter().map(|child| rfq(child, viewer)).collect();
    without_nulls(json!({
        "id": batch.id,
        "creator_id": batch.creator.shown_to(viewer, batch.is_obscured && !batch.has_executed),
        "status": batch.status.name(),
        "created_ts": time(batch.created_us),
        "accepted_ts": optional_time(batch.accepted_us),
        "closed_ts": optional_time(batch.closed_us),
        "rfqs": rfqs,
        "updated_ts": is_own.then(|| time(batch.updated_us)),
        "close_reason": batch.close_reason.filter(|_| is_own),
        "client_batch_id": batch.client_batch_id.as_ref().filter(|_| is_own),
        "creator_user_id": is_own.then_some(&batch.creator.user_id),
        "creator_subaccount": batch.creator.subaccount.filter(|_| is_own),
    }))
}

pub(super) fn best_quotes(venue: &Venue, batch: &Batch) -> Value {
    let none = BestQuotes::default();
    let best = if batch.status == BatchStatus::Open { &batch.best } else { &none };
    let child = |(at, rfq): (usize, &Rfq)| {
        let best = best.children.get(at).copied().unwrap_or_default();
        without_nulls(json!({
            "rfq_id": rfq.id,
            "market_ticker": rfq.ticker,
            "yes_bid_dollars": best.yes.map(|bid| price(bid.price)),
            "no_bid_dollars": best.no.map(|bid| price(bid.price)),
            "yes_contracts_offered_fp": best.yes.map(|bid| count(bid.count)),
            "no_contracts_offered_fp": best.no.map(|bid| count(bid.count)),
        }))
    };
    let children: Vec<Value> = venue.children(batch).into_iter().enumerate().map(child).collect();
    without_nulls(json!({
        "rfq_batch_id": batch.id,
        "status": batch.status.name(),
        "version": batch.best.version,
        "updated_ts": optional_time(batch.best.updated_us),
        "yes_complete": best.is_complete(Leg::Yes),
        "no_complete": best.is_complete(Leg::No),
        "rfqs": children,
    }))
}

pub(super) fn batch_quote(venue: &Venue, of: &Batch, given: &BatchQuote, viewer: AccountId) -> Value {
    let (is_maker, is_requester) = (given.creator.member == viewer, of.creator.member == viewer);
    let quotes = given.quotes.iter().filter_map(|id| venue.quoted(id));
    let quotes: Vec<Value> = quotes.map(|(child, rfq)| quote(child, rfq, viewer)).collect();
    without_nulls(json!({
        "id": given.id,
        "rfq_batch_id": given.batch_id,
        "creator_id": given.creator.communications_id,
        "rfq_creator_id": of.creator.shown_to(viewer, of.is_obscured && !of.has_executed),
        "status": given.status.name(),
        "created_ts": time(given.created_us),
        "updated_ts": time(given.updated_us),
        "accepted_side": given.accepted_side.map(Leg::name),
        "accepted_ts": optional_time(given.accepted_us),
        "confirmed_ts": optional_time(given.confirmed_us),
        "quotes": quotes,
        "rest_remainder": is_maker.then_some(given.rest_remainder),
        "post_only": is_maker.then_some(given.post_only),
        "creator_user_id": is_maker.then_some(&given.creator.user_id),
        "creator_subaccount": given.creator.subaccount.filter(|_| is_maker),
        "rfq_creator_user_id": is_requester.then_some(&of.creator.user_id),
        "rfq_creator_subaccount": of.creator.subaccount.filter(|_| is_requester),
    }))
}

/// A proposal names each side to that side alone.
pub(super) fn proposal(proposal: &Proposal, viewer: AccountId) -> Value {
    let (buyer, seller) = (&proposal.buyer, &proposal.seller);
    let (buys, sells) = (buyer.party.member == viewer, seller.party.member == viewer);
    without_nulls(json!({
        "id": proposal.id,
        "proposer_user_id": proposal.proposer_user_id,
        "buyer_user_id": if buys { &*buyer.party.user_id } else { "" },
        "seller_user_id": if sells { &*seller.party.user_id } else { "" },
        "market_ticker": proposal.ticker,
        "price_centi_cents": proposal.price,
        "centicount": proposal.count,
        "maker_side": proposal.maker_side.name(),
        "expiration_ts": time(proposal.expires_us),
        "status": proposal.status.name(),
        "created_ts": time(proposal.created_us),
        "updated_ts": time(proposal.updated_us),
        "buyer_accepted": buyer.accepted_us.is_some(),
        "seller_accepted": seller.accepted_us.is_some(),
        "buyer_accepted_ts": optional_time(buyer.accepted_us),
        "seller_accepted_ts": optional_time(seller.accepted_us),
        "executed_ts": optional_time(proposal.executed_us),
        "buyer_order_id": buyer.order_id.as_ref().filter(|_| buys),
        "seller_order_id": seller.order_id.as_ref().filter(|_| sells),
    }))
}
