//! What a reply can become: JSON that is cut, padded, extended or emptied; refusals that nobody decided.

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Value, json};

/// The member that no specification knows.
const UNKNOWN: &str = "x_unknown";

/// Cuts the text in its middle.
pub(super) fn malformed(body: &Bytes) -> Bytes {
    body.slice(..body.len() / 2)
}

/// Makes a JSON object longer by at least `bytes`.
pub(super) fn huge(body: &Bytes, bytes: usize) -> Bytes {
    let padding = "x".repeat(bytes);
    edit(body, |object| drop(object.insert("x_padding".to_owned(), Value::String(padding))))
}

/// Adds members that no specification knows, to the reply and to every object directly in it.
pub(super) fn unknown_fields(body: &Bytes) -> Bytes {
    let strange = || json!({ "nested": [1, "two", null] });
    edit(body, |object| {
        for value in object.values_mut() {
            if let Value::Object(inner) = value {
                inner.insert(UNKNOWN.to_owned(), strange());
            }
        }
        object.insert(UNKNOWN.to_owned(), strange());
    })
}

fn edit(body: &Bytes, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Bytes {
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut object)) => {
            change(&mut object);
            Value::Object(object).to_string().into()
        }
        _ => body.clone(),
    }
}

/// The body of a refusal that the gateway, not the venue, makes.
pub(super) fn refusal(status: StatusCode) -> Value {
    let code = match status.as_u16() {
        429 => "too_many_requests".to_owned(),
        _ => status.canonical_reason().unwrap_or("error").to_lowercase().replace([' ', '-'], "_"),
    };
    let message = code.replace('_', " ");
    json!({ "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_changed_as_the_fault_says() {
        let body = Bytes::from_static(br#"{"order":{"order_id":"1"},"cursor":""}"#);
        assert!(serde_json::from_slice::<Value>(&malformed(&body)).is_err());
        assert!(huge(&body, 10_000).len() > 10_000);
        let more: Value = serde_json::from_slice(&unknown_fields(&body)).unwrap();
        assert!(more["x_unknown"].is_object() && more["order"]["x_unknown"].is_object());
        assert_eq!(more["order"]["order_id"], "1");
        assert_eq!(refusal(StatusCode::TOO_MANY_REQUESTS)["error"]["message"], "too many requests");
        assert_eq!(refusal(StatusCode::BAD_GATEWAY)["error"]["code"], "bad_gateway");
    }
}
