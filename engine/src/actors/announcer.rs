//! The shell of the hub: drains the announcements, passes on what clients ask, watches for silent ones.
//!
//! Facts come by a bounded lane (owners wait when it is full, nothing is dropped); requests of clients by a second one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use actix::prelude::*;
use futures_util::stream;
use tokio::sync::{Notify, mpsc};

use super::messages::{BooksHandle, LaneError};
use crate::domain::Clock;
use crate::stream::{
    Announcement, AuditEvent, ClientId, ClientRequest, Ending, Hub, HubLimits, Outbox, OutboxLimits,
    SnapshotSource, StreamStats, Taken,
};

/// Announcements taken in one go, so that a burst costs a client one wake-up.
const BATCH_MAX: usize = 512;
/// A client is silent when the watchdog has not heard it three times in a row, and is closed: 30 s.
const WATCH_EVERY: Duration = Duration::from_secs(10);
const SILENT_CHECKS_MAX: u32 = 3;
/// Books that could not be asked for because the keeper's lane was full are asked for again.
const ASK_AGAIN_EVERY: Duration = Duration::from_millis(100);
const CONTROL_LANE: usize = 1_024;

/// What sessions and handlers tell the announcer.
#[derive(Debug)]
enum Control {
    Open { client: ClientId, outbox: Arc<Outbox> },
    Request { client: ClientId, request: ClientRequest },
    Audit(AuditEvent),
    EndAll { reason: String },
}

/// Reaches the announcer from any thread.
#[derive(Debug, Clone)]
pub struct AnnouncerHandle {
    facts: mpsc::Sender<Announcement>,
    control: mpsc::Sender<Control>,
    wake: Arc<Notify>,
    outbox: OutboxLimits,
    next_client: Arc<AtomicU64>,
}

/// One client's end of the stream. Dropping it unsubscribes everything.
#[derive(Debug)]
pub struct ClientLink {
    client: ClientId,
    outbox: Arc<Outbox>,
    control: mpsc::Sender<Control>,
}

/// The receiving ends, made together with the handle and given to the actor.
pub struct AnnouncerLanes {
    facts: mpsc::Receiver<Announcement>,
    control: mpsc::Receiver<Control>,
    wake: Arc<Notify>,
}

/// What the announcer needs beside its lanes.
pub struct AnnouncerPorts {
    pub books: BooksHandle,
    pub source: Arc<dyn SnapshotSource>,
    pub stats: Arc<StreamStats>,
    pub clock: Clock,
    /// New at every start of the process.
    pub epoch: String,
    pub limits: HubLimits,
}

/// Makes the handle and the lanes. `facts_max` bounds what owners may have announced and nobody has written yet.
pub fn announcer_lanes(facts_max: usize, limits: &HubLimits) -> (AnnouncerHandle, AnnouncerLanes) {
    let (facts, facts_lane) = mpsc::channel(facts_max);
    let (control, control_lane) = mpsc::channel(CONTROL_LANE);
    let wake = Arc::new(Notify::new());
    let next_client = Arc::new(AtomicU64::new(1));
    let handle = AnnouncerHandle { facts, control, wake: wake.clone(), outbox: limits.outbox, next_client };
    (handle, AnnouncerLanes { facts: facts_lane, control: control_lane, wake })
}

impl AnnouncerHandle {
    /// The lane owners of facts announce on.
    pub fn facts(&self) -> mpsc::Sender<Announcement> {
        self.facts.clone()
    }

    /// Opens a client's place. If the stream is full the link ends at once with the reason.
    pub fn open(&self) -> Result<ClientLink, LaneError> {
        let client = ClientId(self.next_client.fetch_add(1, Relaxed));
        let outbox = Arc::new(Outbox::new(self.outbox, self.wake.clone()));
        self.control.try_send(Control::Open { client, outbox: outbox.clone() })?;
        Ok(ClientLink { client, outbox, control: self.control.clone() })
    }

