//! Which subscriptions a session has asked for, which were acknowledged, and how books are healed. Pure: frames as text out.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::domain::{Monotonic, SubscriptionId, Ticker};
use outrigger_engine::venue::Channel;

use super::super::wire::command::{Action, Command, CommandFrame};

/// Tickers in one command.
const TICKERS_MAX: usize = 500;
/// Snapshot requests without a snapshot before the subscription is made anew, and how often that may happen.
const SNAPSHOT_ASKS_MAX: u32 = 3;
const RESUBSCRIBE_EVERY_MS: u64 = 30_000;
/// The venue ended the subscription: channel error, slow reader.
const ENDING_CODES: [i64; 2] = [10, 25];

/// What a frame said of subscriptions.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    Nothing,
    Snapshot(u64),
    Subscribed { id: Option<u64>, sid: u64, channel: Channel },
    Refused { id: Option<u64>, sid: Option<u64>, code: i64, message: String },
}

/// Channels of the account: no markets to name.
const ACCOUNT: [Channel; 4] =
    [Channel::Fill, Channel::UserOrders, Channel::MarketPositions, Channel::MarketLifecycle];
/// Channels of a market: subscribed by ticker.
const MARKET: [Channel; 3] = [Channel::OrderbookDelta, Channel::Trade, Channel::Ticker];

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    next_id: u64,
    awaited: BTreeMap<u64, Channel>,
    sids: BTreeMap<Channel, u64>,
    /// Markets to add once the subscription they belong to has its number.
    pending: BTreeMap<Channel, Vec<Ticker>>,
    snapshot_asks: u32,
    resubscribed: Option<Monotonic>,
    broken: Option<String>,
}

const fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::OrderbookDelta => "orderbook_delta",
        Channel::Ticker => "ticker",
        Channel::Trade => "trade",
        Channel::Fill => "fill",
        Channel::UserOrders => "user_orders",
        Channel::MarketPositions => "market_positions",
        Channel::MarketLifecycle => "market_lifecycle_v2",
    }
}

impl Subscriptions {
    /// Returns the first commands of a connection: the account's channels, then the wanted markets.
    pub(super) fn first(&mut self, wanted: &BTreeSet<Ticker>) -> Vec<String> {
        let mut frames: Vec<String> =
            ACCOUNT.into_iter().map(|channel| self.subscribe(channel, &[])).collect();
        let wanted: Vec<Ticker> = wanted.iter().cloned().collect();
        frames.extend(self.add(&wanted));
        frames
    }

    /// Returns the commands that add markets: a subscription where there is none yet, else an update of it.
    pub(super) fn add(&mut self, tickers: &[Ticker]) -> Vec<String> {
        let mut frames = Vec::new();
        for chunk in tickers.chunks(TICKERS_MAX) {
            for channel in MARKET {
                if let Some(sid) = self.sids.get(&channel).copied() {
                    frames.push(self.update(sid, Action::AddMarkets, chunk));
                } else if self.awaited.values().any(|awaited| *awaited == channel) {
                    self.pending.entry(channel).or_default().extend_from_slice(chunk);
                } else {
                    frames.push(self.subscribe(channel, chunk));
                }
            }
        }
        frames
    }

