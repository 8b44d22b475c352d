//! Decimal fields read exactly: strings as the venue sends them, JSON numbers only when nothing is lost.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use outrigger_engine::domain::Price;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A decimal value of the domain, read from `"0.5600"`; `0.56` is taken too, because one observer saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact<T>(pub(crate) T);

/// A field that may be absent, null or an empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Maybe<T> {
        Maybe(None)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Exact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(DecimalVisitor(PhantomData))? {
            Some(value) => Ok(Exact(value)),
            None => Err(D::Error::custom("a decimal is missing")),
        }
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DecimalVisitor(PhantomData)).map(Maybe)
    }
}

/// A price in whole cents, as the venue sent them until March 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cents(pub(crate) Price);

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let cents = u16::deserialize(deserializer)?;
        let price = cents.checked_mul(100).and_then(Price::from_ten_thousandths);
        price.map(Cents).ok_or_else(|| D::Error::custom("more than 100 cents"))
    }
}

struct DecimalVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for DecimalVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Option<T>, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<T>, E> {
        self.visit_str(&value.to_string())
    }

    /// The shortest text that reads back as the same float is what was sent, for the few digits prices and counts have.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Option<T>, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::{Price, SignedCount};

    use super::{Cents, Exact, Maybe};

    #[test]
    fn takes_strings_and_numbers_that_lose_nothing() {
        let price = |json: &str| serde_json::from_str::<Exact<Price>>(json).map(|exact| exact.0.to_string());
        assert_eq!(price("\"0.56\"").unwrap(), "0.5600");
        assert_eq!(price("0.56").unwrap(), "0.5600");
        assert_eq!(price("0.0001").unwrap(), "0.0001");
        assert_eq!(price("1").unwrap(), "1.0000");
        for bad in ["0.56001", "1e-7", "\"\"", "null", "true", "\"half\"", "1.5", "-0.1"] {
            assert!(price(bad).is_err(), "{bad}");
        }
        let count = serde_json::from_str::<Exact<SignedCount>>("-3").unwrap();
        assert_eq!(count.0.to_string(), "-3.00");
        assert_eq!(serde_json::from_str::<Cents>("51").unwrap().0.to_string(), "0.5100");
        assert!(serde_json::from_str::<Cents>("101").is_err());
        assert_eq!(serde_json::from_str::<Maybe<Price>>("null").unwrap(), Maybe(None));
        assert_eq!(serde_json::from_str::<Maybe<Price>>("\"\"").unwrap(), Maybe(None));
    }
}
