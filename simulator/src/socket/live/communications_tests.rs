//! The communications channel: every frame has its specified shape, and each member gets what is its to see.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::encode_communications;
use super::schema_tests::{encoded, specification};
use crate::host::Exchange;
use crate::socket::Feed;
use crate::socket::client::{Client, TestKey, run, serve};
use crate::venue::communications::model::Size;
use crate::venue::communications::notice::Notice;
use crate::venue::communications::tests::{bids, request, story, with_combos};
use crate::venue::communications::{NewProposal, OBSCURED_ID};
use crate::venue::event::Leg;
use crate::venue::tests::START;

fn frame(notice: &Notice, viewer: usize) -> Value {
    encoded(|to| encode_communications::notice(to, 3, 7, notice, viewer))
}

/// The frames of the story as one member gets them.
fn frames_of(viewer: usize) -> Vec<Value> {
    let story = story();
    story.iter().filter(|notice| notice.is_for(viewer, false)).map(|notice| frame(notice, viewer)).collect()
}

fn of_kind<'a>(frames: &'a [Value], kind: &str) -> Vec<&'a Value> {
    frames.iter().filter(|frame| frame["type"] == kind).map(|frame| &frame["msg"]).collect()
}

/// `rfq_created` becomes `rfqCreatedPayload`.
fn schema_name(kind: &str) -> String {
    let mut words = kind.split('_');
    let first = words.next().unwrap().to_owned();
    let rest = words.map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    format!("{}Payload", first + &rest.collect::<String>())
}

/// Members of an object that its schema does not know, in lists of objects too.
fn unknown(schema: &Value, value: &Value) -> Vec<String> {
    let Some(members) = value.as_object() else { return Vec::new() };
    let known = &schema["properties"];
    let mut unknown = Vec::new();
    for (key, value) in members {
        match known.get(key) {
            None => unknown.push(key.clone()),
            Some(schema) => {
                let items = value.as_array().into_iter().flatten();
                unknown.extend(items.flat_map(|item| self::unknown(&schema["items"], item)));
            }
        }
    }
    unknown
}

#[test]
fn every_frame_has_the_shape_of_the_specification() {
    let Some(specification) = specification() else { return };
    let mut kinds = BTreeSet::new();
    for frame in (0..4).flat_map(frames_of) {
        let name = schema_name(frame["type"].as_str().unwrap());
        let schema = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": specification["components"],
        });
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&frame).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?} in {frame}");
        let known = &specification["components"]["schemas"][&name]["properties"]["msg"];
        assert_eq!(unknown(known, &frame["msg"]), [""; 0], "{name}");
        kinds.insert(name);
    }
    assert_eq!(kinds.len(), 12, "{kinds:?}");
}

#[test]
fn a_hidden_name_is_hidden_from_others_until_the_trade() {
    let (mine, makers) = (frames_of(0), frames_of(1));
    let name = of_kind(&mine, "rfq_created")[0]["creator_id"].clone();
    assert_ne!(name, OBSCURED_ID);
    assert_eq!(of_kind(&makers, "rfq_created")[0]["creator_id"], OBSCURED_ID);
    assert_eq!(of_kind(&makers, "quote_accepted")[0]["rfq_creator_id"], OBSCURED_ID);
    assert_eq!(of_kind(&makers, "quote_executed")[0]["rfq_creator_id"], name, "its trade reveals it");
    assert_eq!(of_kind(&makers, "batch_quote_accepted")[0]["rfq_creator_id"], OBSCURED_ID);
    assert_eq!(of_kind(&makers, "batch_quote_executed")[0]["rfq_creator_id"], name);
    assert_eq!(of_kind(&frames_of(3), "rfq_created")[0]["creator_id"], OBSCURED_ID);
}

