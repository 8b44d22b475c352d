//! The one door to the venue's REST side: a request needs a permit of the budget and passes the breaker; it is signed, sent on
//! a kept-alive connection, and what its end teaches is told to both.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use outrigger_engine::domain::Clock;
use parking_lot::RwLock;
use reqwest::{Client as Http, redirect};

use super::health::Health;
use super::route::{Class, Costs, Request};
use crate::kalshi::budget::{Budget, Client, Grant, Lane, Permit};
use crate::kalshi::config::Deadlines;
use crate::kalshi::sign::{HEADER_KEY, HEADER_SIGNATURE, HEADER_TIMESTAMP, Signer};
use crate::kalshi::status::VenueStatus;
use crate::kalshi::urls::VenueUrls;
use crate::net::Verdict;

const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Idle connections are kept this long, so that the next order finds one warm.
const IDLE_KEPT: Duration = Duration::from_secs(90);
/// A larger answer is nothing the venue sends.
const BODY_MAX: usize = 16 * 1024 * 1024;
pub(super) const API_PATH: &str = "/trade-api/v2";

/// The signed REST side of the venue.
pub(crate) struct Rest {
    http: Http,
    /// `http(s)://host[:port]`
    origin: String,
    signer: Signer,
    clock: Clock,
    deadlines: Deadlines,
    budget: Budget,
    costs: RwLock<Costs>,
    pub(super) health: Arc<Health>,
    pub(crate) status: Arc<VenueStatus>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// No whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The breaker is open: nothing was tried.
    Open { retry_after_ms: u64 },
    /// Nothing left this machine.
    NotConnected(String),
    /// It was sent, at least in part.
    Lost(String),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoAnswer::Open { retry_after_ms } => {
                write!(f, "the exchange does not answer at present; try again in {retry_after_ms} ms")
            }
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
        deadlines: Deadlines,
        budget: Budget,
        status: Arc<VenueStatus>,
    ) -> Result<Rest, reqwest::Error> {
        let http = Http::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_DEADLINE)
            .pool_idle_timeout(IDLE_KEPT)
            .tcp_nodelay(true)
            .build()?;
        let origin = urls.rest.strip_suffix(API_PATH).unwrap_or(&urls.rest).to_owned();
        let health = Arc::new(Health::new(Arc::clone(&status), Clock::clone(&clock)));
        let costs = RwLock::default();
        Ok(Rest { http, origin, signer, clock, deadlines, budget, costs, health, status })
    }

    pub(crate) fn now(&self) -> outrigger_engine::domain::Now {
        (self.clock)()
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn set_costs(&self, costs: Costs) {
        *self.costs.write() = costs;
    }

    /// Takes `request`'s place in the budget's line.
    pub(crate) fn ask(&self, lane: Lane, client: Client, request: &Request, patience_ms: u64) -> Grant {
        let charge = self.costs.read().charge(request);
        self.budget.ask(lane, client, charge, patience_ms)
    }

    /// Sends one request, signed for this attempt. The permit is used up if anything left this machine, and given back if not.
    pub(crate) async fn send(&self, request: &Request, permit: Permit) -> Result<Answer, NoAnswer> {
        let passage = self.health.enter(request.route.class.passenger());
        let passage = passage.map_err(|refused| NoAnswer::Open { retry_after_ms: refused.retry_after_ms })?;
        let path = format!("{API_PATH}{}", request.path);
        let method = request.route.method();
        let signed = self.signer.headers(method.as_str(), &path).await;
        let signed = signed.map_err(|error| NoAnswer::NotConnected(error.to_string()))?;
        let separator = if request.query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{separator}{}", self.origin, request.query);
        let mut builder = self
            .http
            .request(method, url)
            .timeout(self.deadline(request.route.class))
            .header(HEADER_KEY, signed.key)
            .header(HEADER_TIMESTAMP, signed.timestamp)
            .header(HEADER_SIGNATURE, signed.signature);
        if let Some(body) = &request.body {
            builder = builder.header("content-type", "application/json").body(body.clone());
        }
        let spent = permit.spend();
        let result = self.exchange(builder, self.now().wall.millis()).await;
        let status = result.as_ref().map_or_else(|_| "none".to_owned(), |answer| answer.status.to_string());
        self.status.count_request(request.route.name, status);
        match &result {
            Ok(Answer { status: 429, .. }) => spent.throttled(),
            Err(NoAnswer::NotConnected(_)) => spent.never_left(),
            Ok(_) | Err(NoAnswer::Lost(_) | NoAnswer::Open { .. }) => {}
        }
        passage.ended(verdict(&result));
        result
    }

    fn deadline(&self, class: Class) -> Duration {
        Duration::from_millis(match class {
            Class::Read => self.deadlines.read_ms,
            Class::Write => self.deadlines.write_ms,
            Class::Cancel => self.deadlines.cancel_ms,
        })
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

/// What an end says of the venue: no answer and a server's error are failures; any other answer, a refusal too, is a sign of life.
fn verdict(result: &Result<Answer, NoAnswer>) -> Verdict {
    match result {
        Ok(Answer { status: 500..=599, .. }) | Err(NoAnswer::NotConnected(_) | NoAnswer::Lost(_)) => {
            Verdict::Failed
        }
        Ok(_) => Verdict::Answered,
        Err(NoAnswer::Open { .. }) => Verdict::Nothing,
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
    use super::{Answer, NoAnswer, escaped, verdict};
    use crate::net::Verdict;

    #[test]
    fn only_silence_and_server_errors_are_failures() {
        let answered = |status| Ok(Answer { status, body: bytes::Bytes::new() });
        for status in [200, 201, 204, 301, 400, 401, 404, 409, 429] {
            assert_eq!(verdict(&answered(status)), Verdict::Answered, "{status}");
        }
        for status in [500, 502, 503, 504] {
            assert_eq!(verdict(&answered(status)), Verdict::Failed, "{status}");
        }
        assert_eq!(verdict(&Err(NoAnswer::NotConnected(String::new()))), Verdict::Failed);
        assert_eq!(verdict(&Err(NoAnswer::Lost(String::new()))), Verdict::Failed);
    }

    #[test]
    fn ids_and_cursors_cannot_change_an_address() {
        assert_eq!(escaped("KXBTC-26JUL0921-B52250.5"), "KXBTC-26JUL0921-B52250.5");
        assert_eq!(escaped("a/../b?x#y"), "a%2F..%2Fb%3Fx%23y");
        assert_eq!(escaped("EhIK+/=="), "EhIK%2B%2F%3D%3D");
        assert_eq!(escaped(".."), "%2E%2E");
    }
}
