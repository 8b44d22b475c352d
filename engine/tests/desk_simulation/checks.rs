//! The promises, looked at from outside: what leaves, what clients are told, what the desk holds against what the venue has.

use std::collections::BTreeMap;

use outrigger_engine::desk::WaiterId;
use outrigger_engine::desk::command::{DeskAnswer, DeskError};
use outrigger_engine::desk::view::{OrderStatus, OrderView};
use outrigger_engine::domain::{Count, OrderId};
use outrigger_engine::journal::{HaltMode, NewOrder, OrderSource};
use outrigger_engine::order::OrderRecord;
use outrigger_engine::stream::Announcement;
use outrigger_engine::venue::VenueOrderStatus;

use crate::venue::TICKERS;
use crate::world::{World, note};

/// What a client waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    Place { key: u64, order_id: OrderId },
    Change,
    CancelAll,
    Halt(u64),
}

/// What clients asked and were told: what must never be taken back.
#[derive(Default)]
pub(crate) struct Told {
    /// The first request with each key, and the key of each client id.
    pub(crate) requests: BTreeMap<u64, NewOrder>,
    pub(crate) keys: BTreeMap<String, u64>,
    /// The recorded answer of each key.
    answers: BTreeMap<u64, OrderView>,
    orders: BTreeMap<OrderId, OrderView>,
    /// How many orders each key has at the venue.
    made: BTreeMap<u64, u32>,
    /// Fills recorded of each order when last looked at.
    fills: BTreeMap<OrderId, Count>,
    pub(crate) is_halted: bool,
    halts: u64,
    last_halt: HaltMode,
}

impl Told {
    /// Notes that a halt mode is asked for. Any other mode than halted may take effect from now on.
    pub(crate) fn halt_asked(&mut self, mode: HaltMode) -> u64 {
        self.halts += 1;
        self.last_halt = mode;
        self.is_halted &= mode == HaltMode::Halted;
        self.halts
    }
}

impl World {
    /// A create is about to be executed.
    pub(crate) fn create_arrives(&mut self, client_id: &str) {
        if !self.durable_ids.contains(client_id) {
            self.fail("I6", || format!("{client_id} reached the venue and its intent is not durable"));
        }
        if self.at_venue(client_id).is_some() {
            return;
        }
        let rejected = |order: &&OrderRecord| {
            order.client_order_id.as_ref().is_some_and(|id| id.as_str() == client_id)
                && order.status == OrderStatus::Rejected
        };
        if self.desk.state().orders.values().any(|order| rejected(&order)) {
            self.fail("I4", || format!("{client_id} was called rejected, and now it arrives"));
        }
    }

    pub(crate) fn replied(&mut self, waiter: WaiterId, answer: DeskAnswer) {
        note!(self, "told {waiter:?}: {answer:?}");
        let Some(asked) = self.asked.remove(&waiter) else {
            self.fail("I2", || format!("{waiter:?} was told twice, or nothing was asked"));
            return;
        };
        match (asked, answer) {
            (Asked::Place { key, .. }, DeskAnswer::Order { order, .. }) => {
                self.told_answer(key, &order);
                self.told(&order);
            }
            (_, DeskAnswer::Order { order, .. }) => self.told(&order),
            (_, DeskAnswer::Canceled { orders }) => orders.iter().for_each(|order| self.told(order)),
            (Asked::Halt(number), DeskAnswer::Halt { mode }) => {
                if number == self.told.halts && mode == HaltMode::Halted {
                    self.told.is_halted = true;
                }
            }
            (Asked::Place { order_id, key }, DeskAnswer::Rejected(error)) => {
                self.told_error(key, order_id, &error)
            }
            (Asked::Change | Asked::CancelAll | Asked::Halt(_), DeskAnswer::Rejected(_)) => {}
            (asked, answer) => self.fail("I2", || format!("{asked:?} was answered {answer:?}")),
        }
    }

