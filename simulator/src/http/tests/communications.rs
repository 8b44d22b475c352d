//! The communications routes: every operation once, against the exchange's own OpenAPI document, and what is refused.

use std::collections::BTreeSet;

use serde_json::json;

use super::keys::generated;
use super::specification::{conforms, specification};
use super::*;
use crate::http::costs;
use crate::venue::combo::{Collection, SHARD};

/// The operations that were driven.
#[derive(Default)]
struct Contract {
    driven: BTreeSet<(String, String)>,
}

impl Contract {
    fn check(&mut self, method: &str, template: &str, answer: &Answer) {
        let method = method.to_lowercase();
        if answer.status < 400 {
            conforms(&method, template, answer);
        } else if let Some(document) = specification() {
            let declared = &document["paths"][template][&method]["responses"][answer.status.to_string()];
            assert!(declared.is_object(), "{method} {template}: {} is not declared", answer.status);
        }
        self.driven.insert((method, template.to_owned()));
    }

    /// Returns the operations of the document that were not driven.
    fn left(&self) -> Vec<(String, String)> {
        let paths = specification().into_iter().flat_map(|document| document["paths"].as_object().unwrap());
        let ours = paths.filter(|(path, _)| path.starts_with("/communications"));
        let all = ours.flat_map(|(path, operations)| {
            operations.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
        });
        all.filter(|operation| !self.driven.contains(operation)).collect()
    }
}

/// Sends a request to a path whose placeholders are filled in order, and holds the reply to the document.
async fn call<S, B>(
    contract: &mut Contract,
    client: &Client<S>,
    seed: u8,
    (method, template, ids): (&str, &str, &[&str]),
    body: Option<Value>,
) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let (bare, query) = template.split_once('?').unwrap_or((template, ""));
    let mut path = bare.to_owned();
    for id in ids {
        let (start, rest) = path.split_once('{').unwrap();
        path = format!("{start}{id}{}", rest.split_once('}').unwrap().1);
    }
    let path = if query.is_empty() { path } else { format!("{path}?{query}") };
    let answer = client.signed(seed, method.parse().unwrap(), &path, body).await;
    contract.check(method, bare, &answer);
    answer
}

const RFQS: &str = "/communications/rfqs";
const RFQ: &str = "/communications/rfqs/{rfq_id}";
const QUOTES: &str = "/communications/quotes";
const QUOTE: &str = "/communications/quotes/{quote_id}";
const SCOPED: &str = "/communications/rfqs/{rfq_id}/quotes/{quote_id}";
const BATCHES: &str = "/communications/rfq_batches";
const BATCH: &str = "/communications/rfq_batches/{rfq_batch_id}";
const BATCH_QUOTES: &str = "/communications/rfq_batches/{rfq_batch_id}/quotes";
const BATCH_QUOTE: &str = "/communications/rfq_batches/{rfq_batch_id}/quotes/{batch_quote_id}";
const BLOCKS: &str = "/communications/block-trade-proposals";

fn rfq(ticker: &str) -> Value {
    json!({ "market_ticker": ticker, "contracts_fp": "10", "rest_remainder": false })
}

fn quote(rfq_id: &str, yes: &str, no: &str) -> Value {
    json!({ "rfq_id": rfq_id, "yes_bid": yes, "no_bid": no, "rest_remainder": false })
}

fn id_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_str().unwrap().to_owned()
}

impl World {
    /// Lets members make combos, and gives them money where those trade.
    fn offer_combos(&self) {
        let now_us = wall_us();
        let collection = Collection {
            ticker: "KXMVE-R".to_owned(),
            series_ticker: "KXMVE".to_owned(),
            title: String::new(),
            description: String::new(),
            open_us: now_us - SECOND_US,
            close_us: now_us + HOUR_US,
            source_series: vec!["KXT".to_owned(), "KXU".to_owned()],
            size_min: 2,
            size_max: 3,
        };
        self.exchange.with(|venue| {
            venue.collections.by_ticker.insert("KXMVE-R".to_owned(), collection);
            for account in &mut venue.accounts {
                account.cash.insert(SHARD, 1_000_000_000);
            }
        });
    }

