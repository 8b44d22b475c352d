//! What travels on the bounded lanes between threads, and the handles that put it there.
//!
//! Every lane: bounded, `try_send`, a refusal is an answer to the sender, never a silent drop.

use tokio::sync::{mpsc, oneshot};

use crate::book::BookView;
use crate::desk::command::{DeskAnswer, DeskCommand};
use crate::domain::Ticker;
use crate::journal::JournalReport;
use crate::venue::{BookSample, FeedBatch, PrivateItem, TradesReport, VenueReport, WriteReply};

/// Into the desk. One lane, so order is the order of sending.
#[derive(Debug)]
pub enum DeskMessage {
    Command {
        command: DeskCommand,
        cause: String,
        reply: oneshot::Sender<DeskAnswer>,
    },
    Venue(WriteReply),
    /// A complete read of the account, or why there is none.
    Report(Result<VenueReport, String>),
    Private(Vec<PrivateItem>),
    Journal(JournalReport),
    /// Take no more commands; answer once everything journalled is durable and no write is on its way.
    Drain(oneshot::Sender<()>),
}

/// Into the book keeper.
#[derive(Debug)]
pub enum BooksMessage {
    Feed(FeedBatch),
    /// Public trades that were read back, or why there are none.
    Trades(Result<TradesReport, String>),
    /// A reader wants the book. It is followed from now on and waited for a little; `None` means that it did not come.
    Read {
        ticker: Ticker,
        reply: oneshot::Sender<Option<BookView>>,
    },
    /// The announcer wants `BookSnapshot` in line with the deltas it gets.
    Announce {
        ticker: Ticker,
    },
    /// The stream's clients began or ceased to be subscribed to something of a market.
    Clients {
        ticker: Ticker,
        has_clients: bool,
    },
    /// The books that were to be read by REST, or why they were not.
    Sampled(Result<Vec<BookSample>, String>),
}

/// The lane is full or its owner is gone; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    #[error("busy: the queue is full")]
    Full,
    #[error("stopping: the queue is closed")]
    Closed,
}

impl<T> From<mpsc::error::TrySendError<T>> for LaneError {
    fn from(error: mpsc::error::TrySendError<T>) -> LaneError {
        match error {
            mpsc::error::TrySendError::Full(_) => LaneError::Full,
            mpsc::error::TrySendError::Closed(_) => LaneError::Closed,
        }
    }
}

/// Puts requests on the desk's lane.
#[derive(Debug, Clone)]
pub struct DeskHandle {
    lane: mpsc::Sender<DeskMessage>,
}

impl DeskHandle {
    pub fn new(lane: mpsc::Sender<DeskMessage>) -> DeskHandle {
        DeskHandle { lane }
    }

    /// Hands a command over and waits for its answer. The desk owns it from here: dropping the future changes nothing.
    pub async fn call(&self, command: DeskCommand, cause: String) -> Result<DeskAnswer, LaneError> {
        let (reply, answer) = oneshot::channel();
        self.lane.try_send(DeskMessage::Command { command, cause, reply })?;
        answer.await.map_err(|_| LaneError::Closed)
    }
}

/// Puts requests on the book keeper's lane.
#[derive(Debug, Clone)]
pub struct BooksHandle {
    lane: mpsc::Sender<BooksMessage>,
}

impl BooksHandle {
    pub fn new(lane: mpsc::Sender<BooksMessage>) -> BooksHandle {
        BooksHandle { lane }
    }

    pub async fn read(&self, ticker: Ticker) -> Result<Option<BookView>, LaneError> {
        let (reply, answer) = oneshot::channel();
        self.lane.try_send(BooksMessage::Read { ticker, reply })?;
        answer.await.map_err(|_| LaneError::Closed)
    }

    /// Tells whether the stream's clients need a market.
    pub fn clients(&self, ticker: Ticker, has_clients: bool) -> Result<(), LaneError> {
        Ok(self.lane.try_send(BooksMessage::Clients { ticker, has_clients })?)
    }

    /// Asks for a `BookSnapshot` announcement, in line with the deltas.
    pub fn announce(&self, ticker: Ticker) -> Result<(), LaneError> {
        Ok(self.lane.try_send(BooksMessage::Announce { ticker })?)
    }
}
