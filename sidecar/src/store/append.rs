//! Writing entries and what they say, inside one transaction.
//!
//! The journal takes an entry or the whole transaction fails. The tables beside it are what the journal says, for people: a row that
//! a table refuses goes to `dead_letters` with why, and the line goes on (docs/decisions/0013).

use rusqlite::{Connection, ErrorCode, Transaction, params};

use outrigger_engine::desk::view::OrderView;
use outrigger_engine::journal::{Entry, StoredEntry};
use serde_json::Value;

use super::chain::{Hash, Row, link};

/// The version of the payload format written now. 2 added the entry `reconciled`.
pub(super) const PAYLOAD_VERSION: i64 = 2;

/// What was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Appended {
    /// The new end of the chain.
    pub(super) end: Hash,
    /// Rows that a table refused.
    pub(super) dead_letters: u64,
}

/// Appends entries after `previous`.
pub(super) fn append(
    transaction: &Transaction<'_>,
    previous: Hash,
    entries: &[StoredEntry],
    orders: &[OrderView],
) -> rusqlite::Result<Appended> {
    let (mut end, mut dead_letters) = (previous, 0);
    let mut insert = transaction.prepare_cached(
        "INSERT INTO journal (seq, at_us, cause, kind, version, payload, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for stored in entries {
        let (kind, payload) = encode(&stored.entry)?;
        let row = Row {
            seq: stored.seq,
            at_us: stored.at.0,
            cause: &stored.cause,
            kind: &kind,
            version: PAYLOAD_VERSION,
            payload: &payload,
        };
        end = link(&end, row);
        insert.execute(params![
            i64::try_from(stored.seq).unwrap_or(i64::MAX),
            row.at_us,
            row.cause,
            row.kind,
            row.version,
            row.payload,
            end.as_slice()
        ])?;
        let letter = || serde_json::to_string(stored).unwrap_or_default();
        dead_letters += or_bury(transaction, project(transaction, stored), stored.at.0, letter)?;
    }
    for order in orders {
        let letter = || serde_json::to_string(order).unwrap_or_default();
        dead_letters += or_bury(transaction, upsert_order(transaction, order), order.updated_us.0, letter)?;
    }
    if let Some(last) = entries.last() {
        let sql = "INSERT INTO journal_head (id, seq, hash) VALUES (1, ?1, ?2)
                   ON CONFLICT (id) DO UPDATE SET seq = ?1, hash = ?2";
        let seq = i64::try_from(last.seq).unwrap_or(i64::MAX);
        transaction.prepare_cached(sql)?.execute(params![seq, end.as_slice()])?;
    }
    Ok(Appended { end, dead_letters })
}

/// Passes on how a table took a row; one that it refuses for what is in it goes to the dead letters. Returns how many did.
fn or_bury(
    transaction: &Transaction<'_>,
    taken: rusqlite::Result<()>,
    at_us: i64,
    letter: impl FnOnce() -> String,
) -> rusqlite::Result<u64> {
    let refusal = match taken {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => error.to_string(),
        taken => return taken.map(|()| 0),
    };
    let payload = letter();
    tracing::error!(
        refusal,
        payload,
        "a table of the ledger refused a row: it is a dead letter, the journal has its entry"
    );
    bury(transaction, at_us, &refusal, &payload)?;
    Ok(1)
}

/// Keeps what could not be written where a person finds it.
pub(super) fn bury(connection: &Connection, at_us: i64, reason: &str, payload: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO dead_letters (at_us, reason, payload) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![at_us, reason, payload]).map(|_| ())
}

/// Returns the entry's kind and its payload as JSON text.
fn encode(entry: &Entry) -> rusqlite::Result<(String, String)> {
    let failed = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let value = serde_json::to_value(entry).map_err(failed)?;
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let payload = serde_json::to_string(&value).map_err(failed)?;
    Ok((kind, payload))
}

/// Returns the JSON string a value is written as, e.g. `resting` for a status.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

fn project(transaction: &Transaction<'_>, stored: &StoredEntry) -> rusqlite::Result<()> {
    let seq = i64::try_from(stored.seq).unwrap_or(i64::MAX);
    match &stored.entry {
        Entry::IntentRecorded { order } => {
            // A key is freed when its order provably never left, so a later intent may take it over.
            let sql = "INSERT INTO idempotency (key, fingerprint, order_id, client, seq) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (key) DO UPDATE SET fingerprint = ?2, order_id = ?3, client = ?4, seq = ?5";
            let id = order.order_id.to_string();
            transaction.prepare_cached(sql)?.execute(params![
                order.idempotency_key.as_str(),
                order.fingerprint,
                id,
                order.client,
                seq
            ])?;
        }
        Entry::FillRecorded { order_id, fill } => {
            let sql = "INSERT INTO fills
                       (trade_id, order_id, venue_order_id, ticker, side, price, count, fee, is_taker, ts_ms, seq)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
            transaction.prepare_cached(sql)?.execute(params![
                fill.trade_id.as_str(),
                order_id.to_string(),
                fill.venue_order_id.as_str(),
                fill.ticker.as_str(),
                fill.side.as_str(),
                fill.price.to_string(),
                fill.count.to_string(),
                fill.fee.to_string(),
                fill.is_taker,
                fill.ts_ms.0,
                seq
            ])?;
        }
        Entry::Settled { row } => {
            let sql = "INSERT INTO settlements (ticker, result, revenue, fee, settled_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
            let (revenue, fee) = (row.revenue.to_string(), row.fee.to_string());
            transaction.prepare_cached(sql)?.execute(params![
                row.ticker.as_str(),
                row.result,
                revenue,
                fee,
                row.settled_ms.0
            ])?;
        }
        _ => {}
    }
    Ok(())
}

fn upsert_order(connection: &Connection, order: &OrderView) -> rusqlite::Result<()> {
    let sql = "INSERT INTO orders (order_id, client_order_id, venue_order_id, ticker, side, price, count, filled, remaining,
                                   status, time_in_force, fees, source, reason, created_us, updated_us)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
               ON CONFLICT (order_id) DO UPDATE SET venue_order_id = ?3, price = ?6, count = ?7, filled = ?8,
                   remaining = ?9, status = ?10, fees = ?12, reason = ?14, updated_us = ?16";
    connection.prepare_cached(sql)?.execute(params![
        order.order_id.to_string(),
        order.client_order_id.as_ref().map(|id| id.as_str()),
        order.venue_order_id.as_ref().map(|id| id.as_str()),
        order.ticker.as_str(),
        order.side.as_str(),
        order.price.to_string(),
        order.count.to_string(),
        order.filled.to_string(),
        order.remaining.to_string(),
        word(&order.status),
        order.time_in_force.as_str(),
        order.fees.to_string(),
        word(&order.source),
        order.reason,
        order.created_us.0,
        order.updated_us.0
    ])?;
    Ok(())
}
