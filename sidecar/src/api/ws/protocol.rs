//! What client and server say to each other besides frames. Plain code: no sockets, no actors.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use outrigger_engine::domain::Catalog;
use outrigger_engine::stream::{ClientRequest, HubLimits, Position, Topic, TopicFilter};

use crate::api::http::body::{Fields, Reader};
use crate::api::problem::{self, ProblemKind};

/// A client's message may have this many bytes, joined from fragments or not.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// Messages a client may send in one second.
pub(super) const MESSAGES_PER_S_MAX: u32 = 100;
pub(super) const PING_EVERY_MS: u64 = 10_000;
pub(super) const SILENT_AFTER_MS: u64 = 30_000;
/// Operations of clients, with the fields they take.
pub(super) const OPERATIONS: [(&str, &[&str]); 4] = [
    ("subscribe", &["id", "op", "topics", "from"]),
    ("unsubscribe", &["id", "op", "topics"]),
    ("list", &["id", "op"]),
    ("ping", &["id", "op"]),
];

/// What a client asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    OfHub(ClientRequest),
    Ping { id: u64 },
}

/// Why a message was not done, for an `error` answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The message's id, where it could be read.
    pub(super) id: Option<u64>,
    pub(super) kind: ProblemKind,
    pub(super) message: String,
}

#[derive(Debug, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    Hello { version: &'a str, env: &'a str, epoch: &'a str, scope: &'a str, limits: Limits },
    Pong { id: u64 },
    Error { id: Option<u64>, code: &'a str, message: &'a str },
}

/// The bounds a client program should know.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Limits {
    message_bytes_max: usize,
    messages_per_s_max: u32,
    topics_per_client_max: usize,
    queue_frames_max: usize,
    queue_bytes_max: usize,
    resume_frames_max: usize,
    resume_trades_max: usize,
    ping_every_ms: u64,
    silent_after_ms: u64,
}

impl Limits {
    pub(super) fn of(hub: &HubLimits) -> Limits {
        Limits {
            message_bytes_max: MESSAGE_BYTES_MAX,
            messages_per_s_max: MESSAGES_PER_S_MAX,
            topics_per_client_max: hub.topics_per_client_max,
            queue_frames_max: hub.outbox.frames_max,
            queue_bytes_max: hub.outbox.bytes_max,
            resume_frames_max: hub.window.frames_max,
            resume_trades_max: hub.trades_window.frames_max,
            ping_every_ms: PING_EVERY_MS,
            silent_after_ms: SILENT_AFTER_MS,
        }
    }
}

impl Said<'_> {
    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads one message. Topics of markets nobody knows are refused.
pub(super) fn read(text: &str, catalog: &Catalog) -> Result<Asked, Refusal> {
    let refuse = |id, kind, message: String| Refusal { id, kind, message };
    let unreadable = |error: serde_json::Error| refuse(None, problem::STREAM_MESSAGE, error.to_string());
    let fields: Fields = serde_json::from_str(text).map_err(unreadable)?;
    let id = fields.get("id").and_then(Value::as_u64);
    let op = fields.get("op").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some((op, known)) = OPERATIONS.into_iter().find(|(name, _)| *name == op) else {
        let names: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
        let message = format!("op {op:?} is none of {}", names.join(", "));
        return Err(refuse(id, problem::STREAM_OPERATION, message));
    };
    let mut reader = Reader::new(fields, known, "");
    reader.take("op");
    let request_id = reader.take("id").and_then(|id| id.as_u64());
    if request_id.is_none() {
        reader.mistake("id", "must be a whole number of your own, it comes back in the answer".to_owned());
    }
    let topics = if known.contains(&"topics") { topics(&mut reader) } else { Vec::new() };
    let from = if known.contains(&"from") { from(&mut reader, &topics) } else { BTreeMap::new() };
    let (false, Some(id)) = (reader.has_mistakes(), request_id) else {
        let kind = if op == "subscribe" && request_id.is_some() {
            problem::STREAM_TOPIC
        } else {
            problem::STREAM_OPERATION
        };
        return Err(refuse(id, kind, reader.problem(kind).detail().to_owned()));
    };
    match op {
        "subscribe" => {
            let unknown = topics.iter().find_map(|filter| unknown_market(filter, catalog));
            if let Some(message) = unknown {
                return Err(refuse(Some(id), problem::MARKET_UNKNOWN, message));
            }
            Ok(Asked::OfHub(ClientRequest::Subscribe { id, topics, from }))
        }
        "unsubscribe" => Ok(Asked::OfHub(ClientRequest::Unsubscribe { id, topics })),
        "list" => Ok(Asked::OfHub(ClientRequest::List { id })),
        _ => Ok(Asked::Ping { id }),
    }
}

fn topics(reader: &mut Reader) -> Vec<TopicFilter> {
    let list = match reader.take("topics") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(_) | None => {
            reader.mistake("topics", "must be a list such as [\"book:KXA-1\",\"orders\"]".to_owned());
            return Vec::new();
        }
    };
    let mut topics = Vec::new();
    for (n, topic) in list.iter().enumerate() {
        let text = topic.as_str().map_or_else(|| topic.to_string(), str::to_owned);
        match text.parse() {
            Ok(filter) => topics.push(filter),
            Err(error) => reader.mistake(&format!("topics/{n}"), format!("{error}")),
        }
    }
    topics
}

