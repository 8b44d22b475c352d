//! Randomness for waits, so that many machines do not ask at the same moment.

use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

pub(crate) fn random() -> u64 {
    let mut seed = [0_u8; 8];
    // Without randomness the wait is merely not spread.
    let _ = SystemRandom::new().fill(&mut seed);
    u64::from_le_bytes(seed)
}

/// Returns between nine and eleven tenths of `pause`. For work in the background only: an order never waits for luck.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let tenth_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) / 10;
    let spread_ms = random() % tenth_ms.saturating_mul(2).max(1);
    (pause - Duration::from_millis(tenth_ms)) + Duration::from_millis(spread_ms)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn a_tenth_to_either_side() {
        let pauses: Vec<Duration> = (0..200).map(|_| super::jittered(Duration::from_secs(10))).collect();
        assert!(pauses.iter().all(|pause| (9..=11).contains(&pause.as_secs())));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
