//! Exact decimal strings to scaled integers and back. Shared by prices, counts and money.

use std::fmt;

/// Why a decimal string could not be read exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    #[error("not a decimal number such as \"0.5600\"")]
    Malformed,
    #[error("more than {0} decimals")]
    TooFine(u32),
    #[error("outside the representable range")]
    OutOfRange,
}

/// Reads `text` as an integer of `10^-decimals` units. Digits beyond `decimals` must be zeros.
pub(crate) fn parse(text: &str, decimals: u32) -> Result<i64, DecimalError> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut value: i64 = 0;
    let mut seen_digits = 0_u32;
    let mut fraction: Option<u32> = None;
    for &byte in digits {
        match (byte, fraction) {
            (b'.', None) if seen_digits > 0 => fraction = Some(0),
            (b'0'..=b'9', Some(places)) if places >= decimals => {
                if byte != b'0' {
                    return Err(DecimalError::TooFine(decimals));
                }
            }
            (b'0'..=b'9', _) => {
                seen_digits += 1;
                fraction = fraction.map(|places| places + 1);
                value = value
                    .checked_mul(10)
                    .and_then(|v| v.checked_add(i64::from(byte - b'0')))
                    .ok_or(DecimalError::OutOfRange)?;
            }
            _ => return Err(DecimalError::Malformed),
        }
    }
    if seen_digits == 0 {
        return Err(DecimalError::Malformed);
    }
    let missing = decimals - fraction.unwrap_or(0).min(decimals);
    let scaled = value.checked_mul(10_i64.pow(missing)).ok_or(DecimalError::OutOfRange)?;
    Ok(if negative { -scaled } else { scaled })
}

/// Writes an integer of `10^-decimals` units with exactly `decimals` places.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, value: i64, decimals: usize) -> fmt::Result {
    let unit = 10_u64.pow(u32::try_from(decimals).map_err(|_| fmt::Error)?);
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = value.unsigned_abs();
    write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = decimals)
}

/// Gives a scaled integer type its decimal string form: `Display`, `FromStr`, and serde as a string.
macro_rules! decimal_string {
    ($name:ident, $decimals:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::domain::decimal::write(f, self.to_scaled(), $decimals)
            }
        }
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
        impl std::str::FromStr for $name {
            type Err = $crate::domain::DecimalError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::domain::decimal::parse(text, $decimals).and_then(Self::from_scaled)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use decimal_string;

#[cfg(test)]
mod tests {
    use super::{DecimalError, parse};

    #[test]
    fn reads_exactly_or_refuses() {
        assert_eq!(parse("0.5600", 4), Ok(5600));
        assert_eq!(parse("0.56", 4), Ok(5600));
        assert_eq!(parse("10", 2), Ok(1000));
        assert_eq!(parse("-3.00", 2), Ok(-300));
        assert_eq!(parse("1.500000", 2), Ok(150), "zeros beyond the unit are exact");
        assert_eq!(parse("0.56001", 4), Err(DecimalError::TooFine(4)));
        for bad in ["", "-", ".", ".5", "1e3", " 1", "1.2.3", "0x1", "NaN", "+1"] {
            assert_eq!(parse(bad, 4), Err(DecimalError::Malformed), "{bad:?}");
        }
        assert_eq!(parse("99999999999999999999", 2), Err(DecimalError::OutOfRange));
    }
}
