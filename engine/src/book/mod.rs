//! Books: ladders, sequence tracking and trust.
//!
//! Invariants: a level is never negative or zero; a book is `live` only when every frame of its subscription since its
//! snapshot was applied in sequence (I7), on one strand at least where there are two; while a book is not live its levels stay
//! as they last were right; no work per frame grows with the number of books, except where all of them lose their trust.

mod counters;
mod demand;
mod echo;
mod keeper;
mod ladder;
mod liveness;
mod one;
mod overseer;
mod sequence;
mod standing;
mod trades;
mod truth;
mod view;

pub use counters::BookCounters;
pub use demand::{Demand, DemandConfig, DemandStep};
pub use keeper::{Keeper, KeeperOutput, Renewal, Resync};
pub use ladder::{Ladder, LevelError};
pub use liveness::{DataClass, DataVerdict, Liveness};
pub use overseer::{Overseer, OverseerConfig, OverseerOutput};
pub use sequence::{Sequence, Verdict};
pub use standing::{BookStanding, Standing};
pub use trades::TradeGap;
pub use truth::{Finding, LevelDifference, Truth, TruthStep};
pub use view::{BookView, Trust, Watermark};
