//! Starts what the API stands on: ledger, tape, exchange, desk, books, announcer, and the lanes between them.

use std::sync::Arc;

use outrigger_engine::actors::messages::{BooksHandle, BooksMessage, DeskMessage};
use outrigger_engine::actors::{
    AnnouncerHandle, AnnouncerLanes, AnnouncerPorts, BooksActor, BooksPorts, DeskPorts, announcer_lanes,
};
use outrigger_engine::book::{BookCounters, BookStanding, DemandConfig, OverseerConfig};
use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::desk::{Desk, DeskConfig};
use outrigger_engine::domain::{Catalog, Clock, Ticker};
use outrigger_engine::journal::JournalReport;
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::stream::{HubLimits, OutboxLimits, StreamStats};
use outrigger_engine::venue::{FeedCommand, VenueRequest};
use tokio::sync::mpsc;

use super::{capture, rehydrate, trades, venue, workers};
use crate::config::Effective;
use crate::store::{DataDirectory, LedgerStats, LedgerWriter};
use crate::telemetry::metrics::Counted;

/// Lanes: how much may wait before the sender is refused or waits. Policy for full: commands and writes are refused with 503,
/// market data waits (back-pressure to the socket), announcements make their owner wait.
const DESK_LANE: usize = 8_192;
const BOOKS_LANE: usize = 1_024;
const FACTS_LANE: usize = 65_536;
const GATEWAY_LANE: usize = 4_096;
const FEED_COMMAND_LANE: usize = 4_096;
/// Each holds lists of markets. Full: markets are looked up when they are asked for again, a sample is left out.
const LOOK_UP_LANE: usize = 64;
const SAMPLE_LANE: usize = 1;

/// The running engine and what reaches it.
pub(super) struct Engine {
    pub(super) desk: mpsc::Sender<DeskMessage>,
    pub(super) books: BooksHandle,
    pub(super) announcer: AnnouncerHandle,
    pub(super) read_model: Arc<ReadModel>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) counted: Counted,
    pub(super) standing: Arc<BookStanding>,
    pub(super) trades: Arc<trades::Trades>,
    pub(super) venue: venue::Link,
    pub(super) captured: capture::Captured,
    pub(super) writer: LedgerWriter,
    pub(super) epoch: String,
    pub(super) hub_limits: HubLimits,
    pub(super) clock: Clock,
}

/// Receiving ends, and the sending ends only the actors hold.
struct Ends {
    desk: mpsc::Receiver<DeskMessage>,
    books: mpsc::Receiver<BooksMessage>,
    announcer: AnnouncerLanes,
    gateway: mpsc::Sender<VenueRequest>,
    feed: mpsc::Sender<FeedCommand>,
    look_ups: mpsc::Sender<Vec<Ticker>>,
    samples: mpsc::Sender<Vec<Ticker>>,
}

/// Opens, verifies and replays the ledger, connects to the exchange, and starts the actors.
pub(super) fn start(config: &Effective, directory: &DataDirectory, clock: Clock) -> anyhow::Result<Engine> {
    let rehydrated = rehydrate::open(directory, config.env.as_str())?;
    let (desk, desk_receiver) = mpsc::channel(DESK_LANE);
    let (books_lane, books_receiver) = mpsc::channel(BOOKS_LANE);
    let (gateway, requests) = mpsc::channel(GATEWAY_LANE);
    let (feed, feed_commands) = mpsc::channel(FEED_COMMAND_LANE);
    let (look_ups, look_ups_lane) = mpsc::channel(LOOK_UP_LANE);
    let (samples, samples_lane) = mpsc::channel(SAMPLE_LANE);
    let hub_limits = hub_limits(config);
    let (announcer, announcer_ends) = announcer_lanes(FACTS_LANE, &hub_limits);
    let (tape, trades) = trades::start(config, directory)?;
    let captured = capture::start(config, &clock);
    let decider = Desk::new(rehydrated.state, desk_config(config));
    let counted = Counted {
        desk: decider.counters(),
        books: Arc::new(BookCounters::default()),
        stream: Arc::new(StreamStats::default()),
        ledger: Arc::new(LedgerStats::default()),
        tape: trades.stats(),
        capture: Arc::clone(&captured.stats),
    };
    let writer =
        LedgerWriter::start(rehydrated.ledger, Arc::clone(&counted.ledger), Box::new(report_to(&desk)))?;
    let (catalog, halt) = (Arc::new(Catalog::default()), Arc::new(HaltSwitch::default()));
    let lanes = venue::Lanes {
        books: books_lane.clone(),
        desk: desk.clone(),
        requests,
        feed_commands,
        look_ups: look_ups_lane,
        samples: samples_lane,
        catalog: Arc::clone(&catalog),
        halt: Arc::clone(&halt),
        clock: Arc::clone(&clock),
        frames: captured.sink(),
    };
    let engine = Engine {
        venue: venue::Link::start(config, lanes)?,
        captured,
        books: BooksHandle::new(books_lane),
        read_model: Arc::new(rehydrated.read_model),
        epoch: uuid::Uuid::new_v4().simple().to_string(),
        desk,
        announcer,
        catalog,
        counted,
        standing: Arc::default(),
        trades,
        writer,
        hub_limits,
        clock,
    };
    let (desk, books, announcer) = (desk_receiver, books_receiver, announcer_ends);
    let ends = Ends { desk, books, announcer, gateway, feed, look_ups, samples };
    engine.start_actors(decider, config, halt, tape, ends);
    Ok(engine)
}

