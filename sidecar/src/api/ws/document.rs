//! The AsyncAPI document of the stream, generated from the topics and operations.

use serde_json::{Map, Value, json};

use outrigger_engine::stream::{FrameKind, Mode, TopicKind};

use super::protocol::{MESSAGE_BYTES_MAX, OPERATIONS};

/// Returns the document.
pub(crate) fn asyncapi() -> Value {
    let topics: Vec<Value> = TopicKind::ALL.iter().map(|kind| topic(*kind)).collect();
    let mut messages = Map::new();
    for (op, fields) in OPERATIONS {
        messages.insert(op.to_owned(), json!({ "payload": request(op, fields) }));
    }
    for op in ["hello", "subscribed", "unsubscribed", "list", "pong", "error"] {
        let schema = json!({ "type": "object", "required": ["op"], "properties": { "op": { "const": op } } });
        messages.insert(format!("answer_{op}"), json!({ "payload": schema }));
    }
    messages.insert("frame".into(), json!({ "payload": frame() }));
    let refer = |name: &String| json!({ "$ref": format!("#/channels/stream/messages/{name}") });
    let is_sent = |name: &&String| OPERATIONS.iter().any(|(op, _)| op == name);
    let sent: Vec<Value> = messages.keys().filter(is_sent).map(refer).collect();
    let received: Vec<Value> = messages.keys().filter(|name| !is_sent(name)).map(refer).collect();
    let channel = json!({ "$ref": "#/channels/stream" });
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": "Outrigger local stream", "version": env!("CARGO_PKG_VERSION") },
        "servers": { "local": { "host": "127.0.0.1:7373", "protocol": "ws", "security": [{ "type": "http", "scheme": "bearer" }] } },
        "channels": { "stream": { "address": "/v1/stream", "messages": messages } },
        "operations": {
            "say": { "action": "receive", "channel": channel, "messages": sent },
            "hear": { "action": "send", "channel": channel, "messages": received },
        },
        "x-topics": topics,
        "x-message-bytes-max": MESSAGE_BYTES_MAX,
    })
}

fn topic(kind: TopicKind) -> Value {
    let name =
        if kind.is_per_market() { format!("{}:{{ticker}}", kind.as_str()) } else { kind.as_str().to_owned() };
    let mode = match kind.mode() {
        Mode::Cache => "cache",
        Mode::Stream => "stream",
    };
    json!({ "topic": name, "mode": mode, "wildcard": kind.is_per_market() })
}

fn request(op: &str, fields: &[&str]) -> Value {
    let schema = |field: &str| match field {
        "op" => json!({ "const": op }),
        "topics" => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        "from" => {
            let position = json!({ "type": "object", "required": ["epoch", "offset"], "properties": {
                "epoch": { "type": "string" }, "offset": { "type": "integer" } } });
            json!({ "type": "object", "additionalProperties": position })
        }
        _ => json!({ "type": "integer", "minimum": 0 }),
    };
    let properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), schema(field))).collect();
    let required: Vec<&&str> = fields.iter().filter(|field| **field != "from").collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn frame() -> Value {
    let kinds = [FrameKind::Snapshot, FrameKind::Delta, FrameKind::Event, FrameKind::Stale, FrameKind::Live];
    json!({
        "type": "object",
        "required": ["topic", "epoch", "offset", "kind", "ts_ms", "recv_us", "data"],
        "properties": {
            "topic": { "type": "string" },
            "epoch": { "type": "string" },
            "offset": { "type": "integer", "minimum": 0 },
            "kind": { "enum": kinds.map(FrameKind::as_str) },
            "ts_ms": { "type": "integer" },
            "recv_us": { "type": "integer" },
            "data": { "type": ["object", "null"] },
        },
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_document_is_the_generated_one() {
        crate::api::tests::compare_document("asyncapi.json", &super::asyncapi());
    }
}