    /// Publishes what a client did on topic `audit`.
    pub fn audit(&self, event: AuditEvent) -> Result<(), LaneError> {
        Ok(self.control.try_send(Control::Audit(event))?)
    }

    /// Ends every session after what is queued for it: the process is stopping.
    pub fn end_all(&self, reason: &str) -> Result<(), LaneError> {
        Ok(self.control.try_send(Control::EndAll { reason: reason.to_owned() })?)
    }
}

impl ClientLink {
    pub fn client(&self) -> ClientId {
        self.client
    }

    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    pub fn request(&self, request: ClientRequest) -> Result<(), LaneError> {
        Ok(self.control.try_send(Control::Request { client: self.client, request })?)
    }

    /// Returns all that waits at each wake-up, until the session must end (the ending comes last).
    pub fn batches(&self) -> impl futures_util::Stream<Item = Taken> + use<> {
        stream::unfold(Some(self.outbox.clone()), |outbox| async move {
            let outbox = outbox?;
            let taken = outbox.next().await;
            let rest = if matches!(taken, Taken::Ended(_)) { None } else { Some(outbox) };
            Some((taken, rest))
        })
    }

    /// Ends the session from its own side.
    pub fn end(&self, ending: Ending) {
        self.outbox.end(ending);
    }
}

impl Drop for ClientLink {
    fn drop(&mut self) {
        self.outbox.abandon();
    }
}

/// Owns the hub.
pub struct Announcer {
    hub: Hub,
    lanes: Option<AnnouncerLanes>,
    books: BooksHandle,
    clock: Clock,
}

impl Announcer {
    pub fn new(lanes: AnnouncerLanes, ports: AnnouncerPorts) -> Announcer {
        Announcer {
            hub: Hub::new(&ports.epoch, ports.limits, ports.source, ports.stats),
            lanes: Some(lanes),
            books: ports.books,
            clock: ports.clock,
        }
    }

    /// Hands out what the batch led to.
    fn settle(&mut self) {
        self.hub.flush();
        self.ask_books();
    }

    fn ask_books(&mut self) {
        for (ticker, has_clients) in self.hub.take_reader_changes() {
            if self.books.clients(ticker.clone(), has_clients).is_err() {
                self.hub.tell_readers_again(ticker);
            }
        }
        for ticker in self.hub.take_wanted_books() {
            if self.books.announce(ticker.clone()).is_err() {
                self.hub.want_book_again(ticker);
            }
        }
    }
}

struct Facts(Vec<Announcement>);
struct Controls(Vec<Control>);
/// A session took frames the hub had left some out of, or went away.
struct Attend;

/// Turns a lane into batches of whatever waits.
fn batches<T>(lane: mpsc::Receiver<T>) -> impl futures_util::Stream<Item = Vec<T>> {
    stream::unfold(lane, |mut lane| async move {
        let mut batch = Vec::new();
        let taken = lane.recv_many(&mut batch, BATCH_MAX).await;
        (taken > 0).then_some((batch, lane))
    })
}

impl Actor for Announcer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        use futures_util::StreamExt as _;
        let Some(AnnouncerLanes { facts, control, wake }) = self.lanes.take() else { return };
        ctx.add_stream(batches(facts).map(Facts));
        ctx.add_stream(batches(control).map(Controls));
        ctx.add_stream(stream::unfold(wake, |wake| async move {
            wake.notified().await;
            Some((Attend, wake))
        }));
        ctx.run_interval(WATCH_EVERY, |actor, _| actor.hub.check_silence(SILENT_CHECKS_MAX));
        ctx.run_interval(ASK_AGAIN_EVERY, |actor, _| actor.ask_books());
    }
}

impl StreamHandler<Facts> for Announcer {
    fn handle(&mut self, Facts(batch): Facts, _: &mut Context<Self>) {
        let now = (self.clock)();
        for announcement in batch {
            self.hub.publish(announcement, now);
        }
        self.settle();
    }

    /// Every owner of facts is gone: the process is stopping.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        self.hub.end_all("stopping");
        ctx.stop();
    }
}

