//! Checking a ledger from outside: the file, the chain, and the tables against the journal.

use std::path::Path;

use rusqlite::Connection;

use outrigger_engine::journal::Replay;

use super::error::StoreError;
use super::open::open_ledger_read_only;
use super::read_back::read_back;

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
    pub findings: Vec<Finding>,
}

impl Verification {
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Checks the ledger at `path` without changing it. Works beside a running sidecar.
pub fn verify(path: &Path) -> Result<Verification, StoreError> {
    let connection = match open_ledger_read_only(path) {
        Err(StoreError::Damaged { what, .. }) => {
            return Ok(Verification { entries: 0, orders: 0, findings: vec![Finding { what }] });
        }
        opened => opened?,
    };
    // One transaction, so that a running writer does not move the picture.
    let _ = connection.execute_batch("BEGIN");
    let mut findings = file_findings(&connection);
    let mut replay = Replay::default();
    let entries = match read_back(&connection, path, |entry| replay.apply(entry)) {
        Ok((entries, _)) => entries,
        Err(StoreError::Damaged { what, .. }) => {
            findings.push(Finding { what });
            return Ok(Verification { entries: 0, orders: 0, findings });
        }
        Err(error) => return Err(error),
    };
    let (_, model) = replay.finish();
    let orders = model.orders.read();
    findings.extend(order_findings(&connection, &orders));
    findings.extend(fill_findings(&connection, model.fills.read().len()));
    Ok(Verification { entries, orders: orders.len(), findings })
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

type Orders =
    std::collections::BTreeMap<outrigger_engine::domain::OrderId, outrigger_engine::desk::view::OrderView>;

fn order_findings(connection: &Connection, replayed: &Orders) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, order) in replayed {
        let sql = "SELECT status, filled, remaining FROM orders WHERE order_id = ?1";
        let row = connection.query_row(sql, [id.to_string()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        });
        let status = serde_json::to_value(order.status).ok();
        let status = status.as_ref().and_then(|status| status.as_str()).unwrap_or_default().to_owned();
        let expected = (status, order.filled.to_string(), order.remaining.to_string());
        match row {
            Ok(found) if found == expected => {}
            Ok(found) => {
                let what = format!("order {id}: the table says {found:?}, the journal {expected:?}");
                findings.push(Finding { what });
            }
            Err(error) => findings.push(Finding { what: format!("order {id} of the journal: {error}") }),
        }
    }
    findings
}

fn fill_findings(connection: &Connection, replayed: usize) -> Option<Finding> {
    let rows = connection.query_row("SELECT count(*) FROM fills", [], |row| row.get::<_, i64>(0));
    match rows {
        Ok(rows) if usize::try_from(rows) == Ok(replayed) => None,
        Ok(rows) => Some(Finding { what: format!("the table holds {rows} fills, the journal {replayed}") }),
        Err(error) => Some(Finding { what: format!("fills: {error}") }),
    }
}
