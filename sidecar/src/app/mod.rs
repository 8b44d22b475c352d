//! The running sidecar: builds every part, starts them in order, waits, and stops them in order.
//!
//! Start and recovery are one path: open, verify, replay, connect, reconcile. Never here: decisions.

mod account_key;
mod capture;
mod clock;
mod engine;
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

use actix_web::dev::Server;
use actix_web::web;
use anyhow::Context as _;
use outrigger_engine::actors::messages::DeskHandle;

use crate::api::{self, AccessRules, ApiParts, ApiState, ServerOptions};
use crate::cli::output;
use crate::config::Effective;
use crate::store::{DataDirectory, LedgerWriter, admin_token};
use crate::telemetry;
use crate::telemetry::metrics::Metrics;
use engine::Engine;

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
    let Served { ending, venue, captured, writer, _directory } =
        actix_web::rt::System::new().block_on(serve(config, listener, directory))?;
    // These join threads, which may not be done inside the runtime.
    venue.stop();
    captured.stop();
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
    captured: capture::Captured,
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
    let engine = engine::start(&config, &directory, clock::system())?;
    let figures = Arc::new(figures::Standing::new(
        engine.venue.status(),
        Arc::clone(&engine.read_model),
        Arc::clone(&engine.counted.ledger),
        Arc::clone(&engine.counted.books),
        Arc::clone(&engine.standing),
        Arc::clone(&engine.catalog),
        Arc::clone(&engine.captured.stats),
    ));
    let metrics = Arc::new(Metrics::new(engine.counted.clone(), Arc::clone(&figures) as _));
    metrics_port::start(&config, &metrics)?;
    let state = api_state(&config, &directory, &engine, &figures, metrics)?;
    let port = listener.local_addr().context("read the port")?.port();
    let options = ServerOptions { workers: API_WORKERS, stop_within_s: API_STOP_WITHIN_S };
    let server = api::start(listener, web::Data::new(state), options).context("start the local API")?;
    figures.api_is_up();
    output::ready(port, &config.process.nonce)?;
    tracing::info!(port, env = config.env.as_str(), data_dir = %directory.path().display(), "ready to serve");
    let hints = hints::Hints { port, data_dir: directory.path().to_owned(), env: config.env };
    let (catalog, books) = (Arc::clone(&engine.catalog), engine.books.clone());
    actix_web::rt::spawn(hints.show(catalog, books, figures, config.log.format));
    let ending = until_stopped(server, config.process.parent_pid, &engine).await;
    let Engine { venue, captured, writer, .. } = engine;
    Ok(Served { ending, venue, captured, writer, _directory: directory })
}

fn api_state(
    config: &Effective,
    directory: &DataDirectory,
    engine: &Engine,
    figures: &Arc<figures::Standing>,
    metrics: Arc<Metrics>,
) -> anyhow::Result<ApiState> {
    let admin = admin_token(directory.path())?;
    let tokens = tokens::KnownTokens::open(&directory.ledger(), &admin, config.bootstrap.as_ref())?;
    let limits = figures::AccountLimits::new(config.risk.limits.clone(), engine.venue.status());
    Ok(ApiState::new(ApiParts {
        env: config.env.as_str().to_owned(),
        epoch: engine.epoch.clone(),
        desk: DeskHandle::new(engine.desk.clone()),
        books: engine.books.clone(),
        announcer: engine.announcer.clone(),
        read_model: Arc::clone(&engine.read_model),
        catalog: Arc::clone(&engine.catalog),
        readiness: Arc::clone(figures) as _,
        tokens: Arc::new(tokens) as _,
        metrics: Arc::new(figures::Rendered(metrics)) as _,
        limits: Arc::new(limits) as _,
        trades: Arc::clone(&engine.trades) as _,
        clock: Arc::clone(&engine.clock),
        access: AccessRules::with(&config.api.allowed_hosts, &config.api.allowed_origins),
        stream_limits: engine.hub_limits,
    }))
}

/// Serves until asked to stop, then stops in order: commands, orders on their way, sessions, requests.
async fn until_stopped(server: Server, parent: Option<u32>, engine: &Engine) -> lifecycle::Ending {
    let handle = server.handle();
    let mut serving = actix_web::rt::spawn(server);
    let ending = tokio::select! {
        biased;
        ending = lifecycle::asked_to_stop(parent) => ending,
        ended = &mut serving => {
            tracing::error!(?ended, "the local API ended by itself");
            lifecycle::Ending::Failed
        }
    };
    tracing::info!(why = ending.as_str(), "stopping");
    lifecycle::drain(engine.desk.clone()).await;
    let _ = engine.announcer.end_all("the sidecar is stopping");
    if tokio::time::timeout(Duration::from_secs(API_STOP_WITHIN_S + 2), handle.stop(true)).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    ending
}
