//! Encodes the communications channel: each notice as the member who gets it may see it.

use std::io::Write as _;

use serde_json::{Map, Value, json};

use crate::socket::outbox::Payload;
use crate::socket::text::{push, push_time};
use crate::venue::account::AccountId;
use crate::venue::combo::SelectedLeg;
use crate::venue::communications::batch::{Batch, BatchQuote};
use crate::venue::communications::model::{Party, Rfq};
use crate::venue::communications::notice::{Ended, Notice, Quoted};
use crate::venue::event::Leg;
use crate::venue::units::{count_text, price_text};

use super::encode::push_head;

pub(super) fn notice(to: &mut Payload, sid: u64, seq: u64, notice: &Notice, viewer: AccountId) {
    let (kind, body) = body(notice, viewer);
    push_head(to, kind, sid, Some(seq));
    // The head has opened the object already.
    let text = body.to_string();
    push!(to, "{}}}", text.strip_prefix('{').unwrap_or_default());
}

fn body(notice: &Notice, viewer: AccountId) -> (&'static str, Value) {
    match notice {
        Notice::RfqCreated(rfq) => ("rfq_created", rfq_created(rfq, viewer)),
        Notice::RfqDeleted(rfq) => ("rfq_deleted", rfq_deleted(rfq, viewer)),
        Notice::QuoteCreated(quoted) => ("quote_created", quote_created(quoted, viewer)),
        Notice::QuoteAccepted(quoted) => ("quote_accepted", quote_accepted(quoted, viewer)),
        Notice::QuoteExecuted(quoted) => ("quote_executed", quote_executed(quoted, viewer)),
        Notice::BatchCreated { batch, rfqs } => ("rfq_batch_created", batch_created(batch, rfqs, viewer)),
        Notice::BatchDeleted { batch, .. } => ("rfq_batch_deleted", batch_deleted(batch, viewer)),
        Notice::BatchQuoteCreated { batch_quote, quotes } => {
            ("batch_quote_created", batch_quote_created(batch_quote, quotes))
        }
        Notice::BestQuotes { batch, best, rfqs } => {
            let mut body = best_quotes(batch, rfqs);
            set(&mut body, "version", Some(json!(best.version)));
            set(&mut body, "yes_complete", Some(json!(best.is_complete(Leg::Yes))));
            set(&mut body, "no_complete", Some(json!(best.is_complete(Leg::No))));
            set(&mut body, "updated_ts", best.updated_us.map(time));
            ("rfq_batch_best_quotes", body)
        }
        Notice::BatchQuoteAccepted { batch, batch_quote, quotes } => {
            ("batch_quote_accepted", batch_quote_accepted(batch, batch_quote, quotes, viewer))
        }
        Notice::BatchExecuted { batch, ended } => ("rfq_batch_executed", batch_executed(batch, ended)),
        Notice::BatchQuoteExecuted { batch, batch_quote, ended } => {
            ("batch_quote_executed", batch_quote_executed(batch, batch_quote, ended, viewer))
        }
    }
}

fn rfq_created(rfq: &Rfq, viewer: AccountId) -> Value {
    let mut body = rfq_head(rfq, viewer);
    set(&mut body, "created_ts", Some(time(rfq.created_us)));
    if let Some(combo) = &rfq.combo {
        set(&mut body, "mve_collection_ticker", Some(json!(combo.collection_ticker)));
        let legs: Vec<Value> = combo.legs.iter().map(leg).collect();
        set(&mut body, "mve_selected_legs", Some(json!(legs)).filter(|_| !combo.legs.is_empty()));
    }
    body
}

fn rfq_deleted(rfq: &Rfq, viewer: AccountId) -> Value {
    let mut body = rfq_head(rfq, viewer);
    set(&mut body, "deleted_ts", Some(time(rfq.updated_us)));
    body
}

fn rfq_head(rfq: &Rfq, viewer: AccountId) -> Value {
    let mut body = sized(rfq);
    set(&mut body, "id", Some(json!(rfq.id)));
    set(&mut body, "creator_id", Some(json!(rfq.creator.shown_to(viewer, rfq.is_obscured))));
    body
}

/// What every RFQ is described by: market, event and size.
fn sized(rfq: &Rfq) -> Value {
    let mut body = json!({ "market_ticker": rfq.ticker, "event_ticker": rfq.event_ticker });
    set(&mut body, "contracts_fp", rfq.size.contracts().map(count));
    set(&mut body, "target_cost_dollars", target_cost(rfq));
    body
}

