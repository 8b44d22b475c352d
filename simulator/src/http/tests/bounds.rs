//! The bounds that the OpenAPI document states for query parameters, tried on every read that is served.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::specification::{resolved, specification};
use super::{Setup, World, client, order, with};
use crate::socket::client::run;

/// What the other parameters of an operation need to be readable.
const FINE: &[(&str, &str)] = &[
    ("tickers", "KXT-26-A"),
    ("market_tickers", "KXT-26-A"),
    ("start_ts", "1790000000"),
    ("end_ts", "1790000060"),
    ("period_interval", "1"),
    ("limit", "5"),
];
/// Reads that the exchange has no use for are no paths of it at all.
const NO_ROUTE: &str = "no such path";

/// Returns values that the schema of a parameter forbids. 0 where 1 is the least counts as absent.
fn forbidden(schema: &Value) -> Vec<String> {
    let kind = schema["type"].as_str().unwrap_or_default();
    let mut values: Vec<String> = Vec::new();
    values.extend(schema["maximum"].as_i64().map(|maximum| (maximum + 1).to_string()));
    values.extend(schema["minimum"].as_i64().map(|minimum| (minimum.min(0) - 1).to_string()));
    match kind {
        "integer" => values.extend(["x", "1.5"].map(str::to_owned)),
        "boolean" => values.push("maybe".to_owned()),
        _ => {}
    }
    if schema["enum"].is_array() {
        values.push(if kind == "integer" { "7" } else { "no-such-word" }.to_owned());
    }
    values
}

#[test]
fn a_value_outside_its_bounds_is_refused() {
    let Some(document) = specification() else { return };
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let placed = client.place(1, order("KXT-26-A", "bid", "0.10", "1")).await;
        let order_id = placed.body["order_id"].as_str().unwrap().to_owned();
        let mut tried = 0;
        let mut wrong = Vec::new();
        for (template, item) in document["paths"].as_object().unwrap() {
            let path = template
                .replace("{series_ticker}", "KXT")
                .replace("{ticker}", if template.contains("/events/") { "KXT-26" } else { "KXT-26-A" })
                .replace("{event_ticker}", "KXT-26")
                .replace("{order_id}", &order_id);
            let own = item["get"]["parameters"].as_array();
            let parameters: Vec<&Value> =
                own.into_iter().flatten().map(|parameter| resolved(document, parameter)).collect();
            for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
                let name = parameter["name"].as_str().unwrap();
                for value in forbidden(resolved(document, &parameter["schema"])) {
                    let others = FINE.iter().filter(|(other, _)| {
                        *other != name && parameters.iter().any(|parameter| parameter["name"] == *other)
                    });
                    let others: String = others.map(|(other, fine)| format!("&{other}={fine}")).collect();
                    let asked = format!("{path}?{name}={value}{others}");
                    let answer = client.signed(1, Method::GET, &asked, None).await;
                    if answer.body["error"]["details"] == NO_ROUTE {
                        continue;
                    }
                    tried += 1;
                    if answer.status != 400 {
                        wrong.push(format!("{asked}: {} {}", answer.status, answer.body));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(tried > 150, "{tried}");
    });
}

#[test]
fn queue_positions_without_filters_are_those_of_all_resting_orders() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for ticker in ["KXT-26-A", "KXT-26-B", "KXU-26-C"] {
            client.place(1, order(ticker, "bid", "0.10", "1")).await;
        }
        let count = async |query: &str| {
            let answer = client.get(&format!("/portfolio/orders/queue_positions{query}")).await;
            answer.body["queue_positions"].as_array().unwrap().len()
        };
        assert_eq!(count("").await, 3);
        assert_eq!(count("?event_ticker=KXT-26").await, 2);
        assert_eq!(count("?event_ticker=KXT-26&market_tickers=KXT-26-B,KXU-26-C").await, 1);
        assert_eq!(count("?subaccount=1").await, 0);
    });
}

#[test]
fn what_cannot_be_is_refused_and_what_is_not_there_is_not_found() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let unknown = client.public("/series/KXNONE").await;
        assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
        for subaccount in [-1, 64] {
            let refused =
                client.place(1, with(order("KXT-26-A", "bid", "0.10", "1"), "subaccount", subaccount)).await;
            assert_eq!((refused.status, refused.code()), (400, "bad_request"), "{subaccount}");
        }
        let nowhere = json!({
            "client_transfer_id": "0d6e7c5a-5f0e-4f6b-9d0a-2f4c3a1b7e11",
            "from_subaccount": 0, "to_subaccount": 5, "amount_cents": 100,
        });
        let refused = client.post("/portfolio/subaccounts/transfer", nowhere).await;
        assert_eq!((refused.status, refused.code()), (400, "bad_request"));
    });
}

#[test]
fn resting_orders_are_worth_their_limits_without_fees() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(1, order("KXT-26-A", "bid", "0.10", "20")).await;
        client.place(1, order("KXU-26-C", "ask", "0.90", "5")).await;
        let value = client.get("/portfolio/summary/total_resting_order_value").await;
        assert_eq!(value.body["total_resting_order_value"], 250);
        let breakdown = &value.body["resting_order_value_breakdown"];
        assert_eq!(breakdown[0], json!({ "exchange_index": 0, "balance": "2.0000" }));
        assert_eq!(breakdown[2], json!({ "exchange_index": 2, "balance": "0.5000" }));
    });
}
