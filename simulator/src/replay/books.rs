//! The books of a recording as far as it has been played.
//!
//! Never answers with a book that may be wrong: a gap, a step back or a damaged change breaks the books of its
//! sequence until a recorded snapshot replaces them.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::RawValue;

use super::frame::{Frame, Message, levels, price_of, scalar};
use super::number::{Count, Price, parse_count};
use super::sequence::Order;

/// Names one recorded sequence: the recorder's connection and the sid on it.
pub(super) type LaneKey = (u64, u64);

#[derive(Debug, Default)]
struct Book {
    lane: LaneKey,
    market_id: String,
    is_broken: bool,
    yes: BTreeMap<Price, Count>,
    no: BTreeMap<Price, Count>,
}

/// The bids of both legs, worst price first, each leg at its own price.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) market_id: String,
    pub(super) yes: Vec<(Price, Count)>,
    pub(super) no: Vec<(Price, Count)>,
}

/// Says why the replay has no book to show for a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoBook {
    /// The recording does not name the market.
    #[error("the recording does not name this market")]
    UnknownMarket,
    /// No snapshot of the market has been played.
    #[error("the replay has not reached a snapshot of this market")]
    NotReached,
    /// A gap or damage in the recording left the book unknown.
    #[error("the recording has a gap before this point, the book is unknown until its next snapshot")]
    Broken,
}

#[derive(Debug, Default)]
pub(super) struct Books {
    by_ticker: HashMap<String, Book>,
}

impl Books {
    /// Applies a book message that stands at `order` in its sequence.
    pub(super) fn apply(&mut self, lane: LaneKey, frame: &Frame<'_>, order: Order) {
        match order {
            Order::Next => {}
            Order::Repeated => return,
            Order::Gap | Order::Late => self.break_lane(lane),
        }
        let Some(ticker) = frame.message.market_ticker.as_deref() else { return self.break_lane(lane) };
        if frame.kind == "orderbook_snapshot" {
            // A late snapshot may lack changes that came before it.
            let is_broken = order == Order::Late;
            let mut book = Book { lane, market_id: market_id(&frame.message), is_broken, ..Book::default() };
            let sides = side(frame.message.yes_dollars_fp).zip(side(frame.message.no_dollars_fp));
            match sides {
                Some((yes, no)) => (book.yes, book.no) = (yes, no),
                None => book.is_broken = true,
            }
            self.by_ticker.insert(ticker.to_owned(), book);
        } else if let Some(book) = self.by_ticker.get_mut(ticker) {
            let applied = order == Order::Next && change(book, &frame.message).is_some();
            book.is_broken |= !applied;
        }
    }

    /// Breaks all books of a sequence that lost a frame.
    pub(super) fn break_lane(&mut self, lane: LaneKey) {
        for book in self.by_ticker.values_mut().filter(|book| book.lane == lane) {
            book.is_broken = true;
        }
    }

    /// Returns the book of a ticker if it is known for certain.
    pub(super) fn view(&self, ticker: &str) -> Result<View, NoBook> {
        let book = self.by_ticker.get(ticker).ok_or(NoBook::NotReached)?;
        if book.is_broken {
            return Err(NoBook::Broken);
        }
        let list =
            |side: &BTreeMap<Price, Count>| side.iter().map(|(price, count)| (*price, *count)).collect();
        Ok(View { market_id: book.market_id.clone(), yes: list(&book.yes), no: list(&book.no) })
    }
}

fn market_id(message: &Message<'_>) -> String {
    message.market_id.as_deref().unwrap_or_default().to_owned()
}

/// Reads one side of a snapshot; an absent side is an empty one. None if a level is unreadable.
fn side(side: Option<&RawValue>) -> Option<BTreeMap<Price, Count>> {
    let Some(side) = side else { return Some(BTreeMap::new()) };
    let mut ladder = BTreeMap::new();
    for (price, count) in levels(side)? {
        let count = parse_count(scalar(count)).filter(|count| *count >= 0)?;
        if count > 0 {
            ladder.insert(price_of(price)?, count);
        }
    }
    Some(ladder)
}

/// Adds one change to its level. None if it is unreadable or would make the level negative.
fn change(book: &mut Book, message: &Message<'_>) -> Option<()> {
    let price = price_of(message.price_dollars?)?;
    let delta = parse_count(scalar(message.delta_fp?))?;
    let ladder = match message.side.as_deref()? {
        "yes" => &mut book.yes,
        "no" => &mut book.no,
        _ => return None,
    };
    let count = ladder.get(&price).copied().unwrap_or(0).checked_add(delta).filter(|count| *count >= 0)?;
    if count == 0 {
        ladder.remove(&price);
    } else {
        ladder.insert(price, count);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &str = r#"{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"A","market_id":"m","yes_dollars_fp":[["0.4000","1.00"],["0.4100","2.50"]]}}"#;

    fn delta(price: &str, change: &str, side: &str) -> String {
        format!(
            r#"{{"type":"orderbook_delta","sid":1,"seq":2,"msg":{{"market_ticker":"A","price_dollars":"{price}","delta_fp":"{change}","side":"{side}"}}}}"#
        )
    }

    fn play(frames: &[(&str, Order)]) -> Books {
        let mut books = Books::default();
        for (text, order) in frames {
            books.apply((0, 1), &Frame::parse(text.as_bytes()).unwrap(), *order);
        }
        books
    }

    #[test]
    fn snapshots_replace_and_deltas_add() {
        let gone = delta("0.4000", "-1.00", "yes");
        let no = delta("0.3000", "7.25", "no");
        let view = play(&[
            (SNAPSHOT, Order::Next),
            (&gone, Order::Next),
            (&gone, Order::Repeated),
            (&no, Order::Next),
        ])
        .view("A")
        .unwrap();
        assert_eq!(view.yes, vec![(4100, 250)]);
        assert_eq!(view.no, vec![(3000, 725)]);
        let empty =
            r#"{"type":"orderbook_snapshot","sid":1,"seq":3,"msg":{"market_ticker":"A","market_id":"m"}}"#;
        let view = play(&[(SNAPSHOT, Order::Next), (empty, Order::Gap)]).view("A").unwrap();
        assert_eq!((view.yes.len(), view.no.len()), (0, 0));
    }

    #[test]
    fn gaps_and_damage_break_the_book_until_the_next_snapshot() {
        let good = delta("0.4000", "1.00", "yes");
        let negative = delta("0.4000", "-9.00", "yes");
        let unreadable = delta("abc", "1.00", "yes");
        for (text, order) in
            [(&good, Order::Gap), (&good, Order::Late), (&negative, Order::Next), (&unreadable, Order::Next)]
        {
            let broken = [(SNAPSHOT, Order::Next), (text.as_str(), order)];
            assert_eq!(play(&broken).view("A"), Err(NoBook::Broken));
            assert!(play(&[broken[0], broken[1], (SNAPSHOT, Order::Next)]).view("A").is_ok());
        }
        assert_eq!(play(&[(SNAPSHOT, Order::Late)]).view("A"), Err(NoBook::Broken));
        assert_eq!(Books::default().view("A"), Err(NoBook::NotReached));
    }
}
