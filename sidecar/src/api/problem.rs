//! Errors as clients see them: RFC 9457 problem documents with a stable code, one page each in `docs/errors/`.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

/// A kind of problem: its code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
}

macro_rules! problem_kinds {
    ($($name:ident = $code:literal, $status:literal, $title:literal;)*) => {
        $(pub const $name: ProblemKind = ProblemKind { code: $code, status: $status, title: $title };)*
        /// Every kind there is.
        pub const ALL: &[ProblemKind] = &[$($name),*];
    };
}

problem_kinds! {
    AUTH_MISSING = "OUT-AUTH-001", 401, "A token is needed";
    AUTH_INVALID = "OUT-AUTH-002", 401, "The token is not known";
    AUTH_SCOPE = "OUT-AUTH-003", 403, "The token's scope is too small";
    AUTH_TICKET = "OUT-AUTH-004", 401, "The stream ticket is not valid";
    AUTH_TICKETS_FULL = "OUT-AUTH-005", 503, "Too many stream tickets are open";
    HOST = "OUT-HOST-001", 421, "The Host header names another machine";
    ORIGIN = "OUT-ORIGIN-001", 403, "The page's origin is not allowed";
    NOT_FOUND = "OUT-HTTP-001", 404, "There is no such route";
    METHOD = "OUT-HTTP-002", 405, "The route does not take this method";
    MEDIA_TYPE = "OUT-HTTP-003", 415, "The body must be JSON";
    BODY_SIZE = "OUT-HTTP-004", 413, "The body is too large";
    BODY_JSON = "OUT-HTTP-005", 400, "The body cannot be read";
    BODY_FIELDS = "OUT-HTTP-006", 400, "The body has mistakes";
    QUERY = "OUT-HTTP-007", 400, "The query has mistakes";
    HEADER = "OUT-HTTP-008", 400, "A header has a mistake";
    UPGRADE = "OUT-HTTP-009", 426, "This route is a WebSocket";
    MARKET_UNKNOWN = "OUT-MARKET-001", 404, "There is no such market";
    MARKET_NOT_ACTIVE = "OUT-MARKET-002", 409, "The market does not trade now";
    BOOK_NONE = "OUT-BOOK-001", 503, "No book is kept of this market yet";
    TRADES_UNREADABLE = "OUT-MARKET-003", 503, "The trades cannot be read now";
    KEY_MISSING = "OUT-ORDER-001", 400, "Idempotency-Key is needed";
    ORDER_INVALID = "OUT-ORDER-002", 400, "The order has mistakes";
    KEY_REUSED = "OUT-ORDER-003", 422, "Idempotency-Key was used with another body";
    CLIENT_ORDER_ID_USED = "OUT-ORDER-004", 409, "client_order_id was used before";
    ORDER_UNKNOWN = "OUT-ORDER-005", 404, "There is no such order";
    ORDER_NOT_WORKING = "OUT-ORDER-006", 409, "The order cannot be changed any more";
    OFF_GRID = "OUT-ORDER-007", 400, "The price is not on the market's grid";
    CHANGE_IN_FLIGHT = "OUT-ORDER-008", 409, "The order has a change in flight";
    LIMIT = "OUT-RISK-001", 422, "The order would break a limit";
    HALTED = "OUT-HALT-001", 409, "Trading is halted";
    REDUCE_ONLY = "OUT-HALT-002", 409, "Only orders that reduce a position are allowed";
    NOT_READY = "OUT-READY-001", 503, "Trading is not open yet";
    VENUE_REFUSED = "OUT-VENUE-001", 422, "The exchange refused";
    NOT_SENT = "OUT-VENUE-002", 503, "The request was not sent to the exchange";
    LEDGER = "OUT-LEDGER-001", 503, "The ledger cannot record it now";
    BUSY = "OUT-BUSY-001", 503, "Too much is asked at once";
    STOPPING = "OUT-BUSY-002", 503, "The sidecar is stopping";
    INTERNAL = "OUT-INTERNAL-001", 500, "This should not have happened";
    STREAM_MESSAGE = "OUT-STREAM-001", 400, "The message cannot be read";
    STREAM_OPERATION = "OUT-STREAM-002", 400, "The message has mistakes";
    STREAM_TOPIC = "OUT-STREAM-003", 400, "There is no such topic";
    STREAM_TOO_MANY = "OUT-STREAM-004", 400, "Too many topics";
}

