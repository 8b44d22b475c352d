//! The running sidecar: builds every part, starts them in order, waits, and stops them in order.
//!
//! Start and recovery are one path: open, verify, replay, connect, reconcile. Never here: decisions.

mod account_key;
mod clock;
mod figures;
mod hints;
mod lifecycle;
mod metrics_port;
mod rehydrate;
mod tokens;
mod trades;
mod venue;
mod workers;

use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use anyhow::Context as _;
use outrigger_engine::actors::messages::{BooksHandle, DeskHandle};
use outrigger_engine::actors::{AnnouncerPorts, BooksPorts, DeskPorts, announcer_lanes};
use outrigger_engine::book::BookCounters;
use outrigger_engine::desk::{Desk, DeskConfig};
use outrigger_engine::domain::Catalog;
use outrigger_engine::journal::JournalReport;
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::stream::{HubLimits, OutboxLimits, StreamStats};
use tokio::sync::mpsc;

use crate::api::{self, AccessRules, ApiParts, ApiState, ServerOptions};
use crate::cli::output;
use crate::config::Effective;
use crate::store::{DataDirectory, LedgerStats, LedgerWriter, admin_token};
use crate::telemetry;
use crate::telemetry::metrics::{Counted, Metrics};

/// Lanes: how much may wait before the sender is refused or waits. Policy for full: commands and writes are refused with 503,
/// market data waits (back-pressure to the socket), announcements make their owner wait.
const DESK_LANE: usize = 8_192;
const BOOKS_LANE: usize = 1_024;
const FACTS_LANE: usize = 65_536;
const GATEWAY_LANE: usize = 4_096;
const FEED_COMMAND_LANE: usize = 4_096;
const API_WORKERS: usize = 2;
const API_STOP_WITHIN_S: u64 = 3;

/// Runs the sidecar until it is asked to stop.
pub fn run(config: Effective) -> anyhow::Result<ExitCode> {
    telemetry::init(&config.log);
    workers::end_on_critical_panic();
    for warning in &config.warnings {
        tracing::warn!(warning, "configuration");
    }
    let listener = bind(&config)?;
    let directory = DataDirectory::lock(&config.data_dir)?;
    let Served { ending, venue, writer, _directory } =
        actix_web::rt::System::new().block_on(serve(config, listener, directory))?;
    // These join threads, which may not be done inside the runtime.
    venue.stop();
    if !writer.stop() {
        tracing::error!("the ledger's disk did not answer in time; what was acknowledged is safe");
    }
    tracing::info!("stopped");
    Ok(ending.exit_code())
}

/// What is left to stop once nothing is served any more. The directory stays locked until the very end.
struct Served {
    ending: lifecycle::Ending,
    venue: venue::Link,
    writer: LedgerWriter,
    _directory: DataDirectory,
}

fn bind(config: &Effective) -> anyhow::Result<TcpListener> {
    let address = config.listen.api;
    TcpListener::bind(address).map_err(|error| {
        anyhow::Error::new(error).context(format!(
            "cannot listen on {address}: choose another port with --listen HOST:PORT, OUTRIGGER_LISTEN or `listen` in the \
             configuration file (port 0 picks a free one)"
        ))
    })
}

