//! What calls cost in tokens, where it is not the default.

use serde_json::{Value, json};

use super::BASE;

/// The cost of a call that is not listed.
pub(super) const DEFAULT: u32 = 10;
/// The cost of a cancel, single or all, and of each order of a batch cancel.
pub(super) const CANCEL: u32 = 2;
/// The cost of reading one order.
pub(super) const READ_ORDER: u32 = 2;

/// The cost of creating, reading and withdrawing a quote.
pub(super) const QUOTE: u32 = 2;
/// The cost of asking for a better tier.
pub(super) const UPGRADE: u32 = 30;

/// The calls whose cost is not the default, by path and method as the exchange lists them.
const LISTED: &[(&str, &str, u32)] = &[
    ("POST", "/account/api_usage_level/upgrade", UPGRADE),
    ("POST", "/communications/quotes", QUOTE),
    ("DELETE", "/communications/quotes/:quote_id", QUOTE),
    ("GET", "/communications/quotes/:quote_id", QUOTE),
    ("DELETE", "/communications/rfqs/:rfq_id/quotes/:quote_id", QUOTE),
    ("GET", "/communications/rfqs/:rfq_id/quotes/:quote_id", QUOTE),
    ("DELETE", "/portfolio/events/orders", CANCEL),
    ("DELETE", "/portfolio/events/orders/:order_id", CANCEL),
    ("DELETE", "/portfolio/events/orders/batched", CANCEL),
    ("GET", "/portfolio/orders/:order_id", READ_ORDER),
];

/// Returns the reply of `GET /account/endpoint_costs`.
pub(super) fn listing() -> Value {
    let costs: Vec<Value> = LISTED
        .iter()
        .map(
            |(method, path, cost)| json!({ "method": method, "path": format!("{BASE}{path}"), "cost": cost }),
        )
        .collect();
    json!({ "default_cost": DEFAULT, "endpoint_costs": costs })
}
