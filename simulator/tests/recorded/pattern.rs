//! Patterns of JSON: exact keys and values, with placeholders for what differs from run to run.
//!
//! Placeholders are `<uuid>`, `<time>`, `<ms>`, `<text>` and `<any>`; an array `["<each>", p]` wants at least one item,
//! each like `p`.

use serde_json::Value;

use crate::world::Answer;

/// A statement, what the exchange answered, and what was recorded.
pub(crate) struct Row {
    said: &'static str,
    answer: Answer,
    status: u16,
    body: Value,
}

pub(crate) fn row(said: &'static str, answer: Answer, status: u16, body: Value) -> Row {
    Row { said, answer, status, body }
}

/// Panics with all rows that differ.
pub(crate) fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for Row { said, answer, status, body } in &rows {
        let text = String::from_utf8_lossy(&answer.body);
        let fits = match answer.body.is_empty() {
            true if body.is_null() => Ok(()),
            true => Err("an empty body".to_owned()),
            false => serde_json::from_slice(&answer.body)
                .map_err(|error| error.to_string())
                .and_then(|value| fit(body, &value, "body")),
        };
        if answer.status != *status || fits.is_err() {
            wrong.push(format!("{said}: {} {text}, recorded {status} {body}: {fits:?}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// Tells where a value does not fit its pattern.
pub(crate) fn fit(pattern: &Value, value: &Value, at: &str) -> Result<(), String> {
    let wrong = || Err(format!("{at} is {value}, expected {pattern}"));
    match (pattern, value) {
        (Value::String(wanted), _) if wanted.starts_with('<') => {
            if is(wanted, value) {
                Ok(())
            } else {
                wrong()
            }
        }
        (Value::Object(wanted), Value::Object(found)) => {
            if let Some(name) = found.keys().find(|name| !wanted.contains_key(*name)) {
                return Err(format!("{at} has {name}: {}", found[name]));
            }
            wanted.iter().try_for_each(|(name, wanted)| match found.get(name) {
                Some(found) => fit(wanted, found, &format!("{at}.{name}")),
                None => Err(format!("{at} has no {name}")),
            })
        }
        (Value::Array(wanted), Value::Array(found)) => match wanted.as_slice() {
            [each, wanted] if each == "<each>" && !found.is_empty() => {
                found.iter().try_for_each(|found| fit(wanted, found, &format!("{at}[]")))
            }
            _ if wanted.len() == found.len() => wanted
                .iter()
                .zip(found)
                .try_for_each(|(wanted, found)| fit(wanted, found, &format!("{at}[]"))),
            _ => wrong(),
        },
        _ if pattern == value => Ok(()),
        _ => wrong(),
    }
}

fn is(placeholder: &str, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match placeholder {
        "<any>" => true,
        "<text>" => !text.is_empty(),
        "<uuid>" => text.len() == 36 && text.parse::<uuid::Uuid>().is_ok(),
        "<time>" => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
        "<ms>" => value.as_i64().is_some_and(|ms| ms > 1_600_000_000_000),
        _ => panic!("no placeholder {placeholder}"),
    }
}

#[test]
fn what_differs_is_noticed() {
    use serde_json::json;
    let pattern = json!({ "id": "<uuid>", "list": ["<each>", { "at": "<time>" }], "n": 1 });
    let fine =
        json!({ "id": uuid::Uuid::nil().to_string(), "list": [{ "at": "2026-07-10T01:00:00Z" }], "n": 1 });
    assert_eq!(fit(&pattern, &fine, ""), Ok(()));
    for (name, other) in [("n", json!(2)), ("list", json!([])), ("id", json!("x")), ("more", json!(1))] {
        let mut wrong = fine.clone();
        wrong[name] = other;
        assert!(fit(&pattern, &wrong, "").is_err(), "{wrong}");
    }
    assert!(fit(&pattern, &json!({ "n": 1 }), "").is_err());
}