#[test]
fn each_side_learns_its_own_order_and_subaccount() {
    let (mine, makers) = (frames_of(0), frames_of(1));
    let (own, theirs) = (of_kind(&mine, "quote_executed")[0], of_kind(&makers, "quote_executed")[0]);
    assert_eq!(own["quote_id"], theirs["quote_id"]);
    assert_ne!(own["order_id"], theirs["order_id"]);
    assert_ne!(own["client_order_id"], theirs["client_order_id"]);
    assert_eq!((own.get("subaccount"), theirs.get("subaccount")), (Some(&json!(0)), None));
    let accepted = of_kind(&makers, "quote_accepted")[0];
    // 5 dollars buy 6.25 contracts of whoever bids 0.20 for the other side.
    assert_eq!(
        (&accepted["accepted_side"], &accepted["contracts_accepted_fp"]),
        (&json!("yes"), &json!("6.25"))
    );
    assert_eq!(accepted["no_contracts_offered_fp"], "20.00");
}

#[test]
fn strangers_hear_of_requests_only_and_makers_of_their_own_bids() {
    let kinds = |viewer| -> BTreeSet<String> {
        frames_of(viewer).iter().map(|frame| frame["type"].as_str().unwrap().to_owned()).collect()
    };
    let public = ["rfq_batch_created", "rfq_batch_deleted", "rfq_created", "rfq_deleted"];
    assert_eq!(kinds(3), BTreeSet::from(public.map(str::to_owned)));
    assert!(!kinds(0).contains("batch_quote_created"), "bids of single makers are not the creator's to see");
    assert!(!kinds(1).contains("rfq_batch_best_quotes") && !kinds(1).contains("rfq_batch_executed"));
    assert_eq!(of_kind(&frames_of(1), "batch_quote_created").len(), 1);
    assert_eq!(
        of_kind(&frames_of(1), "batch_quote_executed")[0]["executed_rfq_ids"].as_array().unwrap().len(),
        1
    );
    // Those who took part in an executed batch have words of their own for its end.
    let deleted = |viewer| of_kind(&frames_of(viewer), "rfq_batch_deleted").len();
    assert_eq!((deleted(0), deleted(1), deleted(3)), (1, 1, 2));
}

#[test]
fn legs_are_listed_once_and_named_by_index() {
    let frames = frames_of(3);
    let created = of_kind(&frames, "rfq_batch_created")[0];
    assert_eq!(created["legs"].as_array().unwrap().len(), 3);
    assert_eq!(created["rfqs"][0]["leg_indices"], json!([0, 1]));
    assert_eq!(created["rfqs"][1]["leg_indices"], json!([0, 2]));
}