fn quote_created(quoted: &Quoted, viewer: AccountId) -> Value {
    let mut body = quote_head(quoted, viewer);
    add(&mut body, offer(quoted));
    set(&mut body, "created_ts", Some(time(quoted.quote.created_us)));
    body
}

fn quote_accepted(quoted: &Quoted, viewer: AccountId) -> Value {
    let mut body = quote_head(quoted, viewer);
    add(&mut body, offer(quoted));
    set(&mut body, "accepted_side", quoted.quote.accepted_side.map(|side| json!(side.name())));
    set(&mut body, "contracts_accepted_fp", quoted.quote.accepted_count().map(count));
    body
}

fn quote_executed(quoted: &Quoted, viewer: AccountId) -> Value {
    let Quoted { quote, rfq } = quoted;
    let mut body = quote_head(quoted, viewer);
    let is_maker = quote.creator.member == viewer;
    let order = if is_maker { &quote.creator_order } else { &quote.rfq_creator_order };
    set(&mut body, "order_id", order.as_ref().map(|order| json!(order.order_id)));
    set(&mut body, "client_order_id", order.as_ref().map(|order| json!(order.client_order_id)));
    set(&mut body, "executed_ts", quote.executed_us.map(time));
    set(&mut body, "rfq_batch_id", rfq.batch_id.as_ref().map(|id| json!(id)));
    body
}

fn quote_head(quoted: &Quoted, viewer: AccountId) -> Value {
    let Quoted { quote, rfq } = quoted;
    let own = if quote.creator.member == viewer { &quote.creator } else { &rfq.creator };
    let mut body = json!({
        "quote_id": quote.id,
        "rfq_id": quote.rfq_id,
        "quote_creator_id": quote.creator.communications_id,
        "rfq_creator_id": quoted.quote.rfq_creator_shown_to(rfq, viewer),
        "market_ticker": rfq.ticker,
    });
    set(&mut body, "subaccount", subaccount(own));
    body
}

/// Bids and what they are for.
fn offer(quoted: &Quoted) -> Value {
    let Quoted { quote, rfq } = quoted;
    let mut body = json!({
        "event_ticker": rfq.event_ticker,
        "yes_bid_dollars": price_text(quote.yes_bid),
        "no_bid_dollars": price_text(quote.no_bid),
    });
    set(&mut body, "yes_contracts_offered_fp", quote.yes_count.map(count));
    set(&mut body, "no_contracts_offered_fp", quote.no_count.map(count));
    set(&mut body, "rfq_target_cost_dollars", target_cost(rfq));
    body
}

/// A quote as an entry of a batch quote.
fn entry(quoted: &Quoted) -> Value {
    let mut body = json!({
        "quote_id": quoted.quote.id,
        "rfq_id": quoted.rfq.id,
        "market_ticker": quoted.rfq.ticker,
    });
    add(&mut body, offer(quoted));
    body
}

fn batch_created(batch: &Batch, rfqs: &[Rfq], viewer: AccountId) -> Value {
    let mut legs: Vec<&SelectedLeg> = Vec::new();
    let mut children = Vec::new();
    for rfq in rfqs {
        let mut indices = Vec::new();
        for leg in rfq.combo.iter().flat_map(|combo| &combo.legs) {
            let at = legs.iter().position(|known| *known == leg).unwrap_or_else(|| {
                legs.push(leg);
                legs.len() - 1
            });
            indices.push(at);
        }
        let mut child = sized(rfq);
        set(&mut child, "id", Some(json!(rfq.id)));
        set(&mut child, "leg_indices", Some(json!(indices)));
        let collection = rfq.combo.as_ref().map(|combo| json!(combo.collection_ticker));
        set(&mut child, "mve_collection_ticker", collection);
        children.push(child);
    }
    json!({
        "id": batch.id,
        "creator_id": batch.creator.shown_to(viewer, batch.is_obscured),
        "created_ts": time(batch.created_us),
        "legs": legs.iter().map(|it| leg(it)).collect::<Vec<_>>(),
        "rfqs": children,
    })
}

fn batch_deleted(batch: &Batch, viewer: AccountId) -> Value {
    json!({
        "id": batch.id,
        "creator_id": batch.creator.shown_to(viewer, batch.is_obscured),
        "rfq_ids": batch.rfqs,
        "deleted_ts": time(batch.updated_us),
    })
}

fn batch_quote_created(quote: &BatchQuote, quotes: &[Quoted]) -> Value {
    let mut body = json!({
        "batch_quote_id": quote.id,
        "rfq_batch_id": quote.batch_id,
        "quote_creator_id": quote.creator.communications_id,
        "created_ts": time(quote.created_us),
        "quotes": quotes.iter().map(entry).collect::<Vec<_>>(),
    });
    set(&mut body, "subaccount", subaccount(&quote.creator));
    body
}

