//! Books: ladders, sequence tracking and trust.
//!
//! Invariants: a level is never negative or zero; a book is `live` only when every frame of its subscription since its
//! snapshot was applied in sequence (I7); while a book is not live its levels stay as they last were right; no work per frame
//! grows with the number of books, except where all of them lose their trust.

mod counters;
mod keeper;
mod ladder;
mod one;
mod sequence;
mod trades;
mod view;

pub use counters::BookCounters;
pub use keeper::{Keeper, KeeperOutput, Renewal, Resync};
pub use ladder::{Ladder, LevelError};
pub use sequence::{Sequence, Verdict};
pub use trades::TradeGap;
pub use view::{BookView, Trust, Watermark};
