//! An independent client of Kalshi's REST API: the judge of what the exchange itself holds.
//!
//! Signs with ring, decodes into plain JSON values, shares no code with the product.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::keys::Key;
use crate::recording::{Book, read_levels};

const PREFIX: &str = "/trade-api/v2";
/// Books of one request, the exchange's limit.
const BOOKS_AT_ONCE: usize = 100;
/// Pages of a list that are followed before it is called endless.
const PAGES_MAX: usize = 200;

/// How often and how long a rate limit is waited for.
const REFUSALS_MAX: usize = 20;
const AFTER_REFUSAL: Duration = Duration::from_millis(400);

/// Reads an account at an exchange.
pub struct Judge<'a> {
    base: String,
    key: &'a Key,
    http: reqwest::Client,
}

impl<'a> Judge<'a> {
    pub fn new(addr: SocketAddr, key: &'a Key) -> anyhow::Result<Judge<'a>> {
        Ok(Judge { base: format!("http://{addr}"), key, http: client()? })
    }

    /// Reads `path` (below `/trade-api/v2`, with its query), signed. The account's rate limit is shared with the sidecar that is judged:
    /// a refusal is waited out, or the judge would take every token as it comes and neither would get far.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        for _ in 0..REFUSALS_MAX {
            let (status, body) = self.send(reqwest::Method::GET, path, None).await?;
            if status != 429 {
                ensure!(status == 200, "GET {path}: {status} {body}");
                return Ok(body);
            }
            tokio::time::sleep(AFTER_REFUSAL).await;
        }
        anyhow::bail!("GET {path}: 429, {REFUSALS_MAX} times")
    }

    /// Sends a signed request. Returns the status and the body.
    pub async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, Value)> {
        let full = format!("{PREFIX}{path}");
        let signed = full.split('?').next().unwrap_or(&full);
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        let mut request = self
            .http
            .request(method.clone(), format!("{}{full}", self.base))
            .header("KALSHI-ACCESS-KEY", &self.key.id)
            .header("KALSHI-ACCESS-TIMESTAMP", now.to_string())
            .header("KALSHI-ACCESS-SIGNATURE", self.key.sign(now, method.as_str(), signed));
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await?;
        let status = reply.status().as_u16();
        let text = reply.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Reads the books of markets, by ticker.
    pub async fn books(&self, tickers: &[String]) -> anyhow::Result<BTreeMap<String, Book>> {
        let mut books = BTreeMap::new();
        for some in tickers.chunks(BOOKS_AT_ONCE) {
            let query: Vec<String> = some.iter().map(|ticker| format!("tickers={ticker}")).collect();
            let answer = self.get(&format!("/markets/orderbooks?{}", query.join("&"))).await?;
            let rows = answer["orderbooks"].as_array().context("orderbooks")?;
            ensure!(rows.len() == some.len(), "{} books for {} markets", rows.len(), some.len());
            for row in rows {
                let (ticker, book) = (row["ticker"].as_str().context("ticker")?, &row["orderbook_fp"]);
                let side = |name: &str| read_levels(&book[name]).with_context(|| format!("levels of {book}"));
                books.insert(ticker.to_owned(), Book { yes: side("yes_dollars")?, no: side("no_dollars")? });
            }
        }
        Ok(books)
    }

    /// Reads every page of a list.
    pub async fn list(&self, path: &str, field: &str) -> anyhow::Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        for _ in 0..PAGES_MAX {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = if cursor.is_empty() {
                self.get(path).await?
            } else {
                self.get(&format!("{path}{mark}cursor={cursor}")).await?
            };
            let part = page[field].as_array().with_context(|| format!("{path}: no {field} in {page}"))?;
            rows.extend(part.iter().cloned());
            match page["cursor"].as_str() {
                Some(next) if !next.is_empty() => cursor = next.to_owned(),
                _ => return Ok(rows),
            }
        }
        anyhow::bail!("{path}: more than {PAGES_MAX} pages")
    }
}

/// Makes a client that follows no redirect and has a deadline.
pub fn client() -> anyhow::Result<reqwest::Client> {
    // An error means another test has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()?)
}
