//! Block trade proposals: propose, list, accept.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
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
use crate::venue::communications::NewProposal;
use crate::venue::communications::block::Proposal;
use crate::venue::communications::state::ProposalStatus;

use super::rfqs::place;
use super::{SIDES, inside, no_content, no_subtrader, scoped, shape, status, subaccount};

const STATUSES: &[(&str, ProposalStatus)] = &[
    ("pending", ProposalStatus::Pending),
    ("executed", ProposalStatus::Executed),
    ("expired", ProposalStatus::Expired),
];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(
            resource("/communications/block-trade-proposals")
                .route(web::get().to(list))
                .route(web::post().to(propose)),
        )
        .service(
            resource("/communications/block-trade-proposals/{block_trade_proposal_id}/accept")
                .route(web::post().to(accept)),
        );
}

async fn propose(request: HttpRequest, state: web::Data<HttpState>, body: Bytes) -> Reply {
    // Of block trades only the acceptance is a write by the exchange's list of buckets.
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let body = Body::parse(&body)?;
    no_subtrader(&body, "buyer_subtrader_id")?;
    no_subtrader(&body, "seller_subtrader_id")?;
    let expires = body.text("expiration_ts")?.parse::<jiff::Timestamp>();
    let expires = expires.map_err(|_| ApiError::unreadable("expiration_ts must be an RFC 3339 time"))?;
    let mut new = NewProposal {
        buyer_user_id: body.text("buyer_user_id")?.to_owned(),
        buyer_subaccount: subaccount(&body, "buyer_subaccount")?,
        seller_user_id: body.text("seller_user_id")?.to_owned(),
        seller_subaccount: subaccount(&body, "seller_subaccount")?,
        ticker: body.text("market_ticker")?.to_owned(),
        price: body.required_number("price_centi_cents")?,
        count: body.required_number("centicount")?,
        maker_side: body.word("maker_side", SIDES)?,
        expires_us: expires.as_microsecond(),
    };
    let inside = inside(&request)?;
    let id = state.give(|venue, now_us| {
        keep_side(venue, member, &mut new, inside)?;
        Ok(venue.propose_block(member, &new, now_us)?)
    })?;
    Ok(HttpResponse::Created().json(json!({ "block_trade_proposal_id": id })))
}

/// Keeps the proposer's own side in the subaccount that the request stays in.
fn keep_side(
    venue: &Venue,
    member: AccountId,
    new: &mut NewProposal,
    inside: Option<i64>,
) -> Result<(), ApiError> {
    let own = venue.accounts.get(member).map(|holder| &*holder.user_id);
    let sides =
        [(&new.buyer_user_id, &mut new.buyer_subaccount), (&new.seller_user_id, &mut new.seller_subaccount)];
    for (_, number) in sides.into_iter().filter(|(user_id, _)| Some(user_id.as_str()) == own) {
        match (inside, &*number) {
            (Some(inside), Some(named)) if inside != *named => {
                return Err(ApiError::forbidden("the key is locked to another subaccount"));
            }
            (Some(inside), _) => *number = Some(inside),
            (None, _) => {}
        }
    }
    Ok(())
}

async fn accept(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>, body: Bytes) -> Reply {
    let member = state.admit(&request, scoped(costs::DEFAULT))?;
    let number = if body.is_empty() {
        None
    } else {
        let body = Body::parse(&body)?;
        no_subtrader(&body, "subtrader_id")?;
        subaccount(&body, "subaccount")?
    };
    let number = number.or(inside(&request)?);
    state.give(|venue, now_us| Ok(venue.accept_block(member, &id, number, now_us)?))?;
    Ok(no_content())
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let member = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let query = Query::of(&request)?;
    let page = Page::strict(&query, 100, 100)?;
    let status = status(&query, STATUSES)?;
    let ticker = query.text("market_ticker");
    let wanted = |proposal: &Proposal| {
        proposal.concerns(member)
            && status.is_none_or(|status| status == proposal.status)
            && ticker.is_none_or(|ticker| *ticker == *proposal.ticker)
    };
    let (proposals, cursor) = state.0.exchange.with(|venue| {
        let wanted = venue.communications.proposals.values().filter(|proposal| wanted(proposal));
        let (proposals, cursor) = page.cut(wanted.map(|it| (place(it.number), it)).collect());
        let proposals: Vec<Value> = proposals.into_iter().map(|it| shape::proposal(it, member)).collect();
        (proposals, cursor)
    });
    Ok(reply(&json!({ "block_trade_proposals": proposals, "cursor": cursor })))
}
