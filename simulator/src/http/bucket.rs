//! Token buckets: refilled continuously, no windows, no penalty. Pure: time is passed in.

/// The size of a bucket: tokens per second, and how many it can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub refill_rate: u32,
    pub bucket_capacity: u32,
}

/// A bucket with what is in it, in millionths of a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens {
    size: Bucket,
    micro_tokens: u64,
    /// When the content was counted last.
    at_us: i64,
}

const MICRO: u64 = 1_000_000;

impl Tokens {
    /// Makes a full bucket.
    pub(super) fn full(size: Bucket) -> Self {
        Self { size, micro_tokens: u64::from(size.bucket_capacity) * MICRO, at_us: i64::MIN }
    }

    /// Tells whether the bucket holds a whole cost at a time.
    pub(super) fn holds(&mut self, cost: u32, now_us: i64) -> bool {
        let elapsed_us = u64::try_from(now_us.saturating_sub(self.at_us)).unwrap_or_default();
        let refill = elapsed_us.saturating_mul(u64::from(self.size.refill_rate));
        let capacity = u64::from(self.size.bucket_capacity) * MICRO;
        self.micro_tokens = self.micro_tokens.saturating_add(refill).min(capacity);
        self.at_us = self.at_us.max(now_us);
        self.micro_tokens >= u64::from(cost) * MICRO
    }

    /// Takes a cost that the bucket was found to hold.
    pub(super) fn take(&mut self, cost: u32) {
        self.micro_tokens = self.micro_tokens.saturating_sub(u64::from(cost) * MICRO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_then_its_rate() {
        let mut tokens = Tokens::full(Bucket { refill_rate: 100, bucket_capacity: 300 });
        let mut admit = |cost, now_us| {
            let holds = tokens.holds(cost, now_us);
            if holds {
                tokens.take(cost);
            }
            holds
        };
        assert!((0..30).all(|_| admit(10, 0)));
        assert!(!admit(1, 0));
        assert!(!admit(10, 99_999));
        assert!(admit(10, 100_000));
        assert!(!admit(301, 1_000_000_000), "no more than it can hold");
        assert!(admit(300, 1_000_000_000));
    }
}
