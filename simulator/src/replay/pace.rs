//! When a recorded frame is due: the recorded spacing divided by the speed.

use std::time::Duration;

use tokio::time::Instant;

/// Maps recorded receive times to moments of the replay.
#[derive(Debug)]
pub(super) struct Pace {
    /// Multiple of recorded time; 0 means at once.
    speed: f64,
    /// A recorded time and the moment it was played.
    base: Option<(i64, Instant)>,
}

impl Pace {
    pub(super) fn new(speed: f64) -> Self {
        Self { speed, base: None }
    }

    /// Returns when a frame received at `recv_ns` is due, none if at once.
    pub(super) fn due(&mut self, recv_ns: Option<i64>, now: Instant) -> Option<Instant> {
        let recv_ns = recv_ns.filter(|_| self.speed > 0.0)?;
        match self.base {
            // A step back in time is another recorded connection: its own spacing counts.
            Some((base_ns, played_at)) if recv_ns >= base_ns => {
                let spacing = Duration::from_nanos(recv_ns.abs_diff(base_ns));
                let scaled = spacing.as_secs_f64() / self.speed;
                Some(played_at + Duration::try_from_secs_f64(scaled).unwrap_or(Duration::from_secs(86_400)))
            }
            _ => {
                self.base = Some((recv_ns, now));
                None
            }
        }
    }

    /// Lets the next frame be due at once: time stood still in between.
    pub(super) fn resume(&mut self) {
        self.base = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spacing_is_divided_by_the_speed() {
        let now = Instant::now();
        let mut pace = Pace::new(4.0);
        assert_eq!(pace.due(Some(1_000), now), None);
        assert_eq!(pace.due(Some(2_000_001_000), now), Some(now + Duration::from_millis(500)));
        assert_eq!(pace.due(Some(500), now), None);
        assert_eq!(pace.due(None, now), None);
        assert_eq!(Pace::new(0.0).due(Some(i64::MAX), now), None);
    }
}
