//! The account as the journal tells it. `apply` is the only way it changes, live and at replay alike.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::view::{BalanceView, FillView, OrderView, PositionView, SettlementView, ShardCash};
use crate::domain::{
    ClientOrderId, Count, IdempotencyKey, Money, OrderId, Side, SignedCount, Ticker, TradeId, VenueOrderId,
    VenueTime, WallTime,
};
use crate::journal::{Entry, HaltMode, StoredEntry};
use crate::order::{Change, OrderEvent, OrderRecord};
use crate::planted::{Bug, has};
use crate::venue::{SettlementRow, VenueBalance, VenueFill, WriteKind, WriteOutcome};

/// One market's holding.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Holding {
    pub net: SignedCount,
    pub fees: Money,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeskState {
    pub orders: BTreeMap<OrderId, OrderRecord>,
    /// Those of `orders` that are not final.
    open: BTreeSet<OrderId>,
    by_client_id: HashMap<ClientOrderId, OrderId>,
    by_venue_id: HashMap<VenueOrderId, OrderId>,
    by_key: HashMap<IdempotencyKey, OrderId>,
    /// A self-trade gives two fills with one trade id, so the order belongs to the key.
    fills_seen: HashSet<(TradeId, OrderId)>,
    pub holdings: BTreeMap<Ticker, Holding>,
    settled: HashSet<Ticker>,
    /// Orders of which the venue says more filled than the fills recorded here make.
    short: BTreeSet<OrderId>,
    /// Orders whose end was concluded from their fills and not told yet.
    concluded: BTreeSet<OrderId>,
    /// The watermark: venue time of a report after which nothing older was left to read.
    pub reconciled_as_of: Option<VenueTime>,
    pub balance: Option<BalanceView>,
    pub halt: HaltMode,
    pub halt_reason: String,
    /// Sequence of the last entry applied.
    pub seq: u64,
}

impl DeskState {
    /// Applies one entry. Total: an entry about an order that is not known changes nothing.
    pub fn apply(&mut self, stored: &StoredEntry) {
        self.seq = stored.seq;
        let at = stored.at;
        match &stored.entry {
            Entry::IntentRecorded { order } => {
                self.by_client_id.insert(order.client_order_id.clone(), order.order_id);
                self.by_key.insert(order.idempotency_key.clone(), order.order_id);
                self.orders.insert(order.order_id, OrderRecord::from_intent(order, at));
            }
            Entry::OrderAdopted { order_id, order } => {
                if let Some(id) = &order.client_order_id {
                    self.by_client_id.insert(id.clone(), *order_id);
                }
                self.by_venue_id.insert(order.venue_order_id.clone(), *order_id);
                self.orders.insert(*order_id, OrderRecord::from_venue(*order_id, order, at));
            }
            Entry::ChangeRequested { order_id, attempt, change, price, count } => {
                let (kind, price, count) = (*change, *price, *count);
                if let Some(order) = self.orders.get_mut(order_id) {
                    let (attempt, count_before) = (*attempt, order.count);
                    let change = Change { attempt, kind, price, count, count_before, unanswered_since: None };
                    order.change_requested(change, at);
                }
            }
            Entry::WriteEnded { order_id, attempt, write, outcome } => {
                self.write_ended(*order_id, *attempt, *write, outcome, at);
            }
            Entry::VenueOrderSeen { order_id, order } => {
                self.by_venue_id.insert(order.venue_order_id.clone(), *order_id);
                if let Some(record) = self.orders.get_mut(order_id) {
                    record.seen(order, at);
                }
            }
            Entry::ChangeSettled { order_id, attempt, applied } => {
                if let Some(order) = self.orders.get_mut(order_id) {
                    order.change_settled(*attempt, *applied, at);
                }
            }
            Entry::OrderAbsent { order_id, .. } => {
                if let Some(order) = self.orders.get_mut(order_id) {
                    order.on(OrderEvent::ProvenAbsent, at);
                    order.reason = Some("never reached the exchange".to_owned());
                }
            }
            Entry::FillRecorded { order_id, fill } => self.fill_recorded(*order_id, fill, at),
            Entry::PositionCorrected { ticker, to, .. } => {
                self.holdings.entry(ticker.clone()).or_default().net = *to;
            }
            Entry::Settled { row } => {
                self.settled.insert(row.ticker.clone());
                self.holdings.entry(row.ticker.clone()).or_default().net = SignedCount::ZERO;
            }
            Entry::BalanceRead { balance, as_of } => self.balance = Some(balance_view(balance, *as_of)),
            Entry::Reconciled { as_of } => self.reconciled_as_of = Some(*as_of),
            Entry::HaltSet { mode, reason } => {
                self.halt = *mode;
                self.halt_reason.clone_from(reason);
            }
            Entry::Answered { order_id, answer } => {
                if let Some(order) = self.orders.get_mut(order_id) {
                    order.answer = Some(answer.clone());
                }
            }
        }
        self.index(&stored.entry);
    }

