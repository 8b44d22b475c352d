//! Frames of one connection into items of the two lanes, with the connection's generation and the moment they came.
//!
//! Invariant: no numbered frame disappears. What cannot be placed makes suspect whatever it could have belonged to.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;

use outrigger_engine::domain::{Generation, Received, SubscriptionId};
use outrigger_engine::venue::{
    Channel, FeedBatch, FeedItem, FeedState, LifecycleEvent, MarketFrame, PrivateItem,
};

use super::channels::is_private;
use super::subscriptions::{Subscriptions, Todo};
use crate::kalshi::normalize::{Decoded, Stamped, Tickers, decode_any, decode_usual};
use crate::kalshi::status::{Counters, bump};
use crate::kalshi::wire::fields::unknown_fields;

/// Frames kept for subscriptions whose acknowledgement has not come.
const EARLY_MAX: usize = 4_096;
/// Unusual frames of a connection that are searched for unknown fields: the first of all, then one in so many.
const SEARCHED_AT_FIRST: u64 = 256;
const SEARCHED_EVERY: u64 = 61;

/// What one read from the socket brought.
#[derive(Debug, Default)]
pub(in crate::kalshi) struct Taken {
    pub(in crate::kalshi) market: FeedBatch,
    pub(in crate::kalshi) private: Vec<PrivateItem>,
    pub(in crate::kalshi) lifecycle: Vec<LifecycleEvent>,
    pub(in crate::kalshi) unknown: Vec<String>,
}

/// What placing a frame works with.
pub(super) struct Place<'a> {
    pub(super) received: Received,
    pub(super) subscriptions: &'a mut Subscriptions,
    pub(super) counters: &'a Counters,
    pub(super) taken: &'a mut Taken,
}

/// A frame's numbers.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    sid: Option<u64>,
    seq: Option<u64>,
}

/// Places frames. One per connection.
#[derive(Debug)]
pub(super) struct Intake {
    generation: Generation,
    early: VecDeque<(u64, Option<u64>, Received, MarketFrame)>,
    tickers: Tickers,
    /// Frames that were not of the usual shape; some of them are searched for fields nobody knows.
    read: u64,
}

impl Intake {
    pub(super) fn new(generation: Generation) -> Intake {
        Intake { generation, early: VecDeque::new(), tickers: Tickers::default(), read: 0 }
    }

    /// Reads one frame.
    pub(super) fn decode(&mut self, text: &str, taken: &mut Taken) -> Stamped {
        if let Some(usual) = decode_usual(text, &mut self.tickers) {
            return usual;
        }
        self.read += 1;
        if self.read < SEARCHED_AT_FIRST || self.read.is_multiple_of(SEARCHED_EVERY) {
            // A new field is on every frame of its type, so it need not be looked for on each.
            taken.unknown.extend(unknown_fields(text));
        }
        decode_any(text, &mut self.tickers)
    }

    /// Places one frame and returns what the connection must do about it.
    pub(super) fn place(&mut self, decoded: Decoded, mut at: Place<'_>) -> Todo {
        let at = &mut at;
        match decoded {
            Decoded::Market { id, sid, seq, mut frame } => {
                count(&frame, at.counters);
                if let MarketFrame::Snapshot { ticker, asked, .. } = &mut frame {
                    *asked = at.subscriptions.asked_at(id);
                    at.subscriptions.snapshot_came(ticker);
                }
                self.market(Numbers { sid, seq }, frame, at)
            }
            Decoded::Lifecycle { sid, seq, event } => {
                at.taken.private.push(PrivateItem::Lifecycle(LifecycleEvent::clone(&event)));
                at.taken.lifecycle.push(LifecycleEvent::clone(&event));
                self.market(Numbers { sid, seq }, MarketFrame::Lifecycle(event), at)
            }
            Decoded::Private(item) => {
                bump(&at.counters.private_items);
                at.taken.private.push(*item);
                Todo::default()
            }
            Decoded::PrivateUnreadable { kind, reason } => {
                tracing::error!(kind, reason, "a message about the account cannot be read; reading it back");
                self.private_lost(at);
                Todo::default()
            }
            Decoded::Subscribed { id, sid, channel } => self.subscribed(id, sid, channel, at),
            Decoded::Acknowledged { id, sid, seq } => {
                at.subscriptions.acknowledged(id);
                self.numbered(Numbers { sid, seq }, at)
            }
            Decoded::Refused { id, sid, seq, code, message } => {
                tracing::warn!(code, message, "the exchange refused a command or ended a subscription");
                self.numbered(Numbers { sid, seq }, at);
                let now_ms = at.received.monotonic.0 / 1_000_000;
                at.subscriptions.refused(id, sid, code, &message, now_ms)
            }
            Decoded::Unreadable { sid, seq, reason } => {
                bump(&at.counters.unreadable);
                tracing::warn!(sid, seq, reason, "a frame cannot be read");
                self.unreadable(Numbers { sid, seq }, reason, at)
            }
            Decoded::Unknown { kind, sid, seq } => {
                at.taken.unknown.push(kind);
                self.numbered(Numbers { sid, seq }, at)
            }
        }
    }

