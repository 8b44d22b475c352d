//! The shapes of recorded REST bodies, operation by operation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shape::{Findings, document, recording, schema_of};
use crate::world::{Who, World, order};

/// Recorded bodies of one operation and what this exchange answers to it.
struct Pair {
    template: &'static str,
    method: &'static str,
    status: u16,
    recorded: Vec<Value>,
    ours: Value,
    formats: bool,
}

/// Recorded before strings had their present formats.
const OLD: bool = false;
const CURRENT: bool = true;

fn check(pairs: Vec<Pair>) {
    let (mut all, mut bodies) = (Findings::default(), 0);
    for Pair { template, method, status, recorded, ours, formats } in pairs {
        all.formats = formats;
        for recorded in &recorded {
            all.compare(schema_of(method, template, status), recorded, &ours, template);
            bodies += 1;
        }
    }
    println!("{bodies} bodies; ours alone: {:#?}; not said here: {:#?}", all.ours, all.unsaid);
    assert!(all.differences.is_empty(), "{:#?}", all.differences);
}

/// An exchange in which everything has happened that a read can show.
struct Lived {
    world: World,
    ticker: String,
    settled: String,
    resting_id: String,
    group: Value,
}

fn lived() -> Lived {
    let world = World::with(|scenario| {
        scenario.usage_tier = "basic".to_owned();
        scenario.read_tokens_max = Some(100_000);
        scenario.write_tokens_max = Some(100_000);
        let calm = outrigger_simulator::Scenario::named("calm").unwrap();
        scenario.series.extend(calm.series.get(1).cloned());
        scenario.collections = calm.collections;
    });
    let ticker = world.market().to_owned();
    world.place(Who::Bob, order(&ticker, "ask", "0.52", "1"));
    world.place(Who::Alice, order(&ticker, "bid", "0.52", "1"));
    let resting_id = world.place(Who::Alice, order(&ticker, "bid", "0.10", "3"));
    let created = world.post("/portfolio/order_groups/create", json!({ "contracts_limit": 10 }));
    let group = created.json();
    let settled = world.fresh().to_owned();
    let settle = json!({ "action": "settle", "result": "yes" });
    assert_eq!(world.post(&format!("/control/markets/{settled}"), settle).status, 200);
    let path = format!("/markets/{settled}");
    world.until(&path, |answer| answer.json()["market"]["status"] == "finalized");
    Lived { world, ticker, settled, resting_id, group }
}

