//! Whether everyone tells the same story of an account: the exchange, the sidecar's REST reads, its ledger file, its stream.
//!
//! Rows are compared in one shape made here from each side's own JSON or SQL. Whole numbers, no tolerance.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use rusqlite::{Connection, OpenFlags, Row};
use serde_json::Value;

use crate::api::Api;
use crate::exchange::Judge;
use crate::pair::Sidecar;
use crate::recording::scaled;

/// An order as every side must tell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderRow {
    pub client_order_id: String,
    pub venue_order_id: String,
    pub ticker: String,
    pub status: String,
    pub price: i64,
    pub filled: i64,
    pub remaining: i64,
}

/// A fill as every side must tell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FillRow {
    pub trade_id: String,
    pub venue_order_id: String,
    pub price: i64,
    pub count: i64,
    pub fee: i64,
}

/// One side's whole story. `None` where a side does not tell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// By `client_order_id`; orders that never reached the exchange are left out.
    pub orders: BTreeMap<String, OrderRow>,
    pub fills: BTreeSet<FillRow>,
    pub positions: Option<BTreeMap<String, i64>>,
    pub cash: Option<i64>,
}

impl Story {
    fn add_order(&mut self, row: OrderRow) -> anyhow::Result<()> {
        let id = row.client_order_id.clone();
        ensure!(self.orders.insert(id.clone(), row).is_none(), "client_order_id {id} twice");
        Ok(())
    }

    fn add_fill(&mut self, row: FillRow) -> anyhow::Result<()> {
        ensure!(self.fills.insert(row.clone()), "a fill twice: {row:?}");
        Ok(())
    }

    /// Completes a stream's story, which begins with what may still trade: orders that had ended before it began are taken
    /// from here, and nothing else is.
    #[must_use]
    pub fn with_ended_orders_of(mut self, exchange: &Story) -> Story {
        for (id, order) in exchange.orders.iter().filter(|(_, order)| order.status != "resting") {
            self.orders.entry(id.clone()).or_insert_with(|| order.clone());
        }
        self
    }

    /// Says where `other` tells it differently.
    pub fn compare(&self, name: &str, other: &Story) -> anyhow::Result<()> {
        for id in self.orders.keys().chain(other.orders.keys()) {
            let (ours, theirs) = (self.orders.get(id), other.orders.get(id));
            ensure!(ours == theirs, "order {id}: exchange {ours:?}, {name} {theirs:?}");
        }
        if let Some(fill) = self.fills.symmetric_difference(&other.fills).next() {
            let side = if self.fills.contains(fill) { "only at the exchange" } else { "not at the exchange" };
            anyhow::bail!("a fill {side}, compared with {name}: {fill:?}");
        }
        if let (Some(ours), Some(theirs)) = (&self.positions, &other.positions) {
            ensure!(ours == theirs, "positions: exchange {ours:?}, {name} {theirs:?}");
        }
        if let (Some(ours), Some(theirs)) = (self.cash, other.cash) {
            ensure!(ours == theirs, "cash in 1e-6 dollar: exchange {ours}, {name} {theirs}");
        }
        Ok(())
    }
}

/// Reads the exchange's own records of the account.
pub async fn of_exchange(judge: &Judge<'_>) -> anyhow::Result<Story> {
    let mut story = Story::default();
    for row in judge.list("/portfolio/orders?limit=1000", "orders").await? {
        story.add_order(OrderRow {
            client_order_id: text(&row, "client_order_id")?,
            venue_order_id: text(&row, "order_id")?,
            ticker: text(&row, "ticker")?,
            status: text(&row, "status")?,
            price: number(&row, "yes_price_dollars", 4)?,
            filled: number(&row, "fill_count_fp", 2)?,
            remaining: number(&row, "remaining_count_fp", 2)?,
        })?;
    }
    for row in judge.list("/portfolio/fills?limit=1000", "fills").await? {
        story.add_fill(FillRow {
            trade_id: text(&row, "fill_id").or_else(|_| text(&row, "trade_id"))?,
            venue_order_id: text(&row, "order_id")?,
            price: number(&row, "yes_price_dollars", 4)?,
            count: number(&row, "count_fp", 2)?,
            fee: number(&row, "fee_cost", 6)?,
        })?;
    }
    let mut positions = BTreeMap::new();
    for row in judge.list("/portfolio/positions?limit=1000", "market_positions").await? {
        positions.insert(text(&row, "ticker")?, number(&row, "position_fp", 2)?);
    }
    story.positions = Some(without_flat(positions));
    story.cash = Some(number(&judge.get("/portfolio/balance").await?, "balance_dollars", 6)?);
    Ok(story)
}

/// Reads the sidecar's REST side.
pub async fn of_rest(api: &Api) -> anyhow::Result<Story> {
    let mut story = Story::default();
    for row in api.list("/v1/orders?limit=200", "orders").await? {
        if let Some(order) = order_row(&row)? {
            story.add_order(order)?;
        }
    }
    for row in api.list("/v1/fills?limit=200", "fills").await? {
        story.add_fill(fill_row(&row)?)?;
    }
    let mut positions = BTreeMap::new();
    for row in api.list("/v1/positions?limit=200", "positions").await? {
        positions.insert(text(&row, "ticker")?, number(&row, "position", 2)?);
    }
    story.positions = Some(without_flat(positions));
    story.cash = Some(number(&api.get("/v1/balance").await?, "cash", 6)?);
    Ok(story)
}

/// Makes a story of the rows a stream client collected, orders by id and fills by trade and order.
pub fn of_stream<'a>(
    orders: impl Iterator<Item = &'a Value>,
    fills: impl Iterator<Item = &'a Value>,
) -> anyhow::Result<Story> {
    let mut story = Story::default();
    for row in orders {
        if let Some(order) = order_row(row)? {
            story.add_order(order)?;
        }
    }
    for row in fills {
        story.add_fill(fill_row(row)?)?;
    }
    Ok(story)
}

