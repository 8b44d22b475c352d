//! The subscriptions of one connection, and the rules of the commands that change them.
//!
//! What a subscription carries comes from a [`Source`]: the live exchange or a recording. The rules are the same.
//!
//! Choices where the exchange is not documented: subscribing again to a channel already held answers
//! `subscribed` with the sid it has and sends snapshots of the added markets only; a ticker that does not
//! exist is accepted, it may be created later; adding markets to a subscription of all markets changes nothing.
//!
//! Invariant: at most one subscription per channel; a sid is never used twice on a connection.

use std::collections::BTreeMap;

use super::channel::Channel;
use super::command::{Action, Command, Markets, Refusal, Request, Subscribe, Update};
use super::control::{self, Scope};
use super::fanout::Fanout;
use super::outbox::Outbox;

/// The largest number of markets named by one subscription (error 26 beyond).
const MARKETS_MAX: usize = 5_000;

/// Which markets a subscription wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    /// Tickers, with the market id where the client named the market by it.
    Only(BTreeMap<String, Option<String>>),
}

impl Filter {
    pub(crate) fn wants(&self, ticker: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(markets) => markets.contains_key(ticker),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) sid: u64,
    pub(crate) channel: Channel,
    pub(crate) filter: Filter,
    pub(crate) use_yes_price: bool,
    pub(crate) skip_ticker_ack: bool,
    /// The part of the communications channel that is wanted.
    pub(crate) fanout: Fanout,
    /// The last number of its sequence that was sent.
    pub(crate) seq: u64,
}

impl Subscription {
    /// Takes the next number of the sequence.
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.seq = self.seq.saturating_add(1);
        self.seq
    }
}

/// What fills subscriptions.
pub(crate) trait Source {
    /// Finds the ticker of a market id.
    fn ticker_of(&self, market_id: &str) -> Option<String>;

    /// Acts on markets that a subscription newly wants, after the acknowledgement: first snapshots.
    fn on_added(&mut self, subscription: &mut Subscription, added: &Added, out: &mut Outbox);

    /// Answers `get_snapshot`, one frame per market, without changing the subscription.
    fn on_get_snapshot(
        &mut self,
        subscription: &mut Subscription,
        id: Option<i64>,
        tickers: &[String],
        out: &mut Outbox,
    );
}

/// The markets that a command added to a subscription.
#[derive(Debug)]
pub(crate) struct Added {
    /// Newly wanted tickers; empty if the subscription is for all markets.
    pub(crate) tickers: Vec<String>,
    /// True if this command opened the subscription.
    pub(crate) is_new: bool,
    pub(crate) send_initial_snapshot: bool,
}

/// The subscriptions of one connection, by sid.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    list: Vec<Subscription>,
    last_sid: u64,
}

impl Subscriptions {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.list.iter()
    }

    pub(crate) fn of_channel(&mut self, channel: Channel) -> Option<&mut Subscription> {
        self.list.iter_mut().find(|subscription| subscription.channel == channel)
    }

    /// Ends a subscription without a word to the client.
    pub(crate) fn remove(&mut self, sid: u64) {
        self.list.retain(|subscription| subscription.sid != sid);
    }

    /// Ends all subscriptions without a word to the client.
    pub(crate) fn take_all(&mut self) -> Vec<Subscription> {
        std::mem::take(&mut self.list)
    }

    /// Answers one client message.
    pub(crate) fn answer(&mut self, source: &mut impl Source, request: Request, out: &mut Outbox) {
        let id = request.id;
        let outcome = match request.command {
            Ok(Command::Subscribe(subscribe)) => {
                self.subscribe(source, id, &subscribe, out);
                Ok(())
            }
            Ok(Command::Unsubscribe { sids }) => {
                self.unsubscribe(id, &sids, out);
                Ok(())
            }
            Ok(Command::Update(update)) => self.update(source, id, &update, out),
            Ok(Command::ListSubscriptions) => {
                let list = self.list.iter().map(|subscription| (subscription.channel, subscription.sid));
                control::ok_subscriptions(out, id, list);
                Ok(())
            }
            Err(refusal) => Err(refusal),
        };
        if let Err(refusal) = outcome {
            control::error(out, id, None, &refusal);
        }
    }

    fn subscribe(
        &mut self,
        source: &mut impl Source,
        id: Option<i64>,
        command: &Subscribe,
        out: &mut Outbox,
    ) {
        for channel in &command.channels {
            let outcome = match channel {
                Ok(channel) => self.subscribe_channel(source, id, *channel, command, out),
                Err(refusal) => Err(refusal.clone()),
            };
            if let Err(refusal) = outcome {
                control::error(out, id, None, &refusal);
            }
        }
    }

    fn subscribe_channel(
        &mut self,
        source: &mut impl Source,
        id: Option<i64>,
        channel: Channel,
        command: &Subscribe,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let filter = new_filter(source, channel, &command.markets)?;
        let existing = self.list.iter_mut().find(|subscription| subscription.channel == channel);
        let is_new = existing.is_none();
        let (subscription, tickers) = match existing {
            Some(subscription) => {
                let tickers = merge(&mut subscription.filter, filter)?;
                if let Some(use_yes_price) = command.use_yes_price {
                    subscription.use_yes_price = use_yes_price;
                }
                subscription.fanout = command.fanout;
                (subscription, tickers)
            }
            None => {
                let tickers = named(&filter);
                self.last_sid = self.last_sid.saturating_add(1);
                self.list.push(Subscription {
                    sid: self.last_sid,
                    channel,
                    filter,
                    use_yes_price: command.use_yes_price.unwrap_or(false),
                    skip_ticker_ack: command.skip_ticker_ack,
                    fanout: command.fanout,
                    seq: 0,
                });
                let Some(subscription) = self.list.last_mut() else { return Err(Refusal::standard(10)) };
                (subscription, tickers)
            }
        };
        control::subscribed(out, id, channel, subscription.sid);
        let added = Added { tickers, is_new, send_initial_snapshot: command.send_initial_snapshot };
        source.on_added(subscription, &added, out);
        Ok(())
    }

    fn unsubscribe(&mut self, id: Option<i64>, sids: &[u64], out: &mut Outbox) {
        for sid in sids {
            match self.list.iter().position(|subscription| subscription.sid == *sid) {
                Some(at) => {
                    let mut subscription = self.list.remove(at);
                    control::unsubscribed(out, id, *sid, subscription.next_seq());
                }
                None => control::error(out, id, None, &Refusal::standard(7)),
            }
        }
    }

    fn update(
        &mut self,
        source: &mut impl Source,
        id: Option<i64>,
        update: &Update,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        let subscription = self
            .list
            .iter_mut()
            .find(|subscription| subscription.sid == update.sid)
            .ok_or_else(|| Refusal::standard(7))?;
        if !subscription.channel.is_filtered() {
            return Err(Refusal::standard(13));
        }
        match update.action {
            Action::GetSnapshot => {
                if subscription.channel != Channel::OrderbookDelta {
                    return Err(Refusal::standard(13));
                }
                source.on_get_snapshot(subscription, id, &update.markets.tickers, out);
            }
            Action::AddMarkets => {
                let filter = new_filter(source, subscription.channel, &update.markets)?;
                let tickers = match subscription.filter {
                    Filter::All => Vec::new(),
                    Filter::Only(_) => merge(&mut subscription.filter, filter)?,
                };
                acknowledge(subscription, id, out);
                let send_initial_snapshot = update.send_initial_snapshot;
                let added = Added { tickers, is_new: false, send_initial_snapshot };
                source.on_added(subscription, &added, out);
            }
            Action::DeleteMarkets => {
                let gone = new_filter(source, subscription.channel, &update.markets)?;
                match (&mut subscription.filter, gone) {
                    (Filter::Only(markets), Filter::Only(gone)) => {
                        markets.retain(|ticker, _| !gone.contains_key(ticker));
                    }
                    _ => {
                        let text = "Invalid parameter: the subscription is for all markets";
                        return Err(Refusal::with_text(11, text));
                    }
                }
                acknowledge(subscription, id, out);
            }
        }
        Ok(())
    }
}

