//! Why communications are refused, in the codes of the exchange's RFQ guide.

use crate::venue::refusal::Refusal;

fn refusal(status: u16, code: &'static str, message: &str, details: Option<String>) -> Refusal {
    Refusal { status, code, message: message.to_owned(), details }
}

/// A readable request that makes no sense; the details name the mistake.
pub fn invalid(details: impl Into<String>) -> Refusal {
    refusal(400, "invalid_parameters", "invalid parameters", Some(details.into()))
}

/// The RFQ was deleted, has executed, or its market is over.
pub fn rfq_closed() -> Refusal {
    refusal(400, "RFQ_CLOSED", "RFQ is closed", None)
}

/// What is asked for clashes with what is there.
pub fn conflict(code: &'static str, details: impl Into<String>) -> Refusal {
    refusal(409, code, &code.replace('_', " "), Some(details.into()))
}

pub fn forbidden(details: impl Into<String>) -> Refusal {
    refusal(403, "forbidden", "forbidden", Some(details.into()))
}

/// Not there, or not the caller's to see.
pub fn not_found(details: impl Into<String>) -> Refusal {
    refusal(404, "not_found", "not found", Some(details.into()))
}
