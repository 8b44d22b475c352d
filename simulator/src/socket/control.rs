//! Encodes the answers to commands: `subscribed`, `ok`, `unsubscribed`, `error`.

use std::io::Write as _;

use super::channel::Channel;
use super::command::Refusal;
use super::outbox::{Outbox, Payload};
use super::text::{push, push_json_str};

/// The subscription that an answer belongs to; `seq` where the answer takes a number of its sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) sid: u64,
    pub(crate) seq: Option<u64>,
}

pub(crate) fn subscribed(out: &mut Outbox, id: Option<i64>, channel: Channel, sid: u64) {
    out.text(|to| {
        to.extend_from_slice(br#"{"type":"subscribed""#);
        push_id(to, id);
        push_sent(to);
        push!(to, r#","msg":{{"channel":"{}","sid":{sid}}}}}"#, channel.name());
    });
}

pub(crate) fn unsubscribed(out: &mut Outbox, id: Option<i64>, sid: u64, seq: u64) {
    out.text(|to| {
        to.extend_from_slice(br#"{"type":"unsubscribed""#);
        push_id(to, id);
        push!(to, r#","sid":{sid},"seq":{seq}"#);
        push_sent(to);
        to.push(b'}');
    });
}

/// Acknowledges a change of a subscription, with the full list of its markets unless that is not wanted.
pub(crate) fn ok_markets<'a>(
    out: &mut Outbox,
    id: Option<i64>,
    scope: Scope,
    markets: Option<(&str, impl Iterator<Item = &'a str>)>,
) {
    out.text(|to| {
        to.extend_from_slice(br#"{"type":"ok""#);
        push_id(to, id);
        push_scope(to, scope);
        push_sent(to);
        if let Some((key, list)) = markets {
            push!(to, r#","msg":{{"{key}":["#);
            push_list(to, list);
            to.extend_from_slice(b"]}");
        }
        to.push(b'}');
    });
}

pub(crate) fn ok_subscriptions(
    out: &mut Outbox,
    id: Option<i64>,
    list: impl Iterator<Item = (Channel, u64)>,
) {
    out.text(|to| {
        to.extend_from_slice(br#"{"type":"ok""#);
        push_id(to, id);
        push_sent(to);
        to.extend_from_slice(br#","msg":["#);
        for (index, (channel, sid)) in list.enumerate() {
            if index > 0 {
                to.push(b',');
            }
            push!(to, r#"{{"channel":"{}","sid":{sid}}}"#, channel.name());
        }
        to.extend_from_slice(b"]}");
    });
}

pub(crate) fn error(out: &mut Outbox, id: Option<i64>, scope: Option<Scope>, refusal: &Refusal) {
    out.text(|to| {
        to.extend_from_slice(br#"{"type":"error""#);
        push_id(to, id);
        if let Some(scope) = scope {
            push_scope(to, scope);
        }
        push_sent(to);
        push!(to, r#","msg":{{"code":{},"msg":"#, refusal.code);
        push_json_str(to, &refusal.text);
        if !refusal.market_tickers.is_empty() {
            to.extend_from_slice(br#","market_tickers":["#);
            push_list(to, refusal.market_tickers.iter().map(String::as_str));
            to.push(b']');
        }
        to.extend_from_slice(b"}}");
    });
}

fn push_id(to: &mut Vec<u8>, id: Option<i64>) {
    if let Some(id) = id {
        push!(to, r#","id":{id}"#);
    }
}

fn push_scope(to: &mut Vec<u8>, scope: Scope) {
    push!(to, r#","sid":{}"#, scope.sid);
    if let Some(seq) = scope.seq {
        push!(to, r#","seq":{seq}"#);
    }
}

fn push_sent(to: &mut Payload) {
    let sending_ts_ms = to.sending_ts_ms;
    push!(to, r#","sending_ts_ms":{sending_ts_ms}"#);
}

fn push_list<'a>(to: &mut Vec<u8>, list: impl Iterator<Item = &'a str>) {
    for (index, text) in list.enumerate() {
        if index > 0 {
            to.push(b',');
        }
        push_json_str(to, text);
    }
}
