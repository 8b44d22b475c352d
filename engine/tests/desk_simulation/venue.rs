//! The exchange as a log: orders with all their versions, fills, settlements. A read that lags is the log up to an earlier
//! moment, so every kind of read can lag by its own amount. What it tells on the stream gathers in `news`.

use std::collections::{BTreeMap, HashMap, HashSet};

use outrigger_engine::domain::{Count, Money, Price, Side, SignedCount, TimeInForce, VenueTime, WallTime};
use outrigger_engine::venue::{
    CreateOrder, PrivateItem, ReportScope, SettlementRow, VenueBalance, VenueFill, VenueOrder,
    VenueOrderStatus, VenuePosition, VenueReport,
};

use crate::dice::Dice;
use crate::shared::contracts;

pub(crate) const TICKERS: [&str; 2] = ["KXA-1", "KXB-2"];
/// Fee of one fill in micro-dollars.
const FEE: i64 = 10_000;

/// One order with every state it had, and when it came to it.
pub(crate) struct Log {
    versions: Vec<(i64, VenueOrder)>,
    /// Another program changed it: nobody here can know how much is wanted.
    pub(crate) is_touched: bool,
    pub(crate) expires: bool,
}

impl Log {
    pub(crate) fn now(&self) -> &VenueOrder {
        &self.versions[self.versions.len() - 1].1
    }

    fn at(&self, ms: i64) -> Option<&VenueOrder> {
        self.versions.iter().rev().find(|(at, _)| *at <= ms).map(|(_, order)| order)
    }
}

/// How a write ended at the venue.
pub(crate) enum Verdict {
    Done(VenueOrder),
    /// An amend: the order, what the amend itself filled, and whether what rests is another size now.
    Amended(VenueOrder, Count, bool),
    Refused(&'static str),
    /// 409: the client's id was seen before.
    Exists,
    /// 404: executed, cancelled and never known read the same.
    NotFound,
}

/// The moments up to which the parts of a report see.
pub(crate) struct Sight {
    pub(crate) started: i64,
    pub(crate) as_of: i64,
    pub(crate) lists: i64,
    pub(crate) singles: i64,
    pub(crate) fills: i64,
    pub(crate) positions: i64,
    pub(crate) settlements: i64,
    pub(crate) balance: i64,
}

#[derive(Default)]
pub(crate) struct Venue {
    pub(crate) orders: Vec<Log>,
    by_client_id: HashMap<String, usize>,
    by_id: HashMap<String, usize>,
    spent: HashSet<String>,
    fills: Vec<VenueFill>,
    settled: Vec<SettlementRow>,
    closed: HashSet<&'static str>,
    /// Until when cancel-all also takes what is newly placed.
    tail_until: i64,
    pub(crate) news: Vec<PrivateItem>,
}

impl Venue {
    pub(crate) fn order_of(&self, client_id: &str) -> Option<&Log> {
        self.by_client_id.get(client_id).map(|at| &self.orders[*at])
    }

    pub(crate) fn fills_of(&self, order: &VenueOrder) -> impl Iterator<Item = &VenueFill> {
        self.fills.iter().filter(|fill| fill.venue_order_id == order.venue_order_id)
    }

    pub(crate) fn resting(&self) -> Vec<usize> {
        let rests = |at: &usize| self.orders[*at].now().status == VenueOrderStatus::Resting;
        (0..self.orders.len()).filter(rests).collect()
    }

    fn open(&mut self, create: &CreateOrder, is_ours: bool, now: i64) -> usize {
        let at = self.orders.len();
        let (id, client_id) = (format!("v{at}"), create.client_order_id.clone());
        self.by_id.insert(id.clone(), at);
        self.by_client_id.insert(client_id.as_str().to_owned(), at);
        let order = VenueOrder {
            venue_order_id: id.as_str().into(),
            client_order_id: Some(client_id),
            ticker: create.ticker.clone(),
            side: create.side,
            price: create.price,
            status: VenueOrderStatus::Resting,
            initial_count: create.count,
            fill_count: Count::ZERO,
            remaining_count: create.count,
            exchange_index: 0,
            created_ms: Some(VenueTime(now)),
            updated_ms: Some(VenueTime(now)),
            reason: None,
        };
        self.news.push(PrivateItem::Order(order.clone()));
        let expires = create.expiration_time.is_some();
        self.orders.push(Log { versions: vec![(now, order)], is_touched: !is_ours, expires });
        at
    }

