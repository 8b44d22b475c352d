//! Markets as the engine knows them: identity, life-cycle status, price grid, shard.

use serde::{Deserialize, Serialize};

use super::ids::Ticker;
use super::price::Price;

/// A market's status in Kalshi's REST vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketStatus {
    Initialized,
    Active,
    Inactive,
    Closed,
    Determined,
    Disputed,
    Amended,
    Finalized,
    /// A status this version does not know; treated as not tradable.
    #[serde(other)]
    Unknown,
}

/// Prices from `start` to `end` (both inclusive) in steps of `step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceRange {
    pub start: Price,
    pub end: Price,
    pub step: Price,
}

/// The prices an order may have, as ranges in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct PriceGrid(Vec<PriceRange>);

impl PriceGrid {
    pub fn new(ranges: Vec<PriceRange>) -> PriceGrid {
        PriceGrid(ranges)
    }

    pub fn ranges(&self) -> &[PriceRange] {
        &self.0
    }

    /// Tells whether an order may be placed at `price`: strictly between 0 and 1 dollar and on a step.
    pub fn allows(&self, price: Price) -> bool {
        price > Price::ZERO
            && price < Price::ONE
            && self.0.iter().any(|range| {
                let step = range.step.ten_thousandths();
                let offset = price.ten_thousandths().checked_sub(range.start.ten_thousandths());
                price <= range.end && step > 0 && offset.is_some_and(|offset| offset % step == 0)
            })
    }
}

impl std::fmt::Display for PriceGrid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{} to {} in steps of {}", range.start, range.end, range.step)?;
        }
        Ok(())
    }
}

/// What the engine needs to know of a market.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    pub ticker: Ticker,
    pub event_ticker: String,
    pub title: String,
    pub status: MarketStatus,
    pub grid: PriceGrid,
    /// The shard that trades it; sent with every write so that only its budget is charged.
    pub exchange_index: i64,
    /// RFC 3339, as the venue gave them.
    pub open_time: Option<String>,
    pub close_time: Option<String>,
    /// `yes`, `no`, `scalar`, or empty while undetermined.
    pub result: String,
}

#[cfg(test)]
mod tests {
    use super::{PriceGrid, PriceRange};

    fn grid(ranges: &[(&str, &str, &str)]) -> PriceGrid {
        let range = |(start, end, step): &(&str, &str, &str)| PriceRange {
            start: start.parse().unwrap(),
            end: end.parse().unwrap(),
            step: step.parse().unwrap(),
        };
        PriceGrid::new(ranges.iter().map(range).collect())
    }

    #[test]
    fn tapered_grid_takes_sub_cents_only_at_the_edges() {
        let tapered = grid(&[
            ("0.0000", "0.1000", "0.0010"),
            ("0.1000", "0.9000", "0.0100"),
            ("0.9000", "1.0000", "0.0010"),
        ]);
        for (price, allowed) in [
            ("0.0010", true),
            ("0.0995", false),
            ("0.1000", true),
            ("0.1010", false),
            ("0.5600", true),
            ("0.9010", true),
            ("0.0000", false),
            ("1.0000", false),
        ] {
            assert_eq!(tapered.allows(price.parse().unwrap()), allowed, "{price}");
        }
    }
}