    /// Lets the exchange's own deadlines pass.
    fn pass(&self, seconds: i64) {
        self.exchange.with(|venue| venue.advance(wall_us() + seconds * SECOND_US));
    }
}

#[test]
fn every_operation_answers_as_specified() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let mut contract = Contract::default();
        let names = call(&mut contract, &client, 1, ("GET", "/communications/id", &[]), None).await;
        assert_eq!(names.body["communications_id"].as_str().unwrap().len(), 64);
        single(&world, &client, &mut contract).await;
        withdrawn(&client, &mut contract).await;
        batch(&world, &client, &mut contract).await;
        block(&world, &client, &mut contract).await;
        assert_eq!(contract.left(), []);
        assert_eq!(contract.driven.len(), 28);
    });
}

/// An RFQ that trades: read at every stage, by both sides.
async fn single<S, B>(world: &World, client: &Client<S>, contract: &mut Contract)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let ask = json!({
        "market_ticker": "KXT-26-A", "target_cost_dollars": "5.00", "rest_remainder": false,
        "obscure_creator_id": true, "target_cost_excludes_fees": true, "subaccount": 0,
    });
    let rfq_id = id_of(&call(contract, client, 1, ("POST", RFQS, &[]), Some(ask)).await);
    let mine = call(contract, client, 1, ("GET", RFQ, &[&rfq_id]), None).await.body["rfq"].clone();
    let theirs = call(contract, client, 2, ("GET", RFQ, &[&rfq_id]), None).await.body["rfq"].clone();
    assert_eq!((&mine["status"], &mine["creator_subaccount"]), (&json!("open"), &json!(0)));
    assert!(theirs["creator_id"] != mine["creator_id"] && theirs.get("creator_user_id").is_none());
    let quote_id =
        id_of(&call(contract, client, 2, ("POST", QUOTES, &[]), Some(quote(&rfq_id, "0.20", "0.75"))).await);
    for (template, ids) in [(QUOTE, vec![&*quote_id]), (SCOPED, vec![&*rfq_id, &*quote_id])] {
        let read = call(contract, client, 1, ("GET", template, &ids), None).await.body["quote"].clone();
        assert_eq!(
            (&read["yes_contracts_fp"], &read["no_contracts_fp"], &read["status"]),
            (&json!("6.25"), &json!("20.00"), &json!("open"))
        );
    }
    let ids = [&*rfq_id, &*quote_id];
    let side = json!({ "accepted_side": "yes" });
    let accept = format!("{SCOPED}/accept");
    let wrong = call(contract, client, 2, ("PUT", &accept, &ids), Some(side.clone())).await;
    assert_eq!(wrong.status, 404, "only the requester accepts");
    assert_eq!(call(contract, client, 1, ("PUT", &accept, &ids), Some(side)).await.status, 204);
    let confirm = format!("{SCOPED}/confirm");
    assert_eq!(call(contract, client, 1, ("PUT", &confirm, &ids), None).await.status, 404, "only the maker");
    assert_eq!(call(contract, client, 2, ("PUT", &confirm, &ids), Some(json!({}))).await.status, 204);
    world.pass(15);
    let done = call(contract, client, 2, ("GET", SCOPED, &ids), None).await.body["quote"].clone();
    assert_eq!((&done["status"], &done["contracts_fp"]), (&json!("executed"), &json!("6.25")));
    let fills = client.signed(2, Method::GET, "/portfolio/fills", None).await.body["fills"].clone();
    assert_eq!(fills[0]["order_id"], done["creator_order_id"], "the maker finds its fill");
    assert!(done.get("rfq_creator_order_id").is_none());
    let listed = call(contract, client, 2, ("GET", &format!("{RFQS}?status=closed"), &[]), None).await;
    assert_eq!(listed.body["rfqs"][0]["creator_id"], mine["creator_id"], "the trade reveals the name");
    let listed =
        call(contract, client, 1, ("GET", &format!("{QUOTES}?rfq_user_filter=self"), &[]), None).await;
    assert_eq!(listed.body["quotes"].as_array().unwrap().len(), 1);
    let positions = client.get("/portfolio/positions").await.body;
    assert_eq!(positions["market_positions"][0]["position_fp"], "-6.25");
}

