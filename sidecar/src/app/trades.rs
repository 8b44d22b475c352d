//! Public trades: recorded on the tape as they are seen, read back for the API.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::domain::{Received, Ticker, VenueTime};
use outrigger_engine::venue::{PublicTrade, TradeSink};

use crate::api::ports::{Answer, TradesPort};
use crate::config::Effective;
use crate::store::{DataDirectory, StoreError, Tape, TapeStats, TapedTrades};

/// The recording end, for the book keeper.
struct Recorder(Tape);

impl TradeSink for Recorder {
    fn record(&self, trade: &PublicTrade, received: Received) {
        self.0.record(trade.clone(), received);
    }

    fn remember_gap(&self, since: Option<VenueTime>) {
        self.0.remember_gap(since);
    }
}

/// Records nothing: the tape is switched off.
struct Off;

impl TradeSink for Off {
    fn record(&self, _: &PublicTrade, _: Received) {}
    fn remember_gap(&self, _: Option<VenueTime>) {}
}

/// The reading end, for the API.
pub(super) struct Trades {
    tape: Option<TapedTrades>,
    stats: Arc<TapeStats>,
    missing_since: Option<VenueTime>,
}

pub(super) fn start(
    config: &Effective,
    directory: &DataDirectory,
) -> Result<(Arc<dyn TradeSink>, Arc<Trades>), StoreError> {
    let stats = Arc::new(TapeStats::default());
    if !config.store.tape {
        return Ok((Arc::new(Off), Arc::new(Trades { tape: None, stats, missing_since: None })));
    }
    let retention = Duration::from_secs(config.store.tape_retention_hours.saturating_mul(3_600));
    let (tape, taped) = Tape::start(&directory.tape(), retention, Arc::clone(&stats))?;
    let trades = Trades { tape: Some(taped), stats, missing_since: tape.missing_since() };
    Ok((Arc::new(Recorder(tape)), Arc::new(trades)))
}

impl Trades {
    pub(super) fn stats(&self) -> Arc<TapeStats> {
        Arc::clone(&self.stats)
    }

    /// Returns since when the tape may miss trades because no process recorded.
    pub(super) fn missing_since(&self) -> Option<VenueTime> {
        self.missing_since
    }
}

impl TradesPort for Trades {
    fn trades(&self, ticker: Ticker, limit: usize) -> Answer<'_, Result<Vec<PublicTrade>, String>> {
        Box::pin(async move {
            let Some(tape) = &self.tape else {
                return Err("the tape is switched off (store.tape)".to_owned());
            };
            tape.of_market(ticker.as_str(), limit).map_err(|error| error.to_string())
        })
    }
}
