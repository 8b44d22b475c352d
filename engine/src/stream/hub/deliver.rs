//! Putting frames before clients: room, coalescing, and the end of those that cannot keep up.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use bytestring::ByteString;

use super::{CLOSE_TRY_AGAIN_LATER, Client, ClientIndex, Hub, MemberState, TopicState, bump};
use crate::stream::outbox::Ending;
use crate::stream::topic::Mode;
use crate::stream::window::TopicIndex;

/// Cache frames may fill half an outbox, so that stream frames always have the other half.
const CACHE_SHARE: usize = 2;
/// A close frame's payload is at most 125 bytes, two of them the code.
const REASON_BYTES_MAX: usize = 123;

impl Client {
    fn has_room(&self, bytes: usize, divisor: usize) -> bool {
        self.outbox.has_room(self.pending.len() + 1, self.pending_bytes.saturating_add(bytes), divisor)
    }

    fn queue(&mut self, frame: &ByteString) {
        self.pending_bytes = self.pending_bytes.saturating_add(frame.len());
        self.pending.push(frame.clone());
    }
}

impl Hub {
    /// Gives a frame to every member in `state`. Members without room lag or end, by the topic's mode.
    pub(super) fn deliver(&mut self, topic: TopicIndex, frame: &ByteString, state: MemberState) {
        let Hub { topics, clients, touched, stats, .. } = self;
        let Some(topic_state) = topics.get_mut(topic.0) else { return };
        let mode = topic_state.topic.kind().mode();
        let mut delivered = 0;
        let mut overflowed = Vec::new();
        for member in topic_state.members.iter_mut().filter(|member| member.state == state) {
            let Some(Some(client)) = clients.get_mut(member.client) else { continue };
            if client.ending {
                continue;
            }
            let divisor = if mode == Mode::Cache { CACHE_SHARE } else { 1 };
            if client.has_room(frame.len(), divisor) {
                if client.pending.is_empty() {
                    touched.push(member.client);
                }
                client.queue(frame);
                member.state = MemberState::Current;
                delivered += 1;
            } else if mode == Mode::Cache {
                member.state = MemberState::Lagging;
                client.lagging.insert(topic);
                client.outbox.set_lagging();
                bump(&stats.frames_coalesced);
            } else {
                overflowed.push(member.client);
            }
        }
        stats.frames_delivered.fetch_add(delivered, Relaxed);
        let last_queued = topic_state.offset.saturating_sub(1);
        for client in overflowed {
            self.end_slow(client, topic, last_queued);
        }
    }

    /// Gives a frame with `offset` to one client, if it has room; otherwise does as `deliver` does.
    pub(super) fn deliver_to(
        &mut self,
        index: ClientIndex,
        topic: TopicIndex,
        frame: &ByteString,
        offset: u64,
    ) {
        let Some(Some(client)) =
            self.clients.get_mut(index).filter(|c| c.as_ref().is_some_and(|c| !c.ending))
        else {
            return;
        };
        let Some(state) = self.topics.get_mut(topic.0) else { return };
        let mode = state.topic.kind().mode();
        if client.has_room(frame.len(), if mode == Mode::Cache { CACHE_SHARE } else { 1 }) {
            if client.pending.is_empty() {
                self.touched.push(index);
            }
            client.queue(frame);
            bump(&self.stats.frames_delivered);
            set_member(state, index, MemberState::Current);
        } else if mode == Mode::Cache {
            client.lagging.insert(topic);
            client.outbox.set_lagging();
            bump(&self.stats.frames_coalesced);
            set_member(state, index, MemberState::Lagging);
        } else {
            self.end_slow(index, topic, offset.saturating_sub(1));
        }
    }

    /// Queues an answer to a request. A client without room even for that is ended.
    pub(super) fn answer(&mut self, index: ClientIndex, text: String) {
        let Some(Some(client)) = self.clients.get_mut(index) else { return };
        if client.has_room(text.len(), 1) {
            if client.pending.is_empty() {
                self.touched.push(index);
            }
            client.queue(&ByteString::from(text));
        } else {
            client.ending = true;
            self.ended.push(index);
            let reason = "slow client: no room for an answer".to_owned();
            client.outbox.end(Ending { code: CLOSE_TRY_AGAIN_LATER, reason });
        }
    }

    /// Ends a client that missed a frame of a stream topic, telling how far each of its stream topics was queued for it.
    fn end_slow(&mut self, index: ClientIndex, missed: TopicIndex, last_queued: u64) {
        let Some(Some(client)) = self.clients.get_mut(index) else { return };
        client.ending = true;
        self.ended.push(index);
        bump(&self.stats.clients_closed_slow);
        let mut reason = format!("slow client; resume epoch {}", self.epoch);
        let others = client.topics.iter().copied().filter(|topic| *topic != missed);
        for topic in std::iter::once(missed).chain(others) {
            let Some(state) = self.topics.get(topic.0) else { continue };
            if state.topic.kind().mode() != Mode::Stream {
                continue;
            }
            let offset = if topic == missed { last_queued } else { state.offset };
            let mut entry = String::new();
            let _ = write!(entry, " {}={offset}", state.topic);
            if reason.len() + entry.len() > REASON_BYTES_MAX {
                break;
            }
            reason.push_str(&entry);
        }
        // What was queued before is still delivered: the position told is the last frame queued.
        client.pending_bytes = 0;
        client.outbox.push_all(&mut client.pending);
        client.outbox.end(Ending { code: CLOSE_TRY_AGAIN_LATER, reason });
    }
}

pub(super) fn set_member(state: &mut TopicState, client: ClientIndex, to: MemberState) {
    for member in state.members.iter_mut().filter(|member| member.client == client) {
        member.state = to;
    }
}
