//! How a write ended, decided in one pure function. Only proof of refusal is refusal; everything doubtful is unknown.

use outrigger_engine::domain::{Count, VenueOrderId, VenueTime};
use outrigger_engine::venue::{Accepted, Refusal, WriteKind, WriteOutcome};
use serde_json::Value;

/// The code given to a body that is no error of the exchange.
const UNREADABLE: &str = "unreadable_error";
const DOUBTFUL_CODES: [&str; 5] =
    ["exchange_unavailable", "internal_error", "internal_server_error", "timeout", "command_timeout"];

/// What came of one attempt to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt<'a> {
    /// No connection could be made: nothing left this machine.
    NotConnected(&'a str),
    /// It was sent, at least in part, and no whole answer came.
    NoAnswer(&'a str),
    Answered {
        status: u16,
        body: &'a [u8],
    },
}

/// An error in the venue's words, whichever of its shapes it came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VenueError {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Judges an attempt.
pub(crate) fn judge(kind: WriteKind, attempt: Attempt<'_>) -> WriteOutcome {
    let unknown = |reason: String| WriteOutcome::Unknown { reason };
    match attempt {
        Attempt::NotConnected(reason) => WriteOutcome::NotSent { reason: reason.to_owned() },
        Attempt::NoAnswer(reason) => unknown(reason.to_owned()),
        Attempt::Answered { status: 200..=299, body } => match accepted(body) {
            Some(accepted) => WriteOutcome::Accepted(accepted),
            None => unknown("accepted without an order id".to_owned()),
        },
        Attempt::Answered { status, body } => {
            let error = venue_error(body);
            match (status, kind) {
                // The limiter stands before the matching engine: nothing was executed.
                (429, _) => WriteOutcome::NotSent { reason: "the exchange's rate limit".to_owned() },
                // The id was seen before: ours, from an attempt whose answer was lost, or a stranger's. Records will tell.
                (_, WriteKind::Create) if error.code == "order_already_exists" => unknown(error.code),
                // Executed, cancelled and never known orders all read the same.
                (404, WriteKind::Cancel | WriteKind::Amend | WriteKind::Decrease) => {
                    unknown(format!("404 {}", error.code))
                }
                // Not the exchange's own words: something in between answered, and cannot know what the exchange did.
                (400..=499, _) if error.code.is_empty() || error.code == UNREADABLE => {
                    unknown(format!("{status} with an unreadable body"))
                }
                (_, _) if is_doubtful(&error.code) => unknown(format!("{status} {}", error.code)),
                // Timeouts of a proxy, conflicts of transport, and anything on the exchange's side.
                (408 | 425 | 500..=599, _) => unknown(format!("{status} {}", error.code).trim().to_owned()),
                (400..=499, _) => WriteOutcome::Refused(Refusal {
                    http_status: status,
                    code: error.code,
                    message: error.message,
                }),
                _ => unknown(format!("unexpected status {status}")),
            }
        }
    }
}

/// Judges a batch that was answered with success: it is answered row by row, in the order of asking. `ids` are what each row
/// must name in `field`, where it names anything. An answer with other rows than were asked for proves nothing of any.
pub(crate) fn judge_rows(kind: WriteKind, field: &str, ids: &[&str], body: &[u8]) -> Vec<WriteOutcome> {
    let all_unknown = || {
        let unknown =
            WriteOutcome::Unknown { reason: "the batch's answer has other rows than its request".to_owned() };
        vec![unknown; ids.len()]
    };
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return all_unknown() };
    let rows = value.get("orders").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |row: &Value| row.get(field).and_then(Value::as_str).map(str::to_owned);
    let is_same = |(row, id): (&Value, &&str)| named(row).is_none_or(|named| named == **id);
    if rows.len() != ids.len() || !rows.iter().zip(ids).all(is_same) {
        return all_unknown();
    }
    rows.iter().map(|row| judge_row(kind, row)).collect()
}

/// A row with an error is a refusal, or as doubtful as that error would be alone.
fn judge_row(kind: WriteKind, row: &Value) -> WriteOutcome {
    match row.get("error").filter(|error| !error.is_null()) {
        None => judge(kind, Attempt::Answered { status: 200, body: row.to_string().as_bytes() }),
        Some(error) => {
            let is_missing = error.get("code").and_then(Value::as_str) == Some("not_found");
            let (status, body) = (if is_missing { 404 } else { 400 }, error.to_string());
            judge(kind, Attempt::Answered { status, body: body.as_bytes() })
        }
    }
}

/// Tells whether a code leaves open whether the write took effect, whatever status it came with.
fn is_doubtful(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    DOUBTFUL_CODES.iter().any(|doubtful| code.starts_with(doubtful))
}

