//! Risk: limits, the gate, the halt. Only the gate makes `Cleared`, and only `Cleared` can be sent as a new risk.

mod gate;
mod halt;
mod limits;

pub use gate::{Cleared, Exposure, clear_amend, clear_create};
pub use halt::HaltSwitch;
pub use limits::Limits;
