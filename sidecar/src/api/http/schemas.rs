//! Schemas of the OpenAPI document. A field of ours is a string unless told otherwise.

use serde_json::{Map, Value, json};

use super::order_body;
use crate::api::problem;

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Returns every schema by name.
pub(super) fn schemas() -> Map<String, Value> {
    let parts = [system(), markets(), orders(), account(), lists()];
    parts.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

type Named = Vec<(&'static str, Value)>;

fn system() -> Named {
    let flags = json!({ "type": "object", "additionalProperties": boolean() });
    let degraded = object(&[("component", text()), ("reason", text()), ("since", text())]);
    let codes: Vec<&str> = problem::ALL.iter().map(|kind| kind.code).collect();
    let mistake = object(&[("pointer", text()), ("detail", text())]);
    let problem = object(&[
        ("type", text()),
        ("title", text()),
        ("status", integer()),
        ("code", words(&codes)),
        ("detail", text()),
        ("errors", array(mistake)),
    ]);
    vec![
        ("Health", object(&[("status", text())])),
        ("Readiness", object(&[("ready", boolean()), ("flags", flags), ("degraded", array(degraded))])),
        ("Ticket", object(&[("ticket", text()), ("expires_in_ms", integer())])),
        ("Document", json!({ "type": "object" })),
        ("Problem", problem),
    ]
}

fn markets() -> Named {
    let range = object(&[("start", text()), ("end", text()), ("step", text())]);
    let level = json!({ "type": "array", "items": text(), "minItems": 2, "maxItems": 2 });
    let market = object(&[
        ("ticker", text()),
        ("event_ticker", text()),
        ("title", text()),
        ("status", text()),
        ("price_ranges", array(range)),
        ("exchange_index", integer()),
        ("open_time", optional_text()),
        ("close_time", optional_text()),
        ("result", text()),
    ]);
    let book = object(&[
        ("ticker", text()),
        ("seq", integer()),
        ("trust", words(&["live", "suspect", "stale"])),
        ("age_ms", integer()),
        ("yes", array(level.clone())),
        ("no", array(level)),
    ]);
    let trade = object(&[
        ("trade_id", text()),
        ("ticker", text()),
        ("yes_price", text()),
        ("count", text()),
        ("taker_side", words(&["bid", "ask"])),
        ("ts_ms", integer()),
    ]);
    vec![("Market", market), ("Book", book), ("Trade", trade)]
}

fn orders() -> Named {
    let count = json!({ "type": "string", "description": "the new total, what has filled included" });
    let result = object(&[
        ("status", integer()),
        ("replayed", boolean()),
        ("order", reference("Order")),
        ("problem", reference("Problem")),
    ]);
    vec![
        ("NewOrder", new_order()),
        ("NewOrders", object(&[("orders", bounded(reference("NewOrder"), 20))])),
        ("OrderChange", object(&[("price", text()), ("count", count)])),
        ("OrderIds", object(&[("order_ids", bounded(text(), 100))])),
        ("Results", object(&[("results", array(result))])),
        ("Order", order()),
    ]
}

fn new_order() -> Value {
    let kind = |name: &str| match name {
        "post_only" | "reduce_only" | "cancel_order_on_pause" => "boolean",
        "expiration_time" => "integer",
        _ => "string",
    };
    let field = |(name, what): &(&str, &str)| {
        ((*name).to_owned(), json!({ "type": kind(name), "description": what }))
    };
    let properties: Map<String, Value> = order_body::FIELDS.iter().map(field).collect();
    let required = order_body::REQUIRED;
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn order() -> Value {
    object(&[
        ("order_id", text()),
        ("client_order_id", optional_text()),
        ("venue_order_id", optional_text()),
        ("ticker", text()),
        ("side", words(&["bid", "ask"])),
        ("price", text()),
        ("count", text()),
        ("status", words(&["pending", "resting", "executed", "canceled", "rejected", "unknown"])),
        ("filled", text()),
        ("remaining", text()),
        ("time_in_force", text()),
        ("fees", text()),
        ("source", words(&["local", "external"])),
        ("reason", text()),
        ("change_pending", boolean()),
        ("created_us", integer()),
        ("updated_us", integer()),
    ])
}

fn account() -> Named {
    let fill = object(&[
        ("trade_id", text()),
        ("order_id", text()),
        ("venue_order_id", text()),
        ("ticker", text()),
        ("side", words(&["bid", "ask"])),
        ("price", text()),
        ("count", text()),
        ("fee", text()),
        ("is_taker", boolean()),
        ("ts_ms", integer()),
    ]);
    let position = object(&[
        ("ticker", text()),
        ("position", text()),
        ("fees_paid", text()),
        ("working_bid", text()),
        ("working_ask", text()),
    ]);
    let settlement = object(&[
        ("ticker", text()),
        ("result", text()),
        ("revenue", text()),
        ("fee", text()),
        ("settled_ms", integer()),
    ]);
    let shard = object(&[("exchange_index", integer()), ("cash", text())]);
    let balance = object(&[
        ("cash", optional_text()),
        ("portfolio_value", optional_text()),
        ("by_shard", array(shard)),
        ("as_of", optional_text()),
    ]);
    vec![
        ("Fill", fill),
        ("Position", position),
        ("Settlement", settlement),
        ("Balance", balance),
        ("Limits", json!({ "type": "object" })),
        ("Halt", object(&[("mode", words(&["active", "reduce_only", "halted"])), ("reason", text())])),
    ]
}

fn lists() -> Named {
    let list = |field: &str, row: &str| {
        object(&[(field, array(reference(row))), ("cursor", text()), ("as_of", optional_text())])
    };
    vec![
        ("Markets", object(&[("markets", array(reference("Market"))), ("cursor", text())])),
        ("Trades", object(&[("trades", array(reference("Trade"))), ("as_of", optional_text())])),
        ("Canceled", object(&[("orders", array(reference("Order")))])),
        ("Orders", list("orders", "Order")),
        ("Fills", list("fills", "Fill")),
        ("Positions", list("positions", "Position")),
        ("Settlements", list("settlements", "Settlement")),
    ]
}

fn object(fields: &[(&str, Value)]) -> Value {
    let field = |(name, schema): &(&str, Value)| ((*name).to_owned(), schema.clone());
    let properties: Map<String, Value> = fields.iter().map(field).collect();
    json!({ "type": "object", "properties": properties })
}

fn array(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn bounded(items: Value, max: u32) -> Value {
    json!({ "type": "array", "items": items, "minItems": 1, "maxItems": max })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn optional_text() -> Value {
    json!({ "type": ["string", "null"] })
}

fn integer() -> Value {
    json!({ "type": "integer" })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}