    /// The order changes, its time of change grows, the stream hears of it.
    fn change(&mut self, at: usize, now: i64, change: impl FnOnce(&mut VenueOrder)) {
        let log = &mut self.orders[at];
        let mut order = log.now().clone();
        let last = order.updated_ms.map_or(0, |updated| updated.0);
        order.updated_ms = Some(VenueTime(now.max(last + 1)));
        change(&mut order);
        self.news.push(PrivateItem::Order(order.clone()));
        log.versions.push((now, order));
    }

    pub(crate) fn end(&mut self, at: usize, reason: &str, now: i64) {
        self.change(at, now, |order| {
            order.status = VenueOrderStatus::Canceled;
            order.remaining_count = Count::ZERO;
            order.reason = Some(reason.to_owned());
        });
    }

    /// Trades up to `size` of the order. Two orders of ours that meet share the `trade` id.
    pub(crate) fn fill(&mut self, at: usize, size: Count, trade: u64, now: i64) {
        let size = size.min(self.orders[at].now().remaining_count);
        if size.is_zero() {
            return;
        }
        self.change(at, now, |order| {
            order.fill_count = order.fill_count.checked_add(size).unwrap();
            order.remaining_count = order.remaining_count.saturating_sub(size);
            if order.remaining_count.is_zero() {
                order.status = VenueOrderStatus::Executed;
            }
        });
        let order = self.orders[at].now().clone();
        let mut fill = VenueFill {
            trade_id: format!("t{trade}").as_str().into(),
            venue_order_id: order.venue_order_id,
            client_order_id: order.client_order_id,
            ticker: order.ticker.clone(),
            side: order.side,
            price: order.price,
            count: size,
            fee: Money::from_micros(FEE),
            is_taker: false,
            ts_ms: VenueTime(now),
            post_position: None,
        };
        self.fills.push(fill.clone());
        let position = self.position(order.ticker.as_str(), now);
        fill.post_position = Some(position.position);
        self.news.extend([PrivateItem::Fill(fill), PrivateItem::Position(position)]);
    }

    pub(crate) fn next_trade(&self) -> u64 {
        self.fills.len() as u64
    }

    /// Takes an order in: whole, in part or not, as the dice and its terms have it.
    pub(crate) fn create(&mut self, create: &CreateOrder, dice: &mut Dice, now: i64) -> Verdict {
        if self.spent.contains(create.client_order_id.as_str()) {
            return Verdict::Exists;
        }
        if self.closed.contains(create.ticker.as_str()) {
            return Verdict::Refused("market_closed");
        }
        if dice.chance(8) {
            return Verdict::Refused("insufficient_balance");
        }
        self.spent.insert(create.client_order_id.as_str().to_owned());
        let is_killed = create.time_in_force == TimeInForce::FillOrKill && dice.chance(50);
        if is_killed {
            return Verdict::Refused("fill_or_kill_insufficient_resting_volume");
        }
        let at = self.open(create, true, now);
        let trade = self.next_trade();
        let some = contracts(dice.roll(create.count.hundredths() / 100 + 1));
        match create.time_in_force {
            TimeInForce::FillOrKill => self.fill(at, create.count, trade, now),
            TimeInForce::ImmediateOrCancel => {
                self.fill(at, some, trade, now);
                self.end_rest(at, "", now);
            }
            TimeInForce::GoodTillCanceled if create.post_only => {
                if dice.chance(30) {
                    self.end(at, "PostOnlyCrossCancel", now);
                }
            }
            TimeInForce::GoodTillCanceled => {
                if dice.chance(25) {
                    self.fill(at, some, trade, now);
                }
                if dice.chance(8) {
                    self.end_rest(at, "SelfTradeCancel", now);
                }
            }
        }
        let told = self.orders[at].now().clone();
        if now < self.tail_until {
            self.end_rest(at, "", now);
        }
        Verdict::Done(told)
    }