/// One mistake, with the place of it in the body (a JSON pointer) or the name of the header or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    pub pointer: String,
    pub detail: String,
}

/// One answer that something did not go.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub kind: ProblemKind,
    /// Differs from the kind's status only where the venue's own status is passed on.
    status: u16,
    told: Box<Told>,
}

/// Kept apart so that a result that may be a problem stays small.
#[derive(Debug, Clone, PartialEq, Default)]
struct Told {
    detail: String,
    mistakes: Vec<Mistake>,
    extra: Map<String, Value>,
    header: Option<(HeaderName, HeaderValue)>,
}

/// A problem as it is written, field by field.
#[derive(Debug, Serialize)]
pub(crate) struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[Mistake]>::is_empty")]
    errors: &'a [Mistake],
    #[serde(flatten)]
    extra: &'a Map<String, Value>,
}

/// After how many seconds a client may try again what was refused for a passing reason.
const RETRY_AFTER_S: &str = "1";

impl Problem {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Problem {
        let told = Told { detail: detail.into(), ..Told::default() };
        Problem { kind, status: kind.status, told: Box::new(told) }
    }

    /// Names every mistake at once.
    pub fn with_mistakes(kind: ProblemKind, mistakes: Vec<Mistake>) -> Problem {
        let details: Vec<String> = mistakes.iter().map(|m| format!("{}: {}", m.pointer, m.detail)).collect();
        let told = Told { detail: details.join("; "), mistakes, ..Told::default() };
        Problem { kind, status: kind.status, told: Box::new(told) }
    }

    pub(crate) fn detail(&self) -> &str {
        &self.told.detail
    }

    pub(crate) fn at(mut self, pointer: &str) -> Problem {
        self.told.mistakes.push(Mistake { pointer: pointer.to_owned(), detail: self.told.detail.clone() });
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.told.extra.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Problem {
        self.status = status;
        self
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.told.header = Some((name, value));
        self
    }

    /// Returns the document, as it also stands inside the answers of batches.
    pub(crate) fn document(&self) -> Document<'_> {
        Document {
            r#type: format!("urn:outrigger:error:{}", self.kind.code),
            title: self.kind.title,
            status: self.status,
            code: self.kind.code,
            detail: &self.told.detail,
            errors: &self.told.mistakes,
            extra: &self.told.extra,
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status());
        answer.insert_header((CONTENT_TYPE, "application/problem+json"));
        if matches!(self.status, 429 | 503) {
            answer.insert_header((RETRY_AFTER, RETRY_AFTER_S));
        }
        if let Some((name, value)) = &self.told.header {
            answer.insert_header((name.clone(), value.clone()));
        }
        answer.body(serde_json::to_string(&self.document()).unwrap_or_default())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code, self.told.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::ALL;

    #[test]
    fn every_code_is_unique_and_has_its_page_and_no_page_is_left_over() {
        let codes: BTreeSet<String> = ALL.iter().map(|kind| kind.code.to_owned()).collect();
        assert_eq!(codes.len(), ALL.len());
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
        let names = std::fs::read_dir(&pages).expect("docs/errors").map(|entry| entry.unwrap().file_name());
        let pages_there: BTreeSet<String> = names
            .filter_map(|name| name.to_str()?.strip_suffix(".md").map(str::to_owned))
            .filter(|name| name.starts_with("OUT-"))
            .collect();
        assert_eq!(pages_there, codes);
        for kind in ALL {
            let text = std::fs::read_to_string(pages.join(format!("{}.md", kind.code))).unwrap();
            let title = format!("# {}: {}\n", kind.code, kind.title);
            assert!(text.starts_with(&title), "{} must begin with {title:?}", kind.code);
            assert!(text.contains(&format!("HTTP {}", kind.status)), "{} must say its status", kind.code);
            for part in ["## What happened", "## What to do"] {
                assert!(text.contains(part), "{} lacks {part:?}", kind.code);
            }
        }
    }
}
