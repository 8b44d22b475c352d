//! Plays a recording to one client: waits until the client has said what it wants, then at the recorded pace.
//!
//! Never reads ahead more than a few batches, never plays while nobody listens, never starts over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::socket::channel::Channel;
use crate::socket::command::Request;
use crate::socket::connection::Session;
use crate::socket::outbox::Outbox;
use crate::socket::subscription::Subscriptions;

use super::Recording;
use super::feed;
use super::line::Recorded;
use super::pace::Pace;
use super::stage::Stage;

/// Playing starts when no command came for so long: a client that sends several misses nothing.
const QUIET: Duration = Duration::from_millis(250);
/// The same while a recording with books has no book subscription yet: it is likely to come.
const QUIET_WITHOUT_BOOKS: Duration = Duration::from_secs(5);

enum Phase {
    /// Nothing of the recording is subscribed yet.
    Idle,
    /// Something is; the client may have more to say until then.
    Settling(Instant),
    Playing(mpsc::Receiver<Vec<Recorded>>),
    Ended,
}

/// One client's replay.
pub(crate) struct ReplaySession {
    recording: Arc<Recording>,
    subscriptions: Subscriptions,
    stage: Stage,
    pace: Pace,
    phase: Phase,
    /// The batch being played, last frame first.
    batch: Vec<Recorded>,
    was_heard: bool,
}

impl ReplaySession {
    pub(super) fn new(recording: Arc<Recording>) -> Self {
        Self {
            stage: Stage::new(Arc::clone(&recording)),
            pace: Pace::new(recording.speed()),
            recording,
            subscriptions: Subscriptions::default(),
            phase: Phase::Idle,
            batch: Vec::new(),
            was_heard: true,
        }
    }

    fn has_audience(&self) -> bool {
        let catalog = self.recording.catalog();
        self.subscriptions.iter().any(|subscription| catalog.has_channel(subscription.channel))
    }

    fn quiet_time(&self) -> Duration {
        let books = Channel::OrderbookDelta;
        let books_wanted = self.subscriptions.iter().any(|subscription| subscription.channel == books);
        if books_wanted || !self.recording.catalog().has_channel(books) { QUIET } else { QUIET_WITHOUT_BOOKS }
    }

    fn start(&mut self) {
        self.phase = match self.recording.read() {
            Ok(batches) => Phase::Playing(batches),
            Err(error) => {
                tracing::error!(%error, "the recording cannot be read");
                Phase::Ended
            }
        };
        self.stage.begin();
    }

    /// Plays what is due while there is room; returns when the next frame is due, if that is later.
    fn play_due(&mut self, out: &mut Outbox) -> Option<Instant> {
        let now = Instant::now();
        while out.has_room()
            && let Some(next) = self.batch.last()
        {
            if let Some(due) = self.pace.due(next.recv_ns, now).filter(|due| *due > now) {
                return Some(due);
            }
            if let Some(next) = self.batch.pop() {
                self.stage.play(&next, &mut self.subscriptions, out);
            }
        }
        None
    }
}

impl Session for ReplaySession {
    fn on_request(&mut self, request: Request, out: &mut Outbox) {
        self.subscriptions.answer(&mut self.stage, request, out);
        match self.phase {
            Phase::Idle | Phase::Settling(_) => {
                self.phase = if self.has_audience() {
                    Phase::Settling(Instant::now() + self.quiet_time())
                } else {
                    Phase::Idle
                };
            }
            Phase::Playing(_) => {
                let is_heard = self.has_audience();
                if is_heard && !self.was_heard {
                    self.pace.resume();
                }
                self.was_heard = is_heard;
            }
            Phase::Ended => {}
        }
    }

    async fn pump(&mut self, out: &mut Outbox) {
        match &mut self.phase {
            Phase::Idle | Phase::Ended => std::future::pending().await,
            Phase::Settling(until) => {
                sleep_until(*until).await;
                self.start();
            }
            Phase::Playing(batches) => {
                if self.batch.is_empty() {
                    match batches.recv().await {
                        Some(batch) => {
                            self.batch = batch;
                            self.batch.reverse();
                        }
                        None => self.phase = Phase::Ended,
                    }
                }
                if let Some(due) = self.play_due(out) {
                    sleep_until(due).await;
                }
            }
        }
    }

    fn wants_to_send(&self, out: &Outbox) -> bool {
        out.has_room() && self.has_audience()
    }
}

/// Opens the file for playing, in passes where its connections interleave.
impl Recording {
    fn read(&self) -> std::io::Result<mpsc::Receiver<Vec<Recorded>>> {
        feed::start(self.file().to_owned(), self.catalog().passes())
    }
}