/// RFQs and quotes that are withdrawn, and the paths without the RFQ.
async fn withdrawn<S, B>(client: &Client<S>, contract: &mut Contract)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let rfq_id = id_of(&call(contract, client, 1, ("POST", RFQS, &[]), Some(rfq("KXT-26-A"))).await);
    let again = call(contract, client, 1, ("POST", RFQS, &[]), Some(rfq("KXT-26-A"))).await;
    assert_eq!((again.status, again.code()), (409, "rfq_already_exists"));
    for template in [QUOTE, SCOPED] {
        let body = quote(&rfq_id, "0.40", "0");
        let quote_id = id_of(&call(contract, client, 2, ("POST", QUOTES, &[]), Some(body)).await);
        let ids: &[&str] = if template == QUOTE { &[&quote_id] } else { &[&rfq_id, &quote_id] };
        assert_eq!(call(contract, client, 1, ("DELETE", template, ids), None).await.status, 404);
        assert_eq!(call(contract, client, 2, ("DELETE", template, ids), None).await.status, 204);
        assert_eq!(call(contract, client, 2, ("DELETE", template, ids), None).await.status, 400);
    }
    let body = quote(&rfq_id, "0.40", "0");
    let quote_id = id_of(&call(contract, client, 2, ("POST", QUOTES, &[]), Some(body)).await);
    let side = json!({ "accepted_side": "yes" });
    let accept = format!("{QUOTE}/accept");
    assert_eq!(call(contract, client, 1, ("PUT", &accept, &[&quote_id]), Some(side)).await.status, 204);
    let confirm = format!("{QUOTE}/confirm");
    assert_eq!(call(contract, client, 2, ("PUT", &confirm, &[&quote_id]), None).await.status, 204);
    assert_eq!(call(contract, client, 1, ("DELETE", RFQ, &[&rfq_id]), None).await.status, 400, "agreed");
    let other = id_of(&call(contract, client, 1, ("POST", RFQS, &[]), Some(rfq("KXT-26-B"))).await);
    assert_eq!(call(contract, client, 2, ("DELETE", RFQ, &[&other]), None).await.status, 404);
    assert_eq!(call(contract, client, 1, ("DELETE", RFQ, &[&other]), None).await.status, 204);
    let ids = [&*other, &*quote_id];
    assert_eq!(call(contract, client, 2, ("GET", SCOPED, &ids), None).await.status, 404, "of another RFQ");
}

