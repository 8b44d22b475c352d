//! Values in the forms of REST replies.

use serde_json::{Map, Value, json};

use crate::venue::units::{self, Count, Micros, Price};

/// Returns a price with four decimals.
pub(super) fn price(price: Price) -> Value {
    Value::String(units::price_text(price))
}

/// Returns contracts with two decimals.
pub(super) fn count(count: Count) -> Value {
    Value::String(units::count_text(count))
}

/// Returns money with six decimals.
pub(super) fn money(micros: Micros) -> Value {
    Value::String(units::money_text(micros))
}

/// Returns an average with four decimals, or six where four would not be exact.
pub(super) fn average(micros: Micros) -> Value {
    if micros % 100 == 0 { price(micros / 100) } else { money(micros) }
}

/// Returns an RFC 3339 time.
pub(super) fn time(us: i64) -> Value {
    Value::String(units::time_text(us))
}

/// Returns a time, or null where there is none.
pub(super) fn optional_time(us: Option<i64>) -> Value {
    us.map_or(Value::Null, time)
}

/// Returns whole cents, truncated.
pub(super) fn cents(micros: Micros) -> Value {
    json!(micros / 10_000)
}

/// Returns levels as pairs of price and count, in the order given.
pub(super) fn levels(levels: impl Iterator<Item = (Price, Count)>) -> Value {
    Value::Array(levels.map(|(at, size)| json!([units::price_text(at), units::count_text(size)])).collect())
}

/// Takes the fields that are absent out of an object.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// Puts the fields of several objects into one.
pub(super) fn merged<const N: usize>(parts: [Value; N]) -> Value {
    let objects = parts.into_iter().filter_map(|part| match part {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    Value::Object(objects.flatten().collect())
}
