//! Every frame of every recording is decoded, and the book keeper's books are held against a naive reader's.
//!
//! Recordings are other people's data and stand beside this repository; where they are absent the test says so. With
//! `OUTRIGGER_RECORDINGS` it reads another folder, in the same formats: one JSON value a line, compressed or not, the frame
//! raw or in `frame` or `raw`, with or without `conn`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use outrigger_engine::book::{Keeper, KeeperOutput, Trust};
use outrigger_engine::domain::{Generation, Monotonic, SubscriptionId, Ticker};
use outrigger_engine::venue::{FeedItem, FeedState, MarketFrame};
use serde_json::Value;

use super::super::{Decoded, Tickers, decode};
use crate::kalshi::wire::fields::unknown_fields;

/// Books are compared after every snapshot, at the end, and after one delta in so many.
const COMPARED_EVERY: usize = 16;

/// Level prices to sizes, as whole numbers of the venue's smallest units: YES, NO.
type Book = [BTreeMap<i64, i64>; 2];

#[derive(Default)]
struct Connection {
    keeper: Keeper,
    out: KeeperOutput,
    naive: BTreeMap<String, Book>,
    deltas: usize,
}

#[derive(Debug, Default)]
struct Tally {
    files: usize,
    frames: usize,
    deltas: usize,
    snapshots: usize,
    /// Snapshots of a book that was known already, and equal to it.
    confirmed: usize,
    /// Snapshots that emptied a book that was not quite drained: its market had closed.
    emptied: usize,
    compared: usize,
    unknown: BTreeMap<String, usize>,
    unknown_fields: BTreeMap<String, usize>,
}