/// Reads what an accepted write says. Without an order id nothing is proven.
fn accepted(body: &[u8]) -> Option<Accepted> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let count = |name: &str| text(name).and_then(|text| text.parse::<Count>().ok());
    Some(Accepted {
        venue_order_id: VenueOrderId::new(text("order_id").filter(|id| !id.is_empty())?),
        fill_count: count("fill_count"),
        remaining_count: count("remaining_count"),
        ts_ms: value.get("ts_ms").and_then(Value::as_i64).map(VenueTime),
    })
}

/// Reads an error in any of the four shapes: nested, flat, `msg`, or a bare string. Codes may be dynamic; kept as they are.
pub(crate) fn venue_error(body: &[u8]) -> VenueError {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        let message = String::from_utf8_lossy(body.get(..200).unwrap_or(body)).trim().to_owned();
        return VenueError { code: UNREADABLE.to_owned(), message };
    };
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let inner = match value.get("error") {
        Some(Value::String(message)) => {
            return VenueError { code: message.replace(' ', "_"), message: message.clone() };
        }
        Some(nested) => nested,
        None => &value,
    };
    if let Some(message) = inner.get("msg").and_then(Value::as_str) {
        return VenueError { code: "validation_failed".to_owned(), message: message.to_owned() };
    }
    let details = text(inner, "details");
    let message = text(inner, "message");
    let message = if details.is_empty() { message } else { format!("{message}: {details}") };
    VenueError { code: text(inner, "code"), message }
}

/// Translates a 401 into what a person can do about it.
pub(crate) fn explain_unauthorized(error: &VenueError) -> String {
    let advice = if error.code == "header_timestamp_expired" {
        "this machine's clock is off: set it by network time"
    } else if error.message.contains("INCORRECT_API_KEY_SIGNATURE") {
        "the private key does not belong to the key id: check that both come from the same key, and the same environment"
    } else if error.message.contains("NOT_FOUND") {
        "the exchange does not know this key id: a demo key works only with --env demo, a live key only with --env live"
    } else if error.code == "signature_is_missing_from_headers"
        || error.code == "token_authentication_failure"
    {
        "the request arrived without a signature: something between here and the exchange drops headers"
    } else {
        "the exchange refused the key"
    };
    format!("{advice} ({}: {})", error.code, error.message)
}

#[cfg(test)]
mod tests {
    use super::{Attempt, VenueError, explain_unauthorized, judge, judge_rows, venue_error};
    use outrigger_engine::venue::{WriteKind as K, WriteOutcome as O};

