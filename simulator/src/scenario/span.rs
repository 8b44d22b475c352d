//! Spans of time as people write them: `250ms`, `90s`, `5m`, `1h30m`.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A span in microseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span(pub i64);

const UNITS: [(&str, i64); 5] =
    [("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];

impl Span {
    pub fn parse(text: &str) -> Result<Span, String> {
        let read = || {
            let (mut left, mut total) = (text, 0_i64);
            while !left.is_empty() {
                let (number, rest) = left.split_at(left.find(|at: char| !at.is_ascii_digit())?);
                let (unit, rest) =
                    rest.split_at(rest.find(|at: char| at.is_ascii_digit()).unwrap_or(rest.len()));
                let (_, us) = UNITS.iter().find(|(name, _)| *name == unit)?;
                total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(*us)?)?;
                left = rest;
            }
            (!text.is_empty()).then_some(Span(total))
        };
        read().ok_or_else(|| format!("\"{text}\" is not a span such as 250ms, 90s, 5m, 1h30m or 2d"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        Span::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn spans_are_read_or_refused() {
        for (text, us) in [("250ms", 250_000), ("90s", 90_000_000), ("1h30m", 5_400_000_000), ("0s", 0)] {
            assert_eq!(Span::parse(text), Ok(Span(us)), "{text}");
        }
        for bad in ["", "90", "s", "1.5s", "-1s", "1 s", "1x", "9999999999999d", "90s ago"] {
            assert!(Span::parse(bad).is_err_and(|told| told.contains("1h30m")), "{bad}");
        }
    }
}
