//! How many requests may be repeated: a share of all, so that repeats never make an outage worse. Pure.

/// Thousandths of a repeat that each request earns.
const EARNED: u32 = 100;
/// Repeats that can be saved up.
const SAVED_MAX: u32 = 10_000;
const REPEAT: u32 = 1_000;

/// Earned by requests, spent by repeats.
#[derive(Debug)]
pub(crate) struct Retries(u32);

impl Default for Retries {
    fn default() -> Retries {
        Retries(SAVED_MAX)
    }
}

impl Retries {
    pub(crate) fn earn(&mut self) {
        self.0 = (self.0 + EARNED).min(SAVED_MAX);
    }

    /// Takes one repeat, if one is left.
    pub(crate) fn take(&mut self) -> bool {
        let is_left = self.0 >= REPEAT;
        if is_left {
            self.0 -= REPEAT;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::Retries;

    #[test]
    fn one_in_ten_and_ten_saved_up() {
        let mut retries = Retries::default();
        let mut repeated = 0;
        for _ in 0..1_000 {
            retries.earn();
            repeated += u32::from(retries.take());
        }
        assert_eq!(repeated, 109, "ten saved up, then a tenth");
        (0..5_000).for_each(|_| retries.earn());
        assert_eq!((0..50).filter(|_| retries.take()).count(), 10);
    }
}