    /// The same key gets the same answer for ever, once there is one.
    fn told_answer(&mut self, key: u64, order: &OrderView) {
        if matches!(order.status, OrderStatus::Pending | OrderStatus::Unknown) {
            return;
        }
        let first = self.told.answers.entry(key).or_insert_with(|| order.clone()).clone();
        if first != *order {
            self.fail("I2", || format!("key k{key} was answered {first:?} and then {order:?}"));
        }
    }

    fn told_error(&mut self, key: u64, order_id: OrderId, error: &DeskError) {
        let (refused, id) = match error {
            DeskError::VenueRefused { order_id, .. } => (true, *order_id),
            DeskError::NotSent { order_id, .. } => (true, *order_id),
            _ => (false, order_id),
        };
        let client_id = self.desk.state().orders.get(&id).and_then(|order| order.client_order_id.clone());
        if let Some(client_id) = client_id.filter(|_| refused)
            && self.at_venue(client_id.as_str()).is_some()
        {
            self.fail("I4", || format!("k{key} was told {error:?}, and the venue has it"));
        }
    }

    pub(crate) fn published(&mut self, announcement: &Announcement) {
        match announcement {
            Announcement::Order(order) => self.told(order),
            Announcement::Alert(alert) => note!(self, "alert {} {}", alert.code, alert.message),
            _ => {}
        }
    }

    /// Somebody was shown the order like this.
    fn told(&mut self, order: &OrderView) {
        self.told.orders.insert(order.order_id, order.clone());
    }

    /// After a crash: nothing anybody was told is forgotten or weaker now, and an acknowledged halt stands.
    pub(crate) fn check_memory(&mut self) {
        let mut lost = None;
        for (id, told) in &self.told.orders {
            // Fills make the whole of an order as far as is known here; another program may have made it larger.
            let client_id = told.client_order_id.as_ref();
            let log = client_id.and_then(|id| self.venue.order_of(id.as_str()));
            let is_touched = log.is_some_and(|log| log.is_touched);
            let kept = self.desk.state().orders.get(id).is_some_and(|order| {
                let has_end = order.status == told.status || is_touched;
                order.filled_count() >= told.filled
                    && (has_end || !told.status.is_final())
                    && (order.venue_order_id.is_some() || told.venue_order_id.is_none())
                    && (order.status != OrderStatus::Pending || told.status == OrderStatus::Pending)
            });
            if !kept {
                lost = Some((*id, told.clone()));
            }
        }
        if let Some((id, told)) = lost {
            let now = self.desk.state().orders.get(&id).map(OrderRecord::view);
            self.fail("I2", || format!("told {told:?}, after the crash it is {now:?}"));
        }
        if self.told.is_halted && self.desk.state().halt != HaltMode::Halted {
            self.fail("I9", || "an acknowledged halt is gone after the crash".to_owned());
        }
        self.told.fills.clear();
    }

    /// Looks at every promise that can be looked at from here.
    pub(crate) fn check(&mut self) {
        if self.broken.is_some() {
            return;
        }
        let wrong = self.desk.state().orders.values().find_map(|order| self.wrong(order));
        if let Some((promise, how)) = wrong {
            self.fail(promise, || how);
            return;
        }
        for order in self.desk.state().orders.values() {
            self.told.fills.insert(order.order_id, order.fills_recorded);
        }
        for ticker in TICKERS {
            let paid = self.desk.state().holdings.get(ticker).map_or(0, |held| held.fees.micros());
            let fees = self.venue.fees(ticker);
            if paid > fees {
                self.fail("I3", || format!("{ticker}: paid {paid}, the venue took {fees}"));
            }
        }
        self.check_one_per_intent();
    }

