//! Topics of the local stream: their names, their modes, and what a client may name.

use std::fmt;
use std::str::FromStr;

use crate::domain::Ticker;

/// What a topic is about. The order here is the order of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicKind {
    Book,
    Ticker,
    Trades,
    Orders,
    Fills,
    Positions,
    Balance,
    Settlements,
    Health,
    Alerts,
    Lifecycle,
    OrderGroups,
    Communications,
    Audit,
}

/// What a slow client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The newest state matters: intermediate frames may be left out, a torn state is never shown.
    Cache,
    /// Every event, in order. A client that cannot keep up is closed and told where to resume.
    Stream,
}

impl TopicKind {
    pub const ALL: [TopicKind; 14] = [
        TopicKind::Book,
        TopicKind::Ticker,
        TopicKind::Trades,
        TopicKind::Orders,
        TopicKind::Fills,
        TopicKind::Positions,
        TopicKind::Balance,
        TopicKind::Settlements,
        TopicKind::Health,
        TopicKind::Alerts,
        TopicKind::Lifecycle,
        TopicKind::OrderGroups,
        TopicKind::Communications,
        TopicKind::Audit,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            TopicKind::Book => "book",
            TopicKind::Ticker => "ticker",
            TopicKind::Trades => "trades",
            TopicKind::Orders => "orders",
            TopicKind::Fills => "fills",
            TopicKind::Positions => "positions",
            TopicKind::Balance => "balance",
            TopicKind::Settlements => "settlements",
            TopicKind::Health => "health",
            TopicKind::Alerts => "alerts",
            TopicKind::Lifecycle => "lifecycle",
            TopicKind::OrderGroups => "order_groups",
            TopicKind::Communications => "communications",
            TopicKind::Audit => "audit",
        }
    }

    pub const fn mode(self) -> Mode {
        match self {
            TopicKind::Book
            | TopicKind::Ticker
            | TopicKind::Health
            | TopicKind::Balance
            | TopicKind::Positions => Mode::Cache,
            TopicKind::Trades
            | TopicKind::Orders
            | TopicKind::Fills
            | TopicKind::Settlements
            | TopicKind::Alerts
            | TopicKind::Lifecycle
            | TopicKind::OrderGroups
            | TopicKind::Communications
            | TopicKind::Audit => Mode::Stream,
        }
    }

    /// Tells whether there is one topic per market, named `kind:TICKER`.
    pub const fn is_per_market(self) -> bool {
        matches!(self, TopicKind::Book | TopicKind::Ticker | TopicKind::Trades)
    }
}

/// One topic: a sequence of frames with offsets of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic {
    kind: TopicKind,
    /// Present exactly for the kinds that are per market.
    ticker: Option<Ticker>,
}

impl Topic {
    pub(crate) const fn book(ticker: Ticker) -> Topic {
        Topic { kind: TopicKind::Book, ticker: Some(ticker) }
    }

    pub(crate) const fn quotes(ticker: Ticker) -> Topic {
        Topic { kind: TopicKind::Ticker, ticker: Some(ticker) }
    }

    pub(crate) const fn trades(ticker: Ticker) -> Topic {
        Topic { kind: TopicKind::Trades, ticker: Some(ticker) }
    }

    /// The one topic of a kind that is not per market.
    pub(crate) const fn whole(kind: TopicKind) -> Topic {
        Topic { kind, ticker: None }
    }

    pub const fn kind(&self) -> TopicKind {
        self.kind
    }

    pub const fn ticker(&self) -> Option<&Ticker> {
        self.ticker.as_ref()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ticker {
            Some(ticker) => write!(f, "{}:{ticker}", self.kind.as_str()),
            None => f.write_str(self.kind.as_str()),
        }
    }
}

/// What a client subscribes to: one topic, or `kind:*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopicFilter {
    One(Topic),
    /// Every market's topic of a kind, those that appear later included.
    All(TopicKind),
}

impl TopicFilter {
    pub const fn kind(&self) -> TopicKind {
        match self {
            TopicFilter::One(topic) => topic.kind,
            TopicFilter::All(kind) => *kind,
        }
    }

    pub fn covers(&self, topic: &Topic) -> bool {
        match self {
            TopicFilter::One(one) => one == topic,
            TopicFilter::All(kind) => *kind == topic.kind,
        }
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TopicFilter::One(topic) => topic.fmt(f),
            TopicFilter::All(kind) => write!(f, "{}:*", kind.as_str()),
        }
    }
}

/// Why a text names no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    #[error(
        "{0:?} is no topic; there are book:T, ticker:T, trades:T (T a ticker or *), orders, fills, positions, balance, settlements, health, alerts, lifecycle, order_groups, communications, audit"
    )]
    UnknownKind(String),
    #[error("{0} is one topic per market: write {0}:TICKER, or {0}:* for all")]
    NeedsTicker(&'static str),
    #[error("{0} is one topic for the whole account: write {0} alone")]
    TakesNoTicker(&'static str),
    #[error("{0:?} is no ticker: 1 to 128 letters, digits, dots, dashes or underscores")]
    BadTicker(String),
}

const TICKER_BYTES_MAX: usize = 128;

impl FromStr for TopicFilter {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<TopicFilter, TopicError> {
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        let known = TopicKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let kind = known.ok_or_else(|| TopicError::UnknownKind(text.chars().take(64).collect()))?;
        match (kind.is_per_market(), rest) {
            (true, None) => Err(TopicError::NeedsTicker(kind.as_str())),
            (false, Some(_)) => Err(TopicError::TakesNoTicker(kind.as_str())),
            (false, None) => Ok(TopicFilter::One(Topic::whole(kind))),
            (true, Some("*")) => Ok(TopicFilter::All(kind)),
            (true, Some(ticker)) => {
                let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
                if ticker.is_empty() || ticker.len() > TICKER_BYTES_MAX || !ticker.bytes().all(is_plain) {
                    return Err(TopicError::BadTicker(ticker.chars().take(64).collect()));
                }
                Ok(TopicFilter::One(Topic { kind, ticker: Some(Ticker::new(ticker)) }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TopicError, TopicFilter, TopicKind};

    #[test]
    fn names_read_back_as_written_and_mistakes_are_named() {
        for good in ["book:KXA-1", "ticker:*", "trades:KX.B_2", "orders", "audit", "lifecycle"] {
            assert_eq!(good.parse::<TopicFilter>().unwrap().to_string(), good);
        }
        assert_eq!("book".parse::<TopicFilter>(), Err(TopicError::NeedsTicker("book")));
        assert_eq!("orders:*".parse::<TopicFilter>(), Err(TopicError::TakesNoTicker("orders")));
        assert!(matches!("boook:KXA".parse::<TopicFilter>(), Err(TopicError::UnknownKind(_))));
        for bad in ["book:", "book:a b", "book:\"", "book:K*", "book:\u{e9}"] {
            assert!(matches!(bad.parse::<TopicFilter>(), Err(TopicError::BadTicker(_))), "{bad}");
        }
    }

    #[test]
    fn every_kind_is_listed_once() {
        let names: std::collections::BTreeSet<_> = TopicKind::ALL.iter().map(|k| k.as_str()).collect();
        assert_eq!(names.len(), TopicKind::ALL.len());
    }
}
