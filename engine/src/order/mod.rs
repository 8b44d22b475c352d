//! Orders: their life cycle as one table, and what is known of each.

mod lifecycle;
mod record;

pub use lifecycle::{Contradiction, OrderEvent, after_contradiction, next};
pub use record::{Change, OrderRecord};
