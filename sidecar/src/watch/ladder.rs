//! A book as rows of one YES ladder: offers above, bids below, own orders beside them. Shared by both pictures.

use std::collections::BTreeMap;

use outrigger_engine::desk::view::OrderStatus;
use outrigger_engine::domain::{Count, Price, Side};

use super::model::{Book, Model};

/// One price of the YES ladder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub side: Side,
    pub price: Price,
    pub count: Count,
    /// Own contracts working at this price.
    pub own: Count,
    /// Size beside the largest shown, 0 to 1000.
    pub weight: u16,
}

/// Returns offers, highest price first, then bids, highest price first; at most `depth` of each, the best ones.
pub(super) fn rows(model: &Model, ticker: &str, book: &Book, depth: usize) -> (Vec<Row>, Vec<Row>) {
    let own = own_sizes(model, ticker);
    let row = |side: Side, price: Price, count: Count| {
        let own = own.get(&(side, price)).copied().unwrap_or(Count::ZERO);
        Row { side, price, count, own, weight: 0 }
    };
    let offers =
        book.no.iter().rev().take(depth).map(|(price, count)| row(Side::Ask, price.complement(), *count));
    let bids = book.yes.iter().rev().take(depth).map(|(price, count)| row(Side::Bid, *price, *count));
    let (mut offers, mut bids): (Vec<Row>, Vec<Row>) = (offers.collect(), bids.collect());
    let largest = offers.iter().chain(&bids).map(|row| row.count.hundredths()).max().unwrap_or(1).max(1);
    for row in offers.iter_mut().chain(&mut bids) {
        row.weight = u16::try_from(row.count.hundredths().saturating_mul(1000) / largest).unwrap_or(1000);
    }
    offers.reverse();
    (offers, bids)
}

fn own_sizes(model: &Model, ticker: &str) -> BTreeMap<(Side, Price), Count> {
    let mut sizes = BTreeMap::new();
    let working = |status| matches!(status, OrderStatus::Resting | OrderStatus::Unknown);
    for order in model.orders.values().filter(|o| o.ticker.as_str() == ticker && working(o.status)) {
        let size: &mut Count = sizes.entry((order.side, order.price)).or_insert(Count::ZERO);
        *size = size.checked_add(order.remaining).unwrap_or(*size);
    }
    sizes
}

/// Returns a bar of at most `width` eighth-block cells for a weight of 0 to 1000.
pub(super) fn bar(weight: u16, width: usize) -> String {
    const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
    let eighths = (usize::from(weight) * width * 8).div_ceil(1000);
    let mut text: String = std::iter::repeat_n('█', eighths / 8).collect();
    if let Some(part) = (eighths % 8).checked_sub(1).and_then(|at| EIGHTHS.get(at)) {
        text.push(*part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{bar, rows};
    use crate::watch::model::{Book, Model};

    #[test]
    fn a_no_bid_is_shown_as_a_yes_offer_and_the_best_of_both_meet_in_the_middle() {
        let mut book = Book::default();
        for (price, count) in [("0.4000", "5.00"), ("0.4700", "3.00")] {
            book.yes.insert(price.parse().unwrap(), count.parse().unwrap());
        }
        for (price, count) in [("0.4800", "2.00"), ("0.5100", "10.00")] {
            book.no.insert(price.parse().unwrap(), count.parse().unwrap());
        }
        let (offers, bids) = rows(&Model::default(), "A", &book, 5);
        let prices = |rows: &[super::Row]| rows.iter().map(|row| row.price.to_string()).collect::<Vec<_>>();
        assert_eq!(prices(&offers), ["0.5200", "0.4900"]);
        assert_eq!(prices(&bids), ["0.4700", "0.4000"]);
        assert_eq!(offers.last().unwrap().weight, 1000);
    }

    #[test]
    fn bars_fill_their_width_and_no_more() {
        assert_eq!(bar(1000, 4), "████");
        assert_eq!(bar(0, 4), "");
        assert!(bar(1, 4).chars().count() == 1);
    }
}