    fn end_rest(&mut self, at: usize, reason: &str, now: i64) {
        if self.orders[at].now().status == VenueOrderStatus::Resting {
            self.end(at, reason, now);
        }
    }

    fn find_resting(&self, id: &str) -> Option<usize> {
        let at = *self.by_id.get(id)?;
        (self.orders[at].now().status == VenueOrderStatus::Resting).then_some(at)
    }

    pub(crate) fn cancel(&mut self, id: &str, now: i64) -> Verdict {
        let Some(at) = self.find_resting(id) else { return Verdict::NotFound };
        self.end(at, "", now);
        Verdict::Done(self.orders[at].now().clone())
    }

    /// Sets price and total; a new price may cross.
    pub(crate) fn amend(&mut self, id: &str, terms: (Price, Count), dice: &mut Dice, now: i64) -> Verdict {
        let Some(at) = self.find_resting(id) else { return Verdict::NotFound };
        if dice.chance(10) {
            return Verdict::Refused("insufficient_balance");
        }
        let before = self.orders[at].now().clone();
        let rest = terms.1.saturating_sub(before.fill_count);
        self.change(at, now, |order| {
            (order.price, order.remaining_count, order.initial_count) = (terms.0, rest, terms.1);
        });
        if rest.is_zero() {
            self.end(at, "Amend", now);
        } else if terms.0 != before.price && dice.chance(40) {
            let trade = self.next_trade();
            self.fill(at, contracts(1 + dice.roll(4)), trade, now);
            if dice.chance(10) {
                self.end_rest(at, "SelfTradeCancel", now);
            }
        }
        let after = self.orders[at].now().clone();
        let filled = after.fill_count.saturating_sub(before.fill_count);
        let is_resized = after.remaining_count != before.remaining_count;
        Verdict::Amended(after, filled, is_resized)
    }

    pub(crate) fn decrease(&mut self, id: &str, reduce_to: Count, now: i64) -> Verdict {
        let Some(at) = self.find_resting(id) else { return Verdict::NotFound };
        if reduce_to > self.orders[at].now().remaining_count {
            return Verdict::Refused("invalid_order_size");
        }
        self.change(at, now, |order| order.remaining_count = reduce_to);
        if reduce_to.is_zero() {
            self.end(at, "Decrease", now);
        }
        Verdict::Done(self.orders[at].now().clone())
    }

    /// Another program places an order with the same account.
    pub(crate) fn foreign(&mut self, create: &CreateOrder, now: i64) {
        if !self.closed.contains(create.ticker.as_str()) {
            self.open(create, false, now);
        }
    }

    /// Another program changes an order, whoever placed it.
    pub(crate) fn foreign_amend(&mut self, at: usize, price: Price, rest: Count, now: i64) {
        self.orders[at].is_touched = true;
        self.change(at, now, |order| (order.price, order.remaining_count) = (price, rest));
    }

    /// Ends every resting order that `is_meant`.
    pub(crate) fn end_all(&mut self, reason: &str, now: i64, is_meant: impl Fn(&Log) -> bool) {
        for at in self.resting() {
            if is_meant(&self.orders[at]) {
                self.end(at, reason, now);
            }
        }
    }

    /// Cancels everything, and what is placed in the time after it.
    pub(crate) fn cancel_all(&mut self, now: i64, tail_ms: i64) {
        self.end_all("", now, |_| true);
        self.tail_until = now + tail_ms;
    }

    pub(crate) fn close(&mut self, ticker: &'static str, now: i64) {
        self.closed.insert(ticker);
        self.end_all("CloseCancel", now, |log| log.now().ticker.as_str() == ticker);
    }

