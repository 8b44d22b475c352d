//! Frames as a connection reads them, without a socket: for measurements.

use outrigger_engine::domain::{Generation, Received, Ticker};
use outrigger_engine::venue::FeedBatch;

use super::intake::{Intake, Place, Taken};
use super::subscriptions::Subscriptions;
use crate::kalshi::status::Counters;

/// One connection's way from text to the items that its books' lane is given. Takes the subscriptions that the frames
/// acknowledge, and sends nothing.
#[derive(Debug)]
pub struct FrameReader {
    intake: Intake,
    subscriptions: Subscriptions,
    counters: Counters,
    taken: Taken,
}

impl FrameReader {
    /// Begins connection `generation`, on which these markets are wanted.
    pub fn new(generation: Generation, now: Received, tickers: Vec<Ticker>) -> FrameReader {
        let mut subscriptions = Subscriptions::new();
        subscriptions.remember(tickers);
        subscriptions.connect(now.monotonic.0 / 1_000_000);
        FrameReader {
            intake: Intake::new(generation),
            subscriptions,
            counters: Counters::default(),
            taken: Taken::default(),
        }
    }

    /// Reads one text frame and appends what it means to `batch`; what is not market data is dropped.
    pub fn read(&mut self, text: &str, received: Received, batch: &mut FeedBatch) {
        // The batch takes the place of the one a connection would hand on.
        std::mem::swap(batch, &mut self.taken.market);
        let FrameReader { intake, subscriptions, counters, taken } = self;
        let frame = intake.decode(text, taken);
        intake.place(frame.decoded, Place { received, subscriptions, counters, taken });
        std::mem::swap(batch, &mut taken.market);
        taken.private.clear();
        taken.lifecycle.clear();
        taken.unknown.clear();
    }
}
