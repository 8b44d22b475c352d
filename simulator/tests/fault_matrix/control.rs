//! The control routes.

use outrigger_simulator::{Options, Pace};
use serde_json::{Value, json};

use crate::world::{Client, ORDERS, World};

#[tokio::test]
async fn there_is_no_control_without_asking_for_it() {
    let world = World::with("[[faults]]\nroute = 'GET /markets'\nfault = 'drop'\nnth = 99");
    for (method, path) in [
        ("GET", "/control/faults"),
        ("POST", "/control/faults"),
        ("DELETE", "/control/faults"),
        ("POST", "/control/trading"),
        ("POST", "/control/disconnect"),
    ] {
        assert_eq!(world.call(method, path, Some(&json!({ "paused": true }))).status, 404, "{method} {path}");
    }
    world.streams_well().await;
}

#[test]
fn rules_are_set_counted_and_cleared_while_running() {
    let world = World::controlled();
    let rule = json!({ "route": "GET /exchange/status", "fault": "status", "status": 500, "every": 2 });
    assert_eq!(world.post("/control/faults", rule).json()["id"], 1);
    let statuses: Vec<u16> = (0..4).map(|_| world.get("/exchange/status").status).collect();
    assert_eq!(statuses, [200, 500, 200, 500]);
    let listed = world.get("/control/faults").json();
    let expected = json!({
        "id": 1, "seen": 4, "hits": 2,
        "route": "GET /exchange/status", "fault": "status", "status": 500, "every": 2,
    });
    assert_eq!(listed["faults"], json!([expected]));
    for (bad, told) in [
        (json!({ "route": "GET /markets", "fault": "explode" }), "a route has no fault \"explode\""),
        (json!({ "route": "GET /markets", "fault": "drop", "nht": 1 }), "unknown field `nht`"),
        (json!({ "fault": "drop" }), "where?"),
    ] {
        let refused = world.post("/control/faults", bad);
        let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(refused.status == 400 && message.contains(told), "{message}");
    }
    assert_eq!(world.call("DELETE", "/control/faults/7", None).status, 404);
    assert_eq!(world.call("DELETE", "/control/faults/1", None).json()["removed"], 1);
    world.post("/control/faults", json!({ "socket": "frame", "fault": "mute" }));
    assert_eq!(world.call("DELETE", "/control/faults", None).json()["removed"], 1);
    assert_eq!(world.get("/control/faults").json()["faults"], json!([]));
    world.is_well();
}

#[tokio::test]
async fn markets_are_moved_through_their_lives() {
    let world = World::controlled();
    let ticker = world.markets[0].clone();
    let path = format!("/control/markets/{ticker}");
    let mut client = Client::connect(world.addr).await.unwrap();
    client
        .send(json!({ "id": 1, "cmd": "subscribe", "params": { "channels": ["market_lifecycle_v2"] } }))
        .await;
    assert_eq!(client.json().await["type"], "subscribed");
    for (action, status, events) in [
        (json!({ "action": "pause" }), "inactive", &["deactivated"][..]),
        (json!({ "action": "resume" }), "active", &["activated"]),
        (json!({ "action": "grid", "grid": "deci_cent" }), "active", &["price_level_structure_updated"]),
        (json!({ "action": "rename", "yes_sub_title": "63°" }), "active", &["metadata_updated"]),
        (json!({ "action": "close" }), "closed", &["close_date_updated"]),
        (json!({ "action": "move_close", "close_in": "1h" }), "active", &["close_date_updated", "activated"]),
        (json!({ "action": "close" }), "closed", &["close_date_updated"]),
        (json!({ "action": "determine", "result": "no" }), "determined", &["determined"]),
        (json!({ "action": "dispute" }), "disputed", &[]),
        (json!({ "action": "amend", "result": "scalar", "value": "0.4325" }), "amended", &[]),
        (json!({ "action": "determine", "result": "yes" }), "determined", &["determined"]),
        (json!({ "action": "settle" }), "finalized", &["settled"]),
    ] {
        let moved = world.post(&path, action.clone());
        assert_eq!((moved.status, &moved.json()["status"]), (200, &json!(status)), "{action}");
        for event in events {
            let frame = loop {
                let frame = client.json().await;
                if frame["msg"]["market_ticker"] == *ticker {
                    break frame;
                }
            };
            assert_eq!(frame["msg"]["event_type"], *event);
        }
    }
    let market = world.get(&format!("/markets/{ticker}")).json()["market"].clone();
    assert_eq!((&market["result"], &market["yes_sub_title"]), (&json!("yes"), &json!("63°")));
    let ranges = json!([{ "start": "0.0000", "end": "1.0000", "step": "0.0010" }]);
    assert_eq!((&market["price_level_structure"], &market["price_ranges"]), (&json!("deci_cent"), &ranges));
    for (path, action, expected, told) in [
        (path.as_str(), json!({ "action": "pause" }), 400, "a finalized market cannot be paused"),
        (path.as_str(), json!({ "action": "explode" }), 400, "expected one of `pause`"),
        (path.as_str(), json!({ "action": "settle", "result": "maybe" }), 400, "`yes`, `no`, `scalar`"),
        ("/control/markets/NOWHERE", json!({ "action": "close" }), 404, "market not found"),
    ] {
        let refused = world.post(path, action);
        assert_eq!(refused.status, expected);
        assert!(refused.json()["error"]["message"].as_str().unwrap().contains(told), "{told}");
    }
    world.streams_well().await;
}

