//! The venue's times: milliseconds, seconds or RFC 3339 text, depending on the message and its age.

use std::borrow::Cow;
use std::fmt;

use outrigger_engine::domain::VenueTime;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Larger numbers are milliseconds: as seconds they would lie beyond the year 5000.
const SECONDS_MAX: i64 = 100_000_000_000;

/// A time as it stood in the JSON. Parsed only when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WireTime<'a> {
    Number(i64),
    Text(Cow<'a, str>),
}

impl WireTime<'_> {
    pub(crate) fn venue_time(&self) -> Option<VenueTime> {
        match self {
            WireTime::Number(seconds) if *seconds <= SECONDS_MAX => seconds.checked_mul(1_000).map(VenueTime),
            WireTime::Number(milliseconds) => Some(VenueTime(*milliseconds)),
            WireTime::Text(text) => {
                text.parse::<jiff::Timestamp>().ok().map(|at| VenueTime(at.as_millisecond()))
            }
        }
    }
}

/// Returns the first of `exact` milliseconds and `coarse` that is there and readable.
pub(crate) fn venue_time(exact: Option<i64>, coarse: Option<&WireTime<'_>>) -> Option<VenueTime> {
    exact.map(VenueTime).or_else(|| coarse.and_then(WireTime::venue_time))
}

impl<'de: 'a, 'a> Deserialize<'de> for WireTime<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl<'de> Visitor<'de> for TimeVisitor {
    type Value = WireTime<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time as a number or RFC 3339 text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<WireTime<'de>, E> {
        Ok(WireTime::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WireTime<'de>, E> {
        Ok(WireTime::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<WireTime<'de>, E> {
        Ok(WireTime::Number(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<WireTime<'de>, E> {
        i64::try_from(value).map(WireTime::Number).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::VenueTime;

    use super::{WireTime, venue_time};

    #[test]
    fn reads_every_form_as_milliseconds() {
        for (json, expected) in [
            ("1790000000", Some(1_790_000_000_000)),
            ("1790000000123", Some(1_790_000_000_123)),
            ("\"2026-04-18T05:34:49.816683Z\"", Some(1_776_490_489_816)),
            ("\"2026-01-14T20:18:17.19985Z\"", Some(1_768_421_897_199)),
            ("\"soon\"", None),
        ] {
            let time: WireTime<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(time.venue_time(), expected.map(VenueTime), "{json}");
        }
        assert_eq!(venue_time(Some(5), Some(&WireTime::Number(1))), Some(VenueTime(5)));
        assert_eq!(venue_time(None, None), None);
    }
}
