//! The order book of barter-data behind serde_json: absolute amounts as decimals, so each change is added to what is held.
//!
//! The book has bids and asks: a bid for NO at p is an ask for YES at 1 - p.

use std::collections::HashMap;

use barter_data::books::{Level, OrderBook};
use barter_data::subscription::book::OrderBookEvent;
use rust_decimal::Decimal;

use super::Contender;
use super::typed::{At, Frame, Item, serde};
use crate::book::{Book, Books, Levels};

const DOLLAR: i64 = 10_000;

#[derive(Default)]
pub(super) struct Barter(HashMap<String, OrderBook>);

impl Contender for Barter {
    fn connect(&mut self, _: &[String]) {}

    fn decode(&mut self, frame: &str) -> bool {
        std::hint::black_box(serde(frame).and_then(Frame::item)).is_some()
    }

    fn feed(&mut self, frame: &str) -> bool {
        match serde(frame).and_then(Frame::item) {
            Some(Item::Delta { ticker, side, price, by, at }) => {
                self.delta(ticker, side, price, by, at).is_some()
            }
            Some(Item::Snapshot { ticker, yes, no, at }) => {
                let book = OrderBook::new(
                    at.seq.unwrap_or(0),
                    None,
                    yes.into_iter().map(bid),
                    no.into_iter().map(ask),
                );
                self.0.entry(ticker.to_owned()).or_default().update(&OrderBookEvent::Snapshot(book));
                true
            }
            Some(Item::Other) => true,
            None => false,
        }
    }

    fn books(&self) -> Books {
        let one = |book: &OrderBook| Book {
            yes: back(book.bids().levels(), |price| price),
            no: back(book.asks().levels(), |price| DOLLAR - price),
        };
        self.0.iter().map(|(ticker, book)| (ticker.clone(), one(book))).collect()
    }
}

impl Barter {
    fn delta(&mut self, ticker: &str, side: &str, price: i64, by: i64, at: At) -> Option<()> {
        let book = self.0.get_mut(ticker)?;
        let is_bid = side == "yes";
        let Level { price, amount } = if is_bid { bid((price, by)) } else { ask((price, by)) };
        let held = if is_bid {
            book.bids()
                .levels()
                .binary_search_by(|level| price.cmp(&level.price))
                .map(|at| &book.bids().levels()[at])
        } else {
            book.asks()
                .levels()
                .binary_search_by(|level| level.price.cmp(&price))
                .map(|at| &book.asks().levels()[at])
        };
        let amount = held.map_or(Decimal::ZERO, |level| level.amount) + amount;
        let changed = [Level { price, amount }];
        let none: [Level; 0] = [];
        let seq = at.seq.unwrap_or(0);
        let update = if is_bid {
            OrderBook::new(seq, None, changed.to_vec(), none.to_vec())
        } else {
            OrderBook::new(seq, None, none.to_vec(), changed.to_vec())
        };
        book.update(&OrderBookEvent::Update(update));
        (!amount.is_sign_negative()).then_some(())
    }
}

fn bid((price, count): (i64, i64)) -> Level {
    Level { price: Decimal::new(price, 4), amount: Decimal::new(count, 2) }
}

fn ask((price, count): (i64, i64)) -> Level {
    bid((DOLLAR - price, count))
}

fn back(levels: &[Level], leg: impl Fn(i64) -> i64) -> Levels {
    let scaled = |mut value: Decimal, places: u32| {
        value.rescale(places);
        i64::try_from(value.mantissa()).unwrap_or(i64::MAX)
    };
    levels.iter().map(|level| (leg(scaled(level.price, 4)), scaled(level.amount, 2))).collect()
}
