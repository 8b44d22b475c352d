//! Scenarios on the wire: the same tape every time, the weekly pause, and the document's examples.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use outrigger_simulator::{Options, Pace, Scenario};
use serde_json::{Value, json};

use crate::world::{Client, ORDERS, World, order};

const START_US: i64 = 1_790_000_000_000_000;
const CHANNELS: [&str; 9] = [
    "orderbook_delta",
    "ticker",
    "trade",
    "fill",
    "user_orders",
    "market_positions",
    "market_lifecycle_v2",
    "multivariate_market_lifecycle",
    "order_group_updates",
];

/// Plays a minute of a scenario to a client of everything who trades, and returns the tape.
async fn tape_of(scenario: &str, seed: u64, path: PathBuf) -> Vec<u8> {
    let options = Options {
        seed,
        pace: Pace::Stepped,
        start_us: Some(START_US),
        tape: Some(path.clone()),
        ..Options::default()
    };
    let world = World::play(scenario, options);
    let listed = world.get("/markets?status=open&limit=1000").json();
    let tickers: Vec<&Value> =
        listed["markets"].as_array().unwrap().iter().map(|market| &market["ticker"]).collect();
    let mut client = Client::connect(world.addr).await.unwrap();
    for (id, channel) in CHANNELS.iter().enumerate() {
        let params = if *channel == "orderbook_delta" {
            json!({ "channels": [channel], "market_tickers": tickers })
        } else {
            json!({ "channels": [channel] })
        };
        client.send(json!({ "id": id + 1, "cmd": "subscribe", "params": params })).await;
        while client.json().await["type"] != "subscribed" {}
    }
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = client.stream.next().await {} });
    for round in 0..12 {
        let market = &world.markets[round % 2];
        let mut taking = order(market, &format!("take-{round}"));
        taking["price"] = json!("0.9900");
        taking["time_in_force"] = json!("immediate_or_cancel");
        assert_eq!(world.post(ORDERS, taking).status, 201);
        let placed = world.post(ORDERS, order(market, &format!("rest-{round}"))).json();
        world.running().step(5_000);
        if round % 3 == 0 {
            let id = placed["order_id"].as_str().unwrap();
            world.call("DELETE", &format!("{ORDERS}/{id}"), None);
        }
    }
    drop(world);
    reading.await.unwrap();
    std::fs::read(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_scenario_seed_start_and_steps_make_the_same_tape() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let one = tape_of("news-shock", 7, at("one")).await;
    let again = tape_of("news-shock", 7, at("again")).await;
    let lines = |tape: &[u8]| String::from_utf8(tape.to_vec()).unwrap();
    let (one, again) = (lines(&one), lines(&again));
    for (number, (one, again)) in one.lines().zip(again.lines()).enumerate() {
        assert_eq!(one, again, "line {}", number + 1);
    }
    assert_eq!(one.len(), again.len());
    let types: BTreeSet<String> = one
        .lines()
        .filter_map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["frame"]["type"].as_str().map(str::to_owned)
        })
        .collect();
    for kind in ["orderbook_delta", "ticker", "trade", "fill", "user_order", "market_position"] {
        assert!(types.contains(kind), "no {kind} in {types:?}");
    }
    assert!(one.lines().count() > 5_000, "{} lines", one.lines().count());
    assert_ne!(one.as_bytes(), tape_of("news-shock", 8, at("other")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_end_as_the_weekly_pause_begins_and_as_it_ends() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    for (start, is_open_before) in [("2026-11-19T07:59:59Z", true), ("2026-11-19T09:59:59Z", false)] {
        let options = Options { pace: Pace::Stepped, start_us: Some(at(start)), ..Options::default() };
        let world = World::play("maintenance-night", options);
        let trading = || world.get("/exchange/status").json()["trading_active"] == true;
        assert_eq!(trading(), is_open_before, "{start}");
        let mut client = Client::connect(world.addr).await.unwrap();
        client.subscribe("user_orders", &world.markets[0]).await;
        world.running().step(1_500);
        let end = client.next().await;
        assert!(matches!(&end, Ok(Some(message)) if message.is_close()), "{start}: {end:?}");
        assert_eq!(trading(), !is_open_before, "{start}");
        let status = world.get("/exchange/status").json();
        assert_eq!(status["exchange_active"], true);
        let resumes = status["exchange_estimated_resume_time"].as_str().map(at);
        assert_eq!(resumes, is_open_before.then(|| at("2026-11-19T10:00:00Z")), "{start}");
        let schedule = &world.get("/exchange/schedule").json()["schedule"];
        let thursday = schedule["standard_hours"][0]["thursday"].clone();
        assert_eq!(
            (&thursday[0]["close_time"], &thursday[1]["open_time"]),
            (&json!("03:00"), &json!("05:00"))
        );
        let week = if is_open_before { "2026-11-19" } else { "2026-11-26" };
        let window = schedule["maintenance_windows"][0]["start_datetime"].as_str().unwrap();
        assert_eq!(at(window), at(&format!("{week}T08:00:00Z")));
        let mut again = Client::connect(world.addr).await.unwrap();
        again.subscribe("orderbook_delta", &world.markets[0]).await;
        assert_eq!(again.json().await["type"], "orderbook_snapshot");
    }
}

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api/scenarios.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_example_of_the_document_is_a_scenario() {
    let document = document();
    let directory = tempfile::tempdir().unwrap();
    let examples: Vec<&str> =
        document.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for (index, text) in examples.iter().enumerate() {
        let path = directory.path().join(format!("{index}.toml"));
        std::fs::write(&path, text).unwrap();
        let scenario = Scenario::from_file(&path).unwrap();
        assert!(!scenario.schedule.is_empty() && !scenario.series.is_empty(), "{text}");
    }
}

/// Returns the first column of the table below a heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let document = document();
    let section = document.split(heading).nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    let rows = section.lines().filter(|row| !row.starts_with("| `do`"));
    let rows = rows.filter_map(|row| row.strip_prefix("| `"));
    rows.flat_map(|row| {
        row.split(" |").next().unwrap().split("`, `").map(|name| name.replace('`', "")).collect::<Vec<_>>()
    })
    .collect()
}

/// Returns the choices that a refused file is told.
fn choices(text: &str) -> BTreeSet<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mistake.toml");
    std::fs::write(&path, text).unwrap();
    let told = Scenario::from_file(&path).unwrap_err().to_string();
    let listed = told.split("expected one of ").nth(1).unwrap().lines().next().unwrap().to_owned();
    listed.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

#[test]
fn the_document_has_every_name_key_and_action() {
    let names: BTreeSet<String> = Scenario::names().iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(documented("## Names"), names);
    assert_eq!(documented("## Keys"), choices("x_unknown = 1"));
    assert_eq!(documented("## Schedule"), choices("[[schedule]]\nat = '1s'\ndo = 'x_unknown'"));
}
