//! Requests of clients: subscribe with or without a position, unsubscribe, list.

use std::collections::BTreeMap;

use bytestring::ByteString;

use super::{Client, ClientIndex, Hub, Member, MemberState, bump};
use crate::domain::Now;
use crate::stream::frame::json;
use crate::stream::request::{Answer, ClientId, ClientRequest, Position, Resume, SubscribedTopic};
use crate::stream::topic::{Mode, Topic, TopicFilter, TopicKind};
use crate::stream::window::TopicIndex;

impl Hub {
    /// Does what a client asks. The answer is queued before any frame it leads to. Requests of unknown clients do nothing.
    pub fn request(&mut self, client: ClientId, request: ClientRequest, now: Now) {
        let Some(&index) = self.by_id.get(&client) else { return };
        match request {
            ClientRequest::Subscribe { id, topics, from } => self.subscribe(index, id, topics, &from, now),
            ClientRequest::Unsubscribe { id, topics } => self.unsubscribe(index, id, &topics),
            ClientRequest::List { id } => {
                let filters = self.client(index).map(|client| &client.filters);
                let topics = filters.into_iter().flatten().map(TopicFilter::to_string).collect();
                self.answer(index, json(&Answer::List { id, topics }));
            }
        }
        self.gauges();
    }

    fn client(&self, index: ClientIndex) -> Option<&Client> {
        self.clients.get(index).and_then(Option::as_ref)
    }

    fn subscribe(
        &mut self,
        index: ClientIndex,
        id: u64,
        topics: Vec<TopicFilter>,
        from: &BTreeMap<Topic, Position>,
        now: Now,
    ) {
        let Some(client) = self.client(index) else { return };
        let added = topics.iter().filter(|filter| !client.filters.contains(*filter)).count();
        let max = self.limits.topics_per_client_max;
        if client.filters.len() + added > max {
            let message =
                format!("a client may subscribe to {max} topics; {kind}:* counts as one", kind = "book");
            self.answer(index, json(&Answer::Error { id, code: "OUT-STREAM-004", message: &message }));
            return;
        }
        let mut entries = Vec::new();
        let mut begun: Vec<(TopicIndex, Option<Resume>)> = Vec::new();
        for filter in topics {
            match &filter {
                TopicFilter::One(topic) => {
                    // Made before the filter is the client's, so that only this call makes it a member.
                    let place = self.ensure(topic);
                    let already = self.is_member(index, place);
                    let resume = from.get(topic).filter(|_| !already).map(|p| self.judge(place, p));
                    entries.push(self.entry(place, resume, already));
                    if !already {
                        self.join(index, place);
                        begun.push((place, resume));
                    }
                }
                TopicFilter::All(kind) => {
                    let already = self.client(index).is_some_and(|c| c.filters.contains(&filter));
                    let epoch = self.epoch.to_string();
                    let topic = filter.to_string();
                    entries.push(SubscribedTopic { topic, epoch, offset: None, resume: None, already });
                    self.subscribe_all(index, *kind, from, &mut entries, &mut begun);
                }
            }
            if let Some(Some(client)) = self.clients.get_mut(index)
                && client.filters.insert(filter.clone())
            {
                self.readers.came(&filter);
            }
        }
        self.answer(index, json(&Answer::Subscribed { id, topics: entries }));
        for (place, resume) in begun {
            self.begin(index, place, resume, from, now);
        }
    }

    /// Joins every topic of a kind there is; those that resume are told one by one.
    fn subscribe_all(
        &mut self,
        index: ClientIndex,
        kind: TopicKind,
        from: &BTreeMap<Topic, Position>,
        entries: &mut Vec<SubscribedTopic>,
        begun: &mut Vec<(TopicIndex, Option<Resume>)>,
    ) {
        for place in (0..self.topics.len()).map(TopicIndex) {
            let Some(state) = self.topics.get(place.0).filter(|state| state.topic.kind() == kind) else {
                continue;
            };
            let position = from.get(&state.topic);
            if self.is_member(index, place) {
                continue;
            }
            let resume = position.map(|position| self.judge(place, position));
            if resume.is_some() {
                entries.push(self.entry(place, resume, false));
            }
            self.join(index, place);
            begun.push((place, resume));
        }
    }

