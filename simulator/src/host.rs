//! Hosts the exchange: the venue behind one lock, and its events to every listener in commit order.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::listener::{Listener, Listeners};
use crate::time::{Clock, Pace};
use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::event::VenueEvent;
use crate::view::AccountView;

/// Batches a slow listener may fall behind before it is cut off.
const EVENT_BATCHES: usize = 16_384;
const SETTLE_EVERY: Duration = Duration::from_micros(50);
const SETTLE_MAX: Duration = Duration::from_secs(1);

/// The events of one command or one tick.
pub type EventBatch = Arc<[VenueEvent]>;

/// The exchange as REST, sockets and the population share it.
#[derive(Debug)]
pub struct Exchange {
    venue: Mutex<Venue>,
    events: broadcast::Sender<EventBatch>,
    clock: Arc<Clock>,
    /// Who listens, where time moves in steps.
    listeners: Listeners,
    read_lag_us: i64,
    /// What lagging reads may still show, oldest first; empty when reads do not lag.
    views: Mutex<HashMap<AccountId, VecDeque<DatedView>>>,
}

/// A view and when it came true.
type DatedView = (i64, Arc<AccountView>);

impl Exchange {
    /// Makes an exchange on the wall's time whose reads do not lag.
    pub fn new(venue: Venue) -> Exchange {
        Exchange::with_clock(venue, Clock::real(), 0)
    }

    /// Makes an exchange whose account reads show what was true `read_lag_us` ago.
    pub fn with_clock(venue: Venue, clock: Clock, read_lag_us: i64) -> Exchange {
        let mut views = HashMap::new();
        if read_lag_us > 0 {
            for id in 0..venue.accounts.len() {
                let view = AccountView::of(&venue, id).map(|view| (i64::MIN, Arc::new(view)));
                views.insert(id, VecDeque::from_iter(view));
            }
        }
        Exchange {
            venue: Mutex::new(venue),
            events: broadcast::Sender::new(EVENT_BATCHES),
            clock: Arc::new(clock),
            listeners: Listeners::default(),
            read_lag_us,
            views: Mutex::new(views),
        }
    }

    /// Returns the exchange's time, in microseconds since the Unix epoch.
    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// Returns what reads show of an account now.
    pub fn account_view(&self, id: AccountId) -> Option<Arc<AccountView>> {
        if self.read_lag_us == 0 {
            return AccountView::of(&self.venue.lock(), id).map(Arc::new);
        }
        let visible_us = self.reads_as_of_us();
        let views = self.views.lock();
        let newest = views.get(&id)?.iter().rev().find(|(at_us, _)| *at_us <= visible_us);
        newest.map(|(_, view)| Arc::clone(view))
    }

    /// Returns the time whose state account reads show.
    pub fn reads_as_of_us(&self) -> i64 {
        self.now_us().saturating_sub(self.read_lag_us)
    }

    /// Runs `act` on the venue and publishes what it caused before anyone else can act.
    pub fn with<R>(&self, act: impl FnOnce(&mut Venue) -> R) -> R {
        let mut venue = self.venue.lock();
        let result = act(&mut venue);
        self.publish(&mut venue);
        result
    }

    /// Wakes every listener without an event.
    pub fn wake(&self) {
        let _order = self.venue.lock();
        self.note_batch();
        let _ = self.events.send(Vec::new().into());
    }

    /// Joins the stream and is counted among those whom a step waits for.
    pub(crate) fn follow(&self) -> (broadcast::Receiver<EventBatch>, Listener) {
        let mut venue = self.venue.lock();
        self.publish(&mut venue);
        let listener = if self.is_stepped() { self.listeners.join() } else { Listener::default() };
        (self.events.subscribe(), listener)
    }

    fn is_stepped(&self) -> bool {
        self.clock.pace() == Pace::Stepped
    }

    fn note_batch(&self) {
        if self.is_stepped() {
            self.listeners.note();
        }
    }

    /// Waits until all listeners have dealt with everything, at most until `deadline`.
    pub(crate) fn settle_until(&self, deadline: Instant) {
        while !self.listeners.are_finished() && Instant::now() < deadline {
            std::thread::sleep(SETTLE_EVERY);
        }
    }

    /// Waits until all listeners have dealt with everything, but not for ever.
    pub(crate) async fn settled(&self) {
        let deadline = Instant::now() + SETTLE_MAX;
        while !self.listeners.are_finished() && Instant::now() < deadline {
            tokio::time::sleep(SETTLE_EVERY).await;
        }
    }

    fn publish(&self, venue: &mut Venue) {
        let events: EventBatch = venue.drain_events().collect();
        if self.read_lag_us > 0 {
            self.keep_views(venue, &events);
        }
        if !events.is_empty() {
            self.note_batch();
            // Without listeners there is nobody to tell.
            let _ = self.events.send(events);
        }
    }

    /// Remembers the state of each member that the events are about, and forgets what no read can show any more.
    fn keep_views(&self, venue: &Venue, events: &[VenueEvent]) {
        let changed: BTreeSet<AccountId> = events.iter().filter_map(member_of).collect();
        let mut views = self.views.lock();
        for id in changed {
            let Some(view) = AccountView::of(venue, id) else { continue };
            let kept = views.entry(id).or_default();
            kept.push_back((self.now_us(), Arc::new(view)));
            let visible_us = self.reads_as_of_us();
            while kept.get(1).is_some_and(|(at_us, _)| *at_us <= visible_us) {
                kept.pop_front();
            }
        }
    }
}

/// Returns the member that an event is about.
fn member_of(event: &VenueEvent) -> Option<AccountId> {
    match event {
        VenueEvent::Fill(fill) => Some(fill.account),
        VenueEvent::UserOrder { account, .. }
        | VenueEvent::Position { account, .. }
        | VenueEvent::Group { account, .. }
        | VenueEvent::Money { account } => Some(*account),
        VenueEvent::BookChange { .. }
        | VenueEvent::Trade { .. }
        | VenueEvent::Ticker(_)
        | VenueEvent::Lifecycle(_)
        | VenueEvent::EventCreated(_)
        | VenueEvent::Communication(_)
        | VenueEvent::EventFee(_) => None,
    }
}
