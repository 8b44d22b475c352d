//! Orders: their life cycle as one table, and what is known of each.

mod change;
mod lifecycle;
mod record;

pub use change::{Change, Changes};
pub use lifecycle::{Contradiction, OrderEvent, after_contradiction, next};
pub use record::OrderRecord;
