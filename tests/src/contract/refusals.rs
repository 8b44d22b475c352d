//! The shapes of refusals that were seen at the exchange.

use serde_json::Value;

/// Returns what is wrong with the body of a refusal.
pub(super) fn faults(body: &Value) -> Vec<String> {
    let Some(fields) = body.as_object() else { return vec![format!("a refusal is an object, not {body}")] };
    let only = |allowed: &[&str]| fields.keys().all(|key| allowed.contains(&key.as_str()));
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let is_error = |error: &Value| {
        let known = error.as_object().is_some_and(|error| {
            error.keys().all(|key| ["code", "message", "details"].contains(&key.as_str()))
        });
        known
            && is_text(&error["code"])
            && is_text(&error["message"])
            && (error.get("details").is_none() || is_text(&error["details"]))
    };
    let is_known = match body.get("error") {
        Some(error) => only(&["error"]) && (is_error(error) || is_text(error)),
        None if fields.contains_key("msg") => only(&["msg"]) && is_text(&body["msg"]),
        // The upgrade's refusal is a code alone.
        None if fields.len() == 1 => is_text(&body["code"]),
        None => is_error(body),
    };
    if is_known { Vec::new() } else { vec![format!("no shape of a refusal: {body}")] }
}
