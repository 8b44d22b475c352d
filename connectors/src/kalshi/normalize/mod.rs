//! From the venue's JSON to the engine's types. The only place where either side of that boundary meets the other.
//!
//! Invariant: a frame is never dropped without a trace. What cannot be read comes out as `Unreadable` with whatever
//! numbers could be dug out, what is new comes out as `Unknown` by name.

mod account;
mod market;
mod notice;
pub(crate) mod rest;
mod tickers;

use std::borrow::Cow;

use outrigger_engine::venue::{Channel, LifecycleEvent, MarketFrame, PrivateItem};
use serde::Deserialize;

use super::wire::envelope::{Envelope, skim};
use super::wire::market::{ErrorMessage, Subscribed};
use super::wire::quick;
pub(crate) use tickers::Tickers;

/// What a frame of the stream means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decoded {
    /// Content of a market-data subscription.
    Market {
        /// The command it answers, where it answers one.
        id: Option<u64>,
        sid: Option<u64>,
        seq: Option<u64>,
        frame: MarketFrame,
    },
    /// A life-cycle event, of interest to market and account lane alike.
    Lifecycle {
        sid: Option<u64>,
        seq: Option<u64>,
        event: Box<LifecycleEvent>,
    },
    /// Content of an account subscription.
    Private(Box<PrivateItem>),
    /// An account message that could not be read: the account must be read back.
    PrivateUnreadable {
        kind: &'static str,
        reason: String,
    },
    Subscribed {
        id: Option<u64>,
        sid: u64,
        channel: Channel,
    },
    /// `ok` or `unsubscribed`.
    Acknowledged {
        id: Option<u64>,
        sid: Option<u64>,
        seq: Option<u64>,
    },
    Refused {
        id: Option<u64>,
        sid: Option<u64>,
        seq: Option<u64>,
        code: i64,
        message: String,
    },
    /// A market-data frame that could not be read.
    Unreadable {
        sid: Option<u64>,
        seq: Option<u64>,
        reason: String,
    },
    /// A type this version does not know. It may consume a number of its subscription.
    Unknown {
        kind: String,
        sid: Option<u64>,
        seq: Option<u64>,
    },
}

/// Why a message could not be turned into a domain value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NormalizeError {
    #[error("unreadable: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Meaning(&'static str),
}

/// A frame with the venue's own time of sending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stamped {
    pub(crate) decoded: Decoded,
    /// Milliseconds on the venue's clock.
    pub(crate) sent_ms: Option<i64>,
}

impl Stamped {
    /// A frame of which not even the outer fields can be read.
    pub(crate) fn unreadable(reason: &str) -> Stamped {
        let decoded = Decoded::Unreadable { sid: None, seq: None, reason: reason.to_owned() };
        Stamped { decoded, sent_ms: None }
    }
}

/// Reads a frame of the usual shape, which has only known fields; `None` leaves it to [`decode_any`].
pub(crate) fn decode_usual(text: &str, tickers: &mut Tickers) -> Option<Stamped> {
    quick::delta(text).map(|delta| market::quick_delta(delta, tickers))
}

/// Reads a frame of any type and shape, and when it was sent.
pub(crate) fn decode_any(text: &str, tickers: &mut Tickers) -> Stamped {
    let envelope = skim(text);
    let sent_ms = envelope.sending_ts_ms.and_then(|ms| i64::try_from(ms).ok());
    Stamped { decoded: decode_envelope(envelope, tickers), sent_ms }
}

/// Reads one text frame.
#[cfg(test)]
pub(crate) fn decode(text: &str, tickers: &mut Tickers) -> Decoded {
    decode_usual(text, tickers).unwrap_or_else(|| decode_any(text, tickers)).decoded
}

