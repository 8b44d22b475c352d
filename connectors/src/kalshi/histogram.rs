//! Durations counted into fixed buckets by whoever measures, read at each scrape. No lock, no allocation.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Upper bounds in microseconds: from a tenth of a millisecond to half a minute.
const BOUNDS_US: [u64; 18] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000,
];
const BUCKETS: usize = BOUNDS_US.len();

/// Counts durations in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    counts: [AtomicU64; BUCKETS],
    beyond: AtomicU64,
    sum_us: AtomicU64,
}

/// What a histogram held when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// Sum of all durations, microseconds.
    pub sum_us: u64,
    /// Upper bound in microseconds and how many fell into the bucket below it (not cumulative).
    pub buckets: Vec<(u64, u64)>,
    /// Longer than the last bound.
    pub beyond: u64,
}

impl Histogram {
    pub(crate) fn observe_us(&self, duration_us: u64) {
        let at = BOUNDS_US.partition_point(|bound| *bound < duration_us);
        self.counts.get(at).unwrap_or(&self.beyond).fetch_add(1, Relaxed);
        self.sum_us.fetch_add(duration_us, Relaxed);
    }

    pub(crate) fn read(&self) -> Distribution {
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        Distribution {
            sum_us: self.sum_us.load(Relaxed),
            buckets: BOUNDS_US.into_iter().zip(counts).collect(),
            beyond: self.beyond.load(Relaxed),
        }
    }
}

impl Distribution {
    /// Returns how many durations were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum::<u64>() + self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn each_duration_falls_into_the_bucket_its_bound_closes() {
        let histogram = Histogram::default();
        for duration_us in [0, 100, 101, 30_000_000, 30_000_001, 86_400_000_000] {
            histogram.observe_us(duration_us);
        }
        let read = histogram.read();
        let filled: Vec<(u64, u64)> = read.buckets.iter().copied().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(100, 2), (250, 1), (30_000_000, 1)]);
        assert_eq!((read.beyond, read.count()), (2, 6));
        assert_eq!(read.sum_us, 86_460_000_202);
    }
}
