//! Books: ladders, sequence tracking and trust.

mod view;

pub use view::{BookView, Trust};