fn decode_envelope(envelope: Envelope<'_>, tickers: &mut Tickers) -> Decoded {
    let Envelope { id, sid, seq, .. } = envelope;
    if envelope.broken {
        return Decoded::Unreadable { sid, seq, reason: "a broken frame".to_owned() };
    }
    match envelope.kind {
        Some("orderbook_delta") => market_frame(&envelope, |msg| market::delta(msg, tickers)),
        Some("orderbook_snapshot") => market_frame(&envelope, |msg| market::snapshot(msg, tickers)),
        Some("trade") => market_frame(&envelope, |msg| market::trade(msg, tickers)),
        Some("ticker") => market_frame(&envelope, |msg| market::ticker(msg, tickers)),
        Some(kind @ ("market_lifecycle_v2" | "multivariate_market_lifecycle")) => {
            let is_combo = kind != "market_lifecycle_v2";
            match content(&envelope).and_then(|msg| market::lifecycle(msg, is_combo, tickers)) {
                Ok(event) => Decoded::Lifecycle { sid, seq, event: Box::new(event) },
                Err(error) => unreadable(&envelope, &error),
            }
        }
        Some("event_lifecycle") => market_frame(&envelope, notice::event),
        Some("event_fee_update") => market_frame(&envelope, notice::event_fees),
        Some("order_group_updates") => market_frame(&envelope, notice::order_group),
        Some("fill") => private("fill", &envelope, |msg| account::fill(msg).map(PrivateItem::Fill)),
        Some("user_order") => {
            private("user_order", &envelope, |msg| account::order(msg).map(PrivateItem::Order))
        }
        Some("market_position") => {
            private("market_position", &envelope, |msg| account::position(msg).map(PrivateItem::Position))
        }
        Some("subscribed") => subscribed(&envelope),
        Some("ok" | "unsubscribed") => Decoded::Acknowledged { id, sid, seq },
        Some("error") => {
            let ErrorMessage { code, msg } =
                content(&envelope).unwrap_or(ErrorMessage { code: 0, msg: Cow::Borrowed("no reason given") });
            Decoded::Refused { id, sid, seq, code, message: msg.into_owned() }
        }
        kind => {
            let kind = kind.unwrap_or("(none)");
            match notice::communication_kind(kind) {
                Some(known) => market_frame(&envelope, |msg| notice::communication(known, msg, tickers)),
                None => Decoded::Unknown { kind: kind.to_owned(), sid, seq },
            }
        }
    }
}

fn content<'a, T: Deserialize<'a>>(envelope: &Envelope<'a>) -> Result<T, NormalizeError> {
    let msg = envelope.msg.ok_or(NormalizeError::Meaning("the frame has no msg"))?;
    Ok(serde_json::from_str(msg)?)
}

fn market_frame<'a, T: Deserialize<'a>>(
    envelope: &Envelope<'a>,
    read: impl FnOnce(T) -> Result<MarketFrame, NormalizeError>,
) -> Decoded {
    match content(envelope).and_then(read) {
        Ok(frame) => Decoded::Market { id: envelope.id, sid: envelope.sid, seq: envelope.seq, frame },
        Err(error) => unreadable(envelope, &error),
    }
}

fn private<'a, T: Deserialize<'a>>(
    kind: &'static str,
    envelope: &Envelope<'a>,
    read: impl FnOnce(T) -> Result<PrivateItem, NormalizeError>,
) -> Decoded {
    match content(envelope).and_then(read) {
        Ok(item) => Decoded::Private(Box::new(item)),
        Err(error) => Decoded::PrivateUnreadable { kind, reason: error.to_string() },
    }
}

fn unreadable(envelope: &Envelope<'_>, error: &NormalizeError) -> Decoded {
    let reason = format!("{} {error}", envelope.kind.unwrap_or_default());
    Decoded::Unreadable { sid: envelope.sid, seq: envelope.seq, reason }
}

fn subscribed(envelope: &Envelope<'_>) -> Decoded {
    match content::<Subscribed<'_>>(envelope) {
        Ok(Subscribed { channel, sid }) => match channel_named(&channel) {
            Some(channel) => Decoded::Subscribed { id: envelope.id, sid, channel },
            None => Decoded::Unknown {
                kind: format!("subscribed:{channel}"),
                sid: envelope.sid,
                seq: envelope.seq,
            },
        },
        Err(error) => unreadable(envelope, &error),
    }
}

fn channel_named(name: &str) -> Option<Channel> {
    ALL_CHANNELS.into_iter().find(|channel| channel_name(*channel) == name)
}

/// Every channel the connector subscribes.
/// Those at the end are optional: a connection without them is still of use.
pub(crate) const ALL_CHANNELS: [Channel; 10] = [
    Channel::Fill,
    Channel::UserOrders,
    Channel::MarketPositions,
    Channel::MarketLifecycle,
    Channel::OrderbookDelta,
    Channel::Trade,
    Channel::Ticker,
    Channel::OrderGroups,
    Channel::MultivariateLifecycle,
    Channel::Communications,
];

/// Returns the venue's name of a channel.
pub(crate) const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::OrderbookDelta => "orderbook_delta",
        Channel::Ticker => "ticker",
        Channel::Trade => "trade",
        Channel::Fill => "fill",
        Channel::UserOrders => "user_orders",
        Channel::MarketPositions => "market_positions",
        Channel::MarketLifecycle => "market_lifecycle_v2",
        Channel::MultivariateLifecycle => "multivariate_market_lifecycle",
        Channel::OrderGroups => "order_group_updates",
        Channel::Communications => "communications",
    }
}

#[cfg(test)]
mod tests;
