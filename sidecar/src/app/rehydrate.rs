//! Boot: open the ledger, verify every entry, rebuild the state. A damaged ledger ends the start (I10).

use std::time::Instant;

use outrigger_engine::desk::DeskState;
use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::journal::Replay;

use crate::store::{DataDirectory, StoreError, VerifiedLedger};

/// Everything a start needs from the ledger.
pub(super) struct Rehydrated {
    pub(super) ledger: VerifiedLedger,
    pub(super) state: DeskState,
    pub(super) read_model: ReadModel,
}

pub(super) fn open(directory: &DataDirectory, env: &str) -> Result<Rehydrated, StoreError> {
    let started = Instant::now();
    let path = directory.ledger();
    tracing::info!(phase = "started", path = %path.display(), "rehydration");
    let mut replay = Replay::default();
    let ledger = VerifiedLedger::open(&path, env, |entry| replay.apply(entry))?;
    let (state, read_model) = replay.finish();
    let orders = state.orders.len();
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(phase = "verified", entries = ledger.entries(), orders, took_ms, "rehydration");
    Ok(Rehydrated { ledger, state, read_model })
}
