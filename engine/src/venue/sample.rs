//! A book as the venue's REST side shows it: what the streamed one is compared with.

use super::feed::BookLevels;
use crate::domain::Ticker;

/// Bids of both legs, each at its own leg's price, in any order, without zero counts. Every level there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookSample {
    pub ticker: Ticker,
    pub yes: BookLevels,
    pub no: BookLevels,
}