    fn name(outcome: &O) -> &'static str {
        match outcome {
            O::Accepted(_) => "accepted",
            O::Refused(_) => "refused",
            O::Unknown { .. } => "unknown",
            O::NotSent { .. } => "not sent",
        }
    }

    #[test]
    fn every_row_of_the_table() {
        let answered = |status: u16, body: &'static str| Attempt::Answered { status, body: body.as_bytes() };
        let paused = r#"{"error":{"code":"trading_is_paused","message":"trading is paused"}}"#;
        let exists = r#"{"error":{"code":"order_already_exists","message":"order already exists"}}"#;
        let not_found = r#"{"error":{"code":"not_found","message":"not found"}}"#;
        let made = r#"{"order_id":"v1","fill_count":"1.00","remaining_count":"9.00","ts_ms":5}"#;
        let rows = [
            (K::Create, answered(201, made), "accepted"),
            (K::Create, answered(200, made), "accepted"),
            (K::Create, answered(201, "{}"), "unknown"),
            (K::Create, answered(201, r#"{"order_id":""}"#), "unknown"),
            (K::Create, answered(201, "<html>"), "unknown"),
            (
                K::Create,
                answered(400, r#"{"error":{"code":"insufficient_balance","message":"m"}}"#),
                "refused",
            ),
            (K::Create, answered(400, r#"{"code":"bad_request","message":"m"}"#), "refused"),
            (K::Create, answered(400, r#"{"msg":"Parameter validation failed"}"#), "refused"),
            (
                K::Create,
                answered(401, r#"{"error":{"code":"header_timestamp_expired","message":"m"}}"#),
                "refused",
            ),
            (K::Create, answered(404, not_found), "refused"),
            (K::Create, answered(409, exists), "unknown"),
            (K::Create, answered(409, paused), "refused"),
            (K::Create, answered(410, r#"{"code":"deprecated_v1_order_endpoint","message":"m"}"#), "refused"),
            (K::Create, answered(429, r#"{"error":"too many requests"}"#), "not sent"),
            (K::Create, answered(408, ""), "unknown"),
            (K::Create, answered(400, ""), "unknown"),
            (K::Create, answered(403, "<html>blocked</html>"), "unknown"),
            (K::Create, answered(404, "{}"), "unknown"),
            (
                K::Create,
                answered(409, r#"{"error":{"code":"EXCHANGE_UNAVAILABLE","message":"m"}}"#),
                "unknown",
            ),
            (K::Create, answered(500, paused), "unknown"),
            (K::Create, answered(503, ""), "unknown"),
            (K::Create, answered(302, ""), "unknown"),
            (K::Create, Attempt::NoAnswer("reset"), "unknown"),
            (K::Create, Attempt::NotConnected("refused"), "not sent"),
            (K::Cancel, answered(200, r#"{"order_id":"v1","reduced_by":"3.00","ts_ms":5}"#), "accepted"),
            (K::Cancel, answered(404, not_found), "unknown"),
            (K::Amend, answered(404, not_found), "unknown"),
            (K::Decrease, answered(404, not_found), "unknown"),
            (K::Cancel, answered(409, paused), "refused"),
            (K::Cancel, answered(500, ""), "unknown"),
            (K::Cancel, answered(429, ""), "not sent"),
        ];
        for (kind, attempt, expected) in rows {
            assert_eq!(name(&judge(kind, attempt)), expected, "{kind:?} {attempt:?}");
        }
    }

    #[test]
    fn every_row_of_a_batch_is_judged_alone() {
        let names = |kind, field: &str, ids: &[&str], body: &str| -> Vec<&str> {
            judge_rows(kind, field, ids, body.as_bytes()).iter().map(name).collect()
        };
        let made = r#"{"order_id":"v1","client_order_id":"a","fill_count":"0.00","remaining_count":"1.00"}"#;
        let refused = r#"{"client_order_id":"b","order_id":null,"error":{"code":"insufficient_balance","message":"m"}}"#;
        let spent = r#"{"client_order_id":"c","error":{"code":"order_already_exists","message":"m"}}"#;
        let ill = r#"{"client_order_id":"d","error":{"code":"internal_error","message":"m"}}"#;
        let empty = r#"{"client_order_id":"e"}"#;
        let body = format!(r#"{{"orders":[{made},{refused},{spent},{ill},{empty}]}}"#);
        let ids = ["a", "b", "c", "d", "e"];
        let all = names(K::Create, "client_order_id", &ids, &body);
        assert_eq!(all, ["accepted", "refused", "unknown", "unknown", "unknown"]);
        for (ids, body) in [
            (&ids[..4], body.as_str()),
            (&["b", "a", "c", "d", "e"], body.as_str()),
            (&ids[..1], "{}"),
            (&ids[..1], "<html>"),
            (&ids[..1], r#"{"orders":[]}"#),
        ] {
            assert!(
                names(K::Create, "client_order_id", ids, body).iter().all(|name| *name == "unknown"),
                "{body}"
            );
        }
        let gone = r#"{"order_id":"v1","reduced_by":"0.00","ts_ms":null,"error":{"code":"not_found","message":"m"}}"#;
        let done = r#"{"order_id":"v2","reduced_by":"3.00","ts_ms":5,"error":null}"#;
        let body = format!(r#"{{"orders":[{gone},{done}]}}"#);
        assert_eq!(names(K::Cancel, "order_id", &["v1", "v2"], &body), ["unknown", "accepted"]);
    }

    #[test]
    fn all_error_shapes_read_the_same() {
        let rows = [
            (r#"{"error":{"code":"a","message":"b","details":"c"}}"#, "a", "b: c"),
            (r#"{"code":"a","message":"b"}"#, "a", "b"),
            (
                r#"{"msg":"Parameter validation failed for limit"}"#,
                "validation_failed",
                "Parameter validation failed for limit",
            ),
            (r#"{"error":"too many requests"}"#, "too_many_requests", "too many requests"),
            ("Bad Gateway", "unreadable_error", "Bad Gateway"),
        ];
        for (body, code, message) in rows {
            let expected = VenueError { code: code.into(), message: message.into() };
            assert_eq!(venue_error(body.as_bytes()), expected);
        }
    }

    #[test]
    fn each_401_says_what_to_do() {
        let explain = |code: &str, message: &str| {
            explain_unauthorized(&VenueError { code: code.into(), message: message.into() })
        };
        assert!(explain("header_timestamp_expired", "").contains("clock"));
        assert!(explain("authentication_error", "x: INCORRECT_API_KEY_SIGNATURE").contains("private key"));
        assert!(explain("authentication_error", "x: NOT_FOUND").contains("--env demo"));
    }
}
