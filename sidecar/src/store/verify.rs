//! Checking a ledger from outside: the file, the chain, and the tables against the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;

use outrigger_engine::desk::read_model::ReadModel;
use outrigger_engine::domain::OrderId;
use outrigger_engine::journal::{Entry, Replay, StoredEntry};
use outrigger_engine::venue::{WriteKind, WriteOutcome};

use super::append::word;
use super::disk::Site;
use super::error::StoreError;
use super::mark;
use super::open::open_read_only_at;
use super::read_back::read_journal;

/// Findings of one kind that are listed one by one.
const LISTED_MAX: usize = 20;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    pub what: String,
}

/// What a check of a ledger found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verification {
    pub entries: u64,
    pub orders: usize,
    /// Rows the tables refused when they were written; the journal has what they would have said.
    pub dead_letters: u64,
    pub findings: Vec<Finding>,
}

impl Verification {
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn hopeless(findings: Vec<Finding>) -> Verification {
        Verification { entries: 0, orders: 0, dead_letters: 0, findings }
    }
}

/// Checks the ledger at `path` without changing it. Works beside a running sidecar.
pub fn verify(path: &Path) -> Result<Verification, StoreError> {
    verify_at(&Site::of(path))
}

pub(super) fn verify_at(site: &Site) -> Result<Verification, StoreError> {
    let connection = match open_read_only_at(site) {
        Err(StoreError::Damaged { what, .. }) => return Ok(Verification::hopeless(vec![Finding { what }])),
        opened => opened?,
    };
    // Read before the transaction begins: a running writer moves the mark on after each commit.
    let marked = mark::read(site)?;
    // One transaction, so that a running writer does not move the picture.
    let _ = connection.execute_batch("BEGIN");
    let mut findings = file_findings(&connection);
    let mut expected = Expected::default();
    let entries = match read_journal(&connection, &site.path, marked, |entry| expected.apply(entry)) {
        Ok((entries, _)) => entries,
        Err(StoreError::Damaged { what, .. }) => {
            findings.push(Finding { what });
            return Ok(Verification::hopeless(findings));
        }
        Err(error) => return Err(error),
    };
    findings.append(&mut expected.findings);
    let keys = std::mem::take(&mut expected.keys);
    let (_, model) = expected.replay.finish();
    let dead_letters = dead_letters(&connection).unwrap_or_default();
    for (table, sql, rows) in [
        ("orders", ORDERS, order_rows(&model)),
        ("fills", FILLS, fill_rows(&model)),
        ("settlements", SETTLEMENTS, settlement_rows(&model)),
        ("idempotency", IDEMPOTENCY, keys),
    ] {
        findings.extend(table_findings(&connection, table, sql, rows, &dead_letters));
    }
    let orders = model.orders.read().len();
    Ok(Verification { entries, orders, dead_letters: dead_letters.len() as u64, findings })
}

/// What the journal says, and promises that can be checked entry by entry.
#[derive(Default)]
struct Expected {
    replay: Replay,
    client_order_ids: BTreeMap<String, OrderId>,
    keys: BTreeMap<String, Vec<String>>,
    findings: Vec<Finding>,
}

impl Expected {
    fn apply(&mut self, stored: &StoredEntry) {
        if let Entry::IntentRecorded { order } = &stored.entry {
            // I1: an id is single use for ever once it has left, or the exchange could not tell two intents apart.
            if self.client_order_ids.insert(order.client_order_id.to_string(), order.order_id).is_some() {
                let what = format!(
                    "entry {}: client_order_id {} was used before",
                    stored.seq, order.client_order_id
                );
                self.findings.push(Finding { what });
            }
            let row = vec![order.order_id.to_string(), order.fingerprint.clone(), order.client.clone()];
            self.keys.insert(order.idempotency_key.to_string(), row);
        }
        if let Entry::WriteEnded { order_id, write: WriteKind::Create, outcome, .. } = &stored.entry
            && matches!(outcome, WriteOutcome::NotSent { .. })
        {
            self.client_order_ids.retain(|_, owner| owner != order_id);
        }
        self.replay.apply(stored);
    }
}

fn file_findings(connection: &Connection) -> Vec<Finding> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    match check() {
        Ok(lines) => lines.into_iter().filter(|line| line != "ok").map(|what| Finding { what }).collect(),
        Err(error) => vec![Finding { what: format!("the file cannot be read: {error}") }],
    }
}

/// Rows by key, each as text: what the journal makes of a table.
type Rows = BTreeMap<String, Vec<String>>;

