//! The bounded queue between the hub and one client's session.
//!
//! The hub puts encoded frames in, the session takes all that waits at each wake-up. Frames are shared bytes: a queue
//! holds references, never copies. Once ended, nothing more goes in; what is queued is still delivered, then the ending.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// How much may wait for one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    pub frames_max: usize,
    pub bytes_max: usize,
}

/// Why a session must close: a WebSocket close code and a reason of at most 123 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub code: u16,
    pub reason: String,
}

/// What a wake-up of the session found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    Frames(Vec<ByteString>),
    Ended(Ending),
}

/// See the module. One hub, one session.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    limits: OutboxLimits,
    session_wake: Notify,
    hub_wake: Arc<Notify>,
    /// Copies of the queue's size that the hub reads without the lock.
    frames: AtomicUsize,
    bytes: AtomicUsize,
    /// The hub left something out and wants to know when there is room again.
    lagging: AtomicBool,
    /// The session is gone.
    abandoned: AtomicBool,
    /// The peer was heard since the watchdog last looked.
    heard: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<ByteString>,
    bytes: usize,
    ending: Option<Ending>,
}

impl Outbox {
    pub fn new(limits: OutboxLimits, hub_wake: Arc<Notify>) -> Outbox {
        Outbox {
            queue: Mutex::default(),
            limits,
            session_wake: Notify::new(),
            hub_wake,
            frames: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            lagging: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            heard: AtomicBool::new(true),
        }
    }

    /// Waits until something is queued or the session must end. For one waiter only.
    pub async fn next(&self) -> Taken {
        loop {
            if let Some(taken) = self.try_take() {
                return taken;
            }
            self.session_wake.notified().await;
        }
    }

    /// Takes all that waits. The ending is seen only after every frame before it.
    pub fn try_take(&self) -> Option<Taken> {
        let taken = {
            let mut queue = self.queue.lock();
            if queue.frames.is_empty() {
                queue.ending.clone().map(Taken::Ended)
            } else {
                queue.bytes = 0;
                self.frames.store(0, Relaxed);
                self.bytes.store(0, Relaxed);
                Some(Taken::Frames(std::mem::take(&mut queue.frames).into()))
            }
        };
        if taken.is_some() && self.lagging.swap(false, Relaxed) {
            self.hub_wake.notify_one();
        }
        taken
    }

    /// Queues an answer of the session itself (hello, pong, an error). Returns false when there is no room.
    pub fn answer(&self, frame: ByteString) -> bool {
        let fits = self.has_room(1, frame.len(), 1);
        if fits {
            self.push_all(&mut vec![frame]);
        }
        fits
    }

    /// The session says that its peer was heard.
    pub fn heard(&self) {
        self.heard.store(true, Relaxed);
    }

    /// The session is gone; the hub forgets the client at its next wake-up.
    pub fn abandon(&self) {
        self.abandoned.store(true, Relaxed);
        let mut queue = self.queue.lock();
        queue.frames.clear();
        queue.bytes = 0;
        drop(queue);
        self.hub_wake.notify_one();
    }

    /// Ends the session after what is queued. The first ending stays.
    pub fn end(&self, ending: Ending) {
        self.queue.lock().ending.get_or_insert(ending);
        self.session_wake.notify_one();
    }

    /// Tells whether `frames` more with `bytes` in all fit into one `divisor`-th of the limits. A lone frame always fits.
    pub(super) fn has_room(&self, frames: usize, bytes: usize, divisor: usize) -> bool {
        let queued = self.frames.load(Relaxed);
        let waiting = queued.saturating_add(frames);
        let waiting_bytes = self.bytes.load(Relaxed).saturating_add(bytes);
        waiting <= 1
            || (waiting <= self.limits.frames_max / divisor
                && waiting_bytes <= self.limits.bytes_max / divisor)
    }

    /// Queues frames the hub found room for, leaving `frames` empty.
    pub(super) fn push_all(&self, frames: &mut Vec<ByteString>) {
        let mut queue = self.queue.lock();
        if queue.ending.is_some() || self.abandoned.load(Relaxed) {
            frames.clear();
            return;
        }
        for frame in frames.drain(..) {
            queue.bytes = queue.bytes.saturating_add(frame.len());
            queue.frames.push_back(frame);
        }
        self.frames.store(queue.frames.len(), Relaxed);
        self.bytes.store(queue.bytes, Relaxed);
        drop(queue);
        self.session_wake.notify_one();
    }

    /// Asks for a wake-up of the hub at the next take. A take that slipped in just before is made up for.
    pub(super) fn set_lagging(&self) {
        self.lagging.store(true, Relaxed);
        if self.frames.load(Relaxed) == 0 {
            self.hub_wake.notify_one();
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Relaxed)
    }

    /// Tells whether the peer was heard since the last call.
    pub(super) fn take_heard(&self) -> bool {
        self.heard.swap(false, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Ending, Outbox, OutboxLimits, Taken};

    #[test]
    fn the_ending_comes_after_what_was_queued_and_nothing_after_it() {
        let outbox = Outbox::new(OutboxLimits { frames_max: 4, bytes_max: 100 }, Arc::default());
        assert!(outbox.answer("a".into()));
        outbox.end(Ending { code: 1013, reason: "first".into() });
        outbox.end(Ending { code: 1000, reason: "second".into() });
        outbox.answer("late".into());
        assert_eq!(outbox.try_take(), Some(Taken::Frames(vec!["a".into()])));
        assert!(matches!(outbox.try_take(), Some(Taken::Ended(e)) if e.reason == "first"));
    }

    #[test]
    fn both_bounds_hold_and_a_lone_frame_always_fits() {
        let outbox = Outbox::new(OutboxLimits { frames_max: 2, bytes_max: 4 }, Arc::default());
        assert!(outbox.answer("larger than all".into()));
        assert!(!outbox.answer("x".into()));
        assert!(outbox.try_take().is_some());
        assert!(outbox.answer("ab".into()) && outbox.answer("cd".into()) && !outbox.answer("".into()));
    }
}