impl Lived {
    /// Reads an operation of the market, event and so on that this is about.
    fn get(&self, template: &'static str, query: &str, recorded: Vec<Value>, formats: bool) -> Pair {
        let mut path = format!("{template}{query}");
        for (name, value) in [
            ("series_ticker", self.ticker.split('-').next().unwrap()),
            ("event_ticker", self.ticker.rsplit_once('-').unwrap().0),
            ("ticker", &self.ticker),
            ("order_id", &self.resting_id),
            ("order_group_id", self.group["order_group_id"].as_str().unwrap()),
            ("collection_ticker", "KXSIMCOMBO-R"),
        ] {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        let answer = self.world.get(&path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        Pair { template, method: "get", status: 200, recorded, ours: answer.json(), formats }
    }
}

/// Returns the recorded replies that an old collection holds under a name.
fn golden(name: &str) -> Vec<Value> {
    let all = recording("rest_golden_2026_01/responses.jsonl.zst");
    all.iter().filter(|entry| entry["name"] == name).map(|entry| entry["response"].clone()).collect()
}

/// Returns what a step of a recorded scenario holds.
fn step(scenario: &str, name: &str) -> Vec<Value> {
    let all = recording(&format!("rest_rfq_scenarios_demo/scenario_{scenario}.jsonl.zst"));
    all.iter().filter(|entry| entry["step"] == name).map(|entry| entry["data"].clone()).collect()
}

/// Returns the values of a recording's objects, one file after the other.
fn values_of(file: &str, key: &str) -> Vec<(String, Value)> {
    let files = recording(file).into_iter();
    files.flat_map(|file| file[key].as_object().unwrap().clone()).collect()
}

/// Makes one reply of recorded markets; none if nothing was recorded.
fn listed(markets: Vec<Value>) -> Vec<Value> {
    if markets.is_empty() { vec![] } else { vec![json!({ "markets": markets, "cursor": "" })] }
}

fn recorded_candles() -> Vec<Value> {
    let markets = values_of("rest_sports_2026_08/candlesticks_mlb.json.zst", "markets").into_iter();
    markets
        .map(|(ticker, market)| json!({ "ticker": ticker, "candlesticks": market["candlesticks"] }))
        .collect()
}

fn recorded_books() -> Vec<Value> {
    let esports = recording("rest_esports_orderbooks_2026_07/orderbooks.jsonl.zst");
    let weather = recording("rest_weather_orderbooks_2026_07/orderbooks.jsonl.zst");
    let esports = esports.iter().map(|line| line["response"].clone());
    let weather = weather.iter().take(50).map(|line| json!({ "orderbook_fp": line["orderbook_fp"] }));
    esports.chain(weather).collect()
}

#[test]
fn market_data() {
    if document().is_none() {
        return;
    }
    let lived = lived();
    let crypto = recording("rest_crypto_markets_2026_07/markets.jsonl.zst");
    let crypto = crypto.into_iter().step_by(100).map(|line| line["market"].clone()).collect();
    let transitional = recording("rest_markets_transitional_2026_03/markets.jsonl.zst");
    let ended = recording("rest_sports_2026_08/markets_settled.json.zst").into_iter();
    let ended = ended.flat_map(|file| file["markets"].as_array().unwrap().clone());
    let ended = ended.filter(|market| market["status"] == "finalized").collect();
    let combos = recording("rest_sports_2026_08/combo_orderbooks.json.zst").into_iter();
    let combos = combos.map(|books| json!({ "orderbooks": books })).collect();
    let now_s = lived.world.get("/portfolio/balance").json()["updated_ts"].as_i64().unwrap();
    let span = format!("?start_ts={}&end_ts={}&period_interval=1", now_s - 60, now_s + 120);
    let candles = "/series/{series_ticker}/markets/{ticker}/candlesticks";
    let (settled, traded) = (format!("?tickers={}", lived.settled), format!("?tickers={}", lived.ticker));
    check(vec![
        lived.get("/markets", "?status=open", listed(crypto), CURRENT),
        lived.get("/markets", &settled, listed(ended), CURRENT),
        lived.get("/markets", "?status=open", listed(transitional), CURRENT),
        lived.get("/markets/{ticker}", "", step("accept_yes", "market_payload"), CURRENT),
        lived.get("/markets/{ticker}/orderbook", "", recorded_books(), CURRENT),
        lived.get("/markets/{ticker}/orderbook", "", step("accept_yes", "orderbook"), CURRENT),
        lived.get("/markets/orderbooks", &traded, combos, CURRENT),
        lived.get(candles, &span, recorded_candles(), CURRENT),
    ]);
}

#[test]
fn the_catalog() {
    if document().is_none() {
        return;
    }
    let lived = lived();
    let nested = recording("rest_sports_2026_08/events_sports_nested.json.zst").into_iter();
    let nested = nested.map(|events| json!({ "events": events, "cursor": "" })).collect();
    let terms = values_of("rest_sports_2026_08/series_fee_fields.json.zst", "payloads").into_iter();
    let terms = terms.map(|(_, series)| series).collect();
    let freshness = "/exchange/user_data_timestamp";
    check(vec![
        lived.get("/events", "?with_nested_markets=true", nested, CURRENT),
        lived.get("/events/{event_ticker}", "", golden("event_single"), OLD),
        lived.get("/events/{event_ticker}/metadata", "", golden("event_metadata"), OLD),
        lived.get("/series/{series_ticker}", "", terms, CURRENT),
        lived.get("/series", "", golden("series_list"), OLD),
        lived.get("/series/fee_changes", "", golden("series_fee_changes"), OLD),
        lived.get("/exchange/status", "", golden("exchange_status"), OLD),
        lived.get("/exchange/schedule", "", golden("exchange_schedule"), CURRENT),
        lived.get(freshness, "", golden("user_data_timestamp"), CURRENT),
        lived.get("/search/tags_by_categories", "", golden("tags_by_categories"), OLD),
        lived.get("/search/filters_by_sport", "", golden("filters_by_sport"), OLD),
        lived.get("/incentive_programs", "", golden("incentive_programs"), OLD),
        lived.get("/milestones", "?limit=5", golden("milestones_list"), OLD),
        lived.get("/structured_targets", "", golden("structured_targets_list"), OLD),
    ]);
}

#[test]
fn combos() {
    if document().is_none() {
        return;
    }
    let lived = lived();
    let listed = |event: &str| {
        let found = lived.world.get(&format!("/markets?status=open&series_ticker={event}&limit=1")).json();
        let market = &found["markets"][0];
        json!({ "event_ticker": market["event_ticker"], "market_ticker": market["ticker"], "side": "yes" })
    };
    let collection = "/multivariate_event_collections/KXSIMCOMBO-R";
    let legs = json!({ "selected_markets": [listed("KXSIMTEMP"), listed("KXSIMRATE")] });
    let made = lived.world.post(collection, legs);
    assert_eq!(made.status, 200, "{made:?}");
    let ticker = made.json()["market_ticker"].as_str().unwrap().to_owned();
    let combo = lived.world.get(&format!("/markets/{ticker}")).json();
    let quotes =
        ["yes_bid", "yes_ask", "no_bid", "no_ask"].map(|of| &combo["market"][format!("{of}_dollars")]);
    assert_eq!(quotes, ["0.0000", "0.0000", "1.0000", "1.0000"], "as recorded before anybody quoted");
    let pair = |template, method, name, ours| Pair {
        template,
        method,
        status: 200,
        recorded: golden(name),
        ours,
        formats: OLD,
    };
    let template = "/multivariate_event_collections/{collection_ticker}";
    check(vec![
        pair(template, "post", "multivariate_event_collection_lookup_tickers", made.json()),
        pair("/markets/{ticker}", "get", "market_single", combo),
        lived.get("/markets", "?mve_filter=only", golden("markets_list"), OLD),
        lived.get("/events/multivariate", "", golden("events_multivariate_list"), OLD),
        lived.get("/multivariate_event_collections", "", golden("multivariate_event_collections_list"), OLD),
        lived.get(template, "", golden("multivariate_event_collection_single"), OLD),
    ]);
}

#[test]
fn the_account() {
    if document().is_none() {
        return;
    }
    let lived = lived();
    let of_both = |name: &str| -> Vec<Value> {
        ["after_maker", "after_requester"]
            .iter()
            .flat_map(|at| step("accept_yes", at))
            .map(|data| data[name].clone())
            .collect()
    };
    let redacted = recording("rest_sports_2026_08/portfolio_fills_redacted.json.zst");
    let redacted = redacted.iter().map(|file| file["payload"].clone()).collect();
    let create = Pair {
        template: "/portfolio/order_groups/create",
        method: "post",
        status: 201,
        recorded: golden("order_group_create"),
        ours: lived.group.clone(),
        formats: CURRENT,
    };
    let (one, queue) =
        ("/portfolio/order_groups/{order_group_id}", "/portfolio/orders/{order_id}/queue_position");
    check(vec![
        create,
        lived.get(one, "", golden("order_group_single"), OLD),
        lived.get("/portfolio/balance", "?exchange_index=0", of_both("balance"), CURRENT),
        lived.get("/portfolio/positions", "", of_both("positions"), CURRENT),
        lived.get("/portfolio/positions", "", golden("portfolio_positions"), OLD),
        lived.get("/portfolio/fills", "", of_both("fills"), CURRENT),
        lived.get("/portfolio/fills", "", redacted, CURRENT),
        lived.get("/portfolio/orders", "", golden("portfolio_orders"), OLD),
        lived.get(queue, "", golden("order_queue_position"), OLD),
        lived.get("/portfolio/orders/queue_positions", "", golden("order_queue_positions"), OLD),
        lived.get("/account/limits", "", step("account_facts", "api_limits"), CURRENT),
        lived.get("/account/endpoint_costs", "", step("account_facts", "endpoint_costs"), CURRENT),
        lived.get("/communications/id", "", step("account_facts", "communications_id"), CURRENT),
    ]);
}

#[test]
fn a_quote_from_its_request_to_its_execution() {
    if document().is_none() {
        return;
    }
    let world = World::new();
    let ticker = world.market();
    let rfq = world.post(
        "/communications/rfqs",
        json!({ "market_ticker": ticker, "contracts_fp": "1.00", "rest_remainder": false }),
    );
    let rfq_id = rfq.json()["id"].as_str().unwrap().to_owned();
    let offer = json!({ "rfq_id": rfq_id, "yes_bid": "0.4800", "no_bid": "0.4800", "rest_remainder": false });
    let quote = world.post_as(Who::Bob, "/communications/quotes", offer);
    let quote_id = quote.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/communications/quotes/{quote_id}");
    let accepted =
        world.call(Who::Alice, "PUT", &format!("{path}/accept"), Some(json!({ "accepted_side": "yes" })));
    let confirmed = world.call(Who::Bob, "PUT", &format!("{path}/confirm"), Some(json!({})));
    assert_eq!((accepted.status, confirmed.status), (204, 204), "{accepted:?} {confirmed:?}");
    let begun = std::time::Instant::now();
    let executed = loop {
        let shown = world.call(Who::Bob, "GET", &path, None);
        if shown.json()["quote"]["status"] == "executed" {
            break shown.json();
        }
        assert!(begun.elapsed() < Duration::from_secs(40), "{shown:?}");
        std::thread::sleep(Duration::from_millis(100));
    };
    let pair = |template, method, status, recorded, ours| Pair {
        template,
        method,
        status,
        recorded,
        ours,
        formats: CURRENT,
    };
    let terminal = step("accept_yes", "quote_terminal").into_iter().map(|quote| json!({ "quote": quote }));
    let created = step("accept_yes", "quote_created").into_iter().map(|data| data["response"].clone());
    check(vec![
        pair("/communications/rfqs", "post", 201, step("accept_yes", "rfq_created"), rfq.json()),
        pair("/communications/quotes", "post", 201, created.collect(), quote.json()),
        pair("/communications/quotes/{quote_id}", "get", 200, terminal.collect(), executed),
    ]);
}
