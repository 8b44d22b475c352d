//! Structs with borrowed text, read in one pass by serde_json or sonic-rs, and ordered maps.

use serde::Deserialize;

use super::Contender;
use crate::book::{Books, PlainBooks, levels, scaled};

/// A frame: the envelope, and the fields of all messages that matter to a book. Plain references, because `Option<Cow<str>>`
/// would be copied; text with escapes cannot be read so, and none of these fields has any.
#[derive(Debug, Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: &'a str,
    pub(super) seq: Option<u64>,
    #[serde(borrow)]
    pub(super) msg: Option<Message<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) market_ticker: Option<&'a str>,
    #[serde(borrow)]
    pub(super) price_dollars: Option<&'a str>,
    #[serde(borrow)]
    pub(super) delta_fp: Option<&'a str>,
    #[serde(borrow)]
    pub(super) side: Option<&'a str>,
    pub(super) ts_ms: Option<i64>,
    #[serde(default, borrow)]
    yes_dollars_fp: Vec<(&'a str, &'a str)>,
    #[serde(default, borrow)]
    no_dollars_fp: Vec<(&'a str, &'a str)>,
}

/// A frame with its numbers read.
#[derive(Debug)]
pub(super) enum Item<'a> {
    Snapshot { ticker: &'a str, yes: crate::book::Levels, no: crate::book::Levels, at: At },
    Delta { ticker: &'a str, side: &'a str, price: i64, by: i64, at: At },
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) seq: Option<u64>,
    pub(super) ts_ms: Option<i64>,
}

pub(super) type Read = for<'a> fn(&'a str) -> Option<Frame<'a>>;

pub(super) fn serde(text: &str) -> Option<Frame<'_>> {
    serde_json::from_str(text).ok()
}

pub(super) fn sonic(text: &str) -> Option<Frame<'_>> {
    sonic_rs::from_str(text).ok()
}

impl<'a> Frame<'a> {
    pub(super) fn item(self) -> Option<Item<'a>> {
        let seq = self.seq;
        match self.kind {
            "orderbook_delta" => {
                let msg = self.msg?;
                let (price, by) = (scaled(msg.price_dollars?, 4)?, scaled(msg.delta_fp?, 2)?);
                let at = At { seq, ts_ms: msg.ts_ms };
                Some(Item::Delta { ticker: msg.market_ticker?, side: msg.side?, price, by, at })
            }
            "orderbook_snapshot" => {
                let msg = self.msg?;
                let (yes, no) = (levels(&msg.yes_dollars_fp)?, levels(&msg.no_dollars_fp)?);
                let at = At { seq, ts_ms: msg.ts_ms };
                Some(Item::Snapshot { ticker: msg.market_ticker?, yes, no, at })
            }
            _ => Some(Item::Other),
        }
    }
}

pub(super) struct Typed {
    read: Read,
    books: PlainBooks,
}

impl Typed {
    pub(super) fn new(read: Read) -> Typed {
        Typed { read, books: PlainBooks::default() }
    }
}

impl Contender for Typed {
    fn connect(&mut self, _: &[String]) {}

    fn decode(&mut self, frame: &str) -> bool {
        std::hint::black_box((self.read)(frame).and_then(Frame::item)).is_some()
    }

    fn feed(&mut self, frame: &str) -> bool {
        match (self.read)(frame).and_then(Frame::item) {
            Some(Item::Delta { ticker, side, price, by, .. }) => {
                self.books.change(ticker, side, price, by).is_some()
            }
            Some(Item::Snapshot { ticker, yes, no, .. }) => {
                self.books.replace(ticker, yes, no);
                true
            }
            Some(Item::Other) => true,
            None => false,
        }
    }

    fn books(&self) -> Books {
        self.books.books()
    }
}
