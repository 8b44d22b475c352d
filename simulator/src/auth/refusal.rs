//! The refusals of an unsigned or wrongly signed request, with the bodies that were recorded.

/// Says why a request counts as not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The signed time is unreadable or outside the clock window.
    #[error("header timestamp expired")]
    TimestampExpired,
    /// The signature does not fit the key and the signed text.
    #[error("incorrect signature")]
    IncorrectSignature,
    /// No key has this id.
    #[error("unknown key id")]
    UnknownKey,
    /// One of the three headers is absent or empty.
    #[error("a signature header is missing")]
    MissingHeader,
    /// A WebSocket upgrade came without any of the three headers.
    #[error("unsigned WebSocket upgrade")]
    UnsignedUpgrade,
}

impl AuthError {
    /// Returns the HTTP status of the refusal.
    pub fn status(self) -> u16 {
        401
    }

    /// Returns the JSON body of the refusal.
    pub fn body(self) -> &'static str {
        match self {
            Self::TimestampExpired => {
                r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#
            }
            Self::IncorrectSignature => {
                r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"INCORRECT_API_KEY_SIGNATURE"}}"#
            }
            Self::UnknownKey => {
                r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#
            }
            Self::MissingHeader => {
                r#"{"error":{"code":"signature_is_missing_from_headers","message":"signature is missing from headers"}}"#
            }
            Self::UnsignedUpgrade => r#"{"code":"token_authentication_failure"}"#,
        }
    }
}
