//! How the books stand, for readiness: written by the book keeper's thread, read by anyone.

use parking_lot::RwLock;

use crate::domain::{Generation, Ticker};

/// See the module.
#[derive(Debug, Default)]
pub struct BookStanding {
    told: RwLock<Standing>,
}

/// The standing as of one look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The connections it was found on, one for each strand.
    pub generations: Vec<Generation>,
    /// The list of markets was read, so that it is known which books are required.
    pub is_catalog_read: bool,
    /// Required books that had no snapshot on this connection yet.
    pub missing: Vec<Ticker>,
    /// What the streams owe, in words.
    pub alarms: Vec<String>,
}

impl BookStanding {
    pub fn get(&self) -> Standing {
        self.told.read().clone()
    }

    /// Tells whether every required book was applied on connection `generation`.
    pub fn is_ready_on(&self, generation: Generation) -> bool {
        let told = self.told.read();
        told.generations.contains(&generation) && told.is_catalog_read && told.missing.is_empty()
    }

    pub(super) fn set(&self, standing: Standing) {
        *self.told.write() = standing;
    }
}