    /// Declares everything on a subscription lost.
    pub(super) fn lose(&self, sid: u64, reason: &str, received: Received, taken: &mut Taken) {
        let frame = MarketFrame::Unreadable { reason: reason.to_owned() };
        taken.market.push(self.item(sid, None, received, frame));
    }

    /// Makes the desk read the account back, as after a reconnect.
    fn private_lost(&self, at: &mut Place<'_>) {
        bump(&at.counters.private_unreadable);
        let (generation, state) = (self.generation, FeedState::Live);
        at.taken.private.push(PrivateItem::StreamState { generation, state });
    }

    /// A frame that only consumes a number, if it has one.
    fn numbered(&mut self, numbers: Numbers, at: &mut Place<'_>) -> Todo {
        match numbers {
            Numbers { sid: Some(_), seq: Some(_) } => self.market(numbers, MarketFrame::Ack, at),
            _ => Todo::default(),
        }
    }

    fn unreadable(&mut self, numbers: Numbers, reason: String, at: &mut Place<'_>) -> Todo {
        match numbers.sid.map(|sid| at.subscriptions.channel_of(sid)) {
            Some(Some(channel)) if is_private(channel) => {
                self.private_lost(at);
                Todo::default()
            }
            Some(_) => self.market(numbers, MarketFrame::Unreadable { reason }, at),
            None => {
                // It could have been anyone's.
                for sid in at.subscriptions.sequenced_sids() {
                    self.lose(sid, &reason, at.received, at.taken);
                }
                self.private_lost(at);
                Todo::default()
            }
        }
    }

    fn market(&mut self, Numbers { sid, seq }: Numbers, frame: MarketFrame, at: &mut Place<'_>) -> Todo {
        let mut todo = Todo::default();
        match sid {
            Some(sid) if at.subscriptions.channel_of(sid).is_some() => {
                at.taken.market.push(self.item(sid, seq, at.received, frame));
            }
            Some(sid) if at.subscriptions.is_retired(sid) => {}
            Some(sid) if at.subscriptions.awaits_sid() => {
                self.early.push_back((sid, seq, at.received, frame));
                if self.early.len() > EARLY_MAX {
                    todo.give_up =
                        Some("too many frames of a subscription that is not acknowledged".to_owned());
                }
            }
            _ => {
                bump(&at.counters.stray);
                if seq.is_some() {
                    // One side has lost track of the subscriptions. A new connection is paced; resyncs would not be.
                    todo.give_up = Some("a frame of a subscription that does not exist".to_owned());
                }
            }
        }
        todo
    }

    fn subscribed(&mut self, id: Option<u64>, sid: u64, channel: Channel, at: &mut Place<'_>) -> Todo {
        let todo = at.subscriptions.subscribed(id, sid, channel, at.received.monotonic.0 / 1_000_000);
        let item = FeedItem::Subscribed { generation: self.generation, sid: SubscriptionId(sid), channel };
        at.taken.market.push(item);
        for (of, seq, received, frame) in std::mem::take(&mut self.early) {
            if of == sid {
                at.taken.market.push(self.item(of, seq, received, frame));
            } else {
                self.early.push_back((of, seq, received, frame));
            }
        }
        todo
    }

    fn item(&self, sid: u64, seq: Option<u64>, received: Received, frame: MarketFrame) -> FeedItem {
        FeedItem::Frame { generation: self.generation, sid: SubscriptionId(sid), seq, received, frame }
    }
}

fn count(frame: &MarketFrame, counters: &Counters) {
    match frame {
        MarketFrame::Delta { .. } => counters.deltas.fetch_add(1, Relaxed),
        MarketFrame::Snapshot { .. } => counters.snapshots.fetch_add(1, Relaxed),
        _ => 0,
    };
}

#[cfg(test)]
mod tests;