async fn serve(config: Effective, listener: TcpListener, directory: DataDirectory) -> anyhow::Result<Served> {
    let clock = clock::system();
    let ledger_stats = Arc::new(LedgerStats::default());
    let rehydrated = rehydrate::open(&directory, config.env.as_str())?;
    let admin = admin_token(directory.path())?;
    let tokens = Arc::new(tokens::KnownTokens::open(&directory.ledger(), &admin, config.bootstrap.as_ref())?);

    let (desk_lane, desk_receiver) = mpsc::channel(DESK_LANE);
    let (books_lane, books_receiver) = mpsc::channel(BOOKS_LANE);
    let (gateway_lane, requests) = mpsc::channel(GATEWAY_LANE);
    let (feed_lane, feed_commands) = mpsc::channel(FEED_COMMAND_LANE);
    let hub_limits = hub_limits(&config);
    let (announcer, announcer_receivers) = announcer_lanes(FACTS_LANE, &hub_limits);

    let reports = desk_lane.clone();
    let report = Box::new(move |report: JournalReport| {
        // The desk is gone only when the process is stopping.
        let _ = reports.blocking_send(outrigger_engine::actors::messages::DeskMessage::Journal(report));
    });
    let writer = LedgerWriter::start(rehydrated.ledger, Arc::clone(&ledger_stats), report)?;
    let (tape, trades) = trades::start(&config, &directory)?;

    let catalog = Arc::new(Catalog::default());
    let halt = Arc::new(HaltSwitch::default());
    let read_model = Arc::new(rehydrated.read_model);
    let counted = Counted {
        books: Arc::new(BookCounters::default()),
        stream: Arc::new(StreamStats::default()),
        ledger: Arc::clone(&ledger_stats),
        tape: trades.stats(),
    };
    let venue = venue::Link::start(
        &config,
        venue::Lanes {
            books: books_lane.clone(),
            desk: desk_lane.clone(),
            requests,
            feed_commands,
            catalog: Arc::clone(&catalog),
            halt: Arc::clone(&halt),
            clock: Arc::clone(&clock),
        },
    )?;

    let risk = &config.risk;
    let desk_config = DeskConfig {
        limits: risk.limits.clone(),
        acceptance_window_ms: risk.acceptance_window_ms,
        report_interval_ms: risk.report_interval_ms,
    };
    let desk = Desk::new(rehydrated.state, desk_config);
    let desk_ports = DeskPorts {
        journal: Box::new(writer.journal()),
        gateway: gateway_lane,
        announcer: announcer.facts(),
        read_model: Arc::clone(&read_model),
        halt: Arc::clone(&halt),
        clock: Arc::clone(&clock),
    };
    let books_ports = BooksPorts {
        announcer: announcer.facts(),
        feed: feed_lane,
        trades: tape,
        counters: Arc::clone(&counted.books),
        clock: Arc::clone(&clock),
    };
    let books = BooksHandle::new(books_lane);
    let epoch = uuid::Uuid::new_v4().simple().to_string();
    let announcer_ports = AnnouncerPorts {
        books: books.clone(),
        source: Arc::clone(&read_model) as _,
        stats: Arc::clone(&counted.stream),
        clock: Arc::clone(&clock),
        epoch: epoch.clone(),
        limits: hub_limits,
    };
    workers::start_desk(desk, desk_receiver, desk_ports);
    workers::start_market(books_receiver, books_ports, announcer_receivers, announcer_ports);

    let figures = Arc::new(figures::Standing::new(
        venue.status(),
        Arc::clone(&read_model),
        Arc::clone(&ledger_stats),
        Arc::clone(&counted.books),
        Arc::clone(&catalog),
    ));
    let metrics = Arc::new(Metrics::new(counted, Arc::clone(&figures) as _));
    metrics_port::start(&config, &metrics)?;
    let state = web::Data::new(ApiState::new(ApiParts {
        env: config.env.as_str().to_owned(),
        epoch,
        desk: DeskHandle::new(desk_lane.clone()),
        books: books.clone(),
        announcer: announcer.clone(),
        read_model: Arc::clone(&read_model),
        catalog: Arc::clone(&catalog),
        readiness: Arc::clone(&figures) as _,
        tokens: tokens as _,
        metrics: Arc::new(figures::Rendered(metrics)) as _,
        limits: Arc::new(figures::AccountLimits::new(risk.limits.clone(), venue.status())) as _,
        trades: trades as _,
        clock,
        access: AccessRules::with(&config.api.allowed_hosts, &config.api.allowed_origins),
        stream_limits: hub_limits,
    }));
    let port = listener.local_addr().context("read the port")?.port();
    let options = ServerOptions { workers: API_WORKERS, stop_within_s: API_STOP_WITHIN_S };
    let server = api::start(listener, state, options).context("start the local API")?;
    figures.api_is_up();
    output::ready(port, &config.process.nonce)?;
    tracing::info!(port, env = config.env.as_str(), data_dir = %directory.path().display(), "ready to serve");
    let hints = hints::Hints { port, data_dir: directory.path().to_owned(), env: config.env };
    actix_web::rt::spawn(hints.show(Arc::clone(&catalog), books, Arc::clone(&figures), config.log.format));

    let handle = server.handle();
    let mut serving = actix_web::rt::spawn(server);
    let ending = tokio::select! {
        biased;
        ending = lifecycle::asked_to_stop(config.process.parent_pid) => ending,
        ended = &mut serving => {
            tracing::error!(?ended, "the local API ended by itself");
            lifecycle::Ending::Failed
        }
    };
    tracing::info!(why = ending.as_str(), "stopping");
    lifecycle::drain(desk_lane).await;
    let _ = announcer.end_all("the sidecar is stopping");
    if tokio::time::timeout(Duration::from_secs(API_STOP_WITHIN_S + 2), handle.stop(true)).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    Ok(Served { ending, venue, writer, _directory: directory })
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
