//! Why an attempt or a connection ended, sorted once: what trying again mends, what it does not, and the way out.

use std::fmt;
use std::io;

use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use crate::kalshi::outcome::{VenueError, explain_unauthorized};

/// How an attempt or a connection ended. `Display` tells a person what is wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::kalshi) enum Ending {
    Stopping,
    /// The name has no address at present.
    Unresolved(String),
    /// No address took the connection.
    Unreachable(String),
    /// The peer could not prove who it is, or speaks no TLS we accept. Never gone around.
    Tls(String),
    /// The upgrade was answered with another status than 101.
    Refused {
        status: u16,
        error: VenueError,
    },
    /// The upgrade was answered with something that is no upgrade.
    NoUpgrade(String),
    /// The request could not even be made: an address or a key of no use.
    Unusable(String),
    /// A step of the handshake took too long.
    Late(&'static str),
    Closed {
        code: u16,
        reason: String,
    },
    /// The connection ended without a close frame, or broke its own rules.
    Cut(String),
    /// Transport liveness: silent, half open, or too slow to be of use.
    Silent(String),
    /// A command has no answer, asked twice.
    Unanswered(String),
    /// A channel that is required was refused or ended, with the venue's code.
    ChannelRefused {
        code: i64,
        words: String,
    },
    /// What is sent to the venue is not read.
    NotRead,
    /// The engine asked for a new connection.
    Asked(String),
    /// Time was not what it seemed; what is known is suspect.
    TimeBroke(String),
    /// The frames make no sense any more.
    GivenUp(String),
}

/// The venue's code for a command that came without authentication.
const AUTHENTICATION_REQUIRED: i64 = 9;

