//! The halt as one atomic: read by the gateway right before each send, set before a halt is acknowledged (I9).

use std::sync::atomic::{AtomicU8, Ordering};

use crate::journal::HaltMode;

/// Shared by the desk's shell (writes) and the gateway (reads).
#[derive(Debug, Default)]
pub struct HaltSwitch(AtomicU8);

impl HaltSwitch {
    pub fn set(&self, mode: HaltMode) {
        let value = match mode {
            HaltMode::Active => 0,
            HaltMode::ReduceOnly => 1,
            HaltMode::Halted => 2,
        };
        self.0.store(value, Ordering::SeqCst);
    }

    /// Tells whether an order that adds risk may still leave.
    pub fn lets_orders_leave(&self) -> bool {
        self.0.load(Ordering::SeqCst) < 2
    }
}
