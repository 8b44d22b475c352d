//! One client's view of the live exchange: events in, frames for its subscriptions out.
//!
//! What waits for a client that does not read stays in the exchange's shared stream. Who falls behind its end
//! loses all subscriptions with error 25 and keeps the connection; what is encoded for one client is bounded. Private messages go to the account of the key that signed, and to no one else.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::sleep;

use crate::socket::channel::Channel;
use crate::socket::command::{Refusal, Request};
use crate::socket::connection::Session;
use crate::socket::control::{self, Scope};
use crate::socket::outbox::Outbox;
use crate::socket::subscription::{Subscription, Subscriptions};

use crate::listener::Listener;
use crate::time::Clock;
use crate::venue::account::AccountId;
use crate::venue::communications::notice::Notice;

use super::message::{BookDelta, Group, MarketChange, MarketLifecycle, Outgoing, Ticker};
use super::port::LiveExchange;
use super::snapshots::Snapshots;
use super::throttle::Throttle;
use super::{encode, encode_communications, encode_lifecycle, encode_private};

/// Batches handled before other work of the connection gets its turn.
const BATCHES_AT_ONCE_MAX: u64 = 256;

pub(crate) struct LiveSession<E: LiveExchange> {
    account: AccountId,
    /// The only subaccount that the key may see, if it is locked to one.
    lock: Option<i64>,
    user_id: String,
    events: broadcast::Receiver<Arc<[E::Event]>>,
    listener: Listener,
    subscriptions: Subscriptions,
    snapshots: Snapshots<E>,
    tickers: Throttle<E::Event>,
    clock: Arc<Clock>,
}

impl<E: LiveExchange> LiveSession<E> {
    pub(crate) fn new(exchange: Arc<E>, account: AccountId, lock: Option<i64>, clock: Arc<Clock>) -> Self {
        let (events, listener) = exchange.events();
        Self {
            account,
            lock,
            user_id: exchange.user_id(account),
            events,
            listener,
            subscriptions: Subscriptions::default(),
            snapshots: Snapshots::new(exchange),
            tickers: Throttle::default(),
            clock,
        }
    }

    fn on_batch(&mut self, batch: &Arc<[E::Event]>, out: &mut Outbox) {
        for (index, event) in batch.iter().enumerate() {
            match E::outgoing(event) {
                Some(Outgoing::BookDelta(delta)) => self.on_book_delta(&delta, out),
                Some(Outgoing::Ticker(ticker)) => self.on_ticker(&ticker, batch, index, out),
                Some(Outgoing::Trade(trade)) => {
                    if let Some(subscription) = self.wanting(Channel::Trade, trade.ticker) {
                        out.text(|to| encode::trade(to, subscription, &trade));
                    }
                }
                Some(Outgoing::MarketLifecycle(lifecycle)) => self.on_market_lifecycle(&lifecycle, out),
                Some(Outgoing::EventLifecycle(event)) => {
                    if let Some(subscription) = self.subscriptions.of_channel(life_channel(event.is_combo)) {
                        let (sid, seq) = (subscription.sid, subscription.next_seq());
                        out.text(|to| encode_lifecycle::event(to, sid, seq, &event));
                    }
                }
                Some(Outgoing::Communication(notice)) => self.on_communication(notice, out),
                Some(Outgoing::EventFee(fee)) => {
                    if let Some(subscription) = self.subscriptions.of_channel(Channel::MarketLifecycle) {
                        let (sid, seq) = (subscription.sid, subscription.next_seq());
                        out.text(|to| encode_lifecycle::event_fee(to, sid, seq, &fee));
                    }
                }
                Some(private) => self.on_private(&private, out),
                None => {}
            }
        }
        if out.is_overflowing() {
            self.end_all(out);
        }
    }

