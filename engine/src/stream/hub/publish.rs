//! Announcements become frames.

use super::{Held, Hub, MemberState, bump};
use crate::book::{BookView, Trust};
use crate::domain::{Now, Received, Ticker};
use crate::stream::announcement::Announcement;
use crate::stream::frame::{self, FrameKind, FrameTimes, LevelChange, TradeRow, TrustChange, json};
use crate::stream::request::AuditEvent;
use crate::stream::topic::{Mode, Topic, TopicKind};
use crate::stream::window::{Frame, TopicIndex, WindowPool};
use crate::venue::Quote;

impl Hub {
    /// Takes one fact: its topic's offset advances by one, and whoever is subscribed is given the frame at `flush`.
    pub fn publish(&mut self, announcement: Announcement, now: Now) {
        match announcement {
            Announcement::BookSnapshot { view, received, requested: true } => {
                self.book_asked(&view, received)
            }
            Announcement::BookSnapshot { view, received, requested: false } => {
                self.book_replaced(&view, received)
            }
            Announcement::BookDelta { ticker, leg, price, count, seq, venue_time, received } => {
                let topic = self.ensure(&Topic::book(ticker.clone()));
                let trust = self.book_trust(topic);
                let change = LevelChange { ticker: &ticker, seq, trust, leg, price, count };
                let times = FrameTimes::new(venue_time, received);
                self.emit(topic, FrameKind::Delta, times, |text| change.write(text));
            }
            Announcement::BookTrust { ticker, trust, reason, received } => {
                self.book_trusted(&ticker, trust, &reason, received)
            }
            Announcement::Trade { trade, received, backfilled } => {
                self.trade(&TradeRow { trade: &trade, backfilled }, received)
            }
            Announcement::Quote { quote, received } => self.quote(quote, received),
            Announcement::Lifecycle { event, received } => {
                let times = FrameTimes::new(None, received);
                self.whole(TopicKind::Lifecycle, FrameKind::Event, times, &json(&event));
            }
            Announcement::Event { notice, received } => {
                let times = FrameTimes::new(None, received);
                self.whole(TopicKind::Lifecycle, FrameKind::Event, times, &json(&notice));
            }
            Announcement::OrderGroup { notice, received } => {
                let times = FrameTimes::new(notice.ts_ms, received);
                self.whole(TopicKind::OrderGroups, FrameKind::Event, times, &json(&notice));
            }
            Announcement::Communication { message, received } => {
                let times = FrameTimes::new(message.ts_ms, received);
                self.whole(TopicKind::Communications, FrameKind::Event, times, &json(&message));
            }
            Announcement::Order(order) => {
                let times = FrameTimes { ts_ms: order.updated_us.millis(), recv_us: order.updated_us.0 };
                self.whole(TopicKind::Orders, FrameKind::Event, times, &json(&order));
            }
            Announcement::Fill(fill) => {
                let times = FrameTimes::new(Some(fill.ts_ms), now);
                self.whole(TopicKind::Fills, FrameKind::Event, times, &json(&fill));
            }
            Announcement::Position(position) => {
                let data = json(&position);
                self.whole(TopicKind::Positions, FrameKind::Event, FrameTimes::new(None, now), &data);
            }
            Announcement::Balance(balance) => {
                let times = FrameTimes::new(Some(balance.as_of_ms), now);
                self.whole(TopicKind::Balance, FrameKind::Snapshot, times, &json(&balance));
            }
            Announcement::Settlement(settlement) => {
                let times = FrameTimes::new(Some(settlement.settled_ms), now);
                self.whole(TopicKind::Settlements, FrameKind::Event, times, &json(&settlement));
            }
            Announcement::Health(health) => {
                let data = json(&health);
                self.health.insert(health.component.clone(), health);
                self.whole(TopicKind::Health, FrameKind::Event, FrameTimes::new(None, now), &data);
            }
            Announcement::Alert(alert) => {
                self.whole(TopicKind::Alerts, FrameKind::Event, FrameTimes::new(None, now), &json(&alert));
            }
        }
    }

    fn trade(&mut self, row: &TradeRow<'_>, received: Received) {
        let topic = self.ensure(&Topic::trades(row.trade.ticker.clone()));
        let times = FrameTimes::new(Some(row.trade.ts_ms), received);
        self.emit(topic, FrameKind::Event, times, |text| text.push_str(&json(row)));
    }

    /// Publishes what a client did.
    pub fn audit(&mut self, event: &AuditEvent, now: Now) {
        self.whole(TopicKind::Audit, FrameKind::Event, FrameTimes::new(None, now), &json(event));
    }

