//! A hub with clients and a book keeper around it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value;

use crate::book::{BookView, Trust};
use crate::desk::read_model::ReadModel;
use crate::domain::{Count, Leg, Now, Price, Ticker, WallTime};
use crate::stream::{
    Alert, Announcement, AuditEvent, ClientId, ClientRequest, Hub, HubLimits, Outbox, OutboxLimits, Position,
    StreamStats, Taken, Topic, TopicFilter, WindowLimits,
};
use crate::venue::Quote;

/// Bounds small enough to be met in a test.
pub(super) fn small_limits() -> HubLimits {
    let window = WindowLimits { frames_max: 8, bytes_max: 4_096 };
    HubLimits {
        clients_max: 50,
        topics_per_client_max: 4,
        outbox: OutboxLimits { frames_max: 16, bytes_max: 8_192 },
        window,
        trades_window: window,
    }
}

/// Everything around a hub, on one thread and without a clock.
pub(super) struct World {
    hub: Hub,
    limits: HubLimits,
    outboxes: BTreeMap<u64, Arc<Outbox>>,
    wake: Arc<tokio::sync::Notify>,
    pub(super) books: BTreeMap<Ticker, BTreeMap<Price, Count>>,
    /// Requests on their way to the keeper, and announcements on their way back.
    asked: VecDeque<Ticker>,
    seq: u64,
    now_us: i64,
    request_id: u64,
    stats: Arc<StreamStats>,
}

impl World {
    pub(super) fn new(limits: HubLimits) -> World {
        let stats = Arc::new(StreamStats::default());
        World {
            hub: Hub::new("e1", limits, Arc::new(ReadModel::default()), stats.clone()),
            limits,
            outboxes: BTreeMap::new(),
            wake: Arc::default(),
            books: BTreeMap::new(),
            asked: VecDeque::new(),
            seq: 0,
            now_us: 0,
            request_id: 0,
            stats,
        }
    }

    fn now(&mut self) -> Now {
        self.now_us += 1_000;
        Now { wall: WallTime(self.now_us), ..Now::default() }
    }

    pub(super) fn next_client(&self) -> u64 {
        self.outboxes.keys().max().copied().unwrap_or(0) + 1
    }

    pub(super) fn client_count(&self) -> u64 {
        self.stats.clients.load(Relaxed)
    }

    pub(super) fn open(&mut self, client: u64) {
        let outbox = Arc::new(Outbox::new(self.limits.outbox, self.wake.clone()));
        self.hub.open(ClientId(client), outbox.clone()).expect("there is room");
        self.outboxes.insert(client, outbox);
    }

    pub(super) fn subscribe(&mut self, client: u64, topics: &[&str], from: &[(&str, &str, u64)]) {
        self.request_id += 1;
        let filter = |text: &&str| text.parse::<TopicFilter>().unwrap();
        let position = |(topic, epoch, offset): &(&str, &str, u64)| -> (Topic, Position) {
            let TopicFilter::One(topic) = filter(topic) else { panic!("no wildcard here") };
            (topic, Position { epoch: (*epoch).to_owned(), offset: *offset })
        };
        let request = ClientRequest::Subscribe {
            id: self.request_id,
            topics: topics.iter().map(filter).collect(),
            from: from.iter().map(position).collect(),
        };
        self.request(client, request);
    }

    pub(super) fn unsubscribe(&mut self, client: u64, topics: &[&str]) {
        self.request_id += 1;
        let topics = topics.iter().map(|text| text.parse().unwrap()).collect();
        self.request(client, ClientRequest::Unsubscribe { id: self.request_id, topics });
    }

    fn request(&mut self, client: u64, request: ClientRequest) {
        let now = self.now();
        self.hub.request(ClientId(client), request, now);
        self.settle();
    }

    fn settle(&mut self) {
        self.hub.flush();
        self.asked.extend(self.hub.take_wanted_books());
    }

    fn publish(&mut self, announcement: Announcement) {
        let now = self.now();
        self.hub.publish(announcement, now);
        self.settle();
    }

    /// Changes the true book and announces it.
    pub(super) fn delta(&mut self, ticker: &str, price: u16, count: u64) {
        let ticker = Ticker::from(ticker);
        let (price, count) =
            (Price::from_ten_thousandths(price).unwrap(), Count::from_hundredths(count).unwrap());
        let book = self.books.entry(ticker.clone()).or_default();
        if count.is_zero() {
            book.remove(&price);
        } else {
            book.insert(price, count);
        }
        self.seq += 1;
        let (seq, received) = (self.seq, self.now());
        let leg = Leg::Yes;
        self.publish(Announcement::BookDelta { ticker, leg, price, count, seq, venue_time: None, received });
    }

    fn snapshot(&mut self, ticker: &Ticker, requested: bool) {
        let Some(book) = self.books.get(ticker) else { return };
        let view = BookView {
            ticker: ticker.clone(),
            seq: self.seq,
            trust: Trust::Live,
            age_ms: 0,
            yes: book.iter().map(|(price, count)| (*price, *count)).collect(),
            no: Vec::new(),
        };
        let received = self.now();
        self.publish(Announcement::BookSnapshot { view, received, requested });
    }

    /// The venue sends a snapshot of its own accord, with other levels.
    pub(super) fn replace(&mut self, ticker: &str, price: u16) {
        let ticker = Ticker::from(ticker);
        let level = (Price::from_ten_thousandths(price).unwrap(), Count::from_hundredths(100).unwrap());
        self.books.insert(ticker.clone(), BTreeMap::from([level]));
        self.snapshot(&ticker, false);
    }

    /// The keeper answers what it was asked.
    pub(super) fn serve_keeper(&mut self) {
        while let Some(ticker) = self.asked.pop_front() {
            self.snapshot(&ticker, true);
        }
    }

    pub(super) fn alert(&mut self, n: u64) {
        self.publish(Announcement::Alert(Alert { code: "OUT-TEST-001", message: n.to_string() }));
    }

    pub(super) fn quote(&mut self, ticker: &str, price: u16) {
        let last_price = Price::from_ten_thousandths(price);
        let (ticker, received) = (Ticker::from(ticker), self.now());
        let quote = Quote {
            ticker,
            last_price,
            yes_bid: None,
            yes_ask: None,
            volume: None,
            open_interest: None,
            ts_ms: None,
        };
        self.publish(Announcement::Quote { quote, received });
    }

    pub(super) fn audit(&mut self, event: &AuditEvent) {
        let now = self.now();
        self.hub.audit(event, now);
        self.settle();
    }

    pub(super) fn attend(&mut self) {
        let now = self.now();
        self.hub.attend(now);
        self.settle();
    }

    pub(super) fn check_silence(&mut self, checks_max: u32) {
        self.hub.check_silence(checks_max);
    }

    pub(super) fn heard(&self, client: u64) {
        self.outboxes[&client].heard();
    }

    pub(super) fn abandon(&self, client: u64) {
        self.outboxes[&client].abandon();
    }

    pub(super) fn take(&self, client: u64) -> Option<Taken> {
        self.outboxes[&client].try_take()
    }

    /// Reads all frames that wait, as values.
    pub(super) fn read(&self, client: u64) -> Vec<Value> {
        match self.take(client) {
            Some(Taken::Frames(frames)) => {
                frames.iter().map(|frame| serde_json::from_str(frame).expect("frames are JSON")).collect()
            }
            Some(Taken::Ended(_)) | None => Vec::new(),
        }
    }
}
