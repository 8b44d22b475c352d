//! Renumbers recorded sequences so that leaving frames out makes no gap and hides none.
//!
//! A [`Lane`] is one recorded sequence: one sid of one recorded connection. Our sequence counts on by the steps
//! of the lane: a step of one continues, a larger one is a gap of the recording and stays a gap. A frame that is
//! left out takes its own number with it, and only that. Numbers at or below the watermark are duplicates or
//! late frames; they get the number that their place in the recording has in our sequence.

use std::collections::VecDeque;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

/// How many recent numbers are kept to place late frames.
const RECENT_MAX: usize = 256;
/// How many recent frames are kept to know a repeated one.
const SEEN_MAX: usize = 64;

/// Where a recorded frame stands in its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The number after the watermark.
    Next,
    /// A number further on: frames are missing.
    Gap,
    /// A frame that came before, number and text alike: it changes nothing.
    Repeated,
    /// Any other number at or below the watermark, or no number at all.
    Late,
}

#[derive(Debug, Clone, Copy)]
struct Passed {
    recorded: u64,
    ours: u64,
    kept: bool,
}

/// One recorded sequence and how far it has been played.
#[derive(Debug, Default)]
pub(super) struct Lane {
    watermark: u64,
    recent: VecDeque<Passed>,
    /// Number and fingerprint of recent frames.
    seen: VecDeque<(u64, u64)>,
}

impl Lane {
    /// Tells where a frame stands, before it is kept, left out or passed by.
    pub(super) fn order(&mut self, recorded: Option<u64>, text: &[u8]) -> Order {
        let Some(recorded) = recorded else { return Order::Late };
        let seen = (recorded, FixedState::default().hash_one(text));
        let order = if recorded > self.watermark {
            let is_next = recorded - self.watermark == 1;
            if is_next { Order::Next } else { Order::Gap }
        } else if self.seen.contains(&seen) {
            Order::Repeated
        } else {
            Order::Late
        };
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back(seen);
        order
    }

    /// Takes note of a frame that no subscription of ours could get.
    pub(super) fn pass_by(&mut self, recorded: u64) {
        self.watermark = self.watermark.max(recorded);
        self.recent.clear();
    }

    /// Forgets how recent frames were numbered: the subscription they went to is gone.
    pub(super) fn forget_numbers(&mut self) {
        self.recent.clear();
    }

    /// Returns our number of a frame that is sent; `last` is the last number of our sequence.
    pub(super) fn keep(&mut self, recorded: u64, last: &mut u64) -> u64 {
        let Some(step) = recorded.checked_sub(self.watermark).filter(|step| *step > 0) else {
            return self.late(recorded, *last);
        };
        *last = last.saturating_add(step);
        self.advance(Passed { recorded, ours: *last, kept: true });
        *last
    }

    /// Leaves a frame out: our sequence goes on as if the frame had never had a number.
    pub(super) fn leave_out(&mut self, recorded: u64, last: &mut u64) {
        if let Some(step) = recorded.checked_sub(self.watermark).filter(|step| *step > 0) {
            *last = last.saturating_add(step.saturating_sub(1));
            self.advance(Passed { recorded, ours: *last, kept: false });
        }
    }

    fn advance(&mut self, passed: Passed) {
        self.watermark = passed.recorded;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(passed);
    }

    /// Places a number at or below the watermark by the first frame that passed at or after it.
    fn late(&self, recorded: u64, last: u64) -> u64 {
        match self.recent.iter().find(|passed| passed.recorded >= recorded) {
            Some(next) => {
                let after_gap = u64::from(!next.kept && next.recorded != recorded);
                next.ours.saturating_add(after_gap).saturating_sub(next.recorded.saturating_sub(recorded))
            }
            None => last.saturating_sub(self.watermark.saturating_sub(recorded)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays recorded numbers (`true`: sent, `false`: left out) and returns the numbers sent.
    fn check(frames: &[(u64, bool)], expected: &[u64]) {
        let (mut lane, mut last, mut sent) = (Lane::default(), 0, Vec::new());
        for (recorded, is_sent) in frames {
            if *is_sent {
                sent.push(lane.keep(*recorded, &mut last));
            } else {
                lane.leave_out(*recorded, &mut last);
            }
        }
        assert_eq!(sent, expected, "{frames:?}");
    }

    #[test]
    fn a_clean_recording_keeps_its_numbers() {
        check(&[(1, true), (2, true), (3, true)], &[1, 2, 3]);
    }

    #[test]
    fn leaving_out_makes_no_gap_and_hides_none() {
        check(&[(1, true), (2, false), (3, false), (4, true)], &[1, 2]);
        check(&[(1, true), (3, true)], &[1, 3]);
        check(&[(1, true), (4, false), (5, true)], &[1, 4]);
        check(&[(1, false), (2, true)], &[1]);
    }

    #[test]
    fn duplicates_and_late_frames_stay_what_they_are() {
        check(&[(1, true), (2, true), (2, true), (3, true)], &[1, 2, 2, 3]);
        check(&[(1, true), (2, false), (2, false), (3, true)], &[1, 2]);
        check(&[(5, true), (7, true), (6, true), (8, true)], &[5, 7, 6, 8]);
        // The frame that came too early is left out: for this client nothing was out of order.
        check(&[(5, true), (7, false), (6, true), (8, true)], &[5, 6, 7]);
        // The late frame is left out: this client sees a gap, as it does not know what is missing.
        check(&[(5, true), (7, true), (6, false), (8, true)], &[5, 7, 8]);
    }

    #[test]
    fn a_second_recorded_sequence_continues_ours() {
        let mut last = 0;
        let (mut first, mut second) = (Lane::default(), Lane::default());
        assert_eq!((first.keep(1, &mut last), first.keep(2, &mut last)), (1, 2));
        // One frame of our own in between.
        last += 1;
        assert_eq!((second.keep(1, &mut last), second.keep(2, &mut last)), (4, 5));
        assert_eq!(first.keep(3, &mut last), 6);
    }

    #[test]
    fn a_subscription_made_in_the_middle_starts_at_one() {
        let (mut lane, mut last) = (Lane::default(), 0);
        lane.pass_by(41);
        assert_eq!(lane.keep(42, &mut last), 1);
    }

    #[test]
    fn repeated_frames_are_told_from_late_ones() {
        let mut lane = Lane::default();
        let mut last = 0;
        let frames = [(1, "a"), (3, "c"), (3, "c"), (3, "x"), (2, "b"), (4, "d")];
        let orders = frames.map(|(recorded, text)| {
            let order = lane.order(Some(recorded), text.as_bytes());
            lane.keep(recorded, &mut last);
            order
        });
        let expected = [Order::Next, Order::Gap, Order::Repeated, Order::Late, Order::Late, Order::Next];
        assert_eq!(orders, expected);
        assert_eq!(lane.order(None, b"a"), Order::Late);
    }
}