/// Reads the ledger file directly, and checks that no intent shares its id with another.
pub fn of_ledger(data_dir: &Path) -> anyhow::Result<Story> {
    let path = data_dir.join("ledger.sqlite");
    let ledger = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut story = Story::default();
    let mut orders = ledger.prepare(
        "SELECT client_order_id, venue_order_id, ticker, status, price, filled, remaining FROM orders
         WHERE venue_order_id IS NOT NULL",
    )?;
    let mut rows = orders.query([])?;
    while let Some(row) = rows.next()? {
        story.add_order(OrderRow {
            client_order_id: row.get(0)?,
            venue_order_id: row.get(1)?,
            ticker: row.get(2)?,
            status: row.get(3)?,
            price: column(row, 4, 4)?,
            filled: column(row, 5, 2)?,
            remaining: column(row, 6, 2)?,
        })?;
    }
    let mut fills = ledger.prepare("SELECT trade_id, venue_order_id, price, count, fee FROM fills")?;
    let mut rows = fills.query([])?;
    while let Some(row) = rows.next()? {
        story.add_fill(FillRow {
            trade_id: row.get(0)?,
            venue_order_id: row.get(1)?,
            price: column(row, 2, 4)?,
            count: column(row, 3, 2)?,
            fee: column(row, 4, 6)?,
        })?;
    }
    let (intents, ids): (i64, i64) =
        ledger.query_row("SELECT count(*), count(DISTINCT client_order_id) FROM intents", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    ensure!(intents == ids, "{intents} intents share {ids} client_order_ids");
    Ok(story)
}

/// Cancels what rests, so that nobody has anything of ours left to trade with, and compares REST and ledger with the exchange,
/// whose story is returned.
pub async fn at_rest(judge: &Judge<'_>, sidecar: &Sidecar) -> anyhow::Result<Story> {
    let answer = sidecar.api.send(Method::DELETE, "/v1/orders", None, None).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    let exchange = of_exchange(judge).await?;
    ensure!(exchange.orders.values().all(|order| order.status != "resting"), "orders still rest");
    exchange.compare("REST", &of_rest(&sidecar.api).await?)?;
    exchange.compare("the ledger", &of_ledger(&sidecar.data_dir)?)?;
    Ok(exchange)
}

/// Reads an order of the local API; `None` for one that never reached the exchange.
fn order_row(row: &Value) -> anyhow::Result<Option<OrderRow>> {
    if row["venue_order_id"].is_null() {
        return Ok(None);
    }
    Ok(Some(OrderRow {
        client_order_id: text(row, "client_order_id")?,
        venue_order_id: text(row, "venue_order_id")?,
        ticker: text(row, "ticker")?,
        status: text(row, "status")?,
        price: number(row, "price", 4)?,
        filled: number(row, "filled", 2)?,
        remaining: number(row, "remaining", 2)?,
    }))
}

fn fill_row(row: &Value) -> anyhow::Result<FillRow> {
    Ok(FillRow {
        trade_id: text(row, "trade_id")?,
        venue_order_id: text(row, "venue_order_id")?,
        price: number(row, "price", 4)?,
        count: number(row, "count", 2)?,
        fee: number(row, "fee", 6)?,
    })
}

fn without_flat(mut positions: BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    positions.retain(|_, position| *position != 0);
    positions
}

fn text(row: &Value, field: &str) -> anyhow::Result<String> {
    row[field].as_str().map(str::to_owned).with_context(|| format!("no text `{field}` in {row}"))
}

fn number(row: &Value, field: &str, decimals: usize) -> anyhow::Result<i64> {
    let text = row[field].as_str().with_context(|| format!("no decimal string `{field}` in {row}"))?;
    scaled(text, decimals).with_context(|| format!("`{field}` {text:?} in {row}"))
}

fn column(row: &Row<'_>, index: usize, decimals: usize) -> anyhow::Result<i64> {
    let text: String = row.get(index)?;
    scaled(&text, decimals).with_context(|| format!("column {index}: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::{Story, of_stream};
    use serde_json::{Value, json};

    fn order(status: &str) -> Value {
        json!({"client_order_id": "a", "venue_order_id": "v", "ticker": "T", "status": status,
            "price": "0.5600", "filled": "1.00", "remaining": "0.00"})
    }

    fn fill(trade: &str) -> Value {
        json!({"trade_id": trade, "venue_order_id": "v", "price": "0.5600", "count": "1.00", "fee": "0.017500"})
    }

    #[test]
    fn a_difference_in_any_row_is_named() {
        let story = |orders: &[Value], fills: &[Value]| of_stream(orders.iter(), fills.iter()).unwrap();
        let right = story(&[order("executed")], &[fill("1")]);
        assert!(right.compare("itself", &right).is_ok());
        for wrong in [
            story(&[order("canceled")], &[fill("1")]),
            story(&[], &[fill("1")]),
            story(&[order("executed")], &[]),
            story(&[order("executed")], &[fill("1"), fill("2")]),
        ] {
            assert!(right.compare("wrong", &wrong).is_err());
        }
        let with_cash = |cash| Story { cash: Some(cash), ..right.clone() };
        assert!(with_cash(1).compare("wrong", &with_cash(2)).is_err());
    }

    #[test]
    fn doubles_are_refused() {
        let (orders, fills) = ([order("resting"), order("resting")], [fill("1"), fill("1")]);
        assert!(of_stream(orders.iter(), [].iter()).is_err());
        assert!(of_stream([].iter(), fills.iter()).is_err());
    }
}