    fn whole(&mut self, kind: TopicKind, frame_kind: FrameKind, times: FrameTimes, data: &str) {
        let topic = self.ensure(&Topic::whole(kind));
        self.emit(topic, frame_kind, times, |text| text.push_str(data));
    }

    fn quote(&mut self, quote: Quote, received: Received) {
        let topic = self.ensure(&Topic::quotes(quote.ticker.clone()));
        let times = FrameTimes::new(quote.ts_ms, received);
        self.emit(topic, FrameKind::Snapshot, times, |text| text.push_str(&json(&quote)));
        if let Some(state) = self.topics.get_mut(topic.0) {
            state.held = Held::Quote(quote, received);
        }
    }

    /// The venue replaced the book: everyone starts anew from it.
    fn book_replaced(&mut self, view: &BookView, received: Received) {
        let topic = self.ensure(&Topic::book(view.ticker.clone()));
        if let Some(state) = self.topics.get_mut(topic.0) {
            state.held = Held::Book(view.trust);
            for member in state.members.iter_mut().filter(|m| m.state == MemberState::Waiting) {
                member.state = MemberState::Current;
            }
        }
        let times = FrameTimes::new(None, received);
        self.emit(topic, FrameKind::Snapshot, times, |text| text.push_str(&json(view)));
    }

    /// The book as it stands, for those who wait for it. Nothing changed, so no offset is spent.
    fn book_asked(&mut self, view: &BookView, received: Received) {
        let topic = self.ensure(&Topic::book(view.ticker.clone()));
        let Some(state) = self.topics.get_mut(topic.0) else { return };
        state.held = Held::Book(view.trust);
        if state.members.iter().all(|member| member.state != MemberState::Waiting) {
            return;
        }
        let times = FrameTimes::new(None, received);
        let frame = frame::encode(&state.prefix, state.offset, FrameKind::Snapshot, times, |text| {
            text.push_str(&json(view))
        });
        bump(&self.stats.frames_encoded);
        self.deliver(topic, &frame.text, MemberState::Waiting);
    }

    fn book_trusted(&mut self, ticker: &Ticker, trust: Trust, reason: &str, received: Received) {
        let topic = self.ensure(&Topic::book(ticker.clone()));
        if let Some(state) = self.topics.get_mut(topic.0) {
            state.held = Held::Book(trust);
        }
        let kind = match trust {
            Trust::Live => FrameKind::Live,
            Trust::Suspect | Trust::Stale => FrameKind::Stale,
        };
        let change = TrustChange { ticker, trust, reason };
        self.emit(topic, kind, FrameTimes::new(None, received), |text| text.push_str(&json(&change)));
    }

    fn book_trust(&self, topic: TopicIndex) -> Trust {
        match self.topics.get(topic.0).map(|state| &state.held) {
            Some(Held::Book(trust)) => *trust,
            Some(Held::Nothing | Held::Quote(..)) | None => Trust::Stale,
        }
    }

    /// Spends the topic's next offset on a frame. It is not even written when it is for nobody and need not be kept.
    fn emit(
        &mut self,
        topic: TopicIndex,
        kind: FrameKind,
        times: FrameTimes,
        data: impl FnOnce(&mut String),
    ) {
        let Some(state) = self.topics.get_mut(topic.0) else { return };
        state.offset += 1;
        let is_kept = state.topic.kind().mode() == Mode::Stream;
        if !is_kept && state.members.iter().all(|member| member.state != MemberState::Current) {
            return;
        }
        let frame = frame::encode(&state.prefix, state.offset, kind, times, data);
        bump(&self.stats.frames_encoded);
        let text = frame.text.clone();
        if is_kept {
            self.keep(topic, frame);
        }
        self.deliver(topic, &text, MemberState::Current);
    }

    /// Keeps a frame for clients that resume, and drops the oldest of its kind beyond the bounds.
    fn keep(&mut self, topic: TopicIndex, frame: Frame) {
        let Hub { topics, pools, limits, .. } = self;
        let Some(state) = topics.get_mut(topic.0) else { return };
        let kind = state.topic.kind();
        let bounds = if kind == TopicKind::Trades { limits.trades_window } else { limits.window };
        let pool = pools.entry(kind).or_insert_with(|| WindowPool::new(bounds));
        pool.pushed(topic, frame.text.len());
        state.window.push(frame);
        while let Some(victim) = pool.victim() {
            pool.freed(topics.get_mut(victim.0).map_or(0, |state| state.window.pop_oldest()));
        }
    }
}
