//! Sections 4, 5 and 7 of the protocol: lists, limits, costs, candles, the archive.

use serde_json::{Value, json};

use crate::pattern::{Row, check, fit, row};
use crate::world::{ORDERS, Who, World, order};

fn invalid(name: &str) -> Value {
    json!({ "msg": format!("Parameter validation failed for {name}") })
}

#[test]
fn pages_and_their_limits() {
    let world = World::new();
    let first = world.get("/markets?limit=3").json();
    assert_ne!(first["cursor"], "");
    let garbage = world.get("/markets?limit=3&cursor=garbage");
    let mut rows = vec![
        row("4: a garbage cursor", garbage, 200, first),
        row(
            "4: an unknown status",
            world.get("/markets?status=finalized"),
            400,
            json!({ "error": { "code": "bad_request", "message": "bad request", "details": "invalid status filter" } }),
        ),
        row(
            "4: a bad status",
            world.get("/portfolio/orders?status=active"),
            400,
            json!({ "error": { "code": "invalid_status_filter", "message": "<text>" } }),
        ),
        row(
            "4: no RFQs by garbage",
            world.get("/communications/rfqs?cursor=garbage"),
            400,
            invalid("cursor"),
        ),
        row("4: the only page", world.get("/portfolio/fills"), 200, json!({ "fills": [], "cursor": "" })),
    ];
    for (path, max) in [
        ("/markets", 1_000),
        ("/markets/trades", 1_000),
        ("/historical/markets", 1_000),
        ("/portfolio/orders", 1_000),
        ("/portfolio/fills", 1_000),
        ("/portfolio/settlements", 1_000),
        ("/portfolio/positions", 1_000),
        ("/events", 200),
        ("/portfolio/deposits", 500),
        ("/portfolio/withdrawals", 500),
        ("/portfolio/intra_exchange_instance_transfers", 500),
        ("/communications/rfqs", 100),
    ] {
        rows.push(row(
            "4: the largest limit",
            world.get(&format!("{path}?limit={max}")),
            200,
            json!("<any>"),
        ));
        let over = world.get(&format!("{path}?limit={}", max + 1));
        rows.push(row("4: over the limit", over, 400, invalid("limit")));
    }
    check(rows);
    let slashed = world.get("/portfolio/orders/");
    assert_eq!(slashed.status, 301, "{slashed:?}");
}

#[test]
fn lists_are_newest_first() {
    let world = World::new();
    let ticker = world.market();
    for price in ["0.10", "0.11", "0.12"] {
        world.place(Who::Bob, order(ticker, "ask", price, "1"));
        world.place(Who::Alice, order(ticker, "bid", price, "1"));
    }
    let prices = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|row| row["yes_price_dollars"].clone()).collect()
    };
    let newest = ["0.1200", "0.1100", "0.1000"];
    assert_eq!(prices(&world.get("/portfolio/fills").json()["fills"]), newest);
    let trades = world.get(&format!("/markets/trades?ticker={ticker}&limit=3")).json();
    assert_eq!(prices(&trades["trades"]), newest);
}

#[test]
fn costs_and_limits_are_told() {
    let world = World::with(|scenario| scenario.usage_tier = "basic".to_owned());
    let costs = world.send(&crate::world::request("GET", "/trade-api/v2/account/endpoint_costs", &[], None));
    let listed = costs.json()["endpoint_costs"].clone();
    let path = |item: &Value| item["path"].as_str().unwrap().to_owned();
    assert!(listed.as_array().unwrap().iter().all(|item| path(item).starts_with("/trade-api/v2/")));
    let cost = |method: &str, path: &str, cost: u32| {
        let item = json!({ "method": method, "path": format!("/trade-api/v2{path}"), "cost": cost });
        assert!(listed.as_array().unwrap().contains(&item), "no {item}");
    };
    cost("POST", "/account/api_usage_level/upgrade", 30);
    cost("POST", "/communications/quotes", 2);
    cost("DELETE", "/communications/quotes/:quote_id", 2);
    cost("GET", "/communications/quotes/:quote_id", 2);
    cost("DELETE", "/communications/rfqs/:rfq_id/quotes/:quote_id", 2);
    cost("DELETE", "/portfolio/events/orders/:order_id", 2);
    cost("DELETE", "/portfolio/events/orders/batched", 2);
    cost("GET", "/portfolio/orders/:order_id", 2);
    let item = json!({ "method": "<text>", "path": "<text>", "cost": "<any>" });
    check(vec![
        row("5: costs", costs, 200, json!({ "default_cost": 10, "endpoint_costs": ["<each>", item] })),
        row(
            "5: basic",
            world.get("/account/limits"),
            200,
            json!({
                "usage_tier": "basic", "grants": [],
                "read": { "refill_rate": 200, "bucket_capacity": 400 },
                "write": { "refill_rate": 100, "bucket_capacity": 100 },
            }),
        ),
    ]);
}

#[test]
fn too_many_requests_come_without_a_hint() {
    let world = World::with(|scenario| {
        scenario.write_tokens_per_second = Some(1);
        scenario.write_tokens_max = Some(10);
        scenario.balance_reads_per_second = Some(1);
    });
    let ticker = world.fresh();
    let many = || json!({ "error": { "code": "too_many_requests", "message": "too many requests" } });
    let first = world.post(ORDERS, order(ticker, "bid", "0.01", "1"));
    assert_eq!(first.status, 201);
    let balance = world.get("/portfolio/balance");
    let (write, read) =
        (world.post(ORDERS, order(ticker, "bid", "0.01", "1")), world.get("/portfolio/balance"));
    for told in ["retry-after", "ratelimit"] {
        assert!(!write.head.contains(told) && !read.head.contains(told));
    }
    let whole = json!({
        "balance": 1_000_000_i64 * 4, "balance_dollars": "40000.0000", "portfolio_value": 0,
        "updated_ts": "<any>",
        "balance_breakdown": ["<each>", { "exchange_index": "<any>", "balance": "10000.0000" }],
    });
    check(vec![
        row("7.4: balance", balance, 200, whole),
        row("5: writes", write, 429, many()),
        row("5: balance", read, 429, many()),
    ]);
}