    /// Starts the flow of a topic a client has just joined.
    fn begin(
        &mut self,
        index: ClientIndex,
        place: TopicIndex,
        resume: Option<Resume>,
        from: &BTreeMap<Topic, Position>,
        now: Now,
    ) {
        match resume {
            Some(Resume::NothingMissed) => {
                bump(&self.stats.resumes_complete);
                if let Some(state) = self.topics.get_mut(place.0) {
                    super::deliver::set_member(state, index, MemberState::Current);
                }
            }
            Some(Resume::Replayed) => {
                bump(&self.stats.resumes_complete);
                for (text, offset) in self.missed(place, from) {
                    self.deliver_to(index, place, &text, offset);
                }
            }
            Some(Resume::Cannot) => {
                bump(&self.stats.resumes_impossible);
                self.give_snapshot(index, place, now);
            }
            None => self.give_snapshot(index, place, now),
        }
    }

    fn missed(&self, place: TopicIndex, from: &BTreeMap<Topic, Position>) -> Vec<(ByteString, u64)> {
        let Some(state) = self.topics.get(place.0) else { return Vec::new() };
        let Some(position) = from.get(&state.topic) else { return Vec::new() };
        let frames = state.window.newest(state.offset.saturating_sub(position.offset));
        let texts = frames.into_iter().flatten().map(|frame| frame.text.clone());
        texts.zip(position.offset + 1..).collect()
    }

    /// Decides how a client that had come to `position` goes on.
    fn judge(&self, place: TopicIndex, position: &Position) -> Resume {
        let Some(state) = self.topics.get(place.0) else { return Resume::Cannot };
        if *position.epoch != *self.epoch {
            return Resume::Cannot;
        }
        match state.offset.checked_sub(position.offset) {
            // A book that was never announced has no state to go on from.
            Some(0) if state.offset > 0 || state.topic.kind().mode() == Mode::Stream => Resume::NothingMissed,
            Some(missed) if missed > 0 && state.window.newest(missed).is_some() => Resume::Replayed,
            Some(_) | None => Resume::Cannot,
        }
    }

    fn entry(&self, place: TopicIndex, resume: Option<Resume>, already: bool) -> SubscribedTopic {
        let state = self.topics.get(place.0);
        SubscribedTopic {
            topic: state.map(|state| state.topic.to_string()).unwrap_or_default(),
            epoch: self.epoch.to_string(),
            offset: state.map(|state| state.offset),
            resume,
            already,
        }
    }

    fn is_member(&self, index: ClientIndex, place: TopicIndex) -> bool {
        self.client(index).is_some_and(|client| client.topics.contains(&place))
    }

    /// Makes a client a member. A book's member waits for its snapshot.
    pub(super) fn join(&mut self, index: ClientIndex, place: TopicIndex) {
        let (Some(state), Some(Some(client))) = (self.topics.get_mut(place.0), self.clients.get_mut(index))
        else {
            return;
        };
        if !client.topics.insert(place) {
            return;
        }
        let is_book = state.topic.kind() == TopicKind::Book;
        if is_book {
            self.wanted_books.extend(state.topic.ticker().cloned());
        }
        let member_state = if is_book { MemberState::Waiting } else { MemberState::Current };
        state.members.push(Member { client: index, state: member_state });
    }

    fn unsubscribe(&mut self, index: ClientIndex, id: u64, topics: &[TopicFilter]) {
        let Some(Some(client)) = self.clients.get_mut(index) else { return };
        let removed: Vec<&TopicFilter> =
            topics.iter().filter(|filter| client.filters.remove(*filter)).collect();
        removed.iter().for_each(|filter| self.readers.left(filter));
        let removed: Vec<String> = removed.into_iter().map(TopicFilter::to_string).collect();
        let is_left = |place: &TopicIndex| {
            let topic = self.topics.get(place.0).map(|state| &state.topic);
            !topic.is_some_and(|topic| client.filters.iter().any(|filter| filter.covers(topic)))
        };
        let left: Vec<TopicIndex> = client.topics.iter().copied().filter(is_left).collect();
        for place in left {
            client.topics.remove(&place);
            client.lagging.remove(&place);
            if let Some(state) = self.topics.get_mut(place.0) {
                state.members.retain(|member| member.client != index);
            }
        }
        self.answer(index, json(&Answer::Unsubscribed { id, topics: removed }));
    }
}
