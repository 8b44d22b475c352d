//! From text frames to the batches of the lanes. Nothing is dropped without a trace.

use std::collections::BTreeMap;

use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{Generation, Received, SubscriptionId};
use outrigger_engine::venue::{Channel, FeedItem, FeedState, LifecycleEvent, MarketFrame, PrivateItem};

use super::super::feed::Parts;
use super::super::normalize::{Decoded, decode};
use super::super::status::{VenueStatus, bump};
use super::subscriptions::Told;

/// Frames kept for subscriptions whose acknowledgement has not come yet.
const STRAYS_MAX: usize = 4_096;

pub(super) struct Inbound {
    generation: Generation,
    channels: BTreeMap<u64, Channel>,
    strays: Vec<(u64, FeedItem)>,
    market: Vec<FeedItem>,
    private: Vec<PrivateItem>,
    lifecycle: Vec<LifecycleEvent>,
}

impl Inbound {
    pub(super) fn new(generation: Generation) -> Inbound {
        Inbound {
            generation,
            channels: BTreeMap::new(),
            strays: Vec::new(),
            market: Vec::new(),
            private: Vec::new(),
            lifecycle: Vec::new(),
        }
    }

    /// Reads one frame; returns what it says of subscriptions.
    pub(super) fn text(&mut self, text: &str, received: Received, status: &VenueStatus) -> Told {
        bump(&status.counters.frames);
        match decode(text) {
            Decoded::Market { sid, seq, frame } => {
                let is_snapshot = matches!(frame, MarketFrame::Snapshot { .. });
                bump(if is_snapshot { &status.counters.snapshots } else { &status.counters.deltas });
                self.frame(sid, seq, frame, received, status);
                sid.filter(|_| is_snapshot).map_or(Told::Nothing, Told::Snapshot)
            }
            Decoded::Lifecycle { sid, seq, event } => {
                self.lifecycle.push(event.clone());
                self.private.push(PrivateItem::Lifecycle(event.clone()));
                self.frame(sid, seq, MarketFrame::Lifecycle(event), received, status);
                Told::Nothing
            }
            Decoded::Private(item) => {
                bump(&status.counters.private_items);
                self.private.push(item);
                Told::Nothing
            }
            Decoded::PrivateUnreadable { kind, reason } => {
                bump(&status.counters.private_unreadable);
                tracing::warn!(
                    kind,
                    reason,
                    "an account message could not be read; the account is read back"
                );
                self.private
                    .push(PrivateItem::StreamState { generation: self.generation, state: FeedState::Live });
                Told::Nothing
            }
            Decoded::Subscribed { id, sid, channel } => {
                self.subscribed(sid, channel);
                Told::Subscribed { id, sid, channel }
            }
            Decoded::Acknowledged { sid, seq, .. } => {
                self.numbered(sid, seq, received, status);
                Told::Nothing
            }
            Decoded::Refused { id, sid, seq, code, message } => {
                self.numbered(sid, seq, received, status);
                tracing::warn!(id, sid, code, message, "the exchange's stream refused something");
                Told::Refused { id, sid, code, message }
            }
            Decoded::Unreadable { sid, seq, reason } => {
                bump(&status.counters.unreadable);
                tracing::warn!(sid, seq, reason, "a frame could not be read");
                self.unreadable(sid, seq, reason, received, status);
                Told::Nothing
            }
            Decoded::Unknown { kind, sid, seq } => {
                status.count_unknown(&kind);
                self.numbered(sid, seq, received, status);
                Told::Nothing
            }
        }
    }

    fn frame(
        &mut self,
        sid: Option<u64>,
        seq: Option<u64>,
        frame: MarketFrame,
        received: Received,
        status: &VenueStatus,
    ) {
        let Some(sid) = sid else {
            bump(&status.counters.stray);
            return;
        };
        let generation = self.generation;
        let item = FeedItem::Frame { generation, sid: SubscriptionId(sid), seq, received, frame };
        if self.channels.contains_key(&sid) {
            self.market.push(item);
        } else if self.strays.len() < STRAYS_MAX {
            self.strays.push((sid, item));
        } else {
            bump(&status.counters.stray);
        }
    }

    /// A frame without content that still takes a number of its subscription.
    fn numbered(&mut self, sid: Option<u64>, seq: Option<u64>, received: Received, status: &VenueStatus) {
        if sid.is_some() && seq.is_some() {
            self.frame(sid, seq, MarketFrame::Ack, received, status);
        }
    }

    /// Its content is lost. Where not even the subscription can be told, every subscription may have lost something.
    fn unreadable(
        &mut self,
        sid: Option<u64>,
        seq: Option<u64>,
        reason: String,
        received: Received,
        status: &VenueStatus,
    ) {
        if sid.is_some() {
            self.frame(sid, seq, MarketFrame::Unreadable { reason }, received, status);
            return;
        }
        let sids: Vec<u64> = self.channels.keys().copied().collect();
        for sid in sids {
            self.frame(Some(sid), None, MarketFrame::Unreadable { reason: reason.clone() }, received, status);
        }
    }

    fn subscribed(&mut self, sid: u64, channel: Channel) {
        self.channels.insert(sid, channel);
        let generation = self.generation;
        self.market.push(FeedItem::Subscribed { generation, sid: SubscriptionId(sid), channel });
        let (now, later): (Vec<_>, Vec<_>) = self.strays.drain(..).partition(|(stray, _)| *stray == sid);
        self.market.extend(now.into_iter().map(|(_, item)| item));
        self.strays = later;
    }

    /// Hands on what was read, in order; a full lane makes the socket wait.
    pub(super) async fn hand_on(&mut self, parts: &Parts) {
        if !self.market.is_empty() {
            bump(&parts.status.counters.batches);
            let batch = std::mem::take(&mut self.market);
            // A closed lane means the process is stopping.
            let _ = parts.books.send(BooksMessage::Feed(batch)).await;
        }
        if !self.private.is_empty() {
            let items = std::mem::take(&mut self.private);
            let _ = parts.desk.send(DeskMessage::Private(items)).await;
        }
        for event in self.lifecycle.drain(..) {
            // The catalogue is refreshed on a timer too; a full lane only delays it.
            let _ = parts.lifecycle.try_send(event);
        }
    }
}
