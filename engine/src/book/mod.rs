//! Books: ladders, sequence tracking and trust.
//!
//! Invariants: a level is never negative or zero; a book is `live` only when every frame of its subscription since its
//! snapshot was applied in sequence (I7); while a book is not live its levels stay as they last were right.

mod counters;
mod keeper;
mod ladder;
mod sequence;
mod view;

pub use counters::BookCounters;
pub use keeper::{Keeper, KeeperOutput, Resync};
pub use ladder::{Ladder, LevelError};
pub use sequence::{Sequence, Verdict};
pub use view::{BookView, Trust};