fn best_quotes(batch: &Batch, rfqs: &[Rfq]) -> Value {
    let child = |(rfq, best): (&Rfq, &crate::venue::communications::batch::BestChild)| {
        let mut child = json!({
            "rfq_id": rfq.id,
            "market_ticker": rfq.ticker,
            "event_ticker": rfq.event_ticker,
        });
        set(&mut child, "contracts_fp", rfq.size.contracts().map(count));
        set(&mut child, "rfq_target_cost_dollars", target_cost(rfq));
        set(&mut child, "yes_bid_dollars", best.yes.map(|bid| json!(price_text(bid.price))));
        set(&mut child, "no_bid_dollars", best.no.map(|bid| json!(price_text(bid.price))));
        set(&mut child, "yes_contracts_offered_fp", best.yes.map(|bid| count(bid.count)));
        set(&mut child, "no_contracts_offered_fp", best.no.map(|bid| count(bid.count)));
        child
    };
    let children: Vec<Value> = rfqs.iter().zip(&batch.best.children).map(child).collect();
    let mut body = json!({ "rfq_batch_id": batch.id, "rfqs": children });
    set(&mut body, "client_batch_id", batch.client_batch_id.as_ref().map(|id| json!(id)));
    set(&mut body, "subaccount", subaccount(&batch.creator));
    body
}

fn batch_quote_accepted(batch: &Batch, quote: &BatchQuote, quotes: &[Quoted], viewer: AccountId) -> Value {
    let entries: Vec<Value> = quotes
        .iter()
        .map(|quoted| {
            let mut entry = entry(quoted);
            set(&mut entry, "contracts_accepted_fp", quoted.quote.accepted_count().map(count));
            entry
        })
        .collect();
    let mut body = json!({
        "batch_quote_id": quote.id,
        "rfq_batch_id": quote.batch_id,
        "quote_creator_id": quote.creator.communications_id,
        "rfq_creator_id": batch.creator.shown_to(viewer, batch.is_obscured),
        "quotes": entries,
    });
    set(&mut body, "accepted_side", quote.accepted_side.map(|side| json!(side.name())));
    set(&mut body, "accepted_ts", quote.accepted_us.map(time));
    set(&mut body, "subaccount", subaccount(&quote.creator));
    body
}

fn batch_executed(batch: &Batch, ended: &Ended) -> Value {
    let mut body = json!({
        "rfq_batch_id": batch.id,
        "rfq_creator_id": batch.creator.communications_id,
    });
    add(&mut body, end(ended));
    set(&mut body, "client_batch_id", batch.client_batch_id.as_ref().map(|id| json!(id)));
    set(&mut body, "subaccount", subaccount(&batch.creator));
    body
}

fn batch_quote_executed(batch: &Batch, quote: &BatchQuote, ended: &Ended, viewer: AccountId) -> Value {
    let is_hidden = batch.is_obscured && ended.executed.is_empty();
    let mut body = json!({
        "batch_quote_id": quote.id,
        "rfq_batch_id": quote.batch_id,
        "rfq_creator_id": batch.creator.shown_to(viewer, is_hidden),
    });
    add(&mut body, end(ended));
    set(&mut body, "subaccount", subaccount(&quote.creator));
    body
}

fn end(ended: &Ended) -> Value {
    json!({
        "executed_rfq_ids": ended.executed,
        "failed_rfq_ids": ended.failed,
        "executed_ts": time(ended.ts_us),
        "close_reason": ended.reason(),
    })
}

fn leg(leg: &SelectedLeg) -> Value {
    json!({ "event_ticker": leg.event_ticker, "market_ticker": leg.market_ticker, "side": leg.side.name() })
}

fn count(count: i64) -> Value {
    Value::String(count_text(count))
}

fn target_cost(rfq: &Rfq) -> Option<Value> {
    rfq.size.target_cost().map(|cost| Value::String(price_text(cost / 100)))
}

/// The subaccount of one's own side, where one was named.
fn subaccount(party: &Party) -> Option<Value> {
    party.subaccount.map(|number| json!(number))
}

fn time(us: i64) -> Value {
    let mut text = Vec::new();
    push_time(&mut text, us);
    Value::String(String::from_utf8(text).unwrap_or_default())
}

/// Sets a member, if there is a value for it.
fn set(body: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(body), Some(value)) = (body.as_object_mut(), value) {
        body.insert(key.to_owned(), value);
    }
}

fn add(body: &mut Value, more: Value) {
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend::<Map<String, Value>>(more);
    }
}
