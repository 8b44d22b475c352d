//! Refusals on the wire, in the shapes that were recorded.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use crate::auth::AuthError;
use crate::venue::refusal::Refusal;

/// A refusal with its shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ApiError {
    /// `{"error":{"code","message","details"?}}`: signatures, orders, the exchange.
    Nested { status: u16, code: String, message: String, details: Option<String> },
    /// `{"code","message","details"?}`: a body that cannot be read.
    Flat { code: &'static str, details: String },
    /// `{"msg"}`: a query parameter that cannot be read.
    Parameter { name: String },
    /// A signature that was not verified; its body is fixed.
    Auth(AuthError),
}

impl ApiError {
    fn nested(status: u16, code: &str, message: &str, details: Option<&str>) -> Self {
        Self::Nested {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            details: details.map(str::to_owned),
        }
    }

    pub(super) fn not_found(details: &str) -> Self {
        Self::nested(404, "not_found", "not found", Some(details))
    }

    pub(super) fn forbidden(details: &str) -> Self {
        Self::nested(403, "forbidden", "forbidden", Some(details))
    }

    pub(super) fn too_many_requests() -> Self {
        Self::nested(429, "too_many_requests", "too many requests", None)
    }

    /// Refuses for now: the state that is asked for is not there yet.
    pub(super) fn unavailable(details: &str) -> Self {
        Self::nested(503, "service_unavailable", "service unavailable", Some(details))
    }

    /// Refuses a request that is readable but makes no sense.
    pub(super) fn bad_request(details: &str) -> Self {
        Self::nested(400, "bad_request", "bad request", Some(details))
    }

    /// Refuses with a code of its own.
    pub(super) fn bad(code: &str, message: &str) -> Self {
        Self::nested(400, code, message, None)
    }

    /// Refuses with a status and a code of its own.
    pub(super) fn refused(status: u16, code: &str, message: &str) -> Self {
        Self::nested(status, code, message, None)
    }

    pub(super) fn deprecated() -> Self {
        let message = "this endpoint is deprecated, use /portfolio/events/orders";
        Self::nested(410, "deprecated_v1_order_endpoint", message, None)
    }

    pub(super) fn unreadable(details: impl Into<String>) -> Self {
        Self::Flat { code: "bad_request", details: details.into() }
    }

    pub(super) fn parameter(name: &str) -> Self {
        Self::Parameter { name: name.to_owned() }
    }

    /// Returns the error object that an item of a batch carries.
    pub(super) fn item(&self) -> Value {
        match self.body() {
            Value::Object(mut body) => body.remove("error").unwrap_or(Value::Object(body)),
            other => other,
        }
    }

    fn body(&self) -> Value {
        match self {
            Self::Nested { code, message, details, .. } => {
                let mut error = json!({ "code": code, "message": message });
                if let (Some(details), Some(error)) = (details, error.as_object_mut()) {
                    error.insert("details".to_owned(), json!(details));
                }
                json!({ "error": error })
            }
            Self::Flat { code, details } => {
                json!({ "code": code, "message": "bad request", "details": details })
            }
            Self::Parameter { name } => json!({ "msg": format!("Parameter validation failed for {name}") }),
            Self::Auth(refusal) => serde_json::from_str(refusal.body()).unwrap_or_default(),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Nested {
            status: refusal.status,
            code: refusal.code.to_owned(),
            message: refusal.message,
            details: refusal.details,
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(refusal: AuthError) -> Self {
        Self::Auth(refusal)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}", self.body())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        let status = match self {
            Self::Nested { status, .. } => *status,
            Self::Flat { .. } | Self::Parameter { .. } => 400,
            Self::Auth(refusal) => refusal.status(),
        };
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json(self.body())
    }
}
