//! What waits to be written to one client: encoded WebSocket frames in one buffer.
//!
//! Frames are encoded once, one behind the other, and leave in large chunks: the cost of a wake-up and of a
//! write is shared by all frames that wait. The buffer says when it is full; who fills it decides what to do.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use actix_http::ws::{CloseCode, CloseReason, OpCode, Parser};
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::faults::frame::FrameFaults;
use crate::tape::Track;
use crate::time::Clock;

/// Above this many waiting bytes a source that can wait should wait.
const ROOM_BYTES: usize = 64 * 1024;
/// Above this many waiting bytes the client counts as a slow reader.
const OVERFLOW_BYTES: usize = 4 * 1024 * 1024;
/// The largest chunk handed to the socket at once.
const CHUNK_BYTES_MAX: usize = 256 * 1024;

/// The JSON text of a frame while it is written, and the time that it says it was sent.
#[derive(Debug, Default)]
pub(crate) struct Payload {
    text: Vec<u8>,
    pub(crate) sending_ts_ms: i64,
}

impl Deref for Payload {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.text
    }
}

impl DerefMut for Payload {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }
}

/// The encoded frames that wait for one client.
#[derive(Debug)]
pub(crate) struct Outbox {
    waiting: BytesMut,
    payload: Payload,
    clock: Arc<Clock>,
    track: Option<Track>,
    /// What goes wrong with text frames, if anything may.
    faults: Option<Box<FrameFaults>>,
}

impl Outbox {
    /// Makes the outbox of a connection whose frames are dated by `clock` and recorded on `track`.
    pub(crate) fn new(clock: Arc<Clock>, track: Option<Track>) -> Self {
        Self { waiting: BytesMut::new(), payload: Payload::default(), clock, track, faults: None }
    }

    pub(crate) fn with_faults(self, faults: Option<Box<FrameFaults>>) -> Self {
        Self { faults, ..self }
    }

    fn waiting_bytes(&self) -> usize {
        self.waiting.len() + self.faults.as_ref().map_or(0, |faults| faults.late_bytes())
    }

    /// Encodes one text frame whose JSON `write` appends; the newline of server frames is added here.
    pub(crate) fn text(&mut self, write: impl FnOnce(&mut Payload)) {
        self.payload.clear();
        self.payload.sending_ts_ms = self.clock.now_us().div_euclid(1_000);
        write(&mut self.payload);
        if let Some(track) = &self.track {
            track.frame(&self.payload);
        }
        self.payload.push(b'\n');
        self.send();
    }

    /// Encodes one text frame with exactly these bytes, which need not be JSON.
    pub(crate) fn verbatim(&mut self, payload: &[u8]) {
        self.payload.clear();
        self.payload.extend_from_slice(payload);
        self.send();
    }

    /// Encodes the frame that was written, or what becomes of it.
    fn send(&mut self) {
        let waiting = &mut self.waiting;
        let mut write = |frame: &[u8]| Parser::write_message(waiting, frame, OpCode::Text, true, false);
        match &mut self.faults {
            Some(faults) => faults.pass(&self.payload, Instant::now(), &mut write),
            None => write(&self.payload),
        }
    }

    /// Returns when [`Outbox::release`] has something to do.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.faults.as_ref()?.due_at()
    }

    /// Encodes frames that were held back until now.
    pub(crate) fn release(&mut self) {
        let waiting = &mut self.waiting;
        if let Some(faults) = &mut self.faults {
            let mut write = |frame: &[u8]| Parser::write_message(waiting, frame, OpCode::Text, true, false);
            faults.release(Instant::now(), &mut write);
        }
    }

    /// Says how often a command is heard.
    pub(crate) fn hearings(&self) -> usize {
        self.faults.as_ref().map_or(1, |faults| faults.hearings())
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) {
        Parser::write_message(&mut self.waiting, payload, OpCode::Ping, true, false);
    }

    pub(crate) fn pong(&mut self, payload: &[u8]) {
        Parser::write_message(&mut self.waiting, payload, OpCode::Pong, true, false);
    }

    pub(crate) fn close(&mut self, code: CloseCode, text: &str) {
        let reason = CloseReason { code, description: Some(text.to_owned()) };
        Parser::write_close(&mut self.waiting, Some(reason), false);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Tells whether a source that can wait may add more.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting_bytes() < ROOM_BYTES
    }

    /// Tells whether the client reads too slowly for a source that cannot wait.
    pub(crate) fn is_overflowing(&self) -> bool {
        self.waiting_bytes() > OVERFLOW_BYTES
    }

    /// Tells once whether a fault takes the client for one that does not keep up.
    pub(crate) fn take_overflow(&mut self) -> bool {
        self.faults.as_mut().is_some_and(|faults| faults.take_overflow())
    }

    /// Takes the next chunk of encoded bytes; a chunk may end inside a frame.
    pub(crate) fn take_chunk(&mut self) -> Bytes {
        let length = self.waiting.len().min(CHUNK_BYTES_MAX);
        self.waiting.split_to(length).freeze()
    }
}