/// Reads the positions. Each must be of a topic that is asked for.
fn from(reader: &mut Reader, topics: &[TopicFilter]) -> BTreeMap<Topic, Position> {
    let mut positions = BTreeMap::new();
    let given = match reader.take("from") {
        Some(Value::Object(given)) => given,
        None => return positions,
        Some(_) => {
            reader.mistake("from", "must be an object of topics with epoch and offset".to_owned());
            return positions;
        }
    };
    for (name, value) in given {
        let topic = match name.parse() {
            Ok(TopicFilter::One(topic)) => topic,
            Ok(TopicFilter::All(_)) => {
                reader.mistake(&format!("from/{name}"), "name each topic, not a wildcard".to_owned());
                continue;
            }
            Err(error) => {
                reader.mistake(&format!("from/{name}"), format!("{error}"));
                continue;
            }
        };
        let epoch = value.get("epoch").and_then(Value::as_str);
        let offset = value.get("offset").and_then(Value::as_u64);
        let (Some(epoch), Some(offset)) = (epoch, offset) else {
            let detail = "must be {\"epoch\":\"…\",\"offset\":41}, as in the last frame".to_owned();
            reader.mistake(&format!("from/{name}"), detail);
            continue;
        };
        if topics.iter().any(|filter| filter.covers(&topic)) {
            positions.insert(topic, Position { epoch: epoch.to_owned(), offset });
        } else {
            reader.mistake(&format!("from/{name}"), "is not among the topics".to_owned());
        }
    }
    positions
}

fn unknown_market(filter: &TopicFilter, catalog: &Catalog) -> Option<String> {
    let TopicFilter::One(topic) = filter else { return None };
    let ticker = topic.ticker()?;
    catalog.get(ticker.as_str()).is_none().then(|| format!("{topic}: no market {ticker}"))
}

/// Joins fragments of a text message, within the bound.
#[derive(Debug, Default)]
pub(super) struct Joiner(Option<Vec<u8>>);

impl Joiner {
    pub(super) fn begin(&mut self, part: &[u8]) -> Result<(), &'static str> {
        match self.0.replace(part.to_vec()) {
            Some(_) => Err("a message began inside another"),
            None => Ok(()),
        }
    }

    pub(super) fn push(&mut self, part: &[u8]) -> Result<(), &'static str> {
        let joined = self.0.as_mut().ok_or("a fragment without a beginning")?;
        if joined.len().saturating_add(part.len()) > MESSAGE_BYTES_MAX {
            return Err("the message is too large");
        }
        joined.extend_from_slice(part);
        Ok(())
    }

    pub(super) fn end(&mut self, part: &[u8]) -> Result<String, &'static str> {
        self.push(part)?;
        let joined = self.0.take().unwrap_or_default();
        String::from_utf8(joined).map_err(|_| "the message is not UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::Catalog;

    use super::{Asked, Joiner, MESSAGE_BYTES_MAX, read};

    fn refusal(text: &str) -> (Option<u64>, &'static str, String) {
        let refusal = read(text, &Catalog::default()).unwrap_err();
        (refusal.id, refusal.kind.code, refusal.message)
    }

    #[test]
    fn mistakes_are_named_all_at_once() {
        let (id, code, message) =
            refusal(r#"{"id":7,"op":"subscribe","topics":["boook:A","orders:*"],"form":{}}"#);
        assert_eq!((id, code), (Some(7), "OUT-STREAM-003"));
        for part in [
            "/topics/0: \"boook:A\" is no topic",
            "/topics/1: orders",
            "/form: unknown; did you mean from?",
            "did you mean from?",
        ] {
            assert!(message.contains(part), "{part:?} in {message:?}");
        }
        assert_eq!(refusal("nonsense").1, "OUT-STREAM-001");
        assert_eq!(refusal(r#"{"id":1,"op":"subscrib"}"#).1, "OUT-STREAM-002");
        assert!(refusal(r#"{"op":"list"}"#).2.contains("/id"));
        assert_eq!(refusal(r#"{"id":1,"op":"subscribe","topics":["book:NONE"]}"#).1, "OUT-MARKET-001");
        let stray =
            r#"{"id":1,"op":"subscribe","topics":["fills"],"from":{"orders":{"epoch":"e","offset":1}}}"#;
        assert!(refusal(stray).2.contains("not among the topics"));
    }

    #[test]
    fn good_messages_are_understood() {
        let subscribe =
            r#"{"id":1,"op":"subscribe","topics":["orders"],"from":{"orders":{"epoch":"e1","offset":41}}}"#;
        for text in
            [subscribe, r#"{"id":2,"op":"unsubscribe","topics":["book:*"]}"#, r#"{"id":3,"op":"list"}"#]
        {
            assert!(matches!(read(text, &Catalog::default()), Ok(Asked::OfHub(_))), "{text}");
        }
        assert_eq!(read(r#"{"id":4,"op":"ping"}"#, &Catalog::default()), Ok(Asked::Ping { id: 4 }));
    }

    #[test]
    fn fragments_join_within_the_bound() {
        let mut joiner = Joiner::default();
        joiner.begin(b"{\"id\"").unwrap();
        joiner.push(b":1").unwrap();
        assert_eq!(joiner.end(b"}").unwrap(), "{\"id\":1}");
        assert!(joiner.push(b"x").is_err());
        joiner.begin(&vec![b'x'; MESSAGE_BYTES_MAX]).unwrap();
        assert!(joiner.end(b"x").is_err());
    }
}
