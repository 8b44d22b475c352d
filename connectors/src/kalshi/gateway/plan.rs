//! Which request a write becomes, and for whom.

use outrigger_engine::venue::{CancelTarget, CreateOrder, VenueWrite};

use super::client::escaped;
use super::route::{self, Request, Route};
use crate::kalshi::budget::Client;
use crate::kalshi::wire::rest::{AmendBody, CreateBody, DecreaseBody};

/// Returns the request for `write`.
pub(super) fn request(write: &VenueWrite) -> Result<Request, serde_json::Error> {
    match write {
        VenueWrite::Create(order) => {
            Request::to(&route::CREATE_ORDER, &[]).on_shard(order.exchange_index).json(&create_body(order))
        }
        VenueWrite::Cancel(target) => Ok(about(&route::CANCEL_ORDER, target).query(format!(
            "exchange_index={}&market_ticker={}",
            target.exchange_index,
            escaped(target.ticker.as_str())
        ))),
        VenueWrite::Amend { target, side, price, count } => {
            let body = AmendBody {
                ticker: target.ticker.as_str(),
                side: side.as_str(),
                price: *price,
                count: *count,
                exchange_index: target.exchange_index,
            };
            about(&route::AMEND_ORDER, target).json(&body)
        }
        VenueWrite::Decrease { target, reduce_to } => {
            let body = DecreaseBody {
                reduce_to: *reduce_to,
                market_ticker: target.ticker.as_str(),
                exchange_index: target.exchange_index,
            };
            about(&route::DECREASE_ORDER, target).json(&body)
        }
    }
}

/// Returns what is said of a new order, alone or in a batch.
pub(super) fn create_body(order: &CreateOrder) -> CreateBody<'_> {
    CreateBody {
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
    }
}

/// Returns the request without body or query: the shard is always named.
fn about(route: &'static Route, target: &CancelTarget) -> Request {
    Request::to(route, &[target.venue_order_id.as_str()]).on_shard(target.exchange_index)
}

/// Returns for whom a write is made: a new order for the client that placed it, all else in the account's interest.
pub(super) fn client(write: &VenueWrite) -> Client {
    match write {
        VenueWrite::Create(order) => Client::named(&order.client),
        VenueWrite::Cancel(_) | VenueWrite::Amend { .. } | VenueWrite::Decrease { .. } => Client::own(),
    }
}
