//! Who is subscribed to what, and what each of them is owed.
//!
//! Frames gather in each client's `pending` and go to its outbox in one push at `flush`, so that a batch of announcements
//! costs a client one wake-up. The caller flushes after every batch.

mod deliver;
mod publish;
mod readers;
mod snapshot;
mod subscribe;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytestring::ByteString;
use foldhash::fast::FixedState;

use self::readers::Readers;
use super::announcement::HealthView;
use super::frame;
use super::limits::{HubLimits, StreamStats};
use super::outbox::{Ending, Outbox};
use super::request::ClientId;
use super::source::SnapshotSource;
use super::topic::{Topic, TopicFilter, TopicKind};
use super::window::{TopicIndex, Window, WindowPool};
use crate::book::Trust;
use crate::domain::{Now, Received, Ticker};
use crate::venue::Quote;

/// Place of a client in the hub; reused after it has gone.
type ClientIndex = usize;

/// The stream's state. See the module.
pub struct Hub {
    epoch: Arc<str>,
    limits: HubLimits,
    source: Arc<dyn SnapshotSource>,
    topics: Vec<TopicState>,
    index: HashMap<Topic, TopicIndex, FixedState>,
    pools: BTreeMap<TopicKind, WindowPool>,
    clients: Vec<Option<Client>>,
    by_id: BTreeMap<ClientId, ClientIndex>,
    /// Clients with frames in `pending`.
    touched: Vec<ClientIndex>,
    /// Clients that must be forgotten at the next flush.
    ended: Vec<ClientIndex>,
    /// Books whose present state somebody waits for.
    wanted_books: BTreeSet<Ticker>,
    readers: Readers,
    health: BTreeMap<String, HealthView>,
    stats: Arc<StreamStats>,
}

struct TopicState {
    topic: Topic,
    /// The beginning of each of its frames.
    prefix: String,
    /// Offset of the newest frame, 0 before the first.
    offset: u64,
    members: Vec<Member>,
    window: Window,
    held: Held,
}

/// What the hub itself must know of a topic to serve it.
enum Held {
    Nothing,
    Quote(Quote, Received),
    /// Trust as last announced, for the deltas that follow.
    Book(Trust),
}

struct Member {
    client: ClientIndex,
    state: MemberState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MemberState {
    /// Has everything up to the topic's offset.
    Current,
    /// Waits for a book's snapshot.
    Waiting,
    /// A cache topic's frames were left out; gets the newest state once it has room.
    Lagging,
}

struct Client {
    id: ClientId,
    outbox: Arc<Outbox>,
    pending: Vec<ByteString>,
    pending_bytes: usize,
    filters: BTreeSet<TopicFilter>,
    /// Topics whose members contain it.
    topics: BTreeSet<TopicIndex>,
    lagging: BTreeSet<TopicIndex>,
    ending: bool,
    silent_checks: u32,
}

/// No more clients are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream serves as many clients as it may")]
pub struct HubFull;

/// The peer went away or was never there (RFC 6455: 1001 going away, 1013 try again later).
const CLOSE_GOING_AWAY: u16 = 1001;
const CLOSE_TRY_AGAIN_LATER: u16 = 1013;

impl Hub {
    /// `epoch` is new at every start of the process: offsets of different epochs never compare.
    pub fn new(
        epoch: &str,
        limits: HubLimits,
        source: Arc<dyn SnapshotSource>,
        stats: Arc<StreamStats>,
    ) -> Hub {
        Hub {
            epoch: epoch.into(),
            limits,
            source,
            topics: Vec::new(),
            index: HashMap::default(),
            pools: BTreeMap::new(),
            clients: Vec::new(),
            by_id: BTreeMap::new(),
            touched: Vec::new(),
            ended: Vec::new(),
            wanted_books: BTreeSet::new(),
            readers: Readers::default(),
            health: BTreeMap::new(),
            stats,
        }
    }

    /// Takes a client in. When there is no room its outbox is ended with the reason.
    pub fn open(&mut self, id: ClientId, outbox: Arc<Outbox>) -> Result<(), HubFull> {
        if self.by_id.len() >= self.limits.clients_max {
            bump(&self.stats.clients_refused);
            outbox.end(Ending { code: CLOSE_TRY_AGAIN_LATER, reason: HubFull.to_string() });
            return Err(HubFull);
        }
        let client = Client {
            id,
            outbox,
            pending: Vec::new(),
            pending_bytes: 0,
            filters: BTreeSet::new(),
            topics: BTreeSet::new(),
            lagging: BTreeSet::new(),
            ending: false,
            silent_checks: 0,
        };
        let index = self.clients.iter().position(Option::is_none).unwrap_or(self.clients.len());
        match self.clients.get_mut(index) {
            Some(free) => *free = Some(client),
            None => self.clients.push(Some(client)),
        }
        self.by_id.insert(id, index);
        self.gauges();
        Ok(())
    }

