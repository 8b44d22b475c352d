//! The connection to the sidecar: a first picture by REST, then the stream, again and again until the user quits.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

use super::model::{Model, Update};

const RETRY_AFTER: Duration = Duration::from_secs(1);
const TRADES_AT_FIRST: usize = 20;
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// Where the sidecar listens, and the token that lets us read.
#[derive(Debug, Clone)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    pub token: String,
}

/// Reads what the stream will not repeat: titles, working orders, positions. Unknown tickers are an error.
pub(super) async fn first_picture(target: &Target, tickers: &[String]) -> anyhow::Result<Model> {
    let http = reqwest::Client::builder().timeout(REQUEST_DEADLINE).build()?;
    let mut model = Model { tickers: tickers.to_vec(), ..Model::default() };
    for ticker in tickers {
        let market = get(&http, target, &format!("/v1/markets/{ticker}")).await?;
        let market = market.get("market").cloned().unwrap_or(market);
        let title = market.get("title").and_then(Value::as_str).unwrap_or_default();
        model.titles.insert(ticker.clone(), title.to_owned());
    }
    for ticker in tickers {
        let path = format!("/v1/markets/{ticker}/trades?limit={TRADES_AT_FIRST}");
        let trades = get(&http, target, &path).await?;
        // Newest first there, and each is put before the ones it follows.
        for trade in list(&trades, "trades").into_iter().rev() {
            let frame = json!({ "topic": format!("trades:{ticker}"), "kind": "event", "data": trade });
            model.apply(Update::Frame(serde_json::from_value(frame)?));
        }
    }
    let orders = get(&http, target, "/v1/orders?limit=1000").await?;
    for order in list(&orders, "orders") {
        if let Ok(order) = serde_json::from_value(order) {
            model.order(order);
        }
    }
    let positions = get(&http, target, "/v1/positions?limit=1000").await?;
    for position in list(&positions, "positions") {
        let data = position;
        let update = json!({ "topic": "positions", "kind": "event", "data": data });
        model.apply(Update::Frame(serde_json::from_value(update)?));
    }
    Ok(model)
}

fn list(body: &Value, name: &str) -> Vec<Value> {
    body.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

async fn get(http: &reqwest::Client, target: &Target, path: &str) -> anyhow::Result<Value> {
    let url = format!("http://{}{path}", target.address);
    let answer = http.get(&url).bearer_auth(&target.token).send().await;
    let answer = answer.with_context(|| {
        format!(
            "no sidecar answers at {}; start one with `outrigger run`, or name it with --connect",
            target.address
        )
    })?;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap_or_default();
    if !status.is_success() {
        let detail =
            body.get("detail").or_else(|| body.get("title")).and_then(Value::as_str).unwrap_or("no detail");
        bail!("{path}: {status}: {detail}");
    }
    Ok(body)
}

/// Follows the stream for ever, reconnecting; ends when nobody listens any more.
pub(super) async fn follow(target: Target, tickers: Vec<String>, updates: mpsc::Sender<Update>) {
    loop {
        let reason = match session(&target, &tickers, &updates).await {
            Ok(()) => "the sidecar closed the stream".to_owned(),
            Err(error) => format!("{error:#}"),
        };
        if updates.send(Update::Connection(Err(reason))).await.is_err() {
            return;
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

async fn session(target: &Target, tickers: &[String], updates: &mpsc::Sender<Update>) -> anyhow::Result<()> {
    let mut request = format!("ws://{}/v1/stream", target.address).into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {}", target.token).parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let per_ticker = tickers.iter().flat_map(|ticker| [format!("book:{ticker}"), format!("trades:{ticker}")]);
    let account = ["orders", "positions", "health"].map(str::to_owned);
    let topics: Vec<String> = per_ticker.chain(account).collect();
    let subscribe = json!({ "id": 1, "op": "subscribe", "topics": topics });
    socket.send(Message::text(subscribe.to_string())).await?;
    updates.send(Update::Connection(Ok(()))).await?;
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => {
                if let Ok(frame) = serde_json::from_str(text.as_str()) {
                    updates.send(Update::Frame(frame)).await?;
                }
            }
            Message::Close(frame) => {
                let why =
                    frame.map(|frame| format!("closed by the sidecar: {} {}", frame.code, frame.reason));
                bail!(why.unwrap_or_else(|| "closed by the sidecar".to_owned()));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    }
    Ok(())
}
