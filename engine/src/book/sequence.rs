//! The sequence of one subscription: every frame that carries a number must be the next one.

use std::collections::VecDeque;

/// The venue numbers a subscription's frames from one.
const FIRST: u64 = 1;
/// Holes remembered, so that a frame that was late is not taken for the beginning of a new numbering.
const HOLES_MAX: usize = 8;

/// What a sequence number means for what was seen before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The next in line.
    Next,
    /// Frames are missing before this one.
    Gap { expected: u64 },
    /// Already seen, or late: its content must not be applied.
    Duplicate,
    /// The numbering began anew although nobody subscribed. Nothing that carries these numbers can be placed any more.
    Reset,
}

/// The watermark of one subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequence {
    last: Option<u64>,
    /// The frame before this one, where it stood behind the watermark.
    behind: Option<u64>,
    /// First and last number of each hole.
    holes: VecDeque<(u64, u64)>,
}

impl Sequence {
    /// Judges `seq` and moves the watermark, which stays where it is after a duplicate or a reset.
    ///
    /// A number behind the watermark changes nothing. It is a reset if it is the first of all numbers, or continues
    /// another one behind the watermark, unless it fills a known hole: then it was only late. The first of all numbers is
    /// never taken for late: in doubt, nothing on the subscription is trusted.
    pub fn advance(&mut self, seq: u64) -> Verdict {
        let behind = self.behind.take();
        let expected = self.last.map_or(FIRST, |last| last.saturating_add(1));
        if seq >= expected {
            self.last = Some(seq);
            if seq == expected {
                return Verdict::Next;
            }
            if self.holes.len() == HOLES_MAX {
                self.holes.pop_front();
            }
            self.holes.push_back((expected, seq - 1));
            return Verdict::Gap { expected };
        }
        if seq > FIRST && self.holes.iter().any(|(first, last)| (*first..=*last).contains(&seq)) {
            return Verdict::Duplicate;
        }
        self.behind = Some(seq);
        let continues = behind.is_some_and(|behind| behind.checked_add(1) == Some(seq));
        if seq <= FIRST || continues { Verdict::Reset } else { Verdict::Duplicate }
    }

    /// Returns the highest number seen.
    pub const fn last(&self) -> Option<u64> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::{Sequence, Verdict};

    fn check(rows: &[(u64, Verdict)]) {
        let mut sequence = Sequence::default();
        for (seq, want) in rows {
            assert_eq!(sequence.advance(*seq), *want, "seq {seq} of {rows:?}");
        }
    }

    #[test]
    fn judges_each_number_by_the_last() {
        check(&[
            (4, Verdict::Gap { expected: 1 }),
            (5, Verdict::Next),
            (5, Verdict::Duplicate),
            (8, Verdict::Gap { expected: 6 }),
            (7, Verdict::Duplicate),
            (9, Verdict::Next),
            (5, Verdict::Duplicate),
            (10, Verdict::Next),
        ]);
    }

    #[test]
    fn a_numbering_that_begins_anew_is_a_reset_with_or_without_its_first_number() {
        check(&[(1, Verdict::Next), (2, Verdict::Next), (3, Verdict::Next), (1, Verdict::Reset)]);
        check(&[
            (1, Verdict::Next),
            (2, Verdict::Next),
            (3, Verdict::Next),
            (2, Verdict::Duplicate),
            (3, Verdict::Reset),
        ]);
    }

    #[test]
    fn late_frames_of_one_hole_are_no_reset() {
        check(&[
            (1, Verdict::Next),
            (5, Verdict::Gap { expected: 2 }),
            (3, Verdict::Duplicate),
            (4, Verdict::Duplicate),
            (8, Verdict::Gap { expected: 6 }),
            (6, Verdict::Duplicate),
            (7, Verdict::Duplicate),
            (9, Verdict::Next),
        ]);
    }
}
