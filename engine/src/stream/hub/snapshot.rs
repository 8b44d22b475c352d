//! The frame a subscription begins with, and the newest state for clients that lagged.

use super::{ClientIndex, Held, Hub, MemberState, bump, deliver::set_member};
use crate::domain::Now;
use crate::stream::frame::{self, FrameKind, FrameTimes, json};
use crate::stream::source::{RECENT_ROWS, rows};
use crate::stream::topic::TopicKind;
use crate::stream::window::{Frame, TopicIndex};

impl Hub {
    /// Gives a client the topic's present state; a book's comes later, in line with its deltas.
    pub(super) fn give_snapshot(&mut self, index: ClientIndex, topic: TopicIndex, now: Now) {
        let Some(state) = self.topics.get_mut(topic.0) else { return };
        if state.topic.kind() == TopicKind::Book {
            set_member(state, index, MemberState::Waiting);
            self.wanted_books.extend(state.topic.ticker().cloned());
            return;
        }
        let offset = state.offset;
        if let Some(frame) = self.snapshot_frame(topic, now) {
            bump(&self.stats.frames_encoded);
            self.deliver_to(index, topic, &frame.text, offset);
        }
    }

    /// Makes up for frames of a cache topic that were left out.
    pub(super) fn catch_up(&mut self, index: ClientIndex, topic: TopicIndex, now: Now) {
        let members = self.topics.get(topic.0).map(|state| &state.members);
        let lags = |m: &super::Member| m.client == index && m.state == MemberState::Lagging;
        if members.is_some_and(|members| members.iter().any(lags)) {
            self.give_snapshot(index, topic, now);
        }
    }

    /// Writes the topic's state at its present offset. It may already contain what the next frames will tell, because the
    /// account's state is read where it is kept; frames carry whole objects, so telling them again changes nothing.
    fn snapshot_frame(&self, topic: TopicIndex, now: Now) -> Option<Frame> {
        let state = self.topics.get(topic.0)?;
        let kind = state.topic.kind();
        let mut times = FrameTimes::new(None, now);
        let data = match kind {
            TopicKind::Book => return None,
            TopicKind::Ticker => match &state.held {
                Held::Quote(quote, received) => {
                    times = FrameTimes::new(quote.ts_ms, *received);
                    json(quote)
                }
                Held::Nothing | Held::Book(_) => "null".to_owned(),
            },
            TopicKind::Health => rows(kind, &self.health.values().collect::<Vec<_>>()),
            TopicKind::Trades
            | TopicKind::Alerts
            | TopicKind::Lifecycle
            | TopicKind::OrderGroups
            | TopicKind::Communications
            | TopicKind::Audit => {
                let recent: Vec<&str> = state.window.tail(RECENT_ROWS).map(Frame::data).collect();
                format!("{{\"{}\":[{}]}}", kind.as_str(), recent.join(","))
            }
            TopicKind::Orders
            | TopicKind::Fills
            | TopicKind::Positions
            | TopicKind::Balance
            | TopicKind::Settlements => self.source.snapshot(kind).unwrap_or_else(|| "null".to_owned()),
        };
        Some(frame::encode(&state.prefix, state.offset, FrameKind::Snapshot, times, |text| {
            text.push_str(&data)
        }))
    }
}