/// A batch that trades, and one that is deleted.
async fn batch<S, B>(world: &World, client: &Client<S>, contract: &mut Contract)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    world.offer_combos();
    let leg = |event: &str, market: &str| json!({ "event_ticker": event, "market_ticker": format!("{event}-{market}"), "side": "yes" });
    let child = |market: &str| json!({ "selected_markets": [leg("KXT-26", market), leg("KXU-26", "C")] });
    let mut body = json!({
        "children": [child("A"), child("B")], "mve_collection_ticker": "KXMVE-R", "contracts_fp": "3.00",
        "client_batch_id": "one",
    });
    let made = call(contract, client, 1, ("POST", BATCHES, &[]), Some(body.clone())).await;
    assert_eq!(made.status, 201, "{made:?}");
    let batch_id = made.body["rfq_batch"]["id"].as_str().unwrap();
    let rfqs = made.body["rfq_batch"]["rfqs"].as_array().unwrap();
    assert_eq!(rfqs[0]["mve_selected_legs"][1]["market_ticker"], "KXU-26-C");
    body["children"][0] = json!({ "market_ticker": rfqs[0]["market_ticker"] });
    let prices = rfqs.iter().map(|rfq| json!({ "rfq_id": rfq["id"], "yes_bid": "0.30", "no_bid": "0" }));
    let bids = json!({ "quotes": prices.collect::<Vec<_>>(), "rest_remainder": false });
    let first = call(contract, client, 2, ("POST", BATCH_QUOTES, &[batch_id]), Some(bids.clone())).await;
    let ids = [batch_id, &id_of(&first)];
    assert_eq!(call(contract, client, 2, ("DELETE", BATCH_QUOTE, &ids), None).await.status, 204);
    let second = call(contract, client, 2, ("POST", BATCH_QUOTES, &[batch_id]), Some(bids)).await;
    let best = format!("{BATCH}/best_quotes");
    assert_eq!(call(contract, client, 2, ("GET", &best, &[batch_id]), None).await.status, 403);
    let shown =
        call(contract, client, 1, ("GET", &best, &[batch_id]), None).await.body["best_quotes"].clone();
    assert_eq!((&shown["yes_complete"], &shown["no_complete"]), (&json!(true), &json!(false)));
    assert_eq!(shown["rfqs"][1]["yes_bid_dollars"], "0.3000");
    let limits = |bid: &str| -> Value {
        rfqs.iter().map(|rfq| json!({ "rfq_id": rfq["id"], "bid_dollars": bid })).collect()
    };
    let accept = format!("{BATCH}/accept");
    let body_of = |bid| Some(json!({ "accepted_side": "yes", "min_bids": limits(bid) }));
    let refused = call(contract, client, 1, ("PUT", &accept, &[batch_id]), body_of("0.31")).await;
    assert_eq!((refused.status, refused.code()), (409, "rfq_batch_quotes_changed"));
    let hidden = call(contract, client, 1, ("GET", BATCH_QUOTES, &[batch_id]), None).await;
    assert_eq!(hidden.body["batch_quotes"], json!([]), "single makers are not shown");
    let won = call(contract, client, 1, ("PUT", &accept, &[batch_id]), body_of("0.30")).await;
    assert_eq!(won.body["quotes"].as_array().unwrap().len(), 2, "{won:?}");
    let shown = call(contract, client, 1, ("GET", BATCH_QUOTES, &[batch_id]), None).await;
    assert_eq!(shown.body["batch_quotes"][0]["status"], "accepted");
    let ids = [batch_id, &id_of(&second)];
    let confirm = format!("{BATCH_QUOTE}/confirm");
    assert_eq!(call(contract, client, 2, ("PUT", &confirm, &ids), None).await.status, 204);
    world.pass(15);
    let read = call(contract, client, 1, ("GET", BATCH, &[batch_id]), None).await.body["rfq_batch"].clone();
    assert_eq!((&read["status"], &read["close_reason"]), (&json!("closed"), &json!("executed")));
    let next = with(body, "client_batch_id", "two");
    let made = call(contract, client, 1, ("POST", BATCHES, &[]), Some(next)).await;
    let second_id = made.body["rfq_batch"]["id"].as_str().unwrap();
    assert_eq!(call(contract, client, 1, ("DELETE", BATCH, &[second_id]), None).await.status, 204);
    let page = call(contract, client, 2, ("GET", &format!("{BATCHES}?limit=1"), &[]), None).await.body;
    assert_eq!(page["rfq_batches"].as_array().unwrap().len(), 1);
    assert_ne!(page["cursor"], "");
}