    /// Keeps the sets of orders that need something in line with the order `entry` is about.
    fn index(&mut self, entry: &Entry) {
        let Some(order) = entry.order_id().and_then(|id| self.orders.get(&id)) else { return };
        let put = |set: &mut BTreeSet<OrderId>, is_in: bool| {
            if is_in { set.insert(order.order_id) } else { set.remove(&order.order_id) }
        };
        put(&mut self.open, !order.status.is_final());
        put(&mut self.short, order.misses_fills());
        put(&mut self.concluded, order.is_concluded);
    }

    fn write_ended(
        &mut self,
        id: OrderId,
        attempt: u64,
        write: WriteKind,
        outcome: &WriteOutcome,
        at: WallTime,
    ) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        match (write, outcome) {
            (WriteKind::Create, WriteOutcome::Accepted(accepted)) => {
                self.by_venue_id.insert(accepted.venue_order_id.clone(), id);
                order.accepted(accepted, at);
            }
            (WriteKind::Create, WriteOutcome::Refused(refusal)) => {
                order.refusal = Some(refusal.clone());
                order.on(OrderEvent::Refused, at);
                order.reason = Some(format!("{}: {}", refusal.code, refusal.message));
            }
            (WriteKind::Create, WriteOutcome::Unknown { reason }) => {
                order.on(OrderEvent::NoAnswer, at);
                order.unknown_since = Some(at);
                order.reason = Some(reason.clone());
            }
            (WriteKind::Create, WriteOutcome::NotSent { reason }) => {
                order.on(OrderEvent::NotSent, at);
                order.reason = Some(format!("not sent: {reason}"));
                // Nothing left this machine, so the same request may be tried afresh.
                if let Some(key) = &order.idempotency_key {
                    self.by_key.remove(key);
                }
                if let Some(client_id) = &order.client_order_id {
                    self.by_client_id.remove(client_id);
                }
            }
            (_, WriteOutcome::Accepted(accepted)) => order.change_accepted(attempt, write, accepted, at),
            (_, WriteOutcome::Refused(_) | WriteOutcome::NotSent { .. }) => order.change_failed(attempt, at),
            (_, WriteOutcome::Unknown { .. }) => order.change_unanswered(attempt, at),
        }
    }

    fn fill_recorded(&mut self, order_id: OrderId, fill: &VenueFill, at: WallTime) {
        let is_new = self.fills_seen.insert((fill.trade_id.clone(), order_id));
        if !is_new && !has(Bug::FillCountedTwice) {
            return;
        }
        if let Some(order) = self.orders.get_mut(&order_id) {
            self.by_venue_id.insert(fill.venue_order_id.clone(), order_id);
            order.filled(fill, at);
        }
        let holding = self.holdings.entry(fill.ticker.clone()).or_default();
        let change = match fill.side {
            Side::Bid => fill.count.signed(),
            Side::Ask => fill.count.signed().negated(),
        };
        // What a settled market held is gone, whenever its fills come.
        if !self.settled.contains(&fill.ticker) {
            holding.net = holding.net.checked_add(change).unwrap_or(holding.net);
        }
        holding.fees = holding.fees.checked_add(fill.fee).unwrap_or(holding.fees);
    }

    /// Finds the order a venue record is about.
    pub fn find(&self, venue_id: &VenueOrderId, client_id: Option<&ClientOrderId>) -> Option<OrderId> {
        let by_venue = self.by_venue_id.get(venue_id);
        by_venue.or_else(|| client_id.and_then(|id| self.by_client_id.get(id))).copied()
    }

    pub fn order_of_key(&self, key: &IdempotencyKey) -> Option<&OrderRecord> {
        self.by_key.get(key).and_then(|id| self.orders.get(id))
    }

    pub fn order_of_client_id(&self, id: &ClientOrderId) -> Option<OrderId> {
        self.by_client_id.get(id).copied()
    }

    pub fn has_fill(&self, trade: &TradeId, order: OrderId) -> bool {
        !has(Bug::FillCountedTwice) && self.fills_seen.contains(&(trade.clone(), order))
    }

    pub fn is_settled(&self, ticker: &Ticker) -> bool {
        self.settled.contains(ticker)
    }

    pub fn open_orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.open.iter().filter_map(|id| self.orders.get(id))
    }

    /// Returns orders of which the venue says more filled than the fills recorded here make.
    pub fn short_orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.short.iter().filter_map(|id| self.orders.get(id))
    }

    /// Returns orders whose end was concluded from their fills and not told yet.
    pub fn concluded_orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.concluded.iter().filter_map(|id| self.orders.get(id))
    }

    /// Returns contracts that may still trade on `side` of `ticker`, without `except`.
    pub fn working(&self, ticker: &Ticker, side: Side, except: Option<OrderId>) -> Count {
        let same = |o: &&OrderRecord| o.ticker == *ticker && o.side == side && Some(o.order_id) != except;
        let add = |sum: Count, o: &OrderRecord| sum.checked_add(o.at_risk()).unwrap_or(Count::MAX);
        self.open_orders().filter(same).fold(Count::ZERO, add)
    }

    /// Returns the orders `entries` are about, each once, as they stand now.
    pub fn views_of(&self, entries: &[StoredEntry]) -> Vec<OrderView> {
        let ids: BTreeSet<OrderId> = entries.iter().filter_map(|stored| stored.entry.order_id()).collect();
        ids.iter().filter_map(|id| self.orders.get(id)).map(OrderRecord::view).collect()
    }

    pub fn position_view(&self, ticker: &Ticker) -> PositionView {
        let holding = self.holdings.get(ticker).copied().unwrap_or_default();
        PositionView {
            ticker: ticker.clone(),
            position: holding.net,
            fees_paid: holding.fees,
            working_bid: self.working(ticker, Side::Bid, None),
            working_ask: self.working(ticker, Side::Ask, None),
        }
    }
}

pub(crate) fn fill_view(order_id: OrderId, fill: &VenueFill) -> FillView {
    FillView {
        trade_id: fill.trade_id.clone(),
        order_id,
        venue_order_id: fill.venue_order_id.clone(),
        ticker: fill.ticker.clone(),
        side: fill.side,
        price: fill.price,
        count: fill.count,
        fee: fill.fee,
        is_taker: fill.is_taker,
        ts_ms: fill.ts_ms,
    }
}

pub(crate) fn settlement_view(row: &SettlementRow) -> SettlementView {
    let SettlementRow { ticker, result, revenue, fee, settled_ms } = row.clone();
    SettlementView { ticker, result, revenue, fee, settled_ms }
}

fn balance_view(balance: &VenueBalance, as_of: VenueTime) -> BalanceView {
    let shard = |&(exchange_index, cash): &(i64, Money)| ShardCash { exchange_index, cash };
    BalanceView {
        cash: balance.cash,
        portfolio_value: balance.portfolio_value,
        by_shard: balance.by_shard.iter().map(shard).collect(),
        as_of_ms: as_of,
    }
}
