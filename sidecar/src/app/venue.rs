//! The link to the exchange: the one inside (simulated, on loopback) or one elsewhere, through the same connector.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use outrigger_connectors::{
    Credential, FrameSink, VenueConfig, VenuePorts, VenueStatus, VenueTasks, VenueUrls,
};
use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{Catalog, Clock, Ticker};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{FeedCommand, VenueRequest};
use outrigger_simulator::{KeyEntry, Running, Scenario};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::account_key;
use crate::config::{Effective, Env, Venue};

const RUNTIME_THREADS: usize = 2;
const STOP_WITHIN: Duration = Duration::from_secs(5);
const KEY_ID_INSIDE: &str = "outrigger-inside";

/// The lanes the connector serves.
pub(super) struct Lanes {
    pub(super) books: mpsc::Sender<BooksMessage>,
    pub(super) desk: mpsc::Sender<DeskMessage>,
    pub(super) requests: mpsc::Receiver<VenueRequest>,
    pub(super) feed_commands: mpsc::Receiver<FeedCommand>,
    pub(super) look_ups: mpsc::Receiver<Vec<Ticker>>,
    pub(super) samples: mpsc::Receiver<Vec<Ticker>>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) halt: Arc<HaltSwitch>,
    pub(super) clock: Clock,
    pub(super) frames: Option<Arc<dyn FrameSink>>,
}

/// The running connection, its threads, and the exchange inside if there is one.
pub(super) struct Link {
    status: Arc<VenueStatus>,
    tasks: VenueTasks,
    runtime: Runtime,
    stop: CancellationToken,
    inside: Option<Running>,
}

impl Link {
    pub(super) fn start(config: &Effective, lanes: Lanes) -> anyhow::Result<Link> {
        let (urls, credential, inside) = open(config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(RUNTIME_THREADS)
            .thread_name("venue")
            .enable_all()
            .build()
            .context("start the threads for the exchange")?;
        let status = Arc::new(VenueStatus::default());
        let stop = CancellationToken::new();
        let markets = config.venue.markets();
        let venue_config = VenueConfig {
            pinned: (!markets.is_empty()).then(|| markets.to_vec()),
            with_combinations: config.streams.follows_all,
            has_two_strands: config.streams.has_two_strands,
            ..VenueConfig::new(urls, credential)
        };
        let ports = VenuePorts {
            books: lanes.books,
            desk: lanes.desk,
            catalog: lanes.catalog,
            requests: lanes.requests,
            feed_commands: lanes.feed_commands,
            look_ups: lanes.look_ups,
            samples: lanes.samples,
            status: Arc::clone(&status),
            halt: lanes.halt,
            clock: lanes.clock,
            frames: lanes.frames,
        };
        let tasks = outrigger_connectors::start(venue_config, ports, runtime.handle(), stop.clone())
            .context("start the connection to the exchange")?;
        Ok(Link { status, tasks, runtime, stop, inside })
    }

    pub(super) fn status(&self) -> Arc<VenueStatus> {
        Arc::clone(&self.status)
    }

    /// Closes the connection, then the exchange inside; bounded.
    pub(super) fn stop(self) {
        self.stop.cancel();
        drop(self.tasks);
        self.runtime.shutdown_timeout(STOP_WITHIN);
        if let Some(inside) = self.inside {
            inside.stop();
        }
    }
}

/// Returns where the exchange is and with which key, starting the one inside where that is asked for.
fn open(config: &Effective) -> anyhow::Result<(VenueUrls, Arc<Credential>, Option<Running>)> {
    match &config.venue {
        Venue::Inside { simulator, .. } => {
            let (credential, public_pem) = account_key::make(KEY_ID_INSIDE)?;
            let options = outrigger_simulator::Options {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                seed: simulator.seed,
                scenario: Scenario::named(&simulator.scenario)?,
                keys: vec![KeyEntry { id: KEY_ID_INSIDE.to_owned(), public_pem }],
                ..outrigger_simulator::Options::default()
            };
            let running = outrigger_simulator::spawn(options).context("start the simulated exchange")?;
            let urls = VenueUrls::at(&format!("http://{}", running.addr()))?;
            tracing::info!(address = %running.addr(), scenario = simulator.scenario, "the simulated exchange is open");
            Ok((urls, credential, Some(running)))
        }
        Venue::At { url, key_id, key, .. } => {
            let credential = account_key::read(key_id, key)?;
            let urls = match (url, config.env) {
                (Some(url), _) => VenueUrls::at(url)?,
                (None, Env::Live) => VenueUrls::live(),
                (None, Env::Demo | Env::Sim) => VenueUrls::demo(),
            };
            Ok((urls, credential, None))
        }
    }
}