    pub(crate) fn settle(&mut self, ticker: &'static str, now: i64) {
        self.close(ticker, now);
        if self.settled.iter().all(|row| row.ticker.as_str() != ticker) {
            let (result, zero) = ("yes".to_owned(), Money::ZERO);
            let settled_ms = VenueTime(now);
            let row = SettlementRow { ticker: ticker.into(), result, revenue: zero, fee: zero, settled_ms };
            self.settled.push(row);
        }
    }

    /// Returns contracts held, as known at `ms`.
    pub(crate) fn position(&self, ticker: &str, ms: i64) -> VenuePosition {
        let is_settled =
            self.settled.iter().any(|row| row.ticker.as_str() == ticker && row.settled_ms.0 <= ms);
        let fills = self.fills.iter().filter(|f| f.ticker.as_str() == ticker && f.ts_ms.0 <= ms);
        let position = fills.fold(SignedCount::ZERO, |sum, fill| {
            let size = fill.count.signed();
            sum.checked_add(if fill.side == Side::Bid { size } else { size.negated() }).unwrap()
        });
        let position = if is_settled { SignedCount::ZERO } else { position };
        VenuePosition { ticker: ticker.into(), position, realized_pnl: None, fees_paid: None, exposure: None }
    }

    /// Returns the fees paid in a market, in micro-dollars.
    pub(crate) fn fees(&self, ticker: &str) -> i64 {
        self.fills.iter().filter(|fill| fill.ticker.as_str() == ticker).map(|fill| fill.fee.micros()).sum()
    }

    /// Returns cash as known at `ms`, beginning with nothing.
    pub(crate) fn cash(&self, ms: i64) -> Money {
        let fills = self.fills.iter().filter(|fill| fill.ts_ms.0 <= ms);
        let sum = fills.fold(0, |sum, fill| {
            let cost = Money::notional(fill.price, fill.count).unwrap().micros();
            sum + if fill.side == Side::Bid { -cost } else { cost } - fill.fee.micros()
        });
        Money::from_micros(sum)
    }

    /// What the venue lists for `scope`, each part as it saw things at its own moment.
    pub(crate) fn report(&self, scope: ReportScope, sight: &Sight) -> VenueReport {
        let since = scope.since.map_or(i64::MIN, |since| since.0.div_euclid(1_000) * 1_000);
        let mut orders = BTreeMap::new();
        for order in self.orders.iter().filter_map(|log| log.at(sight.lists)) {
            let is_young = order.created_ms.is_some_and(|created| created.0 >= since);
            if order.status == VenueOrderStatus::Resting || is_young {
                orders.insert(order.venue_order_id.clone(), order.clone());
            }
        }
        let mut orders_not_found = Vec::new();
        for id in &scope.orders {
            if orders.contains_key(id) {
                continue;
            }
            match self.by_id.get(id.as_str()).and_then(|at| self.orders[*at].at(sight.singles)) {
                Some(order) => drop(orders.insert(id.clone(), order.clone())),
                None => orders_not_found.push(id.clone()),
            }
        }
        let is_read = |fill: &&VenueFill| {
            fill.ts_ms.0 <= sight.fills
                && (fill.ts_ms.0 >= since || scope.fills_of.contains(&fill.venue_order_id))
        };
        let row = |fill: &VenueFill| VenueFill { client_order_id: None, ..fill.clone() };
        let fills = self.fills.iter().rev().filter(is_read).map(row).collect();
        let rows = self.settled.iter().filter(|row| row.settled_ms.0 <= sight.settlements);
        VenueReport {
            started: WallTime(sight.started * 1000),
            as_of: VenueTime(sight.as_of),
            orders: orders.into_values().collect(),
            orders_not_found,
            fills,
            positions: TICKERS.iter().map(|ticker| self.position(ticker, sight.positions)).collect(),
            settlements: rows.filter(|row| row.settled_ms.0 >= since).cloned().collect(),
            balance: VenueBalance { cash: self.cash(sight.balance), ..VenueBalance::default() },
            scope,
        }
    }
}
