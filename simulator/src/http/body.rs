//! Request bodies, read field by field: prices and counts are strings, and every mistake names its field.

use serde_json::{Map, Value};

use crate::venue::units::{self, Count, Price};

use super::error::ApiError;
use super::query::SUBACCOUNT_MAX;

/// A JSON object of a request.
#[derive(Debug, Clone)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Reads a body that must be a JSON object.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        match serde_json::from_slice(bytes) {
            Ok(value) => Self::of(value),
            Err(error) => Err(ApiError::unreadable(format!("invalid JSON: {error}"))),
        }
    }

    pub(super) fn of(value: Value) -> Result<Self, ApiError> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(ApiError::unreadable("expected a JSON object")),
        }
    }

    /// Returns a field; null counts as absent.
    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Tells whether a field is there; null counts as absent.
    pub(super) fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(ApiError::unreadable(format!("{name} must be a string"))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&str, ApiError> {
        self.optional_text(name)?.ok_or_else(|| ApiError::unreadable(format!("{name} is required")))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.field(name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| ApiError::unreadable(format!("{name} must be an integer")))
    }

    pub(super) fn required_number(&self, name: &str) -> Result<i64, ApiError> {
        self.number(name)?.ok_or_else(|| ApiError::unreadable(format!("{name} is required")))
    }

    pub(super) fn subaccount(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.number(name)? {
            Some(number) if !(0..=SUBACCOUNT_MAX).contains(&number) => {
                Err(ApiError::unreadable(format!("{name} must be 0 to {SUBACCOUNT_MAX}")))
            }
            number => Ok(number),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    pub(super) fn optional_flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.field(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| ApiError::unreadable(format!("{name} must be a boolean")))
    }

    /// Returns a value out of a list of words.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, ApiError> {
        let given = self.text(name)?;
        words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            ApiError::unreadable(format!("{name} must be one of {}", known.join(", ")))
        })
    }

    /// Returns the texts of a list; none if it is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, ApiError> {
        let mistake = || ApiError::unreadable(format!("{name} must be a list of strings"));
        match self.field(name) {
            None => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().ok_or_else(mistake)).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(mistake()),
        }
    }

    /// Returns a price in dollars with up to four decimals.
    pub(super) fn price(&self, name: &str) -> Result<Price, ApiError> {
        units::parse(self.text(name)?, 4)
            .ok_or_else(|| ApiError::unreadable(format!("{name} must be dollars with up to 4 decimals")))
    }

    pub(super) fn optional_count(&self, name: &str) -> Result<Option<Count>, ApiError> {
        let Some(text) = self.optional_text(name)? else { return Ok(None) };
        let count = units::parse(text, 2);
        count
            .map(Some)
            .ok_or_else(|| ApiError::unreadable(format!("{name} must be contracts with up to 2 decimals")))
    }

    pub(super) fn count(&self, name: &str) -> Result<Count, ApiError> {
        self.optional_count(name)?.ok_or_else(|| ApiError::unreadable(format!("{name} is required")))
    }

    /// Returns the objects of a list.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Result<Body, ApiError>>, ApiError> {
        match self.field(name) {
            Some(Value::Array(items)) => Ok(items.iter().cloned().map(Body::of).collect()),
            Some(_) => Err(ApiError::unreadable(format!("{name} must be a list"))),
            None => Err(ApiError::unreadable(format!("{name} is required"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_and_counts_are_strings_only() {
        let body = Body::parse(br#"{"price":"0.56","count":10,"fine":"0.5600","deep":"0.56001"}"#).unwrap();
        assert_eq!((body.price("price"), body.price("fine")), (Ok(5_600), Ok(5_600)));
        assert_eq!(body.count("count"), Err(ApiError::unreadable("count must be a string")));
        assert!(body.price("deep").is_err());
        assert_eq!(body.price("none"), Err(ApiError::unreadable("none is required")));
    }

    #[test]
    fn null_and_empty_are_absent() {
        let body = Body::parse(br#"{"a":null,"b":"","c":"x"}"#).unwrap();
        assert_eq!((body.optional_text("a"), body.optional_text("b")), (Ok(None), Ok(None)));
        assert_eq!((body.number("a"), body.flag("a")), (Ok(None), Ok(false)));
        assert!(body.number("c").is_err() && body.flag("c").is_err());
        assert!(Body::parse(b"[]").is_err() && Body::parse(b"").is_err());
    }
}