    /// Tells what is wrong with what the desk holds of one order, if anything is.
    fn wrong(&self, order: &OrderRecord) -> Option<(&'static str, String)> {
        if self.told.fills.get(&order.order_id).is_some_and(|before| *before > order.fills_recorded) {
            return Some(("I3", format!("fills went away: {order:?}")));
        }
        if order.source == OrderSource::External {
            return None;
        }
        let log = self.venue.order_of(order.client_order_id.as_ref()?.as_str());
        let Some(log) = log else {
            let is_claimed =
                matches!(order.status, OrderStatus::Resting | OrderStatus::Executed | OrderStatus::Canceled);
            return is_claimed.then(|| ("I4", format!("the venue has no such order: {order:?}")));
        };
        let theirs = log.now();
        let against = || format!("ours {order:?}\ntheirs {theirs:?}");
        if order.fills_recorded > theirs.fill_count {
            return Some(("I3", against()));
        }
        let is_false_end = match order.status {
            OrderStatus::Rejected => true,
            OrderStatus::Executed => theirs.status != VenueOrderStatus::Executed && !log.is_touched,
            OrderStatus::Canceled => theirs.status != VenueOrderStatus::Canceled,
            OrderStatus::Pending | OrderStatus::Resting | OrderStatus::Unknown => false,
        };
        let is_missed_risk = !order.status.is_final()
            && theirs.status == VenueOrderStatus::Resting
            && !log.is_touched
            && order.at_risk() < theirs.remaining_count;
        (is_false_end || is_missed_risk).then(|| ("I4", against()))
    }

    fn check_one_per_intent(&mut self) {
        let many = self.told.made.values().sum::<u32>() as usize;
        if many == self.venue.orders.len() {
            return;
        }
        let fresh: Vec<String> = self.venue.orders[many..]
            .iter()
            .filter_map(|log| log.now().client_order_id.as_ref().map(|id| id.as_str().to_owned()))
            .collect();
        for client_id in fresh {
            // What others placed has key 0.
            let key = self.told.keys.get(&client_id).copied().unwrap_or(0);
            let made = self.told.made.entry(key).or_default();
            *made += 1;
            if *made > 1 && key != 0 {
                self.fail("I1", || format!("the intent k{key} has two orders at the venue"));
            }
        }
    }

    /// At the end everything equals the venue (I5), and every fill is there once (I3).
    pub(crate) fn compare(&mut self) {
        let now = self.venue_ms();
        let mut wrong = Vec::new();
        for order in self.desk.state().orders.values() {
            let Some(client_id) = &order.client_order_id else { continue };
            let log = self.venue.order_of(client_id.as_str());
            let expected = match log.map(|log| log.now().status) {
                None => OrderStatus::Rejected,
                Some(VenueOrderStatus::Resting) => OrderStatus::Resting,
                Some(VenueOrderStatus::Executed) => OrderStatus::Executed,
                Some(VenueOrderStatus::Canceled) => OrderStatus::Canceled,
            };
            let fills = log.map_or(Count::ZERO, |log| log.now().fill_count);
            let is_same_rest = expected != OrderStatus::Resting
                || log.is_some_and(|log| order.remaining() == log.now().remaining_count);
            let is_open_change = !order.changes.is_empty() && order.status.is_final();
            if order.status != expected || order.fills_recorded != fills || !is_same_rest || is_open_change {
                wrong.push(format!("ours {order:?}\ntheirs {:?}", log.map(crate::venue::Log::now)));
            }
        }
        for log in &self.venue.orders {
            let theirs = log.now();
            if self.desk.state().find(&theirs.venue_order_id, theirs.client_order_id.as_ref()).is_none() {
                let fills = self.venue.fills_of(theirs).count();
                wrong.push(format!("not known here, with {fills} fills: {theirs:?}"));
            }
        }
        for ticker in TICKERS {
            let held = self.desk.state().holdings.get(ticker).copied().unwrap_or_default();
            let (net, fees) = (self.venue.position(ticker, now).position, self.venue.fees(ticker));
            if (held.net, held.fees.micros()) != (net, fees) {
                wrong.push(format!("{ticker}: ours {held:?}, the venue's {net} and {fees}"));
            }
        }
        let cash = self.desk.state().balance.as_ref().map(|balance| balance.cash);
        if cash != Some(self.venue.cash(now)) {
            wrong.push(format!("cash: ours {cash:?}, the venue's {}", self.venue.cash(now)));
        }
        if let Some(first) = wrong.into_iter().next() {
            self.fail("I5", || first);
        }
    }
}
