//! A small client of the sidecar's local API.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::Value;

use crate::exchange::client;
use crate::{stream, wait};

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub replayed: bool,
}

/// Speaks to one sidecar with one token.
#[derive(Clone)]
pub struct Api {
    pub addr: SocketAddr,
    token: String,
    http: reqwest::Client,
}

impl Api {
    /// Connects with the admin token of a data directory.
    pub fn admin(addr: SocketAddr, data_dir: &Path) -> anyhow::Result<Api> {
        let path = data_dir.join("admin.token");
        let token = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Api::with_token(addr, token.trim())
    }

    pub fn with_token(addr: SocketAddr, token: &str) -> anyhow::Result<Api> {
        Ok(Api { addr, token: token.to_owned(), http: client()? })
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sends a request; an error means there was no answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request =
            self.http.request(method, format!("http://{}{path}", self.addr)).bearer_auth(&self.token);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await?;
        let status = reply.status().as_u16();
        let replayed = reply.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
        let text = reply.text().await?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), replayed })
    }

    /// Reads a path that must answer 200.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.send(Method::GET, path, None, None).await?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.body);
        Ok(answer.body)
    }

    /// Reads every page of a list; `field` holds its rows.
    pub async fn list(&self, path: &str, field: &str) -> anyhow::Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = if cursor.is_empty() {
                self.get(path).await?
            } else {
                self.get(&format!("{path}{mark}cursor={cursor}")).await?
            };
            let part = page[field].as_array().with_context(|| format!("{path}: no {field} in {page}"))?;
            rows.extend(part.iter().cloned());
            match page["cursor"].as_str() {
                Some(next) if !next.is_empty() && !part.is_empty() => cursor = next.to_owned(),
                _ => return Ok(rows),
            }
        }
    }

    /// Reads all figures of `/metrics`, with their labels in their names.
    pub async fn figures(&self) -> anyhow::Result<BTreeMap<String, f64>> {
        let text = self.get("/metrics").await?;
        let lines = text.as_str().context("metrics are text")?.lines();
        let figures = lines.filter_map(|line| line.rsplit_once(' '));
        Ok(figures.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    /// Reads one figure of `/metrics`, a whole number.
    pub async fn figure(&self, name: &str) -> anyhow::Result<u64> {
        let figures = self.figures().await?;
        let value = figures.get(name).with_context(|| format!("no {name} in {figures:?}"))?;
        Ok(*value as u64)
    }

    /// Waits until `/readyz` says yes.
    pub async fn ready(&self, within: Duration) -> anyhow::Result<()> {
        wait::until("the sidecar is ready", within, || async {
            let answer = self.send(Method::GET, "/readyz", None, None).await?;
            ensure!(answer.status == 200, "{}", answer.body);
            Ok(())
        })
        .await
    }

    /// Opens the local stream.
    pub async fn stream(&self) -> anyhow::Result<stream::Stream> {
        stream::Stream::connect(self.addr, &self.token).await
    }
}
