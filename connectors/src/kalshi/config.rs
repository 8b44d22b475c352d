//! What the connector is given: where, with which key, for which markets, and the lanes it serves.

use std::sync::Arc;

use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{Catalog, Clock, Ticker};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{FeedCommand, VenueRequest};
use tokio::sync::mpsc;

use super::credential::Credential;
use super::status::VenueStatus;
use super::tap::FrameSink;
use super::urls::VenueUrls;

/// Settings of one venue connection.
#[derive(Debug, Clone)]
pub struct VenueConfig {
    pub urls: VenueUrls,
    pub credential: Arc<Credential>,
    pub deadlines: Deadlines,
    /// Only these markets are loaded, and those that are looked up one by one.
    pub pinned: Option<Vec<Ticker>>,
    /// The list of markets contains combinations too. For exchanges with few of them.
    pub with_combinations: bool,
    /// How often the list of markets is read again.
    pub catalog_refresh_ms: u64,
    /// The stream comes on two strands of connections side by side.
    pub has_two_strands: bool,
}

/// How long one request may take, waiting for the rate limit not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    pub read_ms: u64,
    /// New orders and changes.
    pub write_ms: u64,
    /// Cancels: asked again sooner, because that does no harm.
    pub cancel_ms: u64,
}

impl Default for Deadlines {
    fn default() -> Deadlines {
        Deadlines { read_ms: 10_000, write_ms: 10_000, cancel_ms: 4_000 }
    }
}

impl VenueConfig {
    /// Returns the usual settings: no pinned markets, the list without combinations, one strand.
    pub fn new(urls: VenueUrls, credential: Arc<Credential>) -> VenueConfig {
        VenueConfig {
            urls,
            credential,
            deadlines: Deadlines::default(),
            pinned: None,
            with_combinations: false,
            catalog_refresh_ms: 60_000,
            has_two_strands: false,
        }
    }
}

/// The lanes and shared values a connection works with.
pub struct VenuePorts {
    pub books: mpsc::Sender<BooksMessage>,
    pub desk: mpsc::Sender<DeskMessage>,
    pub catalog: Arc<Catalog>,
    pub requests: mpsc::Receiver<VenueRequest>,
    pub feed_commands: mpsc::Receiver<FeedCommand>,
    /// Markets to ask the venue about; what it says appears in the catalogue.
    pub look_ups: mpsc::Receiver<Vec<Ticker>>,
    /// Books to read by REST, answered with `Sampled` on the lane of the books.
    pub samples: mpsc::Receiver<Vec<Ticker>>,
    pub status: Arc<VenueStatus>,
    /// Read right before each order leaves (I9).
    pub halt: Arc<HaltSwitch>,
    pub clock: Clock,
    /// Who is shown the raw frames, if anyone.
    pub frames: Option<Arc<dyn FrameSink>>,
}