#[test]
fn every_recorded_frame_is_typed_and_every_book_exact() {
    let other = std::env::var_os("OUTRIGGER_RECORDINGS").map(PathBuf::from);
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/kalshi/recordings");
    let folder = other.clone().unwrap_or(shared);
    if !folder.exists() {
        writeln!(std::io::stderr(), "skipped: {} is absent", folder.display()).unwrap();
        return;
    }
    let mut tally = Tally::default();
    for file in files(&folder) {
        play(&file, &mut tally);
    }
    writeln!(std::io::stderr(), "recorded frames: {tally:?}").unwrap();
    assert!(tally.frames > 0, "no frame under {}", folder.display());
    if other.is_none() {
        assert!(tally.files >= 28 && tally.frames > 1_270_000, "{tally:?}");
        assert!(tally.unknown.is_empty() && tally.unknown_fields.is_empty(), "{tally:?}");
        assert!(tally.confirmed > 20 && tally.compared > 50_000, "{tally:?}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_none_or(|extension| extension != "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn text(file: &Path) -> String {
    if file.extension().is_none_or(|extension| extension != "zst") {
        return std::fs::read_to_string(file).unwrap();
    }
    let output = Command::new("zstd").args(["-dc", "--long=27"]).arg(file).output().unwrap();
    assert!(output.status.success(), "zstd could not read {}", file.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the frame of a line; `None` for a line that is none (an HTTP answer).
fn frame_of(line: &Value) -> Option<(i64, String, Value)> {
    let connection = line["conn"].as_i64().unwrap_or(0);
    let (text, frame) = match (&line["raw"], &line["frame"]) {
        (Value::String(raw), _) | (_, Value::String(raw)) => {
            (raw.clone(), serde_json::from_str(raw).unwrap())
        }
        (_, frame @ Value::Object(_)) => (frame.to_string(), frame.clone()),
        _ => (line.to_string(), line.clone()),
    };
    frame["type"].is_string().then_some((connection, text, frame))
}

fn play(file: &Path, tally: &mut Tally) {
    let mut connections: BTreeMap<i64, Connection> = BTreeMap::new();
    let before = tally.frames;
    let mut tickers = Tickers::default();
    for line in text(file).lines() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        // A file of HTTP answers may be one value over many lines.
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            assert_eq!(tally.frames, before, "{}: not JSON: {line}", file.display());
            continue;
        };
        let Some((number, text, frame)) = frame_of(&value) else { continue };
        tally.frames += 1;
        for field in unknown_fields(&text) {
            *tally.unknown_fields.entry(field).or_default() += 1;
        }
        let place = format!("{}: {text}", file.display());
        let connection = connections.entry(number).or_insert_with(Connection::open);
        match decode(&text, &mut tickers) {
            Decoded::Market { sid, seq, frame: decoded, .. } => {
                let ticker = told_book(&decoded);
                connection.apply(sid, seq, decoded);
                connection.compare(&frame, ticker, tally, &place);
            }
            Decoded::Lifecycle { sid, seq, event } => {
                connection.apply(sid, seq, MarketFrame::Lifecycle(event));
            }
            Decoded::Acknowledged { sid, seq, .. } | Decoded::Refused { sid, seq, .. } => {
                connection.apply(sid, seq, MarketFrame::Ack);
            }
            Decoded::Private(_) | Decoded::Subscribed { .. } => {}
            Decoded::Unknown { kind, sid, seq } => {
                *tally.unknown.entry(kind).or_default() += 1;
                connection.apply(sid, seq, MarketFrame::Ack);
            }
            unreadable @ (Decoded::Unreadable { .. } | Decoded::PrivateUnreadable { .. }) => {
                panic!("{place}: {unreadable:?}");
            }
        }
    }
    tally.files += usize::from(tally.frames > before);
    for connection in connections.values() {
        for ticker in connection.naive.keys() {
            connection.equal(ticker, tally, &format!("the end of {}", file.display()));
        }
    }
}

fn told_book(frame: &MarketFrame) -> Option<Ticker> {
    match frame {
        MarketFrame::Snapshot { ticker, .. } | MarketFrame::Delta { ticker, .. } => Some(ticker.clone()),
        _ => None,
    }
}

impl Connection {
    fn open() -> Connection {
        let mut connection = Connection::default();
        let (generation, state) = (Generation(1), FeedState::Live);
        let item = FeedItem::State { generation, state, reason: String::new(), at: Default::default() };
        connection.keeper.apply(item, &mut connection.out);
        connection
    }

    fn apply(&mut self, sid: Option<u64>, seq: Option<u64>, frame: MarketFrame) {
        // A single frame pasted somewhere may have lost its numbers.
        let sid = SubscriptionId(sid.unwrap_or(0));
        let (generation, received) = (Generation(1), Default::default());
        self.keeper.apply(FeedItem::Frame { generation, sid, seq, received, frame }, &mut self.out);
        self.out = KeeperOutput::default();
    }

    /// Does the same to the naive book, and looks whether both agree.
    fn compare(&mut self, frame: &Value, ticker: Option<Ticker>, tally: &mut Tally, place: &str) {
        let Some(ticker) = ticker else { return };
        let msg = &frame["msg"];
        if frame["type"] == "orderbook_snapshot" {
            tally.snapshots += 1;
            let book = [levels(msg, "yes"), levels(msg, "no")];
            match self.naive.insert(ticker.to_string(), book.clone()) {
                Some(known) if known == book => tally.confirmed += 1,
                Some(_) => {
                    assert!(
                        book.iter().all(BTreeMap::is_empty),
                        "{place}: another book than the rebuilt one"
                    );
                    tally.emptied += 1;
                }
                None => {}
            }
            self.equal(ticker.as_str(), tally, place);
            return;
        }
        tally.deltas += 1;
        // A delta pasted alone has no book.
        let Some(book) = self.naive.get_mut(ticker.as_str()) else { return };
        let leg = usize::from(msg["side"] == "no");
        let size = book[leg].entry(whole(&msg["price_dollars"], 4)).or_default();
        *size += whole(&msg["delta_fp"], 2);
        assert!(*size >= 0, "{place}: the recording itself cannot be");
        book[leg].retain(|_, size| *size > 0);
        self.deltas += 1;
        if self.deltas.is_multiple_of(COMPARED_EVERY) {
            self.equal(ticker.as_str(), tally, place);
        }
    }

    fn equal(&self, ticker: &str, tally: &mut Tally, place: &str) {
        tally.compared += 1;
        let view = self.keeper.view(&Ticker::from(ticker), Monotonic(0)).expect(place);
        assert_eq!(view.trust, Trust::Live, "{place}");
        let legs: Book = [&view.yes, &view.no].map(|leg| {
            let number = |count: u64| i64::try_from(count).unwrap();
            leg.iter()
                .map(|(price, count)| (i64::from(price.ten_thousandths()), number(count.hundredths())))
                .collect()
        });
        assert_eq!(legs, self.naive[ticker], "{place}");
    }
}

fn levels(msg: &Value, leg: &str) -> BTreeMap<i64, i64> {
    let rows = msg[format!("{leg}_dollars_fp")].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| (whole(&row[0], 4), whole(&row[1], 2))).collect()
}

/// Reads a decimal text as whole units of 10^-`decimals`.
fn whole(text: &Value, decimals: usize) -> i64 {
    let text = text.as_str().unwrap();
    let (before, after) = text.split_once('.').unwrap_or((text, ""));
    format!("{before}{after:0<decimals$}").parse().unwrap()
}
