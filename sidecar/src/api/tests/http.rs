//! The routes as a client program meets them.

use std::io::{Read as _, Write as _};
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use outrigger_engine::desk::command::DeskError;
use outrigger_engine::desk::view::OrderStatus;
use outrigger_engine::stream::HubLimits;

use super::world::{TICKER, World};
use crate::api::http::routes_for_tests;

fn order() -> Value {
    json!({ "ticker": TICKER, "side": "bid", "price": "0.5600", "count": "10.00" })
}

fn pointers(problem: &Value) -> Vec<&str> {
    let mistakes = problem["errors"].as_array().into_iter().flatten();
    mistakes.filter_map(|mistake| mistake["pointer"].as_str()).collect()
}

#[actix_web::test]
async fn every_route_and_every_other_path_asks_for_a_token_a_host_and_a_scope() {
    let world = World::start(HubLimits::default());
    let mut tried = 0;
    for (method, path, scope) in routes_for_tests() {
        let path = path.replace("{ticker}", TICKER).replace("{order_id}", "0");
        let (status, headers, body) = World::send(world.request(&method, &path, "")).await;
        if scope.is_none() {
            assert_eq!(status, 200, "{method} {path}");
            continue;
        }
        assert_eq!((status, &body["code"]), (401, &json!("OUT-AUTH-001")), "{method} {path}");
        assert!(headers["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
        let (status, ..) = World::send(world.request(&method, &path, "stranger")).await;
        assert_eq!(status, 401, "{method} {path}");
        let evil = world.request(&method, &path, "admin").header("Host", "evil.example");
        let (status, headers, body) = World::send(evil).await;
        assert_eq!((status, &body["code"]), (421, &json!("OUT-HOST-001")), "{method} {path}");
        assert!(headers.contains_key("x-request-id"));
        let page = world.request(&method, &path, "admin").header("Origin", "http://evil.example");
        assert_eq!(World::send(page).await.0, 403, "{method} {path}");
        let (status, _, body) = World::send(world.request(&method, &path, "reader")).await;
        let is_refused = status == 403 && body["code"] == "OUT-AUTH-003";
        assert_eq!(is_refused, scope != Some("read"), "{method} {path}: {status} {body}");
        tried += 1;
    }
    assert!(tried > 20);
    for path in ["/", "/v1/none", "/v1/orders/", "/v1//orders", "/healthz/x", "/admin"] {
        assert_eq!(World::send(world.request("GET", path, "")).await.0, 401, "{path}");
        let (status, headers, body) = World::send(world.request("GET", path, "admin")).await;
        assert_eq!(status, 404, "{path} {body}");
        assert_eq!(headers["content-type"], "application/problem+json");
    }
}

#[actix_web::test]
async fn an_escaped_path_finds_no_way_around_the_scope() {
    let world = World::start(HubLimits::default());
    for path in ["/v1/%6frders", "/v1/orders%2f0", "/%761/orders"] {
        let request = world.request("POST", path, "reader").header("Idempotency-Key", "k").json(&order());
        let (status, ..) = World::send(request).await;
        assert!(status == 403 || status == 404, "{path}: {status}");
    }
    assert!(world.desk.placed.lock().is_empty());
}

#[actix_web::test]
async fn a_request_without_host_or_with_two_is_refused() {
    let world = World::start(HubLimits::default());
    let address = world.address;
    for head in [
        "GET /v1/orders HTTP/1.0\r\n",
        "GET /v1/orders HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
    ] {
        let text = actix_web::web::block(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            write!(socket, "{head}Authorization: Bearer admin\r\nConnection: close\r\n\r\n").unwrap();
            let mut text = String::new();
            socket.read_to_string(&mut text).unwrap();
            text
        });
        let text = text.await.unwrap();
        assert!(text.contains(" 421 ") || text.contains(" 400 "), "{text}");
    }
}

#[actix_web::test]
async fn an_allowed_page_may_ask_and_is_told_so() {
    let world = World::start(HubLimits::default());
    let preflight = world
        .request("OPTIONS", "/v1/orders", "")
        .header("Origin", "http://ui.test:3000")
        .header("Access-Control-Request-Method", "POST");
    let (status, headers, _) = World::send(preflight).await;
    assert_eq!(status, 204);
    assert_eq!(headers["access-control-allow-origin"], "http://ui.test:3000");
    let read = world.request("GET", "/v1/orders", "reader").header("Origin", "http://ui.test:3000");
    let (status, headers, _) = World::send(read).await;
    assert_eq!((status, headers.get("access-control-allow-origin").is_some()), (200, true));
}

#[actix_web::test]
async fn request_ids_come_back_and_reach_the_desk() {
    let world = World::start(HubLimits::default());
    let request = world.request("POST", "/v1/orders", "trader").header("Idempotency-Key", "k");
    let (status, headers, _) = World::send(request.header("X-Request-Id", "mine-7").json(&order())).await;
    assert_eq!((status, headers["x-request-id"].to_str().unwrap()), (201, "mine-7"));
    assert_eq!(*world.desk.causes.lock(), ["mine-7"]);
    let (_, headers, _) = World::send(world.request("GET", "/healthz", "")).await;
    assert_eq!(headers["x-request-id"].len(), 36);
}

#[actix_web::test]
async fn health_and_readiness_tell_the_truth() {
    let world = World::start(HubLimits::default());
    assert_eq!(world.get("/healthz").await, (200, json!({ "status": "ok" })));
    assert_eq!(world.get("/readyz").await.1["ready"], true);
    world.ready.store(false, Relaxed);
    let (status, headers, body) = World::send(world.request("GET", "/readyz", "")).await;
    assert_eq!(
        (status, &body["ready"], &body["flags"]["streams_ready"]),
        (503, &json!(false), &json!(false))
    );
    assert_eq!(body["degraded"][0]["component"], "feed");
    assert!(headers.contains_key("retry-after"));
    let (status, headers, body) = World::send(world.request("HEAD", "/healthz", "")).await;
    assert_eq!((status, body, &headers["content-length"]), (200, json!(""), &"15".parse().unwrap()));
    let (status, headers, body) = World::send(world.request("GET", "/metrics", "reader")).await;
    assert_eq!((status, body), (200, json!("# EOF\n")));
    assert!(headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
}

#[actix_web::test]
async fn an_order_is_placed_once_per_key_and_the_answer_is_replayed() {
    let world = World::start(HubLimits::default());
    let (status, headers, first) = world.post_order("k1", order()).await;
    assert_eq!((status, &first["status"], &first["remaining"]), (201, &json!("resting"), &json!("10.00")));
    assert_eq!(headers["location"], format!("/v1/orders/{}", first["order_id"].as_str().unwrap()));
    assert!(!headers.contains_key("idempotency-replayed"));
    assert_eq!(first["client_order_id"], first["order_id"]);
    let respelled =
        json!({ "count": "10", "price": "0.56", "side": "bid", "ticker": TICKER, "post_only": false });
    let (status, headers, again) = world.post_order("k1", respelled).await;
    assert_eq!((status, again["order_id"] == first["order_id"]), (201, true));
    assert_eq!(headers["idempotency-replayed"], "true");
    let mut other = order();
    other["count"] = json!("11.00");
    let (status, _, problem) = world.post_order("k1", other).await;
    assert_eq!(
        (status, &problem["code"], &problem["order_id"]),
        (422, &json!("OUT-ORDER-003"), &first["order_id"])
    );
    let request = world.request("POST", "/v1/orders", "trader-2").header("Idempotency-Key", "k1");
    let (status, _, theirs) = World::send(request.json(&order())).await;
    assert_eq!(
        (status, theirs["order_id"] != first["order_id"]),
        (201, true),
        "another client's key is another key"
    );
    *world.desk.next_status.lock() = Some(OrderStatus::Unknown);
    assert_eq!(world.post_order("k2", order()).await.0, 202);
}

#[actix_web::test]
async fn bad_orders_are_answered_with_every_mistake_and_reach_nobody() {
    let world = World::start(HubLimits::default());
    let (status, _, problem) =
        World::send(world.request("POST", "/v1/orders", "trader").json(&order())).await;
    assert_eq!((status, &problem["code"]), (400, &json!("OUT-ORDER-001")));
    assert_eq!(pointers(&problem), ["Idempotency-Key"]);
    let body = json!({ "ticker": TICKER, "side": "buy", "price": 0.56, "prize": "1", "post_only": "yes",
        "time_in_force": "fill_or_kill", "expiration_time": 1 });
    let (status, _, problem) = world.post_order("k", body).await;
    assert_eq!((status, &problem["code"]), (400, &json!("OUT-ORDER-002")));
    let mut named = pointers(&problem);
    named.sort_unstable();
    assert_eq!(named, ["/count", "/expiration_time", "/post_only", "/price", "/prize", "/side"]);
    assert!(problem["detail"].as_str().unwrap().contains("did you mean price?"));
    for (field, value, status, code) in [
        ("price", "0.5650", 400, "OUT-ORDER-007"),
        ("price", "0", 400, "OUT-ORDER-007"),
        ("price", "0.56001", 400, "OUT-ORDER-002"),
        ("count", "0.00", 400, "OUT-ORDER-002"),
        ("count", "-1", 400, "OUT-ORDER-002"),
        ("ticker", "KXNONE", 404, "OUT-MARKET-001"),
        ("client_order_id", "a b", 400, "OUT-ORDER-002"),
    ] {
        let mut body = order();
        body[field] = json!(value);
        let (got, _, problem) = world.post_order("k", body).await;
        assert_eq!((got, problem["code"].as_str().unwrap()), (status, code), "{field}={value}");
        assert_eq!(pointers(&problem), [format!("/{field}")], "{field}={value}");
    }
    let mut body = order();
    body["price"] = json!("0.5650");
    let (_, _, problem) = world.post_order("k", body).await;
    assert!(problem["detail"].as_str().unwrap().contains("0.0000 to 1.0000 in steps of 0.0100"), "{problem}");
    let request = |body: &'static str, media: &str| {
        let request = world.request("POST", "/v1/orders", "trader").header("Idempotency-Key", "k");
        World::send(request.header("Content-Type", media).body(body))
    };
    assert_eq!(request("{}", "text/plain").await.0, 415);
    assert_eq!(request("[1]", "application/json").await.2["code"], "OUT-HTTP-005");
    let (_, _, twice) = request(r#"{"count":"1","count":"2"}"#, "application/json; charset=utf-8").await;
    assert!(twice["detail"].as_str().unwrap().contains("/count: named twice"), "{twice}");
    let large = vec![b' '; (1 << 20) + 1];
    let request = world.request("POST", "/v1/orders", "trader").header("Idempotency-Key", "k");
    let (status, ..) = World::send(request.header("Content-Type", "application/json").body(large)).await;
    assert_eq!(status, 413);
    assert!(world.desk.placed.lock().is_empty());
}

#[actix_web::test]
async fn the_desks_refusals_have_their_codes() {
    let world = World::start(HubLimits::default());
    let order_id = outrigger_engine::domain::OrderId(uuid::Uuid::nil());
    let refused = |http_status: u16| DeskError::VenueRefused {
        order_id,
        http_status,
        code: "insufficient_balance".into(),
        message: "no".into(),
    };
    let reason = || "why".to_owned();
    for (error, status, code) in [
        (DeskError::NotReady { reason: reason() }, 503, "OUT-READY-001"),
        (DeskError::Halted { reason: reason() }, 409, "OUT-HALT-001"),
        (DeskError::ReduceOnly { reason: reason() }, 409, "OUT-HALT-002"),
        (DeskError::LedgerUnavailable { reason: reason() }, 503, "OUT-LEDGER-001"),
        (DeskError::NotSent { order_id, reason: reason() }, 503, "OUT-VENUE-002"),
        (
            DeskError::Limit { limit: "max_position", allowed: "1".into(), wanted: "2".into() },
            422,
            "OUT-RISK-001",
        ),
        (refused(400), 400, "OUT-VENUE-001"),
        (refused(401), 422, "OUT-VENUE-001"),
        (refused(503), 422, "OUT-VENUE-001"),
    ] {
        *world.desk.next_error.lock() = Some(error.clone());
        let (got, headers, problem) = world.post_order("k", order()).await;
        assert_eq!((got, problem["code"].as_str().unwrap()), (status, code), "{error}");
        let retry_after = headers.get("retry-after").map(|value| value.to_str().unwrap());
        let expected = match error {
            DeskError::NotSent { .. } => Some("7"),
            _ => (status == 503).then_some("1"),
        };
        assert_eq!(retry_after, expected, "{error}");
    }
}

#[actix_web::test]
async fn orders_are_listed_changed_and_canceled() {
    let world = World::start(HubLimits::default());
    let mut ids = Vec::new();
    for n in 0..5 {
        let (_, _, order) = world.post_order(&format!("k{n}"), order()).await;
        ids.push(order["order_id"].as_str().unwrap().to_owned());
    }
    ids.reverse();
    let (_, page) = world.get("/v1/orders?limit=3").await;
    let (_, rest) =
        world.get(&format!("/v1/orders?limit=3&cursor={}", page["cursor"].as_str().unwrap())).await;
    let listed: Vec<&str> = [&page, &rest]
        .iter()
        .flat_map(|page| page["orders"].as_array().unwrap())
        .filter_map(|order| order["order_id"].as_str())
        .collect();
    assert_eq!((listed, rest["cursor"].as_str()), (ids.iter().map(String::as_str).collect(), Some("")));
    let path = format!("/v1/orders/{}", ids[0]);
    assert_eq!(world.get(&path).await.1["order_id"], ids[0]);
    let patch = |body: Value| World::send(world.request("PATCH", &path, "trader").json(&body));
    let (status, _, changed) = patch(json!({ "count": "4.00" })).await;
    assert_eq!((status, &changed["count"]), (200, &json!("4.00")));
    assert_eq!(patch(json!({})).await.2["code"], "OUT-HTTP-006");
    assert_eq!(patch(json!({ "price": "0.5555" })).await.2["code"], "OUT-ORDER-007");
    assert_eq!(patch(json!({ "prize": "0.55" })).await.0, 400);
    let (status, _, canceled) = World::send(world.request("DELETE", &path, "trader")).await;
    assert_eq!((status, &canceled["status"]), (200, &json!("canceled")));
    assert_eq!(world.get("/v1/orders?status=canceled").await.1["orders"].as_array().unwrap().len(), 1);
    assert_eq!(world.get("/v1/orders?ticker=KXA-2").await.1["orders"], json!([]));
    for bad in ["limit=0", "limit=1001", "limit=x", "cursor=x", "status=open", "stauts=resting"] {
        let (status, problem) = world.get(&format!("/v1/orders?{bad}")).await;
        assert_eq!((status, problem["code"].as_str()), (400, Some("OUT-HTTP-007")), "{bad}");
    }
    let absent = format!("/v1/orders/{}", uuid::Uuid::nil());
    for path in [absent.as_str(), "/v1/orders/nonsense"] {
        assert_eq!(world.get(path).await.1["code"], "OUT-ORDER-005");
        assert_eq!(World::send(world.request("DELETE", path, "trader")).await.0, 404);
    }
    let (status, _, all) = World::send(world.request("DELETE", "/v1/orders", "trader")).await;
    assert_eq!((status, all["orders"].as_array().unwrap().len()), (200, 5));
}

#[actix_web::test]
async fn batches_answer_each_on_its_own() {
    let world = World::start(HubLimits::default());
    let mut bad = order();
    bad["price"] = json!("0.5650");
    let place = |key: &str, body: Value| {
        let request = world.request("POST", "/v1/orders/batch", "trader").header("Idempotency-Key", key);
        World::send(request.json(&body))
    };
    let body = json!({ "orders": [order(), bad, order()] });
    let (status, _, answer) = place("b", body.clone()).await;
    let statuses: Vec<&Value> = answer["results"].as_array().unwrap().iter().map(|r| &r["status"]).collect();
    assert_eq!((status, statuses), (200, vec![&json!(201), &json!(400), &json!(201)]));
    assert_eq!(answer["results"][1]["problem"]["errors"][0]["pointer"], "/orders/1/price");
    let (_, _, again) = place("b", body).await;
    assert_eq!(again["results"][2]["replayed"], true);
    assert_eq!(place("c", json!({ "orders": [] })).await.0, 400);
    assert_eq!(place("c", json!({ "orders": vec![order(); 21] })).await.0, 400);
    let ids = json!([answer["results"][0]["order"]["order_id"], "x"]);
    let cancel = world.request("DELETE", "/v1/orders/batch", "trader").json(&json!({ "order_ids": ids }));
    let (_, _, ended) = World::send(cancel).await;
    assert_eq!((&ended["results"][0]["status"], &ended["results"][1]["status"]), (&json!(200), &json!(404)));
}

#[actix_web::test]
async fn markets_books_and_the_account_can_be_read() {
    let world = World::start(HubLimits::default());
    let (_, page) = world.get("/v1/markets?limit=2").await;
    assert_eq!((page["markets"].as_array().unwrap().len(), page["cursor"].as_str()), (2, Some("KXA-2")));
    let (_, last) = world.get("/v1/markets?limit=10&cursor=KXA-4&status=active").await;
    assert_eq!((last["markets"].as_array().unwrap().len(), last["cursor"].as_str()), (1, Some("")));
    assert_eq!(world.get("/v1/markets?status=open").await.0, 400);
    assert_eq!(world.get("/v1/markets/KXA-1").await.1["price_ranges"][0]["step"], "0.0100");
    let book = json!({ "ticker": TICKER, "seq": 7, "trust": "live", "age_ms": 12,
        "yes": [["0.4700", "3.00"]], "no": [["0.4800", "2.00"]] });
    assert_eq!(world.get("/v1/markets/KXA-1/book").await, (200, book));
    for (path, status, code) in [
        ("/v1/markets/NONE", 404, "OUT-MARKET-001"),
        ("/v1/markets/NONE/book", 404, "OUT-MARKET-001"),
        ("/v1/markets/NONE/trades", 404, "OUT-MARKET-001"),
        ("/v1/markets/KXA-2/book", 503, "OUT-BOOK-001"),
    ] {
        let (got, problem) = world.get(path).await;
        assert_eq!((got, problem["code"].as_str()), (status, Some(code)), "{path}");
    }
    assert_eq!(world.get("/v1/markets/KXA-1/trades?limit=2").await.1["trades"].as_array().unwrap().len(), 2);
    for path in ["/v1/positions", "/v1/balance", "/v1/fills", "/v1/settlements", "/v1/limits"] {
        let (status, body) = world.get(path).await;
        assert!(status == 200 && body.get("as_of").is_some(), "{path}: {body}");
        assert_eq!(world.get(&format!("{path}?nonsense=1")).await.0, 400, "{path}");
    }
    *world.read_model.reconciled_as_of_ms.write() = Some(1_790_000_000_123);
    assert_eq!(world.get("/v1/fills").await.1["as_of"], "2026-09-21T14:13:20.123Z");
    let (status, headers, body) = World::send(world.request("PUT", "/v1/markets", "admin")).await;
    assert_eq!(
        (status, &body["code"], headers["allow"].to_str().unwrap()),
        (405, &json!("OUT-HTTP-002"), "GET")
    );
}

#[actix_web::test]
async fn whoever_trades_may_halt_and_only_an_admin_opens_again() {
    let world = World::start(HubLimits::default());
    let put = |token: &str, body: Value| World::send(world.request("PUT", "/v1/halt", token).json(&body));
    assert_eq!(put("reader", json!({ "mode": "halted" })).await.0, 403);
    assert_eq!(put("trader", json!({ "mode": "stop" })).await.0, 400);
    let (status, _, halt) = put("trader", json!({ "mode": "halted", "reason": "lunch" })).await;
    assert_eq!((status, halt), (200, json!({ "mode": "halted", "reason": "lunch" })));
    assert_eq!(world.get("/v1/halt").await.1["reason"], "lunch");
    assert_eq!(put("trader", json!({ "mode": "active" })).await.2["code"], "OUT-AUTH-003");
    assert_eq!(put("admin", json!({ "mode": "active" })).await.0, 200);
}
