//! One signed request and its answer, on a kept-alive connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outrigger_engine::domain::Clock;
use reqwest::{Client, Method, redirect};

use crate::kalshi::sign::{HEADER_KEY, HEADER_SIGNATURE, HEADER_TIMESTAMP, Signer};
use crate::kalshi::status::VenueStatus;
use crate::kalshi::urls::VenueUrls;

const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Idle connections are kept this long, so that the next order finds one warm.
const IDLE_KEPT: Duration = Duration::from_secs(90);
/// A larger answer is nothing the venue sends.
const BODY_MAX: usize = 16 * 1024 * 1024;
const API_PATH: &str = "/trade-api/v2";

/// The signed REST side of the venue.
pub(crate) struct Rest {
    http: Client,
    /// `http(s)://host[:port]`
    origin: String,
    signer: Signer,
    clock: Clock,
    deadline: Duration,
    pub(crate) status: Arc<VenueStatus>,
}

/// A request; `route` names it in counters, with placeholders for ids.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) route: &'static str,
    /// Below `/trade-api/v2`, without the query.
    pub(crate) path: String,
    /// Without the question mark; may be empty.
    pub(crate) query: String,
    pub(crate) body: Option<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// No whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nothing left this machine.
    NotConnected(String),
    /// It was sent, at least in part.
    Lost(String),
}

impl Request {
    pub(crate) fn get(route: &'static str, path: impl Into<String>, query: impl Into<String>) -> Request {
        Request { method: Method::GET, route, path: path.into(), query: query.into(), body: None }
    }
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoAnswer::NotConnected(reason) => write!(f, "not connected: {reason}"),
            NoAnswer::Lost(reason) => write!(f, "no answer: {reason}"),
        }
    }
}

impl Rest {
    pub(crate) fn new(
        urls: &VenueUrls,
        tls: rustls::ClientConfig,
        signer: Signer,
        clock: Clock,
        deadline: Duration,
        status: Arc<VenueStatus>,
    ) -> Result<Rest, reqwest::Error> {
        let http = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .pool_idle_timeout(IDLE_KEPT)
            .tcp_nodelay(true)
            .build()?;
        let origin = urls.rest.strip_suffix(API_PATH).unwrap_or(&urls.rest).to_owned();
        Ok(Rest { http, origin, signer, clock, deadline, status })
    }

    pub(crate) fn now(&self) -> outrigger_engine::domain::Now {
        (self.clock)()
    }

    /// Sends one request, signed for this attempt.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, NoAnswer> {
        let path = format!("{API_PATH}{}", request.path);
        let signed = self.signer.headers(request.method.as_str(), &path).await;
        let signed = signed.map_err(|error| NoAnswer::NotConnected(error.to_string()))?;
        let separator = if request.query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{separator}{}", self.origin, request.query);
        let mut builder = self
            .http
            .request(request.method.clone(), url)
            .timeout(self.deadline)
            .header(HEADER_KEY, signed.key)
            .header(HEADER_TIMESTAMP, signed.timestamp)
            .header(HEADER_SIGNATURE, signed.signature);
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.clone());
        }
        let sent = (self.clock)();
        let result = self.exchange(builder, sent.wall.millis()).await;
        let status = result.as_ref().map_or_else(|_| "none".to_owned(), |answer| answer.status.to_string());
        self.status.count_request(request.route, status);
        result
    }

    async fn exchange(&self, builder: reqwest::RequestBuilder, sent_ms: i64) -> Result<Answer, NoAnswer> {
        let response = builder.send().await.map_err(classify)?;
        let status = response.status().as_u16();
        if let Some(date) = response.headers().get("date").and_then(|date| date.to_str().ok()) {
            self.signer.offset().learn(date, sent_ms, (self.clock)().wall.millis());
            self.status.set_clock_offset_ms(self.signer.offset().get_ms());
        }
        if response.content_length().is_some_and(|length| length > BODY_MAX as u64) {
            return Err(NoAnswer::Lost(format!("the answer is larger than {BODY_MAX} bytes")));
        }
        let body = response.bytes().await.map_err(classify)?;
        Ok(Answer { status, body })
    }
}

/// Only a failure to connect proves that nothing was sent.
fn classify(error: reqwest::Error) -> NoAnswer {
    let never_sent = error.is_connect() || error.is_builder();
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    if never_sent { NoAnswer::NotConnected(reason) } else { NoAnswer::Lost(reason) }
}

/// Percent-encodes everything but letters, digits and `-._~`, so that an id or a cursor means only itself in an address.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
        if is_plain && !matches!(text, "." | "..") {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn ids_and_cursors_cannot_change_an_address() {
        assert_eq!(escaped("KXBTC-26JUL0921-B52250.5"), "KXBTC-26JUL0921-B52250.5");
        assert_eq!(escaped("a/../b?x#y"), "a%2F..%2Fb%3Fx%23y");
        assert_eq!(escaped("EhIK+/=="), "EhIK%2B%2F%3D%3D");
        assert_eq!(escaped(".."), "%2E%2E");
    }
}
