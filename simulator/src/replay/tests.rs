//! Plays our own small recordings, and one of the shared ones, to a raw client over a real socket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::{NoBook, Recording, ReplayError};
use crate::socket::Feed;
use crate::socket::client::{Client, run, serve};

const A: &str = "KXFIXTURE-26NOV21-A";
const B: &str = "KXFIXTURE-26NOV21-B";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/replay").join(name)
}

fn open(name: &str) -> Arc<Recording> {
    Recording::open(&fixture(name), 0.0).unwrap()
}

async fn connect(recording: &Arc<Recording>) -> Client {
    let (addr, _stop) = serve(Feed::replay(Arc::clone(recording)));
    Client::connect(addr).await
}

fn subscribe(channels: &str, tickers: &[&str]) -> String {
    let tickers = serde_json::to_string(tickers).unwrap();
    format!(
        r#"{{"id":11,"cmd":"subscribe","params":{{"channels":[{channels}],"market_tickers":{tickers}}}}}"#
    )
}

/// Subscribes to books and returns the acknowledgement and the next `count` frames.
async fn play_books(name: &str, tickers: &[&str], count: usize) -> (Arc<Recording>, Client, Vec<Value>) {
    let recording = open(name);
    let mut client = connect(&recording).await;
    client.send(&subscribe(r#""orderbook_delta""#, tickers)).await;
    let ack = client.json().await;
    assert_eq!(ack["type"], "subscribed");
    assert_eq!((&ack["id"], &ack["msg"]["sid"]), (&Value::from(11), &Value::from(1)));
    let mut frames = Vec::new();
    for _ in 0..count {
        frames.push(client.json().await);
    }
    (recording, client, frames)
}

fn seqs(frames: &[Value]) -> Vec<u64> {
    frames.iter().filter_map(|frame| frame["seq"].as_u64()).collect()
}

/// Asks something harmless and returns its answer: nothing else may come before it.
async fn assert_silent(client: &mut Client) {
    client.send(r#"{"id":77,"cmd":"list_subscriptions"}"#).await;
    let answer = client.json().await;
    assert_eq!(answer["id"], 77, "unexpected {answer}");
}

type Side = BTreeMap<String, i64>;

fn hundredths(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap();
    let magnitude: i64 = format!("{}{fraction}", whole.trim_start_matches('-')).parse().unwrap();
    if text.starts_with('-') { -magnitude } else { magnitude }
}

/// Builds books from frames, independent of the code under test.
fn rebuild<'a>(frames: impl Iterator<Item = &'a Value>) -> BTreeMap<String, [Side; 2]> {
    let mut books: BTreeMap<String, [Side; 2]> = BTreeMap::new();
    for frame in frames {
        let message = &frame["msg"];
        let ticker = message["market_ticker"].as_str().unwrap_or_default().to_owned();
        if frame["type"] == "orderbook_snapshot" {
            let side = |key: &str| -> Side {
                let levels = message[key].as_array().cloned().unwrap_or_default();
                let pair = |level: &Value| {
                    (level[0].as_str().unwrap().to_owned(), hundredths(level[1].as_str().unwrap()))
                };
                levels.iter().map(pair).collect()
            };
            books.insert(ticker, [side("yes_dollars_fp"), side("no_dollars_fp")]);
        } else if frame["type"] == "orderbook_delta" {
            let book = books.get_mut(&ticker).unwrap();
            let side = &mut book[usize::from(message["side"] == "no")];
            let price = message["price_dollars"].as_str().unwrap().to_owned();
            let level = side.entry(price.clone()).or_default();
            *level += hundredths(message["delta_fp"].as_str().unwrap());
            if *level == 0 {
                side.remove(&price);
            }
        }
    }
    books
}

fn shown(recording: &Recording, ticker: &str) -> [Side; 2] {
    let view = recording.orderbook(ticker).unwrap();
    [view.yes, view.no]
        .map(|side| side.into_iter().map(|(price, count)| (price, hundredths(&count))).collect())
}

#[test]
fn a_clean_recording_arrives_whole_and_its_books_are_shown() {
    run(async {
        let recording = open("clean.jsonl");
        assert_eq!(recording.orderbook(A), Err(NoBook::NotReached));
        let mut client = connect(&recording).await;
        client.send(&subscribe(r#""orderbook_delta","ticker""#, &[A, B])).await;
        let acks = [client.json().await, client.json().await];
        assert_eq!((&acks[0]["msg"]["sid"], &acks[1]["msg"]["sid"]), (&Value::from(1), &Value::from(2)));
        let mut frames = Vec::new();
        for _ in 0..9 {
            frames.push(client.json().await);
        }
        assert_eq!(seqs(&frames), [1, 2, 3, 4, 5, 6, 7]);
        assert!(frames.iter().all(|f| f["sid"] == if f["type"] == "ticker" { 2 } else { 1 }));
        let books = rebuild(frames.iter());
        for ticker in [A, B] {
            assert_eq!(shown(&recording, ticker), books[ticker]);
        }
        assert_eq!(recording.orderbook("KXNONE"), Err(NoBook::UnknownMarket));
        assert_silent(&mut client).await;
    });
}

#[test]
fn frames_keep_their_bytes() {
    run(async {
        let recording = open("clean.jsonl");
        let mut client = connect(&recording).await;
        client.send(&subscribe(r#""orderbook_delta""#, &[A])).await;
        client.text().await;
        client.text().await;
        let text = client.text().await;
        let recorded = std::fs::read_to_string(fixture("clean.jsonl")).unwrap();
        let line = recorded.lines().nth(5).unwrap();
        let frame = line.split_once(r#""frame":"#).unwrap().1.strip_suffix('}').unwrap();
        assert_eq!(text.trim_end(), frame.replace(r#""sid":2,"seq":3"#, r#""sid":1,"seq":2"#));
    });
}

#[test]
fn leaving_a_market_out_makes_no_gap() {
    run(async {
        let (_, mut client, frames) = play_books("clean.jsonl", &[A], 4).await;
        assert_eq!(seqs(&frames), [1, 2, 3, 4]);
        assert!(frames.iter().all(|frame| frame["msg"]["market_ticker"] == A));
        assert_silent(&mut client).await;
    });
}

#[test]
fn anomalies_of_the_recording_are_passed_on() {
    run(async {
        let expect: [(&str, &[&str], &[u64]); 7] = [
            ("gap.jsonl", &[A, B], &[1, 2, 3, 5, 6, 7]),
            ("gap.jsonl", &[A], &[1, 2, 4, 5]),
            ("duplicate.jsonl", &[A, B], &[1, 2, 3, 3, 4, 5, 6, 6, 7]),
            ("duplicate.jsonl", &[A], &[1, 2, 2, 3, 4]),
            ("reordered.jsonl", &[A, B], &[1, 2, 3, 5, 4, 6, 7]),
            ("ok_frames.txt", &[A, B], &[1, 2, 3, 4, 5]),
            ("one_sided.jsonl", &[A, B], &[1, 2, 3, 4, 5]),
        ];
        for (name, tickers, numbers) in expect {
            let (_, mut client, frames) = play_books(name, tickers, numbers.len()).await;
            assert_eq!(seqs(&frames), numbers, "{name} {tickers:?}");
            assert_silent(&mut client).await;
        }
    });
}

#[test]
fn connections_are_played_one_after_another_on_one_sequence() {
    run(async {
        for name in ["two_conns.jsonl", "interleaved_conns.jsonl", "capture.jsonl"] {
            let (recording, mut client, frames) = play_books(name, &[A, B], 9).await;
            assert_eq!(seqs(&frames), [1, 2, 3, 4, 5, 6, 7, 8, 9], "{name}");
            let last = rebuild(frames[7..].iter());
            assert_eq!(shown(&recording, B), last[B], "{name}");
            assert_silent(&mut client).await;
        }
    });
}

#[test]
fn damaged_frames_arrive_as_they_stand_and_break_the_books() {
    run(async {
        let recording = open("malformed.jsonl");
        let mut client = connect(&recording).await;
        client.send(&subscribe(r#""orderbook_delta""#, &[A, B])).await;
        let mut texts = Vec::new();
        for _ in 0..10 {
            texts.push(client.text().await);
        }
        let damaged: Vec<_> =
            texts.iter().filter(|text| serde_json::from_str::<Value>(text).is_err()).collect();
        assert_eq!(damaged.len(), 2);
        assert!(damaged[0].starts_with(r#"{"type":"orderbook_delta","sid":2,"#));
        assert_eq!(damaged[1], r#"{"recv_ns":17"#);
        assert!(texts.iter().any(|text| text.contains("oops")));
        assert_eq!(texts[9], "{\"type\":\"mystery\",\"sid\":1,\"seq\":8,\"msg\":{}}\n");
        for ticker in [A, B] {
            assert_eq!(recording.orderbook(ticker), Err(NoBook::Broken));
        }
    });
}

#[test]
fn snapshots_on_request_come_from_the_replay_and_disturb_nothing() {
    run(async {
        let (recording, mut client, frames) = play_books("clean.jsonl", &[A], 4).await;
        assert_eq!(seqs(&frames), [1, 2, 3, 4]);
        let get = format!(
            r#"{{"id":5,"cmd":"update_subscription","params":{{"sids":[1],"action":"get_snapshot","market_tickers":["{B}","KXNONE"]}}}}"#
        );
        client.send(&get).await;
        let (snapshot, error) = (client.json().await, client.json().await);
        assert_eq!((&snapshot["id"], &snapshot["seq"]), (&Value::from(5), &Value::from(5)));
        assert_eq!(rebuild([&snapshot].into_iter())[B], shown(&recording, B));
        assert_eq!(
            (&error["id"], &error["msg"]["market_tickers"][0]),
            (&Value::from(5), &Value::from("KXNONE"))
        );
        let add = get.replace("get_snapshot", "add_markets").replace(",\"KXNONE\"", "");
        client.send(&add).await;
        let (ok, added) = (client.json().await, client.json().await);
        assert_eq!((&ok["type"], &ok["seq"]), (&Value::from("ok"), &Value::from(6)));
        assert_eq!((&added["seq"], &added["msg"]["market_ticker"]), (&Value::from(7), &Value::from(B)));
        // Subscribing again neither restarts the replay nor opens a second subscription.
        client.send(&subscribe(r#""orderbook_delta""#, &[A, B])).await;
        assert_eq!(client.json().await["msg"]["sid"], 1);
        assert_silent(&mut client).await;
    });
}

#[test]
fn no_snapshot_is_given_after_a_gap() {
    run(async {
        let (recording, mut client, _) = play_books("gap.jsonl", &[A, B], 6).await;
        let get = format!(
            r#"{{"id":5,"cmd":"update_subscription","params":{{"sids":[1],"action":"get_snapshot","market_tickers":["{A}"]}}}}"#
        );
        client.send(&get).await;
        let error = client.json().await;
        assert_eq!((&error["type"], &error["id"]), (&Value::from("error"), &Value::from(5)));
        assert!(error["msg"]["msg"].as_str().unwrap().contains("gap"), "{error}");
        assert_eq!(recording.orderbook(A), Err(NoBook::Broken));
        assert_silent(&mut client).await;
    });
}

#[test]
fn a_repeated_frame_leaves_the_books_known() {
    run(async {
        let (recording, mut client, frames) = play_books("duplicate.jsonl", &[A, B], 9).await;
        let unique =
            frames.iter().enumerate().filter(|(at, f)| *at == 0 || f["seq"] != frames[at - 1]["seq"]);
        let books = rebuild(unique.map(|(_, frame)| frame));
        for ticker in [A, B] {
            assert_eq!(shown(&recording, ticker), books[ticker]);
        }
        assert_silent(&mut client).await;
    });
}

#[test]
fn no_side_is_reported_at_yes_prices_on_request() {
    run(async {
        let recording = open("clean.jsonl");
        let mut client = connect(&recording).await;
        client
            .send(
                &subscribe(r#""orderbook_delta""#, &[A])
                    .replace("\"params\":{", "\"params\":{\"use_yes_price\":true,"),
            )
            .await;
        client.json().await;
        let (snapshot, _, delta) = (client.json().await, client.json().await, client.json().await);
        assert_eq!(snapshot["msg"]["no_dollars_fp"][0][0], "0.5200");
        assert_eq!(snapshot["msg"]["yes_dollars_fp"][1][0], "0.4700");
        assert_eq!(
            (&delta["msg"]["side"], &delta["msg"]["price_dollars"]),
            (&Value::from("no"), &Value::from("0.5100"))
        );
    });
}

#[test]
fn recorded_spacing_is_kept_at_speed_one() {
    run(async {
        let recording = Recording::open(&fixture("clean.jsonl"), 1.0).unwrap();
        let mut client = connect(&recording).await;
        client.send(&subscribe(r#""orderbook_delta""#, &[A, B])).await;
        client.json().await;
        let begun = std::time::Instant::now();
        for _ in 0..7 {
            client.json().await;
        }
        // 250 ms of quiet, then 200 ms from the first to the last frame. Only the lower bound is certain, and the
        // acknowledgement may have been late.
        assert!(begun.elapsed() > std::time::Duration::from_millis(300), "{:?}", begun.elapsed());
    });
}

#[test]
fn each_connection_gets_the_whole_recording() {
    run(async {
        let recording = open("clean.jsonl");
        let (addr, _stop) = serve(Feed::replay(recording));
        for _ in 0..2 {
            let mut client = Client::connect(addr).await;
            client.send(&subscribe(r#""orderbook_delta""#, &[A, B])).await;
            client.json().await;
            for number in 1..=7 {
                assert_eq!(client.json().await["seq"], number);
            }
        }
    });
}

#[test]
fn the_catalog_names_markets_and_their_grids() {
    let recording = open("clean.jsonl");
    let markets = recording.catalog().markets();
    assert_eq!(markets.iter().map(|market| market.ticker.as_str()).collect::<Vec<_>>(), [A, B]);
    assert_eq!(markets[0].market_id, "00000000-0000-4000-8000-00000000000a");
    assert_eq!((markets[0].sub_cent, markets[0].sub_cent_in_the_middle), (true, false));
    assert!(!markets[1].sub_cent);
}

#[test]
fn files_that_cannot_be_served_are_refused_at_the_start() {
    let empty = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(Recording::open(empty.path(), 0.0), Err(ReplayError::Empty { .. })));
    assert!(matches!(Recording::open(Path::new("/nowhere"), 0.0), Err(ReplayError::Unreadable { .. })));
    assert!(matches!(Recording::open(&fixture("clean.jsonl"), -1.0), Err(ReplayError::BadSpeed { .. })));
}

/// Plays shared recordings as fast as the socket takes them and compares with the file itself.
#[test]
fn shared_recordings_arrive_whole() {
    let shared = std::env::var_os("OUTRIGGER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = shared.join("kalshi/recordings");
    for name in [
        "ws_btc15m_sessions/20260511T053112Z.jsonl.zst",
        "ws_demo_multi_market_raw/session.jsonl.zst",
        "ws_btc_raw_with_recv_time/kalshi_ws_frames.jsonl.zst",
    ] {
        let file = folder.join(name);
        if !file.exists() {
            println!("skipped: {} is absent", file.display());
            continue;
        }
        run(async move {
            let recorded = book_frames(&file);
            let recording = Recording::open(&file, 0.0).unwrap();
            let mut client = connect(&recording).await;
            let tickers: Vec<_> = recording.catalog().markets().iter().map(|m| m.ticker.as_str()).collect();
            client.send(&subscribe(r#""orderbook_delta""#, &tickers)).await;
            client.json().await;
            let mut received = Vec::new();
            while received.len() < recorded.len() {
                received.push(client.json().await);
            }
            assert!(seqs(&received).iter().copied().eq(1..=recorded.len() as u64));
            assert!(
                received.iter().map(|frame| &frame["msg"]).eq(recorded.iter().map(|frame| &frame["msg"]))
            );
            for (ticker, book) in rebuild(recorded.iter()) {
                assert_eq!(shown(&recording, &ticker), book);
            }
        });
    }
}

/// Reads the book frames of a recording without any code of the replay.
fn book_frames(file: &Path) -> Vec<Value> {
    let mut decoder = zstd::Decoder::new(std::fs::File::open(file).unwrap()).unwrap();
    decoder.window_log_max(27).unwrap();
    let text = std::io::read_to_string(decoder).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let frames = lines.map(|line| match (&line["frame"], &line["raw"]) {
        (Value::Object(_), _) => line["frame"].clone(),
        (_, Value::String(raw)) => serde_json::from_str(raw).unwrap(),
        _ => line,
    });
    frames.filter(|frame| frame["type"].as_str().unwrap_or_default().starts_with("orderbook_")).collect()
}
