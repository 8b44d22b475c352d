//! The exchange as its WebSocket sees it.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::listener::Listener;
use crate::venue::account::AccountId;

use super::message::{Outgoing, Ticker};

/// The bids of both legs at one moment, worst price first, each leg at its own price.
#[derive(Debug, Clone, Default)]
pub(crate) struct BookState {
    pub(crate) market_id: String,
    /// The clock of the newest change included, 0 if there was none.
    pub(crate) clock: u64,
    pub(crate) yes: Vec<(i64, i64)>,
    pub(crate) no: Vec<(i64, i64)>,
}

/// What a live session needs of the exchange.
///
/// State that is read may be newer than the events a session has seen: a book carries its clock, by which the
/// session leaves out the changes that the book already includes.
pub(crate) trait LiveExchange: 'static {
    type Event: 'static;

    /// Joins the stream of events, one batch per command, in the order of commits; the listener counts what is dealt with.
    fn events(&self) -> (broadcast::Receiver<Arc<[Self::Event]>>, Listener);

    /// Returns what an event tells subscribers, none if nothing.
    fn outgoing(event: &Self::Event) -> Option<Outgoing<'_>>;

    /// Returns the book of a market, none if there is no such market.
    fn book(&self, ticker: &str) -> Option<BookState>;

    /// Shows the ticker message of a market as of now; false if there is no such market.
    fn show_ticker(&self, ticker: &str, show: &mut dyn FnMut(&Ticker<'_>)) -> bool;

    /// Lists the tickers of all markets.
    fn tickers(&self) -> Vec<String>;

    /// Returns the user id of an account, which its private messages carry.
    fn user_id(&self, account: AccountId) -> String;

    /// Finds the ticker of a market id.
    fn ticker_of(&self, market_id: &str) -> Option<String>;
}
