//! A Kalshi crate's own decode and its own book.
//!
//! Its book counts the numbers of one market, but the exchange counts per subscription, acknowledgements included. With
//! several markets it would refuse most changes, so the numbers are taken out before it sees them.

use std::collections::{BTreeMap, HashMap};

use kalshi_pmx::models::FixedPoint;
use kalshi_pmx::ws::message::StreamMessage;
use kalshi_pmx::ws::orderbook::LiveOrderbook;

use super::Contender;
use crate::book::{Book, Books, Levels, scaled};

#[derive(Default)]
pub(super) struct Pmx(HashMap<String, LiveOrderbook>);

impl Contender for Pmx {
    fn connect(&mut self, _: &[String]) {}

    fn decode(&mut self, frame: &str) -> bool {
        std::hint::black_box(StreamMessage::parse_text(frame)).is_ok()
    }

    fn feed(&mut self, frame: &str) -> bool {
        match StreamMessage::parse_text(frame) {
            Ok(StreamMessage::OrderbookDelta(mut envelope)) => {
                envelope.seq = None;
                let book = self.0.get_mut(&envelope.msg.market_ticker);
                book.is_some_and(|book| book.apply_delta(&envelope).is_ok())
            }
            Ok(StreamMessage::OrderbookSnapshot(mut envelope)) => {
                envelope.seq = None;
                let ticker = envelope.msg.market_ticker.clone();
                self.0.entry(ticker).or_default().apply_snapshot(&envelope).is_ok()
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    fn books(&self) -> Books {
        let one = |book: &LiveOrderbook| Book { yes: back(book.yes()), no: back(book.no()) };
        self.0.iter().map(|(ticker, book)| (ticker.clone(), one(book))).collect()
    }
}

fn back(levels: &BTreeMap<FixedPoint, FixedPoint>) -> Levels {
    let scaled = |value: &FixedPoint, places| scaled(&value.to_string(), places).unwrap_or(i64::MAX);
    levels.iter().map(|(price, count)| (scaled(price, 4), scaled(count, 2))).collect()
}