const ORDERS: &str = "SELECT order_id, status, price, count, filled, remaining, fees, coalesce(venue_order_id, '') FROM orders";
const FILLS: &str = "SELECT trade_id || ' of order ' || order_id, ticker, side, price, count, fee FROM fills";
const SETTLEMENTS: &str = "SELECT ticker, result, revenue, fee FROM settlements";
const IDEMPOTENCY: &str = "SELECT key, order_id, fingerprint, client FROM idempotency";

fn order_rows(model: &ReadModel) -> Rows {
    let orders = model.orders.read();
    let row = |order: &outrigger_engine::desk::view::OrderView| {
        let venue_order_id = order.venue_order_id.as_ref().map_or_else(String::new, ToString::to_string);
        let amounts = [order.price.to_string(), order.count.to_string(), order.filled.to_string()];
        let rest = [order.remaining.to_string(), order.fees.to_string(), venue_order_id];
        std::iter::once(word(&order.status)).chain(amounts).chain(rest).collect()
    };
    orders.iter().map(|(id, order)| (id.to_string(), row(order))).collect()
}

fn fill_rows(model: &ReadModel) -> Rows {
    let fills = model.fills.read();
    let row = |fill: &outrigger_engine::desk::view::FillView| {
        let key = format!("{} of order {}", fill.trade_id, fill.order_id);
        let side = fill.side.as_str().to_owned();
        let amounts = [fill.price.to_string(), fill.count.to_string(), fill.fee.to_string()];
        (key, [fill.ticker.to_string(), side].into_iter().chain(amounts).collect())
    };
    fills.iter().map(row).collect()
}

fn settlement_rows(model: &ReadModel) -> Rows {
    let settlements = model.settlements.read();
    let row = |row: &outrigger_engine::desk::view::SettlementView| {
        (row.ticker.to_string(), vec![row.result.clone(), row.revenue.to_string(), row.fee.to_string()])
    };
    settlements.iter().map(row).collect()
}

/// Returns (table, key) of the rows that were refused.
fn dead_letters(connection: &Connection) -> rusqlite::Result<BTreeSet<(&'static str, String)>> {
    let mut statement = connection.prepare("SELECT payload FROM dead_letters")?;
    let payloads = statement.query_map([], |row| row.get::<_, String>(0))?;
    payloads
        .map(|payload| payload.map(|payload| refused_row(&payload)))
        .filter_map(Result::transpose)
        .collect()
}

fn refused_row(payload: &str) -> Option<(&'static str, String)> {
    match serde_json::from_str::<StoredEntry>(payload).map(|stored| stored.entry) {
        Ok(Entry::FillRecorded { order_id, fill }) => {
            Some(("fills", format!("{} of order {order_id}", fill.trade_id)))
        }
        Ok(Entry::Settled { row }) => Some(("settlements", row.ticker.to_string())),
        Ok(Entry::IntentRecorded { order }) => Some(("idempotency", order.idempotency_key.to_string())),
        Ok(_) => None,
        Err(_) => {
            let order: serde_json::Value = serde_json::from_str(payload).ok()?;
            Some(("orders", order.get("order_id")?.as_str()?.to_owned()))
        }
    }
}

/// Compares a table with what the journal makes of it, both ways. What is known to be refused is no finding.
fn table_findings(
    connection: &Connection,
    table: &'static str,
    sql: &str,
    mut expected: Rows,
    dead_letters: &BTreeSet<(&'static str, String)>,
) -> Vec<Finding> {
    let read = || -> rusqlite::Result<Vec<(String, Vec<String>)>> {
        let mut statement = connection.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let rest = (1..columns).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<String>>>()?;
            Ok((row.get(0)?, rest))
        })?;
        rows.collect()
    };
    let rows = match read() {
        Ok(rows) => rows,
        Err(error) => return vec![Finding { what: format!("table {table} cannot be read: {error}") }],
    };
    let mut wrong = Vec::new();
    for (key, found) in rows {
        match expected.remove(&key) {
            Some(_) if dead_letters.contains(&(table, key.clone())) => {}
            Some(right) if right == found => {}
            Some(right) => wrong.push(format!("table {table}, {key}: says {found:?}, the journal {right:?}")),
            None => wrong.push(format!("table {table}, {key}: the journal knows nothing of it")),
        }
    }
    expected.retain(|key, _| !dead_letters.contains(&(table, key.clone())));
    wrong.extend(expected.into_keys().map(|key| format!("table {table}: {key} is missing")));
    let more = wrong.len().saturating_sub(LISTED_MAX);
    wrong.truncate(LISTED_MAX);
    wrong.extend((more > 0).then(|| format!("table {table}: {more} more")));
    wrong.into_iter().map(|what| Finding { what }).collect()
}
