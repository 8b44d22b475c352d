//! Boot: open the ledger, verify every entry, rebuild the state. A damaged ledger ends the start (I10).

use std::time::Instant;

use outrigger_engine::desk::DeskState;
use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::journal::Replay;
use rusqlite::Connection;

use crate::store::{DataDirectory, StoreError, open_ledger, read_back};

/// Everything a start needs from the ledger.
pub(super) struct Rehydrated {
    pub(super) connection: Connection,
    pub(super) chain_end: [u8; 32],
    pub(super) state: DeskState,
    pub(super) read_model: ReadModel,
}

pub(super) fn open(directory: &DataDirectory, env: &str) -> Result<Rehydrated, StoreError> {
    let started = Instant::now();
    let path = directory.ledger();
    tracing::info!(phase = "started", path = %path.display(), "rehydration");
    let connection = open_ledger(&path, env)?;
    let mut replay = Replay::default();
    let (entries, chain_end) = read_back(&connection, &path, |entry| replay.apply(entry))?;
    let (state, read_model) = replay.finish();
    let orders = state.orders.len();
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(phase = "verified", entries, orders, took_ms, "rehydration");
    Ok(Rehydrated { connection, chain_end, state, read_model })
}
