//! How far a listener of a stepped exchange has got: time may move on when everybody has said everything.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// One listener's count of batches that it has not finished.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listener(Arc<AtomicI64>);

/// Everyone who listens.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<Vec<Weak<AtomicI64>>>);

impl Listener {
    /// Notes that so many batches were dealt with.
    pub(crate) fn finished(&self, batches: u64) {
        self.0.fetch_sub(i64::try_from(batches).unwrap_or(i64::MAX), Relaxed);
    }
}

impl Listeners {
    pub(crate) fn join(&self) -> Listener {
        let listener = Listener::default();
        self.0.lock().push(Arc::downgrade(&listener.0));
        listener
    }

    /// Notes a batch for everyone; must come before the batch.
    pub(crate) fn note(&self) {
        self.0.lock().retain(|listener| match listener.upgrade() {
            Some(unfinished) => {
                unfinished.fetch_add(1, Relaxed);
                true
            }
            None => false,
        });
    }

    pub(crate) fn are_finished(&self) -> bool {
        let listeners = self.0.lock();
        listeners.iter().filter_map(Weak::upgrade).all(|unfinished| unfinished.load(Relaxed) <= 0)
    }
}
