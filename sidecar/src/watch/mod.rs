//! `outrigger watch`: one market or more, live in the terminal, from a running sidecar's local stream.
//!
//! It is an ordinary local client: token, REST, WebSocket. Never here: anything the sidecar would not give any client.

mod client;
mod frame;
mod ladder;
mod model;
mod plain;
mod terminal;

use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;

pub use client::Target;
use model::Model;

/// What to watch, where, and how to show it.
#[derive(Debug)]
pub struct Options {
    pub target: Target,
    pub tickers: Vec<String>,
    /// Print one picture as soon as every book is here, and end.
    pub once: bool,
    /// Plain text instead of a full screen; chosen by itself when standard output is no terminal.
    pub plain: bool,
}

/// How long `--once` waits for the books before it prints what it has.
const ONCE_PATIENCE: Duration = Duration::from_secs(10);
const QUEUE: usize = 4_096;

/// Runs until the user quits (or, with `once`, until the picture is printed).
pub fn run(options: Options) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start a runtime")?;
    runtime.block_on(async move {
        let model = client::first_picture(&options.target, &options.tickers).await?;
        let (sender, updates) = mpsc::channel(QUEUE);
        tokio::spawn(client::follow(options.target.clone(), options.tickers.clone(), sender));
        if options.once {
            once(model, updates).await
        } else if options.plain {
            plain::follow(model, updates).await
        } else {
            terminal::follow(model, updates).await
        }
    })
}

/// Waits until every book was told (or patience ends), then prints one picture.
async fn once(mut model: Model, mut updates: mpsc::Receiver<model::Update>) -> anyhow::Result<()> {
    let complete = async {
        while !model.is_complete() {
            match updates.recv().await {
                Some(update) => model.apply(update),
                None => break,
            }
        }
    };
    // Past the deadline the picture shows what is missing, which is an answer too.
    let _ = tokio::time::timeout(ONCE_PATIENCE, complete).await;
    plain::print(&model)
}
