//! A local client that writes down all it is shown: books and their trust, the state of the stream, fills, orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::truth::{Moment, Shown, fingerprint};
use crate::api::Api;
use crate::stream::{Mirror, Stream};

const TOPICS: [&str; 5] = ["book:*", "health", "fills", "orders", "alerts"];

/// Returns the present moment.
pub fn now_ms() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Everything one client was shown.
#[derive(Debug, Default)]
pub struct Record {
    pub mirrors: BTreeMap<String, Mirror>,
    /// What is shown as live now: state, number, since when.
    open: BTreeMap<String, (u64, u64, Moment)>,
    pub shown: Vec<Shown>,
    /// Trusts and states of the stream since the last call of [`Record::forget`].
    pub trusts: BTreeSet<String>,
    pub states: BTreeSet<String>,
    /// The last state of each strand, where there are two.
    pub strands: BTreeMap<String, String>,
    /// The last state of the stream with its reason, and the number of its connection.
    pub stream: String,
    pub generation: u64,
    pub alerts: BTreeSet<String>,
    /// When the last frame of a book came.
    pub book_at: Moment,
    /// Fills told as events, and those the snapshot held, by trade and order.
    pub fills: BTreeMap<(String, String), Value>,
    pub known_fills: BTreeSet<(String, String)>,
    pub orders: BTreeMap<String, Value>,
    /// What no client may ever be shown: a hole in the offsets, a fill twice.
    pub wrong: Option<String>,
}

/// The client, listening until it is dropped or told to stop.
pub struct Witness {
    pub record: Arc<Mutex<Record>>,
    task: JoinHandle<()>,
}

impl Witness {
    pub async fn start(api: &Api) -> anyhow::Result<Witness> {
        let mut stream = api.stream().await?;
        stream.subscribe(&TOPICS.map(str::to_owned)).await?;
        let record = Arc::new(Mutex::new(Record::default()));
        let task = tokio::spawn(listen(stream, Arc::clone(&record)));
        Ok(Witness { record, task })
    }

    /// Ends it and returns what it wrote down.
    pub async fn stop(self) -> Record {
        self.task.abort();
        let mut record = std::mem::take(&mut *self.record.lock().await);
        let tickers: Vec<String> = record.open.keys().cloned().collect();
        tickers.iter().for_each(|ticker| record.close(ticker, now_ms()));
        record
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(mut stream: Stream, record: Arc<Mutex<Record>>) {
    while !stream.ended() {
        let next = stream.next(Duration::from_secs(1)).await;
        let at = now_ms();
        let mut record = record.lock().await;
        let taken = next.and_then(|frame| frame.map_or(Ok(()), |frame| record.take(&frame, at)));
        if let Err(error) = taken {
            record.wrong.get_or_insert(format!("{error:#}"));
        }
    }
}

impl Record {
    /// Starts to look at trust and states anew.
    pub fn forget(&mut self) {
        self.trusts = self.mirrors.values().map(|mirror| mirror.trust.clone()).collect();
        self.states.clear();
    }

    /// Tells whether every one of `tickers` is shown as live.
    #[must_use]
    pub fn all_live(&self, tickers: &[String]) -> bool {
        tickers.iter().all(|ticker| self.open.contains_key(ticker))
    }

    fn take(&mut self, frame: &Value, at: Moment) -> anyhow::Result<()> {
        let Some(topic) = frame["topic"].as_str() else { return Ok(()) };
        let data = &frame["data"];
        let is_event = frame["kind"] == "event";
        if let Some(ticker) = topic.strip_prefix("book:") {
            return self.take_book(ticker, frame, at);
        }
        match topic {
            "health" if is_event => return self.take_health(data),
            "health" => return rows(data, "health").try_for_each(|row| self.take_health(row)),
            "alerts" if is_event => drop(self.alerts.insert(text(data, "code"))),
            "orders" if is_event => drop(self.orders.insert(text(data, "order_id"), data.clone())),
            "orders" => {
                for row in rows(data, "orders") {
                    self.orders.insert(text(row, "order_id"), row.clone());
                }
            }
            "fills" if is_event => {
                let id = (text(data, "trade_id"), text(data, "order_id"));
                let before = self.fills.insert(id, data.clone());
                anyhow::ensure!(before.is_none(), "a fill was told twice: {data}");
            }
            "fills" => {
                let ids = rows(data, "fills").map(|row| (text(row, "trade_id"), text(row, "order_id")));
                self.known_fills.extend(ids);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_book(&mut self, ticker: &str, frame: &Value, at: Moment) -> anyhow::Result<()> {
        let mirror = self.mirrors.entry(ticker.to_owned()).or_default();
        mirror.apply(frame).with_context(|| frame.to_string())?;
        let (state, seq, trust) = (fingerprint(&mirror.book), mirror.seq, mirror.trust.clone());
        self.book_at = at;
        let is_live = trust == "live";
        self.trusts.insert(trust);
        if self.open.get(ticker).is_some_and(|(shown, ..)| is_live && *shown == state) {
            return Ok(());
        }
        self.close(ticker, at);
        if is_live {
            self.open.insert(ticker.to_owned(), (state, seq, at));
        }
        Ok(())
    }

    fn close(&mut self, ticker: &str, to: Moment) {
        if let Some((state, seq, from)) = self.open.remove(ticker) {
            self.shown.push(Shown { ticker: ticker.to_owned(), state, seq, from, to });
        }
    }

    fn take_health(&mut self, row: &Value) -> anyhow::Result<()> {
        let (component, state) = (text(row, "component"), text(row, "state"));
        if component.starts_with("stream-") {
            self.strands.insert(component, state);
            return Ok(());
        }
        if component != "stream" {
            return Ok(());
        }
        let live = self.open.len();
        anyhow::ensure!(state != "connecting" || live == 0, "{live} books are live without a connection");
        self.stream = format!("{state}: {}", text(row, "reason"));
        self.states.insert(state);
        self.generation = row["generation"].as_u64().context("generation")?;
        Ok(())
    }
}

fn rows<'a>(data: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    data[field].as_array().into_iter().flatten()
}

fn text(row: &Value, field: &str) -> String {
    row[field].as_str().unwrap_or_default().to_owned()
}
