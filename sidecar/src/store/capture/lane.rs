//! What waits for the writer: bytes in one buffer, places in another, both used again. Bounded in both.
//!
//! Invariant: what was refused is told to the writer as a gap, at its place among what was taken.

use std::time::Duration;

use outrigger_engine::domain::{Generation, Now};
use parking_lot::{Condvar, Mutex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Opened,
    Received,
    Sent,
    Closed,
    /// So many frames are missing here.
    Gap(u64),
}

impl Kind {
    pub(super) const fn is_frame(self) -> bool {
        matches!(self, Kind::Received | Kind::Sent)
    }
}

#[derive(Debug, Clone, Copy)]
struct Item {
    kind: Kind,
    generation: Generation,
    at: Now,
    length: usize,
}

/// One thing to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) kind: Kind,
    pub(super) generation: Generation,
    pub(super) at: Now,
    pub(super) bytes: &'a [u8],
}

/// What the writer takes at once.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    items: Vec<Item>,
}

impl Batch {
    pub(super) fn iter(&self) -> impl Iterator<Item = Passed<'_>> {
        let mut rest = self.bytes.as_slice();
        self.items.iter().map(move |item| {
            let (bytes, after) = rest.split_at_checked(item.length).unwrap_or((rest, &[]));
            rest = after;
            Passed { kind: item.kind, generation: item.generation, at: item.at, bytes }
        })
    }

    pub(super) fn frames(&self) -> u64 {
        self.items.iter().filter(|item| item.kind.is_frame()).count() as u64
    }

    fn push(&mut self, kind: Kind, generation: Generation, at: Now, bytes: &[u8]) {
        self.items.push(Item { kind, generation, at, length: bytes.len() });
        self.bytes.extend_from_slice(bytes);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }
}

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    /// Frames refused since the last that was taken, and what the last of them was on.
    lost: u64,
    lost_at: Option<(Generation, Now)>,
    is_closed: bool,
}

#[derive(Debug)]
pub(super) struct Lane {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    items_max: usize,
    bytes_max: usize,
}

impl Lane {
    pub(super) fn new(items_max: usize, bytes_max: usize) -> Lane {
        Lane { waiting: Mutex::default(), wake: Condvar::new(), items_max, bytes_max }
    }

    /// Takes one thing if there is room and returns whether it did. The writer looks by itself often enough; it is only
    /// woken when half of the room is used.
    pub(super) fn push(&self, kind: Kind, generation: Generation, at: Now, bytes: &[u8]) -> bool {
        let mut waiting = self.waiting.lock();
        let (items, held) = (waiting.batch.items.len(), waiting.batch.bytes.len());
        let has_room = items < self.items_max && held.saturating_add(bytes.len()) <= self.bytes_max;
        if waiting.is_closed || !has_room {
            waiting.lost += u64::from(kind.is_frame());
            waiting.lost_at = Some((generation, at));
            return false;
        }
        waiting.note_gap();
        waiting.batch.push(kind, generation, at, bytes);
        if items == self.items_max / 2
            || (held < self.bytes_max / 2) != (held + bytes.len() < self.bytes_max / 2)
        {
            self.wake.notify_one();
        }
        true
    }

    /// Gives the writer what waits in exchange for an empty batch, after at most `within`. Returns whether more can come.
    pub(super) fn take(&self, batch: &mut Batch, within: Duration) -> bool {
        let mut waiting = self.waiting.lock();
        let half = (self.items_max / 2, self.bytes_max / 2);
        let is_little = waiting.batch.items.len() <= half.0 && waiting.batch.bytes.len() < half.1;
        if is_little && !waiting.is_closed {
            self.wake.wait_for(&mut waiting, within);
        }
        waiting.note_gap();
        batch.clear();
        std::mem::swap(batch, &mut waiting.batch);
        !waiting.is_closed
    }

    /// Throws away what waits; returns how many frames that were.
    pub(super) fn rest(&self) -> u64 {
        std::mem::take(&mut self.waiting.lock().batch).frames()
    }

    /// Refuses everything from now on; what waits can still be taken.
    pub(super) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.wake.notify_one();
    }
}

impl Waiting {
    fn note_gap(&mut self) {
        if let Some((generation, at)) = self.lost_at.take().filter(|_| self.lost > 0) {
            self.batch.push(Kind::Gap(self.lost), generation, at, b"");
            self.lost = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(lane: &Lane, bytes: &[u8]) -> bool {
        lane.push(Kind::Received, Generation(1), Now::default(), bytes)
    }

    fn taken(lane: &Lane) -> Vec<(Kind, Vec<u8>)> {
        let mut batch = Batch::default();
        lane.take(&mut batch, Duration::ZERO);
        batch.iter().map(|passed| (passed.kind, passed.bytes.to_vec())).collect()
    }

    #[test]
    fn what_does_not_fit_is_a_gap_where_it_is_missing() {
        let lane = Lane::new(3, 8);
        let took = [&b"ab"[..], b"0123456", b"0123456", b"cd", b"", b"e"].map(|bytes| pushed(&lane, bytes));
        // The last finds three items: two frames and the gap between them.
        assert_eq!(took, [true, false, false, true, false, false]);
        let frame = |bytes: &[u8]| (Kind::Received, bytes.to_vec());
        let gap = |frames| (Kind::Gap(frames), Vec::new());
        assert_eq!(taken(&lane), [frame(b"ab"), gap(2), frame(b"cd"), gap(2)]);
        assert!(pushed(&lane, b"01234567"));
        assert_eq!(taken(&lane), [frame(b"01234567")]);
        assert_eq!(taken(&lane), []);
    }

    #[test]
    fn a_closed_lane_gives_what_it_has_and_takes_no_more() {
        let lane = Lane::new(8, 64);
        assert!(pushed(&lane, b"a"));
        lane.close();
        assert!(!pushed(&lane, b"b"));
        let mut batch = Batch::default();
        assert!(!lane.take(&mut batch, Duration::from_secs(600)));
        assert_eq!((batch.frames(), batch.iter().count()), (1, 2));
    }
}
