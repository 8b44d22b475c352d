//! What the picture shows, kept from frames. Pure: frames in, state out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use outrigger_engine::desk::view::{OrderView, PositionView};
use outrigger_engine::domain::{Count, Price};
use outrigger_engine::venue::PublicTrade;

use super::frame::{Frame, Levels};

const TRADES_KEPT: usize = 50;

/// Something the client told.
#[derive(Debug)]
pub(super) enum Update {
    Frame(Frame),
    /// The connection to the sidecar: up, or why not.
    Connection(Result<(), String>),
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub yes: BTreeMap<Price, Count>,
    pub no: BTreeMap<Price, Count>,
    pub trust: String,
    pub reason: String,
    pub seq: u64,
    pub touched: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub tickers: Vec<String>,
    pub titles: BTreeMap<String, String>,
    pub books: BTreeMap<String, Book>,
    pub trades: VecDeque<PublicTrade>,
    pub orders: BTreeMap<String, OrderView>,
    pub positions: BTreeMap<String, PositionView>,
    pub venue: String,
    pub connection: Option<String>,
    /// The market shown when there is room for one.
    pub selected: usize,
}

impl Model {
    pub(super) fn is_complete(&self) -> bool {
        self.tickers.iter().all(|ticker| self.books.get(ticker).is_some_and(|book| book.touched.is_some()))
    }

    pub(super) fn apply(&mut self, update: Update) {
        match update {
            Update::Connection(Ok(())) => self.connection = None,
            Update::Connection(Err(reason)) => {
                self.connection = Some(reason);
                self.books.values_mut().for_each(|book| book.trust = "stale".to_owned());
            }
            Update::Frame(frame) => self.frame(frame),
        }
    }

    fn frame(&mut self, frame: Frame) {
        let Frame { topic, kind, data, message } = frame;
        if let Some(message) = message {
            self.connection = Some(message);
            return;
        }
        match topic.split_once(':').map_or((topic.as_str(), ""), |split| split) {
            ("book", ticker) => self.book(ticker, &kind, data),
            ("trades", _) if kind == "event" => {
                if let Ok(trade) = serde_json::from_value(data) {
                    self.trades.push_front(trade);
                    self.trades.truncate(TRADES_KEPT);
                }
            }
            ("orders", _) => {
                for row in rows(data, "orders") {
                    if let Ok(order) = serde_json::from_value::<OrderView>(row) {
                        self.order(order);
                    }
                }
            }
            ("positions", _) => {
                for row in rows(data, "positions") {
                    if let Ok(position) = serde_json::from_value::<PositionView>(row) {
                        self.positions.insert(position.ticker.to_string(), position);
                    }
                }
            }
            ("health", _) => {
                let is_whole = |row: &serde_json::Value| {
                    row.get("component").is_some_and(|component| component == "stream")
                };
                for row in rows(data, "health").into_iter().filter(is_whole) {
                    if let Some(state) = row.get("state").and_then(|state| state.as_str()) {
                        self.venue = state.to_owned();
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn order(&mut self, order: OrderView) {
        if self.tickers.iter().any(|ticker| ticker == order.ticker.as_str()) {
            self.orders.insert(order.order_id.to_string(), order);
        }
    }

    fn book(&mut self, ticker: &str, kind: &str, data: serde_json::Value) {
        let Ok(levels) = serde_json::from_value::<Levels>(data) else { return };
        let book = self.books.entry(ticker.to_owned()).or_default();
        book.touched = Some(Instant::now());
        if !levels.trust.is_empty() {
            book.trust = levels.trust;
        }
        match kind {
            "snapshot" => {
                book.seq = levels.seq;
                book.yes = levels.yes.into_iter().collect();
                book.no = levels.no.into_iter().collect();
                book.reason.clear();
            }
            "delta" => {
                book.seq = levels.seq;
                set(&mut book.yes, levels.yes);
                set(&mut book.no, levels.no);
            }
            _ => book.reason = levels.reason.unwrap_or_default(),
        }
    }
}

/// Returns the rows of a list: all of them in a snapshot, the one that changed in an event.
fn rows(mut data: serde_json::Value, name: &str) -> Vec<serde_json::Value> {
    match data.get_mut(name).map(serde_json::Value::take) {
        Some(serde_json::Value::Array(rows)) => rows,
        _ => vec![data],
    }
}

fn set(ladder: &mut BTreeMap<Price, Count>, changes: Vec<(Price, Count)>) {
    for (price, count) in changes {
        if count.is_zero() {
            ladder.remove(&price);
        } else {
            ladder.insert(price, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Model, Update};

    fn model(frames: &[&str]) -> Model {
        let mut model = Model { tickers: vec!["A".into()], ..Model::default() };
        for frame in frames {
            model.apply(Update::Frame(serde_json::from_str(frame).unwrap()));
        }
        model
    }

    #[test]
    fn a_delta_sets_sizes_and_zero_removes_a_level() {
        let model = model(&[
            r#"{"topic":"book:A","kind":"snapshot","data":{"ticker":"A","seq":1,"trust":"live","yes":[["0.4700","3.00"],["0.4000","5.00"]],"no":[]}}"#,
            r#"{"topic":"book:A","kind":"delta","data":{"ticker":"A","seq":2,"trust":"live","yes":[["0.4700","0.00"]],"no":[["0.5000","2.00"]]}}"#,
        ]);
        let book = model.books.get("A").unwrap();
        assert_eq!((book.yes.len(), book.no.len(), book.seq), (1, 1, 2));
        assert!(model.is_complete());
    }

    #[test]
    fn lists_are_read_whole_and_row_by_row() {
        let model = model(&[
            r#"{"topic":"health","kind":"snapshot","data":{"health":[{"component":"stream","state":"connecting"}]}}"#,
            r#"{"topic":"health","kind":"event","data":{"component":"stream","state":"live"}}"#,
        ]);
        assert_eq!(model.venue, "live");
    }

    #[test]
    fn a_lost_connection_leaves_no_book_live() {
        let mut model = model(&[
            r#"{"topic":"book:A","kind":"snapshot","data":{"ticker":"A","seq":1,"trust":"live","yes":[],"no":[]}}"#,
        ]);
        model.apply(Update::Connection(Err("refused".into())));
        assert_eq!(model.books.get("A").unwrap().trust, "stale");
    }
}