impl Engine {
    fn start_actors(
        &self,
        desk: Desk,
        config: &Effective,
        halt: Arc<HaltSwitch>,
        tape: Arc<dyn outrigger_engine::venue::TradeSink>,
        ends: Ends,
    ) {
        let desk_ports = DeskPorts {
            journal: Box::new(self.writer.journal()),
            gateway: ends.gateway.clone(),
            announcer: self.announcer.facts(),
            read_model: Arc::clone(&self.read_model),
            halt,
            clock: Arc::clone(&self.clock),
        };
        let books_ports = BooksPorts {
            announcer: self.announcer.facts(),
            feed: ends.feed,
            gateway: ends.gateway,
            look_ups: ends.look_ups,
            samples: ends.samples,
            trades: tape,
            trades_missing_since: self.trades.missing_since(),
            catalog: Arc::clone(&self.catalog),
            has_two_strands: config.streams.has_two_strands,
            read_model: Arc::clone(&self.read_model),
            counters: Arc::clone(&self.counted.books),
            standing: Arc::clone(&self.standing),
            clock: Arc::clone(&self.clock),
        };
        let announcer_ports = AnnouncerPorts {
            books: self.books.clone(),
            source: Arc::clone(&self.read_model) as _,
            stats: Arc::clone(&self.counted.stream),
            clock: Arc::clone(&self.clock),
            epoch: self.epoch.clone(),
            limits: self.hub_limits,
        };
        workers::start_desk(desk, ends.desk, desk_ports);
        let overseer = overseer_config(config);
        let keep = move || BooksActor::new(ends.books, overseer, books_ports);
        workers::start_market(keep, ends.announcer, announcer_ports);
    }
}

/// Returns what the ledger's thread calls: its reports go down the desk's one lane.
fn report_to(desk: &mpsc::Sender<DeskMessage>) -> impl Fn(JournalReport) + Send + use<> {
    let desk = desk.clone();
    move |report| {
        // The desk is gone only when the process is stopping.
        let _ = desk.blocking_send(DeskMessage::Journal(report));
    }
}

fn desk_config(config: &Effective) -> DeskConfig {
    let risk = &config.risk;
    DeskConfig {
        limits: risk.limits.clone(),
        acceptance_window_ms: risk.acceptance_window_ms,
        report_interval_ms: risk.report_interval_ms,
    }
}

fn overseer_config(config: &Effective) -> OverseerConfig {
    let pinned = config.venue.markets();
    let demand = DemandConfig {
        pinned: pinned.iter().cloned().collect(),
        all_tradable: config.streams.follows_all && pinned.is_empty(),
        grace_ms: config.streams.grace_ms,
    };
    OverseerConfig { demand, truth_every_ms: config.streams.truth_every_ms }
}

fn hub_limits(config: &Effective) -> HubLimits {
    let streams = &config.streams;
    HubLimits {
        clients_max: streams.max_clients,
        topics_per_client_max: streams.max_topics_per_client,
        outbox: OutboxLimits {
            frames_max: streams.client_queue_frames,
            bytes_max: streams.client_queue_bytes,
        },
        ..HubLimits::default()
    }
}
