//! Which request a write becomes, and what it costs.

use outrigger_engine::venue::{CancelTarget, VenueWrite};
use reqwest::Method;

use super::client::{Request, escaped};
use crate::kalshi::budget::{BucketId, Charge};
use crate::kalshi::wire::rest::{AmendBody, CreateBody, DecreaseBody};

const ORDERS: &str = "/portfolio/events/orders";
/// Costs of single writes, in tokens. Costs of a write are published per route and have never differed from these.
const COST_DEFAULT: u32 = 10;
const COST_CANCEL: u32 = 2;

/// Returns the request for `write`.
pub(super) fn request(write: &VenueWrite) -> Result<Request, serde_json::Error> {
    match write {
        VenueWrite::Create(order) => {
            let body = CreateBody {
                ticker: order.ticker.as_str(),
                client_order_id: order.client_order_id.as_str(),
                side: order.side.as_str(),
                count: order.count,
                price: order.price,
                time_in_force: order.time_in_force.as_str(),
                self_trade_prevention_type: order.self_trade_prevention.as_str(),
                expiration_time: order.expiration_time,
                post_only: order.post_only,
                reduce_only: order.reduce_only,
                cancel_order_on_pause: order.cancel_order_on_pause,
                exchange_index: order.exchange_index,
            };
            let body = Some(serde_json::to_vec(&body)?);
            Ok(Request {
                method: Method::POST,
                route: "create_order",
                path: ORDERS.into(),
                query: String::new(),
                body,
            })
        }
        VenueWrite::Cancel(target) => Ok(Request {
            method: Method::DELETE,
            route: "cancel_order",
            path: format!("{ORDERS}/{}", escaped(target.venue_order_id.as_str())),
            query: format!(
                "exchange_index={}&market_ticker={}",
                target.exchange_index,
                escaped(target.ticker.as_str())
            ),
            body: None,
        }),
        VenueWrite::Amend { target, side, price, count } => {
            let body = AmendBody {
                ticker: target.ticker.as_str(),
                side: side.as_str(),
                price: *price,
                count: *count,
                exchange_index: target.exchange_index,
            };
            Ok(change("amend_order", target, "amend", serde_json::to_vec(&body)?))
        }
        VenueWrite::Decrease { target, reduce_to } => {
            let body = DecreaseBody {
                reduce_to: *reduce_to,
                market_ticker: target.ticker.as_str(),
                exchange_index: target.exchange_index,
            };
            Ok(change("decrease_order", target, "decrease", serde_json::to_vec(&body)?))
        }
    }
}

fn change(route: &'static str, target: &CancelTarget, verb: &str, body: Vec<u8>) -> Request {
    let path = format!("{ORDERS}/{}/{verb}", escaped(target.venue_order_id.as_str()));
    Request { method: Method::POST, route, path, query: String::new(), body: Some(body) }
}

/// Returns what `write` costs: its shard's bucket, because the shard is always named.
pub(super) fn charge(write: &VenueWrite) -> Charge {
    let (shard, tokens) = match write {
        VenueWrite::Create(order) => (order.exchange_index, COST_DEFAULT),
        VenueWrite::Cancel(target) => (target.exchange_index, COST_CANCEL),
        VenueWrite::Amend { target, .. } | VenueWrite::Decrease { target, .. } => {
            (target.exchange_index, COST_DEFAULT)
        }
    };
    Charge { bucket: BucketId::Write(shard.max(0)), tokens }
}