    /// Returns the books whose snapshot must be asked for, each once.
    pub fn take_wanted_books(&mut self) -> Vec<Ticker> {
        std::mem::take(&mut self.wanted_books).into_iter().collect()
    }

    /// Asks again for a book nobody could be asked for.
    pub fn want_book_again(&mut self, ticker: Ticker) {
        self.wanted_books.insert(ticker);
    }

    /// Returns the markets that got their first client, or lost their last, since this was asked; each once, as it is now.
    pub fn take_reader_changes(&mut self) -> Vec<(Ticker, bool)> {
        self.readers.take_changes()
    }

    /// Tells again of a market that nobody could be told of.
    pub fn tell_readers_again(&mut self, ticker: Ticker) {
        self.readers.tell_again(ticker);
    }

    /// Hands pending frames to the outboxes and forgets clients that ended.
    pub fn flush(&mut self) {
        for index in std::mem::take(&mut self.touched) {
            if let Some(Some(client)) = self.clients.get_mut(index) {
                client.pending_bytes = 0;
                client.outbox.push_all(&mut client.pending);
            }
        }
        for index in std::mem::take(&mut self.ended) {
            self.forget(index);
        }
    }

    /// A session took frames, or went: makes up for what was left out, forgets the gone.
    pub fn attend(&mut self, now: Now) {
        for index in 0..self.clients.len() {
            let Some(Some(client)) = self.clients.get_mut(index) else { continue };
            if client.outbox.is_abandoned() {
                self.ended.push(index);
                continue;
            }
            for topic in std::mem::take(&mut client.lagging) {
                self.catch_up(index, topic, now);
            }
        }
        self.flush();
    }

    /// Ends clients not heard of for `checks_max` calls in a row. Called on a timer by the shell.
    pub fn check_silence(&mut self, checks_max: u32) {
        for client in self.clients.iter_mut().flatten() {
            client.silent_checks = if client.outbox.take_heard() { 0 } else { client.silent_checks + 1 };
            if client.silent_checks >= checks_max && !client.ending {
                client.ending = true;
                bump(&self.stats.clients_closed_silent);
                let reason = "silent: neither a message nor a pong".to_owned();
                client.outbox.end(Ending { code: CLOSE_GOING_AWAY, reason });
                self.ended.extend(self.by_id.get(&client.id));
            }
        }
        self.flush();
    }

    /// Ends every session: the process is stopping.
    pub fn end_all(&mut self, reason: &str) {
        self.flush();
        for client in self.clients.iter().flatten() {
            client.outbox.end(Ending { code: CLOSE_GOING_AWAY, reason: reason.to_owned() });
        }
    }

    fn forget(&mut self, index: ClientIndex) {
        let Some(client) = self.clients.get_mut(index).and_then(Option::take) else { return };
        self.by_id.remove(&client.id);
        client.filters.iter().for_each(|filter| self.readers.left(filter));
        for topic in client.topics {
            if let Some(state) = self.topics.get_mut(topic.0) {
                state.members.retain(|member| member.client != index);
            }
        }
        self.gauges();
    }

    /// Returns the topic's place, making it if it is new. Clients with a wildcard for it become members.
    fn ensure(&mut self, topic: &Topic) -> TopicIndex {
        if let Some(&index) = self.index.get(topic) {
            return index;
        }
        let index = TopicIndex(self.topics.len());
        let held = if topic.kind() == TopicKind::Book { Held::Book(Trust::Stale) } else { Held::Nothing };
        self.topics.push(TopicState {
            topic: topic.clone(),
            prefix: frame::prefix(&topic.to_string(), &self.epoch),
            offset: 0,
            members: Vec::new(),
            window: Window::default(),
            held,
        });
        self.index.insert(topic.clone(), index);
        let wildcard = TopicFilter::All(topic.kind());
        let is_taker = |client: &Client| client.filters.contains(&wildcard);
        let takers: Vec<ClientIndex> = (0..self.clients.len())
            .filter(|&i| matches!(self.clients.get(i), Some(Some(client)) if is_taker(client)))
            .collect();
        for client in takers {
            self.join(client, index);
        }
        self.gauges();
        index
    }

    fn gauges(&self) {
        let subscriptions: usize = self.clients.iter().flatten().map(|client| client.filters.len()).sum();
        self.stats.clients.store(self.by_id.len() as u64, Relaxed);
        self.stats.topics.store(self.topics.len() as u64, Relaxed);
        self.stats.subscriptions.store(subscriptions as u64, Relaxed);
    }
}

fn bump(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
