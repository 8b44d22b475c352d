//! The order book of nautilus-model behind serde_json: absolute sizes, so each change is added to what is held.
//!
//! The book has bids and asks: a bid for NO at p is an ask for YES at 1 - p.

use std::collections::HashMap;

use nautilus_model::data::{BookOrder, OrderBookDelta};
use nautilus_model::enums::{BookAction, BookType, OrderSide};
use nautilus_model::identifiers::InstrumentId;
use nautilus_model::orderbook::{BookLevel, OrderBook};
use nautilus_model::types::{Price, Quantity};

use super::Contender;
use super::typed::{At, Frame, Item, serde};
use crate::book::{Book, Books, Levels};

const DOLLAR: i64 = 10_000;

#[derive(Default)]
pub(super) struct Nautilus(HashMap<String, OrderBook>);

impl Contender for Nautilus {
    fn connect(&mut self, _: &[String]) {}

    fn decode(&mut self, frame: &str) -> bool {
        std::hint::black_box(serde(frame).and_then(Frame::item)).is_some()
    }

    fn feed(&mut self, frame: &str) -> bool {
        match serde(frame).and_then(Frame::item) {
            Some(Item::Delta { ticker, side, price, by, at }) => {
                self.delta(ticker, side, price, by, at).is_some()
            }
            Some(Item::Snapshot { ticker, yes, no, at }) => self.snapshot(ticker, &yes, &no, at).is_some(),
            Some(Item::Other) => true,
            None => false,
        }
    }

    fn books(&self) -> Books {
        let one = |book: &OrderBook| Book {
            yes: book.bids(None).map(|level| back(level, |price| price)).collect(),
            no: book.asks(None).map(|level| back(level, |price| DOLLAR - price)).collect(),
        };
        self.0.iter().map(|(ticker, book)| (ticker.clone(), one(book))).collect()
    }
}

impl Nautilus {
    fn delta(&mut self, ticker: &str, side: &str, price: i64, by: i64, at: At) -> Option<()> {
        let book = self.0.get_mut(ticker)?;
        let (side, other, price) = match side {
            "yes" => (OrderSide::Buy, OrderSide::Sell, price),
            _ => (OrderSide::Sell, OrderSide::Buy, DOLLAR - price),
        };
        let price = Price::from_mantissa_exponent(price, -4, 4);
        // The side asked for is the one that would trade with the level.
        let held = book.get_quantity_at_level(price, other, 2);
        let by_size = Quantity::from_mantissa_exponent(by.unsigned_abs(), -2, 2);
        let size = if by < 0 { held.checked_sub(by_size)? } else { held.checked_add(by_size)? };
        let action = if size.is_zero() { BookAction::Delete } else { BookAction::Update };
        book.apply_delta(&change(book.instrument_id, action, BookOrder::new(side, price, size, 0), at)).ok()
    }

    fn snapshot(&mut self, ticker: &str, yes: &Levels, no: &Levels, at: At) -> Option<()> {
        let book = self.0.entry(ticker.to_owned()).or_insert_with(|| {
            let id = InstrumentId::new(ticker.into(), "KALSHI".into());
            OrderBook::new(id, BookType::L2_MBP)
        });
        let id = book.instrument_id;
        let time = nanos(at).into();
        book.apply_delta(&OrderBookDelta::clear(id, at.seq.unwrap_or(0), time, time)).ok()?;
        let bids = yes.iter().map(|(price, count)| (OrderSide::Buy, *price, *count));
        let asks = no.iter().map(|(price, count)| (OrderSide::Sell, DOLLAR - *price, *count));
        for (side, price, count) in bids.chain(asks) {
            let price = Price::from_mantissa_exponent(price, -4, 4);
            let size = Quantity::from_mantissa_exponent(count.unsigned_abs(), -2, 2);
            book.apply_delta(&change(id, BookAction::Add, BookOrder::new(side, price, size, 0), at)).ok()?;
        }
        Some(())
    }
}

fn change(id: InstrumentId, action: BookAction, order: BookOrder, at: At) -> OrderBookDelta {
    let time = nanos(at).into();
    OrderBookDelta::new(id, action, order, 0, at.seq.unwrap_or(0), time, time)
}

fn nanos(at: At) -> u64 {
    at.ts_ms.unwrap_or(0).unsigned_abs().saturating_mul(1_000_000)
}

fn back(level: &BookLevel, leg: impl Fn(i64) -> i64) -> (i64, i64) {
    let scaled = |value: rust_decimal::Decimal, places: u32| {
        let mut value = value;
        value.rescale(places);
        i64::try_from(value.mantissa()).unwrap_or(i64::MAX)
    };
    (leg(scaled(level.price.value.as_decimal(), 4)), scaled(level.size_decimal(), 2))
}
