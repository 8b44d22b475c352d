//! The gateway: every REST request of the account leaves here, signed, budgeted, within a deadline.
//!
//! Each `VenueRequest` gets exactly one reply on its owner's lane, however it ends. Never here: decisions about orders.

mod account;
mod again;
mod client;
mod health;
mod operations;
mod plan;
mod reads;
mod route;
mod trades;
mod writes;

use std::sync::Arc;

use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{VenueRequest, WriteOutcome, WriteReply};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use client::Rest;
pub use operations::{
    NewQuote, NewRfq, OperationError, Operations, OrderGroup, OrderGroupDetail, QueuePosition, QuoteTerms,
    RfqTerms, ShardTransfer, SubaccountBalance, SubaccountTransfer,
};
pub(crate) use reads::Reads;

/// What the gateway works with.
pub(crate) struct GatewayPorts {
    pub(crate) requests: mpsc::Receiver<VenueRequest>,
    pub(crate) desk: mpsc::Sender<DeskMessage>,
    pub(crate) books: mpsc::Sender<BooksMessage>,
    pub(crate) halt: Arc<HaltSwitch>,
}

/// Serves requests until the lane closes or `stop` is cancelled; writes on their way are finished by `tasks`.
pub(crate) async fn run(
    rest: Arc<Rest>,
    mut ports: GatewayPorts,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    tasks.spawn(account::keep_fresh(Arc::clone(&rest), stop.clone()));
    loop {
        let request = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            request = ports.requests.recv() => request,
        };
        match request {
            None => break,
            Some(VenueRequest::Write { order_id, attempt, write }) => {
                // The place in the queue is taken here, in the order of asking; the wait happens in the task.
                let write = writes::Write::reserve(order_id, attempt, &write, &rest);
                let (rest, desk) = (Arc::clone(&rest), ports.desk.clone());
                let (halt, stop) = (Arc::clone(&ports.halt), stop.clone());
                tasks.spawn(async move {
                    let reply = write.perform(&rest, &halt, &stop).await;
                    // A closed lane means the process is stopping; the next start reads the truth back.
                    let _ = desk.send(DeskMessage::Venue(reply)).await;
                });
            }
            Some(VenueRequest::Report(scope)) => {
                let (reads, desk) = (Reads::new(Arc::clone(&rest)), ports.desk.clone());
                tasks.spawn(async move {
                    let report = reads.report(scope).await;
                    let _ = desk.send(DeskMessage::Report(report)).await;
                });
            }
            Some(VenueRequest::Trades(scope)) => {
                let reads = Reads::new(Arc::clone(&rest)).in_background();
                let books = ports.books.clone();
                tasks.spawn(async move {
                    let report = reads.trades(scope).await;
                    let _ = books.send(BooksMessage::Trades(report)).await;
                });
            }
        }
    }
    // What was asked and not begun gets its answer too: nothing of it left this machine.
    ports.requests.close();
    while let Some(request) = ports.requests.recv().await {
        if let VenueRequest::Write { order_id, attempt, write } = request {
            let outcome = WriteOutcome::NotSent { reason: "stopping".to_owned() };
            let reply = WriteReply { order_id, attempt, kind: write.kind(), outcome };
            let _ = ports.desk.send(DeskMessage::Venue(reply)).await;
        }
    }
}