#[tokio::test]
async fn trading_and_the_exchange_pause_and_resume() {
    let world = World::controlled();
    for (path, active, code) in [
        ("/control/trading", (true, false), "trading_is_paused"),
        ("/control/exchange", (false, false), "exchange_is_paused"),
    ] {
        assert_eq!(world.post(path, json!({ "paused": true })).status, 200);
        let status = world.get("/exchange/status").json();
        assert_eq!(
            (&status["exchange_active"], &status["trading_active"]),
            (&json!(active.0), &json!(active.1))
        );
        assert_eq!(world.post(ORDERS, world.order(code)).json()["error"]["code"], code);
        assert_eq!(world.post(path, json!({ "paused": false })).status, 200);
    }
    assert_eq!(world.post("/control/trading", json!({})).status, 400);
    world.streams_well().await;
}

#[test]
fn stepped_time_moves_when_told() {
    let world = World::start(Options { pace: Pace::Stepped, control: true, ..Options::default() });
    let now_ms = |ms: i64| {
        let stepped = world.post("/control/time", json!({ "step_ms": ms }));
        assert_eq!(stepped.status, 200);
        stepped.json()["now_ms"].as_i64().unwrap()
    };
    let before = now_ms(0);
    assert_eq!(now_ms(1_500), before + 1_500);
    assert_eq!(world.post("/control/time", json!({ "step_ms": -1 })).status, 400);
    assert_eq!(World::controlled().post("/control/time", json!({ "step_ms": 1 })).status, 409);
    world.is_well();
}

#[tokio::test]
async fn all_sockets_end_at_once() {
    let world = World::controlled();
    for how in ["drop", "close", "reset"] {
        let mut clients = Vec::new();
        for _ in 0..3 {
            let mut client = Client::connect(world.addr).await.unwrap();
            client.subscribe("ticker", &world.markets[0]).await;
            clients.push(client);
        }
        let cut = world.post("/control/disconnect", json!({ "how": how, "refuse_ms": 1_000 }));
        assert_eq!(cut.json(), json!({ "disconnected": 3 }), "{how}");
        for client in &mut clients {
            let mut end = client.next().await;
            while matches!(&end, Ok(Some(message)) if message.is_text()) {
                end = client.next().await;
            }
            assert_eq!(matches!(end, Ok(Some(message)) if message.is_close()), how == "close", "{how}");
        }
        assert!(Client::connect(world.addr).await.is_err());
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    }
    let refused: Value = world.post("/control/disconnect", json!({ "how": "gently" })).json();
    assert!(refused["error"]["message"].as_str().unwrap().contains("close, drop or reset"));
    world.streams_well().await;
}
