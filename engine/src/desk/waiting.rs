//! Who waits for which order. Not journalled: after a restart nobody waits.

use std::collections::BTreeMap;

use super::step::WaiterId;
use crate::domain::OrderId;

/// What a waiter wants to know of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// The venue's answer to the create.
    Placed,
    /// The end of the change with this attempt number.
    Change(u64),
    /// Any end of a cancel, as one of several.
    Group(WaiterId),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    by_order: BTreeMap<OrderId, Vec<(WaiterId, WaitFor)>>,
    /// Orders a cancel-all still waits for, and those already done.
    groups: BTreeMap<WaiterId, Group>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    pub(super) open: Vec<OrderId>,
    pub(super) done: Vec<OrderId>,
}

impl Waiting {
    pub(super) fn add(&mut self, order: OrderId, waiter: WaiterId, wait: WaitFor) {
        self.by_order.entry(order).or_default().push((waiter, wait));
    }

    pub(super) fn add_group(&mut self, waiter: WaiterId, orders: &[OrderId]) {
        self.groups.insert(waiter, Group { open: orders.to_vec(), done: Vec::new() });
        for order in orders {
            self.add(*order, waiter, WaitFor::Group(waiter));
        }
    }

    /// Takes those waiters of `order` whose wait `is_over`.
    pub(super) fn take(
        &mut self,
        order: OrderId,
        is_over: impl Fn(WaitFor) -> bool,
    ) -> Vec<(WaiterId, WaitFor)> {
        let Some(waiters) = self.by_order.get_mut(&order) else { return Vec::new() };
        let (over, rest): (Vec<_>, Vec<_>) = waiters.drain(..).partition(|(_, wait)| is_over(*wait));
        if rest.is_empty() {
            self.by_order.remove(&order);
        } else {
            *waiters = rest;
        }
        over
    }

    /// Notes that `order` of a group is done; returns all orders of the group once none is open.
    pub(super) fn group_done(&mut self, group: WaiterId, order: OrderId) -> Option<Vec<OrderId>> {
        let entry = self.groups.get_mut(&group)?;
        entry.open.retain(|open| *open != order);
        entry.done.push(order);
        if entry.open.is_empty() { self.groups.remove(&group).map(|group| group.done) } else { None }
    }
}
