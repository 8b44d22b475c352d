//! Starts everything that talks to the venue, on a runtime of its own.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::venue::FeedCommand;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::budget::{Budget, Rates};
use super::catalog;
use super::config::{VenueConfig, VenuePorts};
use super::feed;
use super::gateway::{self, GatewayPorts, Operations, Reads, Rest};
use super::sampler;
use super::sign::Signer;
use super::skew::ClockOffset;
use super::strands::{self, Account, COMMAND_LANE, Place, STRANDS_MAX};
use super::time_vigil;
use crate::net::client_config;

const LIFECYCLE_LANE: usize = 4_096;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// The running connection.
#[derive(Debug)]
pub struct VenueTasks {
    tasks: TaskTracker,
    stop: CancellationToken,
    operations: Operations,
}

impl VenueTasks {
    /// Returns the account's other operations: batches, groups, subaccounts, transfers, RFQs.
    pub fn operations(&self) -> Operations {
        self.operations.clone()
    }

    /// Asks everything to end and waits, at most `deadline`, for writes on their way.
    pub async fn drain(self, deadline: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(deadline, self.tasks.wait()).await.is_ok()
    }
}

/// Starts feed, gateway and catalogue on `runtime`. They end when `stop` is cancelled.
pub fn start(
    config: VenueConfig,
    ports: VenuePorts,
    runtime: &Handle,
    stop: CancellationToken,
) -> Result<VenueTasks, StartError> {
    let VenuePorts { books, desk, catalog, requests, feed_commands, look_ups, samples, .. } = ports;
    let VenuePorts { status, halt, clock, frames, .. } = ports;
    let tls = client_config().map_err(|error| StartError::Tls(error.into()))?;
    let offset = Arc::new(ClockOffset::default());
    let signer = Signer::new(Arc::clone(&config.credential), offset, Arc::clone(&clock));
    let _inside = runtime.enter();
    let budget = Budget::start(Rates::LOWEST, Arc::clone(&clock));
    status.set_budget(budget.clone());
    let rest = Rest::new(
        &config.urls,
        tls.clone(),
        signer.clone(),
        Arc::clone(&clock),
        config.deadlines,
        budget,
        Arc::clone(&status),
    )?;
    let rest = Arc::new(rest);
    let tasks = TaskTracker::new();
    let (lifecycle, lifecycle_events) = mpsc::channel(LIFECYCLE_LANE);
    let (broken, breaks) = watch::channel(None);
    tasks.spawn(time_vigil::keep(Arc::clone(&clock), broken, stop.clone()));
    let gateway_ports = GatewayPorts { requests, desk: desk.clone(), books: books.clone(), halt };
    let strands = if config.has_two_strands { STRANDS_MAX } else { 1 };
    let parts = feed::Parts {
        place: Place { index: 0, of: strands },
        url: config.urls.websocket.clone(),
        tls: Arc::new(tls),
        signer,
        books: books.clone(),
        account: Arc::new(Account::new(strands, desk.clone())),
        desk,
        lifecycle,
        status: Arc::clone(&status),
        clock: Arc::clone(&clock),
        frames,
        breaks,
    };
    start_feed(parts, feed_commands, &tasks, &stop);
    let reads = Reads::new(Arc::clone(&rest)).in_background();
    tasks.spawn(catalog::keep(
        catalog::Parts {
            reads,
            catalog,
            pinned: config.pinned,
            look_ups,
            with_combinations: config.with_combinations,
            status,
            clock: Arc::clone(&clock),
        },
        Duration::from_millis(config.catalog_refresh_ms),
        lifecycle_events,
        stop.clone(),
    ));
    let reads = Reads::new(Arc::clone(&rest)).in_background();
    tasks.spawn(sampler::run(reads, samples, books, stop.clone()));
    let operations = Operations::new(Arc::clone(&rest));
    tasks.spawn(gateway::run(rest, gateway_ports, tasks.clone(), stop.clone()));
    Ok(VenueTasks { tasks, stop, operations })
}

/// Starts the feed, each strand of it.
fn start_feed(
    parts: feed::Parts,
    commands: mpsc::Receiver<FeedCommand>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    let of = parts.place.of;
    if of == 1 {
        tasks.spawn(feed::run(parts, commands, stop.clone()));
        return;
    }
    let mut lanes = Vec::new();
    for index in 0..of {
        let (lane, commands) = mpsc::channel(COMMAND_LANE);
        lanes.push(lane);
        let parts = feed::Parts { place: Place { index, of }, ..parts.clone() };
        tasks.spawn(feed::run(parts, commands, stop.clone()));
    }
    tasks.spawn(strands::route(commands, lanes, stop.clone()));
}