impl Ending {
    /// Returns the reason's name in metrics and logs: one of a small fixed set.
    pub(in crate::kalshi) const fn kind(&self) -> &'static str {
        match self {
            Ending::Stopping => "stopping",
            Ending::Unresolved(_) => "dns",
            Ending::Unreachable(_) => "unreachable",
            Ending::Tls(_) => "tls",
            Ending::Refused { status: 401 | 403, .. } => "auth",
            Ending::Refused { status: 429, .. } => "rate_limit",
            Ending::Refused { .. } => "http_status",
            Ending::NoUpgrade(_) | Ending::Unusable(_) => "handshake",
            Ending::Late(_) => "timeout",
            Ending::Closed { .. } => "closed",
            Ending::Cut(_) => "cut",
            Ending::Silent(_) => "silent",
            Ending::Unanswered(_) => "unanswered",
            Ending::ChannelRefused { .. } => "channel",
            Ending::NotRead => "not_read",
            Ending::Asked(_) => "asked",
            Ending::TimeBroke(_) => "time",
            Ending::GivenUp(_) => "frames",
        }
    }

    /// Tells whether trying again soon would end the same: someone must do something first.
    pub(in crate::kalshi) fn is_permanent(&self) -> bool {
        match self {
            // The offset to the venue's clock is measured with every answer, so the next signature may be right.
            Ending::Refused { status: 401, error } => error.code != "header_timestamp_expired",
            // Too early, too slow, too often: a matter of time.
            Ending::Refused { status, .. } => {
                matches!(status, 300..=499) && !matches!(status, 408 | 425 | 429)
            }
            Ending::Tls(_) | Ending::NoUpgrade(_) | Ending::Unusable(_) => true,
            // Protocol error, wrong data, policy, too large, missing extension, unauthorised, forbidden: what we send is
            // not wanted, and the next connection sends the same.
            Ending::Closed { code, .. } => {
                matches!(code, 1002 | 1003 | 1007 | 1008 | 1009 | 1010 | 3000 | 3003)
            }
            Ending::ChannelRefused { code, .. } => *code == AUTHENTICATION_REQUIRED,
            Ending::Stopping
            | Ending::Unresolved(_)
            | Ending::Unreachable(_)
            | Ending::Late(_)
            | Ending::Cut(_)
            | Ending::Silent(_)
            | Ending::Unanswered(_)
            | Ending::NotRead
            | Ending::Asked(_)
            | Ending::TimeBroke(_)
            | Ending::GivenUp(_) => false,
        }
    }

    /// Reads what the library says of a failed handshake.
    pub(super) fn of_handshake(error: Error) -> Ending {
        match error {
            Error::Http(response) => {
                let body = response.body().as_deref().unwrap_or_default();
                let error = crate::kalshi::outcome::venue_error(body);
                Ending::Refused { status: response.status().as_u16(), error }
            }
            Error::Tls(error) => Ending::Tls(error.to_string()),
            Error::Io(error) => Ending::of_io(&error),
            Error::Url(error) => Ending::Unusable(error.to_string()),
            // A server that goes away within the handshake is no wrong server.
            Error::Protocol(
                error @ (ProtocolError::HandshakeIncomplete | ProtocolError::ResetWithoutClosingHandshake),
            ) => Ending::Cut(error.to_string()),
            Error::Protocol(error) => Ending::NoUpgrade(error.to_string()),
            other => Ending::Cut(other.to_string()),
        }
    }

    /// TLS fails as an input error of the socket: the cause tells which it is.
    fn of_io(error: &io::Error) -> Ending {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => Ending::Tls(error.to_string()),
            None => Ending::Cut(error.to_string()),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Stopping => f.write_str("stopping"),
            Ending::Unresolved(error) => {
                write!(
                    f,
                    "the exchange's name cannot be resolved: check this machine's network and DNS ({error})"
                )
            }
            Ending::Unreachable(error) => {
                write!(
                    f,
                    "no connection to the exchange: check this machine's network and firewall ({error})"
                )
            }
            Ending::Tls(error) => write!(
                f,
                "TLS failed, so nothing was sent: if the certificate looks expired or not yet valid, check this machine's \
                 clock; otherwise something between here and the exchange answers in its place ({error})"
            ),
            Ending::Refused { status: 401, error } => f.write_str(&explain_unauthorized(error)),
            Ending::Refused { status: 403, error } => write!(
                f,
                "the exchange forbids the stream to this key or this place: check the key's scopes and your region ({})",
                error.message
            ),
            Ending::Refused { status: 404 | 410, .. } => {
                f.write_str("the exchange has no stream at this address: check --env and --venue")
            }
            Ending::Refused { status: 429, .. } => f.write_str("the exchange's rate limit for connections"),
            Ending::Refused { status: status @ 300..=399, .. } => {
                write!(
                    f,
                    "the address answers with a redirect ({status}), which is not followed: check --venue"
                )
            }
            Ending::Refused { status: status @ 500..=599, .. } => {
                write!(f, "the exchange is not available at present: status {status}")
            }
            Ending::Refused { status, error } => {
                write!(f, "the exchange refused the stream: status {status} {} {}", error.code, error.message)
            }
            Ending::NoUpgrade(error) => {
                write!(
                    f,
                    "what answers is no exchange stream: check --venue and any proxy in between ({error})"
                )
            }
            Ending::Unusable(error) => write!(f, "the stream cannot be asked for: {error}"),
            Ending::Late(step) => write!(f, "{step} took too long"),
            Ending::Closed { code, reason } => write!(f, "the exchange closed the stream ({code} {reason})"),
            Ending::Cut(error) => write!(f, "the stream broke: {error}"),
            Ending::Silent(how) => f.write_str(how),
            Ending::Unanswered(words) => f.write_str(words),
            Ending::ChannelRefused { words, .. } => f.write_str(words),
            Ending::NotRead => f.write_str("the exchange does not read what is sent"),
            Ending::Asked(reason) | Ending::TimeBroke(reason) | Ending::GivenUp(reason) => {
                f.write_str(reason)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, VenueError};

    fn refused(status: u16, code: &str, message: &str) -> Ending {
        Ending::Refused { status, error: VenueError { code: code.into(), message: message.into() } }
    }

    fn closed(code: u16) -> Ending {
        Ending::Closed { code, reason: String::new() }
    }

    /// Ending, its kind, whether it is permanent, and what its words must name.
    #[test]
    fn every_row_of_the_table() {
        let (yes, no) = (true, false);
        let text = || "x".to_owned();
        let authentication = "authentication_error";
        let rows = [
            (refused(401, "header_timestamp_expired", ""), "auth", no, "clock"),
            (refused(401, authentication, "m: INCORRECT_API_KEY_SIGNATURE"), "auth", yes, "private key"),
            (refused(401, authentication, "m: NOT_FOUND"), "auth", yes, "--env"),
            (refused(401, "token_authentication_failure", ""), "auth", yes, "without a signature"),
            (refused(403, "", ""), "auth", yes, "scopes"),
            (refused(404, "", ""), "http_status", yes, "--venue"),
            (refused(410, "", ""), "http_status", yes, "--venue"),
            (refused(400, "bad_request", "why"), "http_status", yes, "why"),
            (refused(426, "", ""), "http_status", yes, "426"),
            (refused(301, "", ""), "http_status", yes, "redirect"),
            (refused(408, "", ""), "http_status", no, "408"),
            (refused(425, "", ""), "http_status", no, "425"),
            (refused(429, "", ""), "rate_limit", no, "rate limit"),
            (refused(500, "", ""), "http_status", no, "500"),
            (refused(502, "", ""), "http_status", no, "not available"),
            (refused(503, "", ""), "http_status", no, "not available"),
            (refused(200, "", ""), "http_status", no, "200"),
            (Ending::Tls(text()), "tls", yes, "clock"),
            (Ending::Unresolved(text()), "dns", no, "DNS"),
            (Ending::Unreachable(text()), "unreachable", no, "network"),
            (Ending::Late("the upgrade"), "timeout", no, "the upgrade took too long"),
            (Ending::NoUpgrade(text()), "handshake", yes, "proxy"),
            (Ending::Unusable(text()), "handshake", yes, "x"),
            (closed(1000), "closed", no, "1000"),
            (closed(1001), "closed", no, "1001"),
            (closed(1002), "closed", yes, "1002"),
            (closed(1003), "closed", yes, "1003"),
            (closed(1005), "closed", no, "closed"),
            (closed(1007), "closed", yes, "1007"),
            (closed(1008), "closed", yes, "1008"),
            (closed(1009), "closed", yes, "1009"),
            (closed(1011), "closed", no, "1011"),
            (closed(1012), "closed", no, "1012"),
            (closed(1013), "closed", no, "1013"),
            (closed(3000), "closed", yes, "3000"),
            (closed(4000), "closed", no, "4000"),
            (Ending::Cut(text()), "cut", no, "broke"),
            (Ending::Silent(text()), "silent", no, "x"),
            (Ending::Unanswered(text()), "unanswered", no, "x"),
            (Ending::ChannelRefused { code: 9, words: text() }, "channel", yes, "x"),
            (Ending::ChannelRefused { code: 10, words: text() }, "channel", no, "x"),
            (Ending::ChannelRefused { code: 25, words: text() }, "channel", no, "x"),
            (Ending::NotRead, "not_read", no, "read"),
            (Ending::Asked(text()), "asked", no, "x"),
            (Ending::TimeBroke(text()), "time", no, "x"),
            (Ending::GivenUp(text()), "frames", no, "x"),
            (Ending::Stopping, "stopping", no, "stopping"),
        ];
        for (ending, kind, is_permanent, words) in rows {
            assert_eq!((ending.kind(), ending.is_permanent()), (kind, is_permanent), "{ending:?}");
            assert!(ending.to_string().contains(words), "{ending:?} says {ending}");
        }
    }
}
