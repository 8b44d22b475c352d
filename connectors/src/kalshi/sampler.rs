//! Reads books by REST when the book keeper wants to compare them, one read after the other, after all other requests.

use outrigger_engine::actors::messages::BooksMessage;
use outrigger_engine::domain::Ticker;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::gateway::Reads;

/// Runs until `stop`. A read that finds no budget at once is left out.
pub(super) async fn run(
    reads: Reads,
    mut samples: mpsc::Receiver<Vec<Ticker>>,
    books: mpsc::Sender<BooksMessage>,
    stop: CancellationToken,
) {
    let work = async {
        while let Some(tickers) = samples.recv().await {
            let read = reads.books(&tickers).await;
            if let Err(reason) = &read {
                tracing::debug!(reason, books = tickers.len(), "books were not sampled");
            }
            if books.send(BooksMessage::Sampled(read)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = work => {}
    }
}