/// A block trade, from proposal to the public tape.
async fn block<S, B>(world: &World, client: &Client<S>, contract: &mut Contract)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let user = |id: usize| world.exchange.with(|venue| venue.accounts[id].user_id.to_string());
    let body = json!({
        "buyer_user_id": user(0), "seller_user_id": user(1), "market_ticker": "KXT-26-A",
        "price_centi_cents": 4_500, "centicount": 1_000, "maker_side": "no",
        "expiration_ts": "2099-01-01T00:00:00Z",
    });
    let proposed = call(contract, client, 1, ("POST", BLOCKS, &[]), Some(body)).await;
    assert_eq!(proposed.status, 201, "{proposed:?}");
    let id = proposed.body["block_trade_proposal_id"].as_str().unwrap();
    let accept = format!("{BLOCKS}/{{block_trade_proposal_id}}/accept");
    assert_eq!(call(contract, client, 1, ("POST", &accept, &[id]), None).await.status, 204);
    let subaccount = Some(json!({ "subaccount": 0 }));
    assert_eq!(call(contract, client, 2, ("POST", &accept, &[id]), subaccount).await.status, 204);
    let listed = call(contract, client, 2, ("GET", &format!("{BLOCKS}?status=executed"), &[]), None).await;
    let block = &listed.body["block_trade_proposals"][0];
    assert_eq!((&block["status"], &block["buyer_user_id"]), (&json!("executed"), &json!("")));
    assert!(block["seller_order_id"].is_string() && block.get("buyer_order_id").is_none());
    let blocks = client.public("/markets/trades?is_block_trade=true").await.body["trades"].clone();
    assert_eq!((blocks.as_array().unwrap().len(), &blocks[0]["count_fp"]), (1, &json!("10.00")));
    assert_eq!(blocks[0]["is_block_trade"], true);
    let others = client.public("/markets/trades?is_block_trade=false").await.body["trades"].clone();
    assert!(others.as_array().unwrap().iter().all(|trade| trade["is_block_trade"] == false));
}

#[test]
fn what_cannot_be_read_is_refused() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let bad = [
            json!({ "market_ticker": "KXT-26-A", "contracts_fp": "1" }),
            json!({ "market_ticker": "KXT-26-A", "rest_remainder": false }),
            with(rfq("KXT-26-A"), "target_cost_dollars", "5.00"),
            with(rfq("KXT-26-A"), "contracts", 9),
            with(rfq("KXT-26-A"), "target_cost_excludes_fees", true),
            with(rfq("KXT-26-A"), "subtrader_id", "x"),
            with(rfq("KXT-26-A"), "subaccount", 64),
            rfq("NO-SUCH"),
        ];
        for body in bad {
            let answer = client.post(RFQS, body.clone()).await;
            assert_eq!(answer.status, 400, "{body}: {answer:?}");
        }
        let queries = [
            "/communications/rfqs?cursor=garbage",
            "/communications/rfqs?limit=101",
            "/communications/rfqs?status=nope",
            "/communications/rfqs?user_filter=all",
            "/communications/rfqs?creator_user_id=x",
            "/communications/quotes?rfq_id=x",
            "/communications/quotes?cursor=garbage",
            "/communications/quotes?limit=501",
            "/communications/rfq_batches?limit=21",
            "/communications/rfq_batches?cursor=garbage",
            "/communications/block-trade-proposals?limit=101",
            "/communications/rfqs/x",
            "/communications/quotes/x",
        ];
        for query in queries {
            assert_eq!(client.get(query).await.status, 400, "{query}");
        }
        assert_eq!(client.public("/communications/id").await.status, 401);
        let fcm = json!({ "children": [], "subtrader_id": "x" });
        let answer = client.post(BATCHES, fcm).await;
        assert_eq!((answer.status, answer.code()), (403, "rfq_batch_unavailable"));
    });
}