    /// Handles a batch and those behind it, as many as there is room for; returns how many there were.
    fn handle_waiting(&mut self, mut next: Option<Arc<[E::Event]>>, out: &mut Outbox) -> u64 {
        let mut handled = 0;
        while let Some(batch) = next.take() {
            self.on_batch(&batch, out);
            handled += 1;
            if !out.has_room() || handled >= BATCHES_AT_ONCE_MAX {
                break;
            }
            next = match self.events.try_recv() {
                Ok(batch) => Some(batch),
                Err(TryRecvError::Lagged(lost)) => {
                    self.end_all(out);
                    return handled.saturating_add(lost);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => None,
            };
        }
        self.send_due_tickers(out);
        handled
    }

    fn wanting(&mut self, channel: Channel, ticker: &str) -> Option<&mut Subscription> {
        self.subscriptions.of_channel(channel).filter(|subscription| subscription.filter.wants(ticker))
    }

    fn on_book_delta(&mut self, delta: &BookDelta<'_>, out: &mut Outbox) {
        let Some(subscription) = self.subscriptions.of_channel(Channel::OrderbookDelta) else { return };
        match self.snapshots.clock_of(delta.ticker) {
            Some(clock) if delta.clock > clock => {
                let is_seen = |subaccount| self.lock.is_none_or(|lock| lock == subaccount);
                let delta =
                    BookDelta { owner: delta.owner.filter(|owner| is_seen(owner.subaccount)), ..*delta };
                out.text(|to| encode::book_delta(to, subscription, &delta, self.account));
            }
            // Included in the snapshot that was sent.
            Some(_) => {}
            // Subscribed before the market existed: its first change brings the book.
            None if subscription.filter.wants(delta.ticker) => {
                self.snapshots.send_book(subscription, None, delta.ticker, out);
            }
            None => {}
        }
    }

    fn on_ticker(&mut self, ticker: &Ticker<'_>, batch: &Arc<[E::Event]>, index: usize, out: &mut Outbox) {
        let Some(sid) = self.wanting(Channel::Ticker, ticker.ticker).map(|subscription| subscription.sid)
        else {
            return;
        };
        if self.tickers.admit(ticker.ticker, self.clock.now_us(), || (Arc::clone(batch), index)) {
            out.text(|to| encode::ticker(to, sid, ticker));
        }
    }

    fn send_due_tickers(&mut self, out: &mut Outbox) {
        for (batch, index) in self.tickers.take_due(self.clock.now_us()) {
            if let Some(Outgoing::Ticker(ticker)) = batch.get(index).and_then(E::outgoing)
                && let Some(subscription) = self.wanting(Channel::Ticker, ticker.ticker)
            {
                out.text(|to| encode::ticker(to, subscription.sid, &ticker));
            }
        }
    }

    fn on_market_lifecycle(&mut self, lifecycle: &MarketLifecycle<'_>, out: &mut Outbox) {
        if let Some(subscription) = self.subscriptions.of_channel(life_channel(lifecycle.is_combo)) {
            let (sid, seq) = (subscription.sid, subscription.next_seq());
            out.text(|to| encode_lifecycle::market(to, sid, seq, lifecycle));
        }
        // A new market's book follows its creation; one snapshot closes the book of a determined market.
        let shows_book = match lifecycle.change {
            MarketChange::Created(_) => self.snapshots.clock_of(lifecycle.ticker).is_none(),
            MarketChange::Determined { .. } => true,
            MarketChange::Activated
            | MarketChange::Deactivated
            | MarketChange::CloseDateUpdated { .. }
            | MarketChange::PriceLevelStructureUpdated { .. }
            | MarketChange::MetadataUpdated { .. }
            | MarketChange::Settled { .. } => false,
        };
        if shows_book
            && let Some(subscription) = self.subscriptions.of_channel(Channel::OrderbookDelta)
            && subscription.filter.wants(lifecycle.ticker)
        {
            self.snapshots.send_book(subscription, None, lifecycle.ticker, out);
        }
    }

    fn on_communication(&mut self, notice: &Notice, out: &mut Outbox) {
        let account = self.account;
        let subscription = self.subscriptions.of_channel(Channel::Communications);
        if let Some(subscription) = subscription.filter(|it| it.fanout.wants(notice, account)) {
            let (sid, seq) = (subscription.sid, subscription.next_seq());
            out.text(|to| encode_communications::notice(to, sid, seq, notice, account));
        }
    }

    fn on_private(&mut self, message: &Outgoing<'_>, out: &mut Outbox) {
        let (account, subaccount, channel, ticker) = match message {
            Outgoing::Fill(fill) => (fill.account, fill.subaccount, Channel::Fill, fill.ticker),
            Outgoing::UserOrder(order) => {
                (order.account, order.subaccount, Channel::UserOrders, order.ticker)
            }
            Outgoing::Position(position) => {
                (position.account, position.subaccount, Channel::MarketPositions, position.ticker)
            }
            Outgoing::Group(group) => return self.on_group(group, out),
            Outgoing::BookDelta(_)
            | Outgoing::Ticker(_)
            | Outgoing::Trade(_)
            | Outgoing::MarketLifecycle(_)
            | Outgoing::EventLifecycle(_)
            | Outgoing::Communication(_)
            | Outgoing::EventFee(_) => return,
        };
        if account != self.account || self.lock.is_some_and(|lock| lock != subaccount) {
            return;
        }
        let Some(sid) = self.wanting(channel, ticker).map(|subscription| subscription.sid) else { return };
        out.text(|to| match message {
            Outgoing::Fill(fill) => encode_private::fill(to, sid, fill),
            Outgoing::UserOrder(order) => encode_private::user_order(to, sid, order),
            Outgoing::Position(position) => encode_private::position(to, sid, position, &self.user_id),
            _ => {}
        });
    }

    fn on_group(&mut self, group: &Group<'_>, out: &mut Outbox) {
        if group.account == self.account
            && self.lock.is_none_or(|lock| lock == group.subaccount)
            && let Some(subscription) = self.subscriptions.of_channel(Channel::OrderGroupUpdates)
        {
            out.text(|to| encode_private::group(to, subscription, group));
        }
    }

    /// Ends every subscription of a client that does not keep up.
    fn end_all(&mut self, out: &mut Outbox) {
        for mut subscription in self.subscriptions.take_all() {
            let seq = subscription.channel.is_sequenced().then(|| subscription.next_seq());
            let scope = Scope { sid: subscription.sid, seq };
            control::error(out, None, Some(scope), &Refusal::standard(25));
        }
        self.forget_ended();
    }

    fn forget_ended(&mut self) {
        self.snapshots.retain(self.subscriptions.of_channel(Channel::OrderbookDelta).as_deref());
        if self.subscriptions.of_channel(Channel::Ticker).is_none() {
            self.tickers.clear();
        }
    }

    /// Waits for a batch, or for a ticker message that was held back.
    async fn next_batch(&mut self) -> Result<Option<Arc<[E::Event]>>, RecvError> {
        // A stepped clock says nothing while it stands; each step wakes its listeners with a batch.
        let due_in = self.tickers.due_at_us().and_then(|due_at_us| self.clock.wait_until(due_at_us));
        match due_in {
            Some(wait) => tokio::select! {
                biased;
                batch = self.events.recv() => batch.map(Some),
                () = sleep(wait) => Ok(None),
            },
            None => self.events.recv().await.map(Some),
        }
    }
}

/// Combos have a channel of their own.
const fn life_channel(is_combo: bool) -> Channel {
    if is_combo { Channel::MultivariateLifecycle } else { Channel::MarketLifecycle }
}

impl<E: LiveExchange> Session for LiveSession<E> {
    fn on_request(&mut self, request: Request, out: &mut Outbox) {
        self.subscriptions.answer(&mut self.snapshots, request, out);
        self.forget_ended();
    }

    async fn pump(&mut self, out: &mut Outbox) {
        if out.take_overflow() {
            return self.end_all(out);
        }
        let next = match self.next_batch().await {
            Ok(batch) => batch,
            Err(RecvError::Lagged(lost)) => {
                self.end_all(out);
                return self.listener.finished(lost);
            }
            // The exchange has stopped; the connection is closed by its stop signal.
            Err(RecvError::Closed) => return std::future::pending().await,
        };
        let handled = self.handle_waiting(next, out);
        self.listener.finished(handled);
    }

    fn wants_to_send(&self, out: &Outbox) -> bool {
        out.has_room()
    }
}