    /// Takes in what a frame said.
    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Nothing => {}
            Told::Snapshot(sid) => {
                if self.sids.get(&Channel::OrderbookDelta) == Some(&sid) {
                    self.snapshot_asks = 0;
                }
            }
            Told::Subscribed { id, sid, channel } => {
                self.sids.insert(channel, sid);
                let answered = id.filter(|id| self.awaited.get(id) == Some(&channel));
                match answered {
                    Some(id) => drop(self.awaited.remove(&id)),
                    None => self.awaited.retain(|_, awaited| *awaited != channel),
                }
            }
            Told::Refused { id, sid, code, message } => {
                if let Some(id) = id {
                    self.awaited.remove(&id);
                }
                if sid.is_some() && ENDING_CODES.contains(&code) {
                    self.broken = Some(format!("the exchange ended a subscription: {code} {message}"));
                }
            }
        }
    }

    /// Returns updates that waited for a subscription's number.
    pub(super) fn due(&mut self) -> Vec<String> {
        let ready: Vec<(u64, Vec<Ticker>)> = MARKET
            .into_iter()
            .filter_map(|channel| Some((*self.sids.get(&channel)?, self.pending.remove(&channel)?)))
            .collect();
        let mut frames = Vec::new();
        for (sid, tickers) in ready {
            for chunk in tickers.chunks(TICKERS_MAX) {
                frames.push(self.update(sid, Action::AddMarkets, chunk));
            }
        }
        frames
    }

    /// Returns the commands that heal books: a snapshot request, or, when those are not answered, a new subscription.
    pub(super) fn snapshot(
        &mut self,
        sid: SubscriptionId,
        tickers: &[Ticker],
        wanted: &BTreeSet<Ticker>,
        now: Monotonic,
    ) -> Vec<String> {
        if self.sids.get(&Channel::OrderbookDelta) != Some(&sid.0) {
            return Vec::new();
        }
        self.snapshot_asks += 1;
        let rested = self.resubscribed.is_none_or(|last| now.millis_since(last) >= RESUBSCRIBE_EVERY_MS);
        if self.snapshot_asks <= SNAPSHOT_ASKS_MAX || !rested {
            return tickers
                .chunks(TICKERS_MAX)
                .map(|chunk| self.update(sid.0, Action::GetSnapshot, chunk))
                .collect();
        }
        tracing::warn!(sid = sid.0, "snapshots do not come; subscribing the books anew");
        self.snapshot_asks = 0;
        self.resubscribed = Some(now);
        self.sids.remove(&Channel::OrderbookDelta);
        let unsubscribe = self.frame(Command::Unsubscribe { sids: [sid.0] });
        let wanted: Vec<Ticker> = wanted.iter().cloned().collect();
        let mut frames = vec![unsubscribe];
        let mut chunks = wanted.chunks(TICKERS_MAX);
        if let Some(first) = chunks.next() {
            frames.push(self.subscribe(Channel::OrderbookDelta, first));
        }
        for chunk in chunks {
            self.pending.entry(Channel::OrderbookDelta).or_default().extend_from_slice(chunk);
        }
        frames
    }

    pub(super) fn are_acknowledged(&self) -> bool {
        self.awaited.is_empty()
    }

    /// Returns why the connection must be given up, if a subscription was ended by the venue.
    pub(super) fn broken(&mut self) -> Option<String> {
        self.broken.take()
    }

    fn subscribe(&mut self, channel: Channel, tickers: &[Ticker]) -> String {
        let is_book = channel == Channel::OrderbookDelta;
        let is_ticker = channel == Channel::Ticker;
        self.awaited.insert(self.next_id + 1, channel);
        self.frame(Command::Subscribe {
            channels: [name(channel)],
            market_tickers: (!tickers.is_empty()).then(|| tickers.iter().map(Ticker::as_str).collect()),
            use_yes_price: is_book.then_some(false),
            send_initial_snapshot: is_ticker.then_some(true),
            skip_ticker_ack: None,
        })
    }

    fn update(&mut self, sid: u64, action: Action, tickers: &[Ticker]) -> String {
        let market_tickers = tickers.iter().map(Ticker::as_str).collect();
        self.frame(Command::UpdateSubscription { sids: [sid], action, market_tickers })
    }

    fn frame(&mut self, command: Command<'_>) -> String {
        self.next_id += 1;
        CommandFrame { id: self.next_id, command }.text()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use outrigger_engine::domain::{Monotonic, SubscriptionId, Ticker};
    use outrigger_engine::venue::Channel;

    use super::{Subscriptions, Told};

    fn tickers(names: &[&str]) -> Vec<Ticker> {
        names.iter().map(|name| Ticker::from(*name)).collect()
    }

    fn subscribed(id: u64, sid: u64, channel: Channel) -> Told {
        Told::Subscribed { id: Some(id), sid, channel }
    }

    #[test]
    fn markets_wanted_before_the_acknowledgement_are_added_after_it() {
        let mut subscriptions = Subscriptions::default();
        let first = subscriptions.first(&tickers(&["A"]).into_iter().collect());
        assert_eq!(first.len(), 7);
        assert!(first.iter().any(|frame| frame.contains(r#""use_yes_price":false"#)));
        assert!(subscriptions.add(&tickers(&["B"])).is_empty());
        assert!(subscriptions.due().is_empty());
        subscriptions.told(subscribed(5, 1, Channel::OrderbookDelta));
        let due = subscriptions.due();
        assert_eq!(due.len(), 1);
        assert!(due.first().unwrap().contains("add_markets") && due.first().unwrap().contains("\"B\""));
        assert!(!subscriptions.are_acknowledged());
    }

    #[test]
    fn unanswered_snapshot_requests_lead_to_one_new_subscription_and_no_storm() {
        let mut subscriptions = Subscriptions::default();
        let wanted: BTreeSet<Ticker> = tickers(&["A"]).into_iter().collect();
        subscriptions.first(&wanted);
        subscriptions.told(subscribed(5, 1, Channel::OrderbookDelta));
        let mut made_anew = 0;
        for second in 0..60 {
            let now = Monotonic(second * 1_000_000_000);
            let frames = subscriptions.snapshot(SubscriptionId(1), &tickers(&["A"]), &wanted, now);
            if frames.iter().any(|frame| frame.contains("unsubscribe")) {
                made_anew += 1;
                subscriptions.told(subscribed(99, 1, Channel::OrderbookDelta));
            }
        }
        assert_eq!(made_anew, 2);
    }

    #[test]
    fn an_ended_subscription_ends_the_connection() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.told(Told::Refused { id: None, sid: Some(1), code: 25, message: "slow".into() });
        assert!(subscriptions.broken().unwrap().contains("25"));
        subscriptions.told(Told::Refused { id: Some(3), sid: None, code: 8, message: "no channel".into() });
        assert!(subscriptions.broken().is_none());
    }
}