/// Sends `ok` with the list of markets after the change; it takes a number of the sequence.
fn acknowledge(subscription: &mut Subscription, id: Option<i64>, out: &mut Outbox) {
    let scope = Scope { sid: subscription.sid, seq: Some(subscription.next_seq()) };
    let markets = match &subscription.filter {
        _ if subscription.skip_ticker_ack => None,
        Filter::All => Some(("market_tickers", Vec::new())),
        Filter::Only(markets) => {
            let ids: Option<Vec<&str>> = markets.values().map(Option::as_deref).collect();
            match ids {
                Some(ids) if !ids.is_empty() => Some(("market_ids", ids)),
                _ => Some(("market_tickers", markets.keys().map(String::as_str).collect())),
            }
        }
    };
    control::ok_markets(out, id, scope, markets.map(|(key, list)| (key, list.into_iter())));
}

/// Makes the filter of a command, refusing what the channel cannot be limited by.
fn new_filter(source: &impl Source, channel: Channel, markets: &Markets) -> Result<Filter, Refusal> {
    if !channel.is_filtered() {
        return Ok(Filter::All);
    }
    if channel == Channel::OrderbookDelta && markets.tickers.is_empty() {
        return Err(Refusal::standard(14));
    }
    if !markets.ids.is_empty() && !channel.accepts_market_ids() {
        let text = format!("Invalid parameter: {} takes market tickers only", channel.name());
        return Err(Refusal::with_text(11, text));
    }
    if markets.is_empty() {
        return Ok(Filter::All);
    }
    let mut only: BTreeMap<String, Option<String>> =
        markets.tickers.iter().map(|ticker| (ticker.clone(), None)).collect();
    for id in &markets.ids {
        let ticker = source
            .ticker_of(id)
            .ok_or_else(|| Refusal::with_text(11, format!("Invalid parameter: unknown market id {id}")))?;
        only.insert(ticker, Some(id.clone()));
    }
    if only.len() > MARKETS_MAX {
        return Err(Refusal::standard(26));
    }
    Ok(Filter::Only(only))
}

/// Adds a filter to another and returns the tickers that are new.
fn merge(into: &mut Filter, from: Filter) -> Result<Vec<String>, Refusal> {
    match (&mut *into, from) {
        (Filter::All, _) => Ok(Vec::new()),
        (Filter::Only(_), Filter::All) => {
            *into = Filter::All;
            Ok(Vec::new())
        }
        (Filter::Only(markets), Filter::Only(from)) => {
            let added: Vec<String> =
                from.keys().filter(|ticker| !markets.contains_key(*ticker)).cloned().collect();
            if markets.len().saturating_add(added.len()) > MARKETS_MAX {
                return Err(Refusal::standard(26));
            }
            markets.extend(from);
            Ok(added)
        }
    }
}

fn named(filter: &Filter) -> Vec<String> {
    match filter {
        Filter::All => Vec::new(),
        Filter::Only(markets) => markets.keys().cloned().collect(),
    }
}
