//! The sequence of one subscription: every frame that carries a number must be the next one.

/// What a sequence number means for what was seen before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The next in line, or the first ever seen on this subscription.
    Next,
    /// Frames are missing before this one.
    Gap { expected: u64 },
    /// Already seen; its content must not be applied again.
    Duplicate,
    /// The numbering began anew.
    Reset,
}

/// The watermark of one subscription.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequence {
    last: Option<u64>,
}

impl Sequence {
    /// Judges `seq` and moves the watermark. `starts_anew` says that the frame could open a numbering (a snapshot).
    pub fn advance(&mut self, seq: u64, starts_anew: bool) -> Verdict {
        let verdict = match self.last {
            None => Verdict::Next,
            Some(last) if Some(seq) == last.checked_add(1) => Verdict::Next,
            Some(last) if seq > last => Verdict::Gap { expected: last.saturating_add(1) },
            Some(_) if seq == 1 && starts_anew => Verdict::Reset,
            Some(_) => Verdict::Duplicate,
        };
        if verdict != Verdict::Duplicate {
            self.last = Some(seq);
        }
        verdict
    }

    pub const fn last(self) -> Option<u64> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::{Sequence, Verdict};

    #[test]
    fn judges_each_number_by_the_last() {
        let mut sequence = Sequence::default();
        let rows = [
            (4, false, Verdict::Next),
            (5, false, Verdict::Next),
            (5, false, Verdict::Duplicate),
            (8, false, Verdict::Gap { expected: 6 }),
            (7, false, Verdict::Duplicate),
            (9, false, Verdict::Next),
            (1, false, Verdict::Duplicate),
            (1, true, Verdict::Reset),
            (2, false, Verdict::Next),
        ];
        for (seq, starts_anew, want) in rows {
            assert_eq!(sequence.advance(seq, starts_anew), want, "seq {seq}");
        }
    }
}
