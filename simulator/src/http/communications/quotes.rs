//! Quotes on RFQs: create, read, withdraw, accept, confirm, with the RFQ in the path or without.

use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::http::body::Body;
use crate::http::error::ApiError;
use crate::http::gate::Charge;
use crate::http::page::Page;
use crate::http::query::Query;
use crate::http::{HttpState, Reply, costs, json as reply, resource};
use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::communications::NewQuote;
use crate::venue::communications::model::{Quote, Rfq};
use crate::venue::communications::state::QuoteStatus;

use super::rfqs::place;
use super::{
    SIDES, bid, inside, is_self, keep, no_content, required_flag, scoped, shape, status, subaccount,
    unscoped, uuid,
};

const STATUSES: &[(&str, QuoteStatus)] = &[
    ("open", QuoteStatus::Open),
    ("accepted", QuoteStatus::Accepted),
    ("confirmed", QuoteStatus::Confirmed),
    ("executed", QuoteStatus::Executed),
    ("cancelled", QuoteStatus::Cancelled),
];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/communications/quotes").route(web::get().to(list)).route(web::post().to(create)));
    for path in ["/communications/quotes/{quote_id}", "/communications/rfqs/{rfq_id}/quotes/{quote_id}"] {
        config
            .service(resource(path).route(web::get().to(one)).route(web::delete().to(delete)))
            .service(resource(&format!("{path}/accept")).route(web::put().to(accept)))
            .service(resource(&format!("{path}/confirm")).route(web::put().to(confirm)));
    }
}

/// The quote that a path names, and its RFQ if the path names that too.
struct Named<'a> {
    quote_id: &'a str,
    /// The subaccount that the request stays in.
    inside: Option<i64>,
    rfq_id: Option<&'a str>,
}

impl Named<'_> {
    fn of(request: &HttpRequest) -> Result<Named<'_>, ApiError> {
        let path = request.match_info();
        Ok(Named {
            quote_id: uuid("quote_id", path.query("quote_id"))?,
            inside: inside(request)?,
            rfq_id: path.get("rfq_id").map(|id| uuid("rfq_id", id)).transpose()?,
        })
    }

    /// Finds the quote and its RFQ; another RFQ in the path, or another subaccount of the member, hides them.
    fn find<'v>(&self, venue: &'v Venue, member: AccountId) -> Result<(&'v Quote, &'v Rfq), ApiError> {
        let quoted = venue.quoted(self.quote_id);
        let quoted = quoted.filter(|(_, rfq)| self.rfq_id.is_none_or(|id| *id == *rfq.id));
        let (quote, rfq) = quoted.ok_or_else(|| ApiError::not_found("quote not found"))?;
        for party in [&quote.creator, &rfq.creator].into_iter().filter(|party| party.member == member) {
            keep(self.inside, party)?;
        }
        Ok((quote, rfq))
    }
}

/// Charges a write on a quote, which costs less where the path names the RFQ.
fn write_charge(request: &HttpRequest, cost: u32) -> Charge {
    if request.match_info().get("rfq_id").is_some() { scoped(cost) } else { unscoped(cost) }
}

async fn create(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let member = state.admit(&request, scoped(costs::QUOTE))?;
    let body = Body::parse(&body)?;
    let new = NewQuote {
        rfq_id: uuid("rfq_id", body.text("rfq_id")?)?.to_owned(),
        yes_bid: bid(&body, "yes_bid")?,
        no_bid: bid(&body, "no_bid")?,
        rest_remainder: required_flag(&body, "rest_remainder")?,
        post_only: body.flag("post_only")?,
        subaccount: subaccount(&body, "subaccount")?,
    };
    let id = state.give(|venue, now_us| Ok(venue.create_quote(member, &new, now_us)?))?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}

async fn delete(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, write_charge(&request, costs::QUOTE))?;
    let named = Named::of(&request)?;
    state.give(|venue, now_us| {
        named.find(venue, member)?;
        Ok(venue.delete_quote(member, named.quote_id, now_us)?)
    })?;
    Ok(no_content())
}

async fn accept(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    let member = state.admit(&request, write_charge(&request, costs::DEFAULT))?;
    let named = Named::of(&request)?;
    let side = Body::parse(&body)?.word("accepted_side", SIDES)?;
    state.give(|venue, now_us| {
        named.find(venue, member)?;
        Ok(venue.accept_quote(member, named.quote_id, side, now_us)?)
    })?;
    Ok(no_content())
}

async fn confirm(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, write_charge(&request, costs::DEFAULT))?;
    let named = Named::of(&request)?;
    state.give(|venue, now_us| {
        named.find(venue, member)?;
        Ok(venue.confirm_quote(member, named.quote_id, now_us)?)
    })?;
    Ok(no_content())
}

async fn one(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::QUOTE))?;
    let named = Named::of(&request)?;
    let quote = state.0.exchange.with(|venue| {
        let (quote, rfq) = named.find(venue, member)?;
        match may_see(quote, rfq, member) {
            true => Ok(shape::quote(quote, rfq, member)),
            false => Err(ApiError::not_found("quote not found")),
        }
    })?;
    Ok(reply(&json!({ "quote": quote })))
}

/// A quote is between its maker and the RFQ's creator, who sees those of batch quotes once they are accepted.
fn may_see(quote: &Quote, rfq: &Rfq, member: AccountId) -> bool {
    let is_shown = quote.batch_quote_id.is_none() || quote.accepted_side.is_some();
    quote.creator.member == member || (rfq.creator.member == member && is_shown)
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::strict(&query, 500, 500)?;
    let status = status(&query, STATUSES)?;
    let updated = query.span("min_ts", "max_ts")?;
    let (own, own_rfqs) = (is_self(&query, "user_filter")?, is_self(&query, "rfq_user_filter")?);
    let rfq_id = query.text("rfq_id").map(|id| uuid("rfq_id", id)).transpose()?;
    let (creator, rfq_creator) = (query.text("quote_creator_user_id"), query.text("rfq_creator_user_id"));
    if query.text("rfq_creator_subtrader_id").is_some() {
        return Err(ApiError::parameter("rfq_creator_subtrader_id"));
    }
    let inside = inside(&request)?;
    let wanted = |quote: &Quote, rfq: &Rfq| {
        let own_side = if quote.creator.member == member { &quote.creator } else { &rfq.creator };
        keep(inside, own_side).is_ok()
            && may_see(quote, rfq, member)
            && status.is_none_or(|status| status == quote.status)
            && updated.holds(quote.updated_us)
            && (!own || quote.creator.member == member)
            && (!own_rfqs || rfq.creator.member == member)
            && rfq_id.is_none_or(|id| *id == *rfq.id)
            && creator.is_none_or(|id| *id == *quote.creator.user_id)
            && rfq_creator.is_none_or(|id| *id == *rfq.creator.user_id)
    };
    let (quotes, cursor) = state.0.exchange.with(|venue| {
        let all = venue.communications.quotes.keys().filter_map(|id| venue.quoted(id));
        let wanted = all.filter(|(quote, rfq)| wanted(quote, rfq));
        let (quotes, cursor) = page.cut(wanted.map(|pair| (place(pair.0.number), pair)).collect());
        let quotes: Vec<Value> =
            quotes.into_iter().map(|(quote, rfq)| shape::quote(quote, rfq, member)).collect();
        (quotes, cursor)
    });
    Ok(reply(&json!({ "quotes": quotes, "cursor": cursor })))
}
