//! First states for new subscribers, spliced exactly with the changes that follow.
//!
//! A book is read when it is asked for, so it may be newer than the events that this connection has yet to send.
//! Its clock tells: changes at or below it are included in the snapshot and left out afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use crate::socket::book_frame::{Snapshot, snapshot};
use crate::socket::channel::Channel;
use crate::socket::command::Refusal;
use crate::socket::control;
use crate::socket::outbox::Outbox;
use crate::socket::subscription::{Added, Filter, Source, Subscription};

use super::encode;
use super::port::LiveExchange;

/// Serves the first state of subscriptions from the exchange.
pub(super) struct Snapshots<E> {
    exchange: Arc<E>,
    /// The clock of the last snapshot sent per subscribed market.
    clocks: HashMap<String, u64>,
}

impl<E: LiveExchange> Snapshots<E> {
    pub(super) fn new(exchange: Arc<E>) -> Self {
        Self { exchange, clocks: HashMap::new() }
    }

    /// Returns the clock up to which the subscriber knows a market; none if it got no snapshot yet.
    pub(super) fn clock_of(&self, ticker: &str) -> Option<u64> {
        self.clocks.get(ticker).copied()
    }

    /// Forgets markets that the subscription no longer wants, all of them if it is gone.
    pub(super) fn retain(&mut self, subscription: Option<&Subscription>) {
        match subscription {
            Some(subscription) => self.clocks.retain(|ticker, _| subscription.filter.wants(ticker)),
            None => self.clocks.clear(),
        }
    }

    /// Sends the book of a market as of now; false if there is no such market.
    pub(super) fn send_book(
        &mut self,
        subscription: &mut Subscription,
        id: Option<i64>,
        ticker: &str,
        out: &mut Outbox,
    ) -> bool {
        let Some(book) = self.exchange.book(ticker) else { return false };
        if subscription.filter.wants(ticker) {
            self.clocks.insert(ticker.to_owned(), book.clock);
        }
        snapshot(
            out,
            Snapshot {
                id,
                sid: subscription.sid,
                seq: subscription.next_seq(),
                market_ticker: ticker,
                market_id: &book.market_id,
                clock: Some(book.clock),
                yes: book.yes.iter().copied(),
                no: book.no.iter().copied(),
                use_yes_price: subscription.use_yes_price,
            },
        );
        true
    }

    fn send_tickers(&self, subscription: &Subscription, added: &Added, out: &mut Outbox) {
        let all = match subscription.filter {
            Filter::All if added.is_new => self.exchange.tickers(),
            Filter::All | Filter::Only(_) => Vec::new(),
        };
        for ticker in added.tickers.iter().chain(&all) {
            self.exchange.show_ticker(ticker, &mut |state| {
                out.text(|to| encode::ticker(to, subscription.sid, state));
            });
        }
    }
}

impl<E: LiveExchange> Source for Snapshots<E> {
    fn ticker_of(&self, market_id: &str) -> Option<String> {
        self.exchange.ticker_of(market_id)
    }

    fn on_added(&mut self, subscription: &mut Subscription, added: &Added, out: &mut Outbox) {
        match subscription.channel {
            Channel::OrderbookDelta => {
                for ticker in &added.tickers {
                    self.send_book(subscription, None, ticker, out);
                }
            }
            Channel::Ticker if added.send_initial_snapshot => self.send_tickers(subscription, added, out),
            _ => {}
        }
    }

    fn on_get_snapshot(
        &mut self,
        subscription: &mut Subscription,
        id: Option<i64>,
        tickers: &[String],
        out: &mut Outbox,
    ) {
        for ticker in tickers {
            if !self.send_book(subscription, id, ticker, out) {
                let mut refusal = Refusal::with_text(11, "Invalid parameter: unknown market");
                refusal.market_tickers.push(ticker.clone());
                control::error(out, id, None, &refusal);
            }
        }
    }
}
