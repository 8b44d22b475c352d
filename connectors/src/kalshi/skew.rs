//! How far the venue's clock is from ours, measured from `Date` headers. Signatures are made on the venue's clock.

use std::sync::atomic::{AtomicI64, Ordering};

/// `Date` counts whole seconds and the answer travels: below this the measurement says nothing.
const NOISE_MS: i64 = 1_500;
/// An answer that took longer says too little about when its `Date` was written.
const ROUND_TRIP_MS_MAX: i64 = 3_000;

/// Venue time minus local time, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct ClockOffset(AtomicI64);

impl ClockOffset {
    pub(crate) fn venue_ms(&self, local_ms: i64) -> i64 {
        local_ms.saturating_add(self.get_ms())
    }

    pub(crate) fn get_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ms(&self, offset_ms: i64) {
        self.0.store(offset_ms, Ordering::Relaxed);
    }

    /// Learns from an answer's `Date` header; `sent_ms` and `answered_ms` are local times around the request.
    pub(crate) fn learn(&self, date: &str, sent_ms: i64, answered_ms: i64) {
        if let Some(offset) = measure(date, sent_ms, answered_ms) {
            self.set_ms(offset);
        }
    }
}

/// Returns the offset an answer shows, zero when it is within the noise, `None` when the answer cannot tell.
fn measure(date: &str, sent_ms: i64, answered_ms: i64) -> Option<i64> {
    let round_trip_ms = answered_ms.checked_sub(sent_ms)?;
    if !(0..=ROUND_TRIP_MS_MAX).contains(&round_trip_ms) {
        return None;
    }
    let written = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond();
    // The header was cut to the second, so on average half a second has passed since.
    let offset = written.checked_add(500)?.checked_sub(sent_ms.checked_add(round_trip_ms / 2)?)?;
    Some(if offset.abs() < NOISE_MS { 0 } else { offset })
}

#[cfg(test)]
mod tests {
    use super::measure;

    /// Wednesday 21 October 2026, 07:28:00 UTC.
    const DATE: &str = "Wed, 21 Oct 2026 07:28:00 GMT";
    const DATE_MS: i64 = 1_792_567_680_000;

    #[test]
    fn measures_against_the_middle_of_the_round_trip() {
        let rows = [
            (DATE_MS + 400, DATE_MS + 600, Some(0)),
            (DATE_MS - 900, DATE_MS - 700, Some(0)),
            (DATE_MS - 60_000, DATE_MS - 60_000, Some(60_500)),
            (DATE_MS + 30_400, DATE_MS + 30_600, Some(-30_000)),
            (DATE_MS, DATE_MS + 5_000, None),
            (DATE_MS + 100, DATE_MS, None),
        ];
        for (sent, answered, expected) in rows {
            assert_eq!(measure(DATE, sent, answered), expected, "{} {}", sent - DATE_MS, answered - DATE_MS);
        }
        assert_eq!(measure("yesterday", DATE_MS, DATE_MS), None);
    }
}
