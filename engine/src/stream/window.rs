//! What is kept of a stream topic so that a client that was away can have all it missed.
//!
//! All windows of one kind share a pool with a bound on frames and bytes; the oldest frame of the pool goes first.

use std::collections::VecDeque;

use bytestring::ByteString;

/// Place of a topic in the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TopicIndex(pub(super) usize);

/// An encoded frame that knows where its data begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) text: ByteString,
    pub(super) data_at: usize,
}

impl Frame {
    /// Returns the frame's `data` as written.
    pub(super) fn data(&self) -> &str {
        self.text.get(self.data_at..self.text.len().saturating_sub(1)).unwrap_or("null")
    }
}

/// The newest frames of one topic. They end at the topic's current offset, without a hole.
#[derive(Debug, Default)]
pub(super) struct Window {
    frames: VecDeque<Frame>,
}

impl Window {
    pub(super) fn push(&mut self, frame: Frame) {
        self.frames.push_back(frame);
    }

    /// Drops the oldest frame and returns its size.
    pub(super) fn pop_oldest(&mut self) -> usize {
        self.frames.pop_front().map_or(0, |frame| frame.text.len())
    }

    /// Returns the newest `count` frames, oldest of them first, or `None` when fewer are kept.
    pub(super) fn newest(&self, count: u64) -> Option<impl Iterator<Item = &Frame>> {
        let count = usize::try_from(count).ok()?;
        let skip = self.frames.len().checked_sub(count)?;
        Some(self.frames.iter().skip(skip))
    }

    /// Returns up to `count` of the newest frames, oldest of them first.
    pub(super) fn tail(&self, count: usize) -> impl Iterator<Item = &Frame> {
        self.frames.iter().skip(self.frames.len().saturating_sub(count))
    }
}

/// Bounds what all windows of one kind hold together.
#[derive(Debug)]
pub(super) struct WindowPool {
    /// Which topic holds the oldest frame, the next oldest, and so on.
    ages: VecDeque<TopicIndex>,
    bytes: usize,
    limits: WindowLimits,
}

/// How much the windows of one kind may hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLimits {
    pub frames_max: usize,
    pub bytes_max: usize,
}

impl WindowPool {
    pub(super) fn new(limits: WindowLimits) -> WindowPool {
        WindowPool { ages: VecDeque::new(), bytes: 0, limits }
    }

    pub(super) fn pushed(&mut self, topic: TopicIndex, bytes: usize) {
        self.ages.push_back(topic);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Returns whose oldest frame must go, while the pool is over its bounds.
    pub(super) fn victim(&mut self) -> Option<TopicIndex> {
        let over = self.ages.len() > self.limits.frames_max || self.bytes > self.limits.bytes_max;
        if over { self.ages.pop_front() } else { None }
    }

    pub(super) fn freed(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}