#[test]
fn pages_of_rfqs_show_each_once() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for ticker in ["KXT-26-A", "KXT-26-B", "KXU-26-C"] {
            assert_eq!(client.post(RFQS, rfq(ticker)).await.status, 201);
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("{RFQS}?limit=2&cursor={cursor}")).await.body;
            let tickers = page["rfqs"].as_array().unwrap().iter();
            seen.extend(tickers.map(|rfq| rfq["market_ticker"].as_str().unwrap().to_owned()));
            cursor = page["cursor"].as_str().unwrap().to_owned();
            if cursor.is_empty() {
                break;
            }
        }
        assert_eq!(seen, ["KXU-26-C", "KXT-26-B", "KXT-26-A"], "newest first");
        let of_event = client.get(&format!("{RFQS}?event_ticker=KXT-26")).await.body;
        assert_eq!(of_event["rfqs"].as_array().unwrap().len(), 2);
        let own = client.signed(2, Method::GET, &format!("{RFQS}?user_filter=self"), None).await.body;
        assert_eq!(own["rfqs"], json!([]));
    });
}

#[test]
fn quotes_cost_two_tokens_and_more_where_the_rfq_is_not_named() {
    run(async {
        let bucket = Bucket { refill_rate: 1, bucket_capacity: 2 * costs::QUOTE };
        let limits = Limits { write: bucket, ..Setup::default().limits };
        let world = World::new(Setup { limits, ..Setup::default() });
        let client = client(&world).await;
        let absent = "00000000-0000-4000-8000-000000000000";
        let scoped = format!("/communications/rfqs/{absent}/quotes/{absent}");
        let unscoped = format!("/communications/quotes/{absent}");
        for _ in 0..2 {
            assert_eq!(client.delete(&scoped).await.status, 404);
        }
        assert_eq!(client.delete(&scoped).await.status, 429, "shard 1's bucket is empty");
        let elsewhere = format!("/portfolio/events/orders/{absent}?exchange_index=2");
        assert_eq!(client.delete(&elsewhere).await.status, 404, "other shards' are not");
        assert_eq!(client.delete(&unscoped).await.status, 429, "every shard's must hold the cost");
        let listed = client.public("/account/endpoint_costs").await.body;
        let path = json!("/trade-api/v2/communications/quotes");
        let create = listed["endpoint_costs"].as_array().unwrap().iter().find(|cost| cost["path"] == path);
        assert_eq!(create.unwrap()["cost"], 2);
    });
}

#[test]
fn a_locked_key_moves_what_its_subaccount_has_and_nothing_else() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        world.exchange.with(|venue| {
            let number = venue.open_subaccount(0).unwrap();
            let id = venue.subaccount(0, number).unwrap();
            venue.accounts[id].cash.insert(0, 100_000_000);
        });
        let (key, signer) = generated(&client, json!({ "name": "k", "subaccount": 1 })).await;
        let send = |method, path: String, body| client.send(signer.request(&key, method, &path, body));
        let primary = id_of(&client.post(RFQS, rfq("KXT-26-A")).await);
        let own = id_of(&send(Method::POST, RFQS.to_owned(), Some(rfq("KXT-26-B"))).await);
        assert_eq!(client.get(&format!("{RFQS}/{own}")).await.body["rfq"]["creator_subaccount"], 1);
        assert_eq!(send(Method::DELETE, format!("{RFQS}/{primary}"), None).await.status, 404);
        let quoted = quote(&primary, "0.40", "0");
        let quote_id = id_of(&client.signed(2, Method::POST, QUOTES, Some(quoted)).await);
        let accept = format!("{QUOTES}/{quote_id}/accept");
        let side = json!({ "accepted_side": "yes" });
        assert_eq!(send(Method::PUT, accept.clone(), Some(side.clone())).await.status, 404);
        assert_eq!(send(Method::GET, format!("{QUOTES}/{quote_id}"), None).await.status, 404);
        let listed = send(Method::GET, QUOTES.to_owned(), None).await.body;
        assert_eq!(listed["quotes"], json!([]));
        assert_eq!(client.signed(1, Method::PUT, &accept, Some(side)).await.status, 204);
        assert_eq!(send(Method::DELETE, format!("{RFQS}/{own}"), None).await.status, 204);
    });
}
