//! Hosts the exchange: the venue behind one lock, and its events to every listener in commit order.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::venue::Venue;
use crate::venue::event::VenueEvent;

/// Batches a slow listener may fall behind before it is cut off.
const EVENT_BATCHES: usize = 16_384;

/// The events of one command or one tick.
pub type EventBatch = Arc<[VenueEvent]>;

/// The exchange as REST, sockets and the population share it.
#[derive(Debug)]
pub struct Exchange {
    venue: Mutex<Venue>,
    events: broadcast::Sender<EventBatch>,
}

impl Exchange {
    pub fn new(venue: Venue) -> Exchange {
        Exchange { venue: Mutex::new(venue), events: broadcast::Sender::new(EVENT_BATCHES) }
    }

    /// Runs `act` on the venue and publishes what it caused before anyone else can act.
    pub fn with<R>(&self, act: impl FnOnce(&mut Venue) -> R) -> R {
        let mut venue = self.venue.lock();
        let result = act(&mut venue);
        self.publish(&mut venue);
        result
    }

    /// Reads the venue and joins its stream in one step: what is read is exactly what came before the first event.
    pub fn listen<R>(&self, read: impl FnOnce(&Venue) -> R) -> (R, broadcast::Receiver<EventBatch>) {
        let mut venue = self.venue.lock();
        self.publish(&mut venue);
        (read(&venue), self.events.subscribe())
    }

    fn publish(&self, venue: &mut Venue) {
        let events = venue.take_events();
        if !events.is_empty() {
            // Without listeners there is nobody to tell.
            let _ = self.events.send(events.into());
        }
    }
}

/// The wall clock in microseconds: the only clock of the exchange, read by its shells.
pub fn wall_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