impl StreamHandler<Controls> for Announcer {
    fn handle(&mut self, Controls(batch): Controls, _: &mut Context<Self>) {
        let now = (self.clock)();
        for control in batch {
            match control {
                // Refused clients see the reason in their ending.
                Control::Open { client, outbox } => drop(self.hub.open(client, outbox)),
                Control::Request { client, request } => self.hub.request(client, request, now),
                Control::Audit(event) => self.hub.audit(&event, now),
                Control::EndAll { reason } => self.hub.end_all(&reason),
            }
        }
        self.settle();
    }

    /// Handles live as long as the facts lane; nothing is left to do when both are gone.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

impl StreamHandler<Attend> for Announcer {
    fn handle(&mut self, Attend: Attend, _: &mut Context<Self>) {
        let now = (self.clock)();
        self.hub.attend(now);
        self.settle();
    }

    /// The wake-up never ends.
    fn finished(&mut self, _: &mut Context<Self>) {}
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use actix::Actor as _;
    use futures_util::StreamExt as _;
    use tokio::sync::mpsc;

    use super::{Announcer, AnnouncerPorts, announcer_lanes};
    use crate::actors::messages::{BooksHandle, BooksMessage};
    use crate::book::{BookView, Trust};
    use crate::desk::read_model::ReadModel;
    use crate::domain::Now;
    use crate::stream::{Alert, Announcement, ClientRequest, HubLimits, Taken};

    async fn frames(batches: &mut (impl futures_util::Stream<Item = Taken> + Unpin)) -> Vec<String> {
        let next = tokio::time::timeout(Duration::from_secs(10), batches.next()).await;
        match next.expect("in time").expect("not ended") {
            Taken::Frames(frames) => frames.iter().map(ToString::to_string).collect(),
            Taken::Ended(ending) => vec![ending.reason],
        }
    }

    #[test]
    fn a_client_is_served_in_batches_until_the_end_and_asks_the_keeper_for_books() {
        actix::System::new().block_on(async {
            let limits = HubLimits::default();
            let (handle, lanes) = announcer_lanes(64, &limits);
            let (books, mut books_lane) = mpsc::channel(8);
            let ports = AnnouncerPorts {
                books: BooksHandle::new(books),
                source: Arc::new(ReadModel::default()),
                stats: Arc::default(),
                clock: Arc::new(Now::default),
                epoch: "e1".into(),
                limits,
            };
            Announcer::new(lanes, ports).start();
            let link = handle.open().unwrap();
            let mut batches = Box::pin(link.batches());
            let topics = vec!["book:A".parse().unwrap(), "alerts".parse().unwrap()];
            link.request(ClientRequest::Subscribe { id: 1, topics, from: Default::default() }).unwrap();
            assert_eq!(frames(&mut batches).await.len(), 2, "the answer and the alerts' snapshot");
            let told = books_lane.recv().await;
            assert!(matches!(told, Some(BooksMessage::Clients { has_clients: true, .. })), "{told:?}");
            let Some(BooksMessage::Announce { ticker }) = books_lane.recv().await else { panic!("asked") };
            let view = BookView { ticker, seq: 3, trust: Trust::Live, age_ms: 0, yes: vec![], no: vec![] };
            let snapshot = Announcement::BookSnapshot { view, received: Now::default(), requested: true };
            let alert = Announcement::Alert(Alert { code: "OUT-TEST-001", message: "x".into() });
            handle.facts().send(snapshot).await.unwrap();
            handle.facts().send(alert).await.unwrap();
            let mut got = frames(&mut batches).await;
            if got.len() < 2 {
                got.extend(frames(&mut batches).await);
            }
            assert!(got[0].contains("\"topic\":\"book:A\"") && got[1].contains("\"offset\":1"), "{got:?}");
            handle.end_all("stopping").unwrap();
            assert_eq!(frames(&mut batches).await, ["stopping"]);
            assert!(batches.next().await.is_none());
        });
    }
}