async fn subscribe(addr: SocketAddr, seed: u8, key_id: &str, params: &str) -> Client {
    let mut client = Client::connect_as(addr, &TestKey::new(seed), key_id).await;
    let params = format!(r#""channels":["communications"]{params}"#);
    client.send(&format!(r#"{{"id":1,"cmd":"subscribe","params":{{{params}}}}}"#)).await;
    client
}

fn exchange() -> (Arc<Exchange>, SocketAddr) {
    let exchange = Arc::new(Exchange::new(with_combos(&[&[0, 1], &[0, 2]])));
    let (addr, _stop) = serve(Feed::live(Arc::clone(&exchange)));
    (exchange, addr)
}

#[test]
fn the_channel_is_numbered_and_filtered_per_subscription() {
    run(async {
        let (exchange, addr) = exchange();
        let mut all = subscribe(addr, 1, "test-key", "").await;
        let mut own = subscribe(addr, 2, "other-key", r#","user_filter":"self""#).await;
        for client in [&mut all, &mut own] {
            assert_eq!(client.json().await["type"], "subscribed");
        }
        let ask = |ticker| request(ticker, Size::Contracts(100));
        exchange.with(|venue| {
            let id = venue.create_rfq(0, &ask("KXT-1"), START).unwrap();
            let quote = venue.create_quote(1, &bids(&id, 4_000, 0), START).unwrap();
            venue.accept_quote(0, &quote, Leg::Yes, START).unwrap();
            venue.create_rfq(1, &ask("KXMVE-0"), START).unwrap();
        });
        for (seq, kind) in
            ["rfq_created", "quote_created", "quote_accepted", "rfq_created"].iter().enumerate()
        {
            let frame = all.json().await;
            assert_eq!((&frame["type"], &frame["seq"]), (&json!(kind), &json!(seq + 1)), "{frame}");
        }
        for (seq, kind) in ["quote_created", "quote_accepted", "rfq_created"].iter().enumerate() {
            let frame = own.json().await;
            assert_eq!((&frame["type"], &frame["seq"]), (&json!(kind), &json!(seq + 1)), "{frame}");
        }
    });
}

#[test]
fn shards_together_are_the_channel() {
    run(async {
        let (exchange, addr) = exchange();
        let mut shards = Vec::new();
        for key in 0..2 {
            let params = format!(r#","shard_factor":2,"shard_key":{key}"#);
            let mut client = subscribe(addr, 1, "test-key", &params).await;
            assert_eq!(client.json().await["type"], "subscribed");
            shards.push(client);
        }
        let tickers = ["KXT-1", "KXMVE-0", "KXMVE-1"];
        exchange.with(|venue| {
            for ticker in tickers {
                venue.create_rfq(0, &request(ticker, Size::Contracts(100)), START).unwrap();
            }
        });
        let [one, other] = shards.as_mut_slice() else { panic!("two shards") };
        let (mut seen, mut counts) = (Vec::new(), [0, 0]);
        for _ in tickers {
            let (shard, frame) = tokio::select! {
                frame = one.json() => (0, frame),
                frame = other.json() => (1, frame),
            };
            counts[shard] += 1;
            seen.push(frame["msg"]["market_ticker"].as_str().unwrap().to_owned());
        }
        assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
        seen.sort();
        let mut expected = tickers.to_vec();
        expected.sort_unstable();
        assert_eq!(seen, expected);
    });
}

#[test]
fn impossible_shards_are_refused_by_their_codes() {
    run(async {
        let (_exchange, addr) = exchange();
        let cases = [
            (r#","shard_factor":0,"shard_key":0"#, 19),
            (r#","shard_key":1"#, 20),
            (r#","shard_factor":2,"shard_key":2"#, 21),
            (r#","shard_factor":101,"shard_key":0"#, 22),
        ];
        for (params, code) in cases {
            let frame = subscribe(addr, 1, "test-key", params).await.json().await;
            assert_eq!((&frame["type"], &frame["msg"]["code"]), (&json!("error"), &json!(code)), "{frame}");
        }
    });
}

#[test]
fn a_block_trade_is_marked_on_the_tape() {
    run(async {
        let (exchange, addr) = exchange();
        let mut client = Client::connect(addr).await;
        client.send(r#"{"id":1,"cmd":"subscribe","params":{"channels":["trade"]}}"#).await;
        assert_eq!(client.json().await["type"], "subscribed");
        exchange.with(|venue| {
            let proposal = NewProposal {
                buyer_user_id: venue.accounts[0].user_id.to_string(),
                buyer_subaccount: None,
                seller_user_id: venue.accounts[1].user_id.to_string(),
                seller_subaccount: None,
                ticker: "KXT-1".into(),
                price: 4_500,
                count: 1_000,
                maker_side: Leg::Yes,
                expires_us: START + 1_000_000,
            };
            let id = venue.propose_block(0, &proposal, START).unwrap();
            venue.accept_block(0, &id, None, START).unwrap();
            venue.accept_block(1, &id, None, START).unwrap();
        });
        let trade = client.json().await["msg"].clone();
        assert_eq!((&trade["is_block_trade"], &trade["count_fp"]), (&json!(true), &json!("10.00")));
        assert_eq!(trade["taker_side"], "no", "the buyer made the price");
    });
}
