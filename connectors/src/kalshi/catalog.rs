//! Keeps the list of markets: loaded at start, refreshed on a timer (opening and closing are silent) and on life-cycle events.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::domain::{Catalog, Market, MarketStatus, Ticker};
use outrigger_engine::venue::LifecycleEvent;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::gateway::Reads;
use super::status::VenueStatus;

const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Several events in a row are answered by one refresh.
const EVENTS_SETTLE: Duration = Duration::from_millis(200);
/// Tickers asked for in one request.
const TICKERS_PER_READ: usize = 100;

pub(super) struct Parts {
    pub(super) reads: Reads,
    pub(super) catalog: Arc<Catalog>,
    pub(super) pinned: Option<Vec<Ticker>>,
    pub(super) subscribe_all: bool,
    pub(super) wanted: mpsc::Sender<Vec<Ticker>>,
    pub(super) status: Arc<VenueStatus>,
}

/// Runs until `stop`.
pub(super) async fn keep(
    parts: Parts,
    every: Duration,
    mut events: mpsc::Receiver<LifecycleEvent>,
    stop: CancellationToken,
) {
    let mut refresh_in = Duration::ZERO;
    loop {
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            event = events.recv() => event,
            () = tokio::time::sleep(refresh_in) => None,
        };
        if let Some(event) = event {
            note(&parts.catalog, &event);
            let is_new = event.event_type == "created" || event.event_type == "price_level_structure_updated";
            refresh_in = if is_new { EVENTS_SETTLE } else { refresh_in };
            continue;
        }
        refresh_in = match parts.refresh().await {
            Ok(()) => {
                parts.status.set_catalog_ready();
                parts.status.solved("catalog");
                every
            }
            Err(reason) => {
                parts.status.problem("catalog", &reason, parts.reads.now());
                RETRY_AFTER
            }
        };
    }
}

/// Takes over what an event says of a market's status.
fn note(catalog: &Catalog, event: &LifecycleEvent) {
    let status = match event.event_type.as_str() {
        "activated" => MarketStatus::Active,
        "deactivated" => MarketStatus::Inactive,
        "determined" => MarketStatus::Determined,
        "settled" => MarketStatus::Finalized,
        _ => return,
    };
    catalog.set_status(event.ticker.as_str(), status, event.result.as_deref());
}

impl Parts {
    async fn refresh(&self) -> Result<(), String> {
        let markets = match &self.pinned {
            Some(pinned) => self.pinned_markets(pinned).await?,
            None => self.open_markets().await?,
        };
        let active = |market: &&Market| market.status == MarketStatus::Active;
        let tradable: Vec<Ticker> =
            markets.iter().filter(active).map(|market| market.ticker.clone()).collect();
        self.catalog.put(markets);
        let wanted = match &self.pinned {
            Some(pinned) => pinned.clone(),
            None if self.subscribe_all => tradable,
            None => Vec::new(),
        };
        if !wanted.is_empty() {
            // The feed knows which of them it has already.
            self.wanted.send(wanted).await.map_err(|_| "the feed has ended".to_owned())?;
        }
        Ok(())
    }

    async fn pinned_markets(&self, pinned: &[Ticker]) -> Result<Vec<Market>, String> {
        let mut markets = Vec::new();
        for chunk in pinned.chunks(TICKERS_PER_READ) {
            let tickers: Vec<&str> = chunk.iter().map(Ticker::as_str).collect();
            markets.extend(self.reads.markets(&format!("tickers={}", tickers.join(","))).await?);
        }
        let known: BTreeSet<&Ticker> = markets.iter().map(|market| &market.ticker).collect();
        let missing: Vec<&str> = pinned.iter().filter(|t| !known.contains(t)).map(Ticker::as_str).collect();
        if !missing.is_empty() {
            let message = format!("the exchange does not know these markets: {}", missing.join(", "));
            self.status.problem("markets", &message, self.reads.now());
        }
        Ok(markets)
    }

    /// Reads all markets that trade or will; what traded before and is not among them has closed.
    async fn open_markets(&self) -> Result<Vec<Market>, String> {
        let mut markets = self.reads.markets("status=open").await?;
        markets.extend(self.reads.markets("status=unopened").await?);
        let listed: BTreeSet<Ticker> = markets.iter().map(|market| market.ticker.clone()).collect();
        let gone =
            |market: &Market| market.status == MarketStatus::Active && !listed.contains(&market.ticker);
        for market in self.catalog.page(None, usize::MAX, gone) {
            self.catalog.set_status(market.ticker.as_str(), MarketStatus::Closed, None);
        }
        Ok(markets)
    }
}
