//! Sections 1 and 2 of the protocol: hosts, clocks, signatures.

use serde_json::{Value, json};

use crate::pattern::{Row, check, row};
use crate::world::{Answer, BASE, Headers, ORDERS, SOCKET, Who, World, request, signature};

const READ: &str = "/trade-api/v2/portfolio/orders";

fn read(world: &World, headers: &[(&str, String)]) -> Answer {
    world.send(&request("GET", READ, headers, None))
}

fn signed(ahead_ms: i64) -> Headers {
    signature(Who::Alice, "GET", READ, ahead_ms)
}

fn expired() -> Value {
    json!({ "error": { "code": "header_timestamp_expired", "message": "header timestamp expired" } })
}

fn unauthenticated(details: &str) -> Value {
    let error =
        json!({ "code": "authentication_error", "message": "authentication_error", "details": details });
    json!({ "error": error })
}

#[test]
fn the_clock_of_a_member_may_be_a_little_off() {
    let world = World::new();
    let at = |ahead_ms| read(&world, &signed(ahead_ms));
    let fine = json!({ "orders": [], "cursor": "" });
    check(vec![
        row("2: 5 s behind", at(-5_000), 200, fine.clone()),
        row("2: 5 s ahead", at(5_000), 200, fine.clone()),
        row("2: 10 s behind", at(-10_000), 200, fine.clone()),
        row("2: 10 s ahead", at(10_000), 200, fine.clone()),
        row("2: 30 s ahead", at(30_000), 200, fine),
        row("2: 30 s behind", at(-30_000), 401, expired()),
        row("2: 60 s behind", at(-60_000), 401, expired()),
        row("2: 60 s ahead", at(60_000), 401, expired()),
        row("2: 5 min behind", at(-300_000), 401, expired()),
        row("2: 5 min ahead", at(300_000), 401, expired()),
    ]);
}

#[test]
fn a_wrong_signature_is_told_in_four_ways() {
    let world = World::new();
    let changed = |place: usize, value: &str| {
        let mut headers = signed(0);
        headers[place].1 = value.to_owned();
        read(&world, &headers)
    };
    let missing = json!({ "error": { "code": "signature_is_missing_from_headers", "message": "signature is missing from headers" } });
    let incorrect = unauthenticated("INCORRECT_API_KEY_SIGNATURE");
    let of_path = |path: &str| read(&world, &signature(Who::Alice, "GET", path, 0));
    let without = |place: usize| {
        let headers: Vec<_> = signed(0).into_iter().enumerate().filter(|(at, _)| *at != place).collect();
        read(&world, &headers.into_iter().map(|(_, header)| header).collect::<Vec<_>>())
    };
    let mut rows: Vec<Row> =
        (0..3).map(|place| row("2: no header", without(place), 401, missing.clone())).collect();
    rows.extend([
        row("2: no headers", read(&world, &[]), 401, missing),
        row("2: unreadable time", changed(1, "yesterday"), 401, expired()),
        row("2: seconds", changed(1, "1790000000"), 401, expired()),
        row("2: another signature", changed(2, &signed(1)[2].1), 401, incorrect.clone()),
        row("2: no base64", changed(2, "!"), 401, incorrect.clone()),
        row("2: unknown key", changed(0, "nobody"), 401, unauthenticated("NOT_FOUND")),
        row("2: signed with the query", of_path(&format!("{READ}?limit=5")), 401, incorrect.clone()),
        row("2: signed without the base", of_path("/portfolio/orders"), 401, incorrect.clone()),
        row(
            "2: signed for another method",
            read(&world, &signature(Who::Alice, "POST", READ, 0)),
            401,
            incorrect,
        ),
    ]);
    check(rows);
}

#[test]
fn the_host_and_the_query_are_not_signed() {
    let world = World::new();
    let fine = json!({ "orders": [], "cursor": "" });
    let headers = signed(0);
    let hosted = |host: &str| {
        let mut all = headers.to_vec();
        all.push(("Host", host.to_owned()));
        read(&world, &all)
    };
    let queried = world.send(&request("GET", &format!("{READ}?limit=5"), &signed(0), None));
    check(vec![
        row("1: one signature on one host", hosted("demo-api.kalshi.co"), 200, fine.clone()),
        row("1: and on another", hosted("external-api.demo.kalshi.co"), 200, fine.clone()),
        row("2: without the query", queried, 200, fine),
    ]);
}

#[test]
fn an_unsigned_upgrade_is_refused() {
    let world = World::new();
    let upgrade = |headers: &[(&str, String)]| {
        let mut head =
            format!("GET {SOCKET} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
        head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        // The last request on the connection, so that it ends.
        head += &format!("\r\nGET {BASE}/exchange/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let mut answer = world.send(head.as_bytes());
        let length = answer.head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        answer.body.truncate(length.parse().unwrap());
        answer
    };
    let stale = signature(Who::Alice, "GET", SOCKET, -60_000);
    check(vec![
        row("2: unsigned upgrade", upgrade(&[]), 401, json!({ "code": "token_authentication_failure" })),
        row("2: old upgrade", upgrade(&stale), 401, expired()),
    ]);
}

#[test]
fn the_first_version_of_order_writes_is_gone() {
    let world = World::new();
    let gone = json!({ "error": { "code": "deprecated_v1_order_endpoint", "message": "<text>" } });
    let unsigned = world.send(&request("POST", &format!("{BASE}{ORDERS}"), &[], Some(&json!({}))));
    let missing = json!({ "error": { "code": "signature_is_missing_from_headers", "message": "signature is missing from headers" } });
    check(vec![
        row("0.1: create", world.post("/portfolio/orders", json!({})), 410, gone.clone()),
        row("0.1: cancel", world.delete("/portfolio/orders/x"), 410, gone.clone()),
        row("0.1: amend", world.post("/portfolio/orders/x/amend", json!({})), 410, gone.clone()),
        row("0.1: decrease", world.post("/portfolio/orders/x/decrease", json!({})), 410, gone),
        row("2: an unsigned write", unsigned, 401, missing),
    ]);
}
