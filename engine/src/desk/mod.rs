//! The desk decides everything about orders, money and the halt.
//!
//! `Desk::step(input, now)` is a pure function of its state: it returns journal entries and effects. What adds risk is sent
//! only in `after_commit`; cancels go `at_once`. State changes only by applying the entries it returns.

mod answers;
mod changes;
pub mod command;
mod continuity;
mod held;
mod place;
mod private;
pub mod read_model;
mod report;
mod schedule;
mod state;
mod step;
pub mod view;
mod waiting;

pub use continuity::DeskCounters;
pub use held::Held;
pub use state::{DeskState, Holding};
pub(crate) use state::{fill_view, settlement_view};
pub use step::{Desk, DeskConfig, DeskInput, Effect, Step, WaiterId};

#[cfg(test)]
mod tests;
