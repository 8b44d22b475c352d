//! What a client's session asks of the hub. Parsing JSON is the session's business.

use std::collections::BTreeMap;

use serde::Serialize;

use super::topic::{Topic, TopicFilter};

/// A client on this process's stream; never used twice in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// How far a client had come on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub epoch: String,
    pub offset: u64,
}

/// `id` is the client's own number, echoed in the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientRequest {
    Subscribe { id: u64, topics: Vec<TopicFilter>, from: BTreeMap<Topic, Position> },
    Unsubscribe { id: u64, topics: Vec<TopicFilter> },
    List { id: u64 },
}

/// Something a client did that changes orders, money or the halt; published on topic `audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEvent {
    /// The token's name.
    pub client: String,
    /// What was asked, e.g. `order.place`, `halt.set`.
    pub action: String,
    /// What it was about: an order id, a ticker, a mode.
    pub target: String,
    /// `ok`, or the code of the problem it was answered with.
    pub outcome: String,
    pub request_id: String,
}

/// How a subscription that said where it had come to goes on. Exactly one of these, never a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// The client is up to date; the next frame is the next offset.
    NothingMissed,
    /// Every frame missed follows.
    Replayed,
    /// It cannot be made up; a snapshot follows.
    Cannot,
}

/// One entry of `subscribed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct SubscribedTopic {
    pub(super) topic: String,
    pub(super) epoch: String,
    /// The topic's offset at this moment; absent for a wildcard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resume: Option<Resume>,
    /// It was subscribed already and simply goes on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) already: bool,
}

/// The hub's answers to requests.
#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Answer<'a> {
    Subscribed { id: u64, topics: Vec<SubscribedTopic> },
    Unsubscribed { id: u64, topics: Vec<String> },
    List { id: u64, topics: Vec<String> },
    Error { id: u64, code: &'static str, message: &'a str },
}