#[test]
fn pauses_and_closed_markets() {
    let world = World::new();
    let ticker = world.fresh();
    let resting = world.place(Who::Alice, order(ticker, "bid", "0.01", "1"));
    let attempt = || world.post(ORDERS, order(ticker, "bid", "0.01", "1"));
    let control = |path: &str, body: Value| assert_eq!(world.post(path, body).status, 200);
    let refused = |code: &str| json!({ "error": { "code": code, "message": "<text>" } });
    let mut rows: Vec<Row> = Vec::new();
    control("/control/trading", json!({ "paused": true }));
    rows.push(row("4: trading paused", attempt(), 409, refused("trading_is_paused")));
    control("/control/trading", json!({ "paused": false }));
    control("/control/exchange", json!({ "paused": true }));
    rows.push(row("4: exchange paused", attempt(), 409, refused("exchange_is_paused")));
    let cancel = world.delete(&format!("{ORDERS}/{resting}"));
    rows.push(row("9: no cancel then", cancel, 409, refused("exchange_is_paused")));
    control("/control/exchange", json!({ "paused": false }));
    control(&format!("/control/markets/{ticker}"), json!({ "action": "pause" }));
    rows.push(row("4: market paused", attempt(), 400, refused("MARKET_NOT_ACTIVE")));
    control(&format!("/control/markets/{ticker}"), json!({ "action": "close" }));
    rows.push(row("4: market closed", attempt(), 400, refused("MARKET_NOT_ACTIVE")));
    check(rows);
}

#[test]
fn order_groups() {
    let world = World::new();
    let created = world.post("/portfolio/order_groups/create", json!({ "contracts_limit": 10 }));
    let empty = world.call(Who::Bob, "GET", "/portfolio/order_groups", None);
    let group = created.json()["order_group_id"].as_str().unwrap().to_owned();
    let path = format!("/portfolio/order_groups/{group}");
    let shown = world.get(&path);
    let reset = world.call(Who::Alice, "PUT", &format!("{path}/reset"), Some(json!({})));
    let deleted = world.delete(&path);
    check(vec![
        row("7.5: no groups", empty, 200, json!({})),
        row(
            "7.5: created",
            created,
            201,
            json!({ "order_group_id": "<uuid>", "subaccount": 0, "exchange_index": 0 }),
        ),
        row(
            "7.5: one",
            shown,
            200,
            json!({
                "orders": [], "contracts_limit_fp": "10.00", "is_auto_cancel_enabled": false,
                "exchange_index": 0,
            }),
        ),
        row("7.5: reset", reset, 200, json!({})),
        row("7.5: deleted", deleted, 200, json!({})),
        row("7.5: gone", world.get(&path), 404, json!("<any>")),
    ]);
}

#[test]
fn candles_of_quiet_times() {
    let world = World::new();
    let (quiet, swept) = (world.fresh(), world.market());
    let now_s = world.get("/portfolio/balance").json()["updated_ts"].as_i64().unwrap();
    let candle = |ticker: &str| {
        let series = ticker.split('-').next().unwrap();
        let span = format!("start_ts={}&end_ts={}&period_interval=1", now_s - 60, now_s + 120);
        let path = format!("/series/{series}/markets/{ticker}/candlesticks?{span}");
        let found = world.until(&path, |answer| answer.json()["candlesticks"][0].is_object());
        found.json()["candlesticks"].as_array().unwrap().last().unwrap().clone()
    };
    assert_eq!(candle(quiet)["price"], json!({}), "no trade, no price");
    let swept = candle(swept);
    assert_eq!(swept["yes_bid"]["close_dollars"], "0.0000");
    assert_eq!(swept["yes_ask"]["close_dollars"], "1.0000");
    let four = json!({
        "open_dollars": "<text>", "low_dollars": "<text>", "high_dollars": "<text>", "close_dollars": "<text>",
    });
    let mut price = four.clone();
    price["mean_dollars"] = json!("<text>");
    let whole = json!({
        "end_period_ts": "<any>", "yes_bid": four, "yes_ask": four, "price": price,
        "volume_fp": "<text>", "open_interest_fp": "<text>",
    });
    assert_eq!(fit(&whole, &swept, "candle"), Ok(()));
}

#[test]
fn what_is_archived_is_not_live() {
    let world = World::with(|scenario| scenario.history_after_s = 0);
    let ticker = world.market();
    let settle = json!({ "action": "settle", "result": "yes" });
    assert_eq!(world.post(&format!("/control/markets/{ticker}"), settle).status, 200);
    let missing = world.until(&format!("/markets/{ticker}"), |answer| answer.status == 404);
    let trades = world.get(&format!("/markets/trades?ticker={ticker}"));
    let archived = world.get(&format!("/historical/markets/{ticker}"));
    assert_eq!(archived.json()["market"]["status"], "finalized");
    check(vec![
        row("7.7: live trades", trades, 200, json!({ "trades": [], "cursor": "" })),
        row("7.7: live market", missing, 404, json!("<any>")),
    ]);
}
