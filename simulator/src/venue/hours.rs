//! The weekly hours: where they apply, trading pauses every Thursday from 03:00 to 05:00 Eastern time.
//!
//! Invariant: after a pause every book's clock starts anew, lower than it was.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::Venue;

/// Eastern time with its rule for summers, so that nothing is read from the machine.
const EASTERN: &str = "EST5EDT,M3.2.0,M11.1.0";
const PAUSES_AT: i8 = 3;
const RESUMES_AT: i8 = 5;

#[derive(Debug, Clone, Default)]
pub struct Hours {
    /// Whether trading pauses on Thursdays.
    pub thursday_pause: bool,
    /// When a pause is expected to end.
    pub resume_us: Option<i64>,
    /// Pauses by the clock that began or ended so far; who counts along knows when sockets end.
    pub turns: u64,
    in_pause: bool,
    /// Nothing changes before.
    next_us: i64,
}

impl Hours {
    /// Returns the pause that is on, or else the next one, in microseconds since the Unix epoch.
    pub fn window(now_us: i64) -> Option<(i64, i64)> {
        let eastern = TimeZone::posix(EASTERN).ok()?;
        let today = Timestamp::from_microsecond(now_us).ok()?.to_zoned(eastern.clone()).date();
        let offset = |day: Weekday| i64::from(day.to_monday_zero_offset());
        let days = (offset(Weekday::Thursday) - offset(today.weekday())).rem_euclid(7);
        let pause = |days: i64| {
            let thursday = today.checked_add(Span::new().try_days(days).ok()?).ok()?;
            let at = |hour: i8| hour_of(thursday, hour, &eastern);
            Some((at(PAUSES_AT)?, at(RESUMES_AT)?))
        };
        pause(days).filter(|(_, end_us)| now_us < *end_us).or_else(|| pause(days + 7))
    }
}

fn hour_of(date: Date, hour: i8, zone: &TimeZone) -> Option<i64> {
    let at = date.at(hour, 0, 0, 0).to_zoned(zone.clone()).ok()?;
    Some(at.timestamp().as_microsecond())
}

impl Venue {
    /// Begins and ends the weekly pause.
    pub(super) fn advance_hours(&mut self, now_us: i64) {
        if !self.hours.thursday_pause || now_us < self.hours.next_us {
            return;
        }
        let Some((start_us, end_us)) = Hours::window(now_us) else { return };
        let is_on = now_us >= start_us;
        self.hours.next_us = if is_on { end_us } else { start_us };
        if is_on == self.hours.in_pause {
            return;
        }
        self.hours.in_pause = is_on;
        self.hours.turns += 1;
        self.set_trading_paused(is_on, now_us);
        if is_on {
            self.hours.resume_us = Some(end_us);
        } else {
            let tickers: Vec<Arc<str>> = self.markets.keys().cloned().collect();
            for ticker in &tickers {
                if let Some(market) = self.markets.get_mut(ticker) {
                    market.clock = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::event::Side;
    use crate::venue::tests::{new, venue};

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn pauses_follow_eastern_time_through_the_year() {
        for (now, start, end) in [
            ("2026-11-16T12:00:00Z", "2026-11-19T08:00:00Z", "2026-11-19T10:00:00Z"),
            ("2026-11-19T07:59:59Z", "2026-11-19T08:00:00Z", "2026-11-19T10:00:00Z"),
            ("2026-11-19T09:59:59Z", "2026-11-19T08:00:00Z", "2026-11-19T10:00:00Z"),
            ("2026-11-19T10:00:00Z", "2026-11-26T08:00:00Z", "2026-11-26T10:00:00Z"),
            ("2026-11-20T12:00:00Z", "2026-11-26T08:00:00Z", "2026-11-26T10:00:00Z"),
            // It is still Wednesday in New York.
            ("2026-07-16T03:00:00Z", "2026-07-16T07:00:00Z", "2026-07-16T09:00:00Z"),
        ] {
            assert_eq!(Hours::window(us(now)), Some((us(start), us(end))), "{now}");
        }
    }

    #[test]
    fn trading_pauses_by_the_clock_and_books_start_anew() {
        let start = us("2026-11-19T08:00:00Z");
        let mut venue = venue(10_000);
        venue.steer("KXT-1", crate::venue::steer::Steer::MoveClose { close_us: i64::MAX / 4 }, 0).unwrap();
        venue.hours.thursday_pause = true;
        venue.place(0, &new(Side::Bid, 4_000, 100), start - 1).unwrap();
        venue.advance(start - 1);
        assert_eq!((venue.hours.turns, venue.trading_paused), (0, false));
        venue.advance(start);
        assert_eq!((venue.hours.turns, venue.trading_paused), (1, true));
        assert_eq!(venue.hours.resume_us, Some(us("2026-11-19T10:00:00Z")));
        let refused = venue.place(0, &new(Side::Bid, 4_000, 100), start + 1).unwrap_err();
        assert_eq!(refused.code, "trading_is_paused");
        assert_eq!(venue.market("KXT-1").unwrap().clock, 1);
        venue.advance(us("2026-11-19T10:00:00Z"));
        assert_eq!((venue.hours.turns, venue.trading_paused, venue.hours.resume_us), (2, false, None));
        assert_eq!(venue.market("KXT-1").unwrap().clock, 0);
    }
}
