//! Order groups: a limit on the contracts that a group of orders may match in any 15 seconds.
//!
//! A group that reaches its limit is triggered: its resting orders are cancelled, new ones refused, until it is reset.
//! Chosen where nothing is documented: the limit counts as hit when it is reached; an order that is still matching then
//! loses what is left of it. `is_auto_cancel_enabled` was recorded as false for a new group; here it is true while the
//! group is triggered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Venue;
use super::account::AccountId;
use super::event::{GroupChange, VenueEvent};
use super::order::{Order, OrderStatus};
use super::refusal::Refusal;
use super::units::Count;

/// The time in which matches count together.
const WINDOW_US: i64 = 15_000_000;
/// Groups a member may have.
const GROUPS_MAX: usize = 100_000;
/// The largest limit, in 1e-2 contracts.
pub const LIMIT_MAX: Count = 100_000_000;

/// One group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderGroup {
    pub id: Arc<str>,
    pub member: AccountId,
    pub subaccount: i64,
    pub exchange_index: i64,
    pub limit: Count,
    pub is_triggered: bool,
    pub created_us: i64,
    /// What matched lately, oldest first.
    matched: VecDeque<(i64, Count)>,
    /// Its orders that rest.
    orders: BTreeMap<u64, Arc<str>>,
}

impl OrderGroup {
    /// Ids of the orders that rest, oldest first.
    pub fn resting(&self) -> impl Iterator<Item = &Arc<str>> {
        self.orders.values()
    }

    /// Notes that an order rests no more.
    pub(super) fn forget(&mut self, number: u64) {
        self.orders.remove(&number);
    }

    fn matched_lately(&mut self, now_us: i64) -> Count {
        while self.matched.front().is_some_and(|(at_us, _)| *at_us <= now_us - WINDOW_US) {
            self.matched.pop_front();
        }
        self.matched.iter().map(|(_, count)| count).sum()
    }
}

impl Venue {
    /// Makes a group; it belongs to one subaccount and one shard.
    pub fn create_group(
        &mut self,
        member: AccountId,
        subaccount: i64,
        exchange_index: i64,
        limit: Count,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        self.subaccount(member, subaccount)?;
        check_limit(limit)?;
        if self.groups_of(member).count() >= GROUPS_MAX {
            return Err(Refusal::invalid(&format!("a member has at most {GROUPS_MAX} order groups")));
        }
        let id: Arc<str> = self.dice.uuid();
        let group = OrderGroup {
            id: Arc::clone(&id),
            member,
            subaccount,
            exchange_index,
            limit,
            is_triggered: false,
            created_us: now_us,
            matched: VecDeque::new(),
            orders: BTreeMap::new(),
        };
        self.group_ids.insert((member, Arc::clone(&id)));
        self.groups.insert(Arc::clone(&id), group);
        self.announce_group(member, &id, GroupChange::Created(limit), now_us);
        Ok(id)
    }

    /// Lists a member's groups by their id.
    pub fn groups_of(&self, member: AccountId) -> impl Iterator<Item = &OrderGroup> {
        let ids = self.group_ids.range((member, "".into())..(member + 1, "".into()));
        ids.filter_map(|(_, id)| self.groups.get(id))
    }

    /// Finds a member's group.
    pub fn group_of(&self, member: AccountId, id: &str) -> Result<&OrderGroup, Refusal> {
        self.groups.get(id).filter(|group| group.member == member).ok_or_else(Refusal::group_not_found)
    }

    /// Forgets what matched and lets new orders in again.
    pub fn reset_group(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        self.group_of(member, id)?;
        if let Some(group) = self.groups.get_mut(id) {
            group.is_triggered = false;
            group.matched.clear();
        }
        self.announce_group(member, id, GroupChange::Reset, now_us);
        Ok(())
    }

    /// Cancels the orders of a group and keeps new ones out until it is reset.
    pub fn trigger_group(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        self.group_of(member, id)?;
        self.trip_group(id, now_us);
        Ok(())
    }

    /// Changes the limit, which may trigger the group at once.
    pub fn limit_group(
        &mut self,
        member: AccountId,
        id: &str,
        limit: Count,
        now_us: i64,
    ) -> Result<(), Refusal> {
        self.group_of(member, id)?;
        check_limit(limit)?;
        let Some(group) = self.groups.get_mut(id) else { return Ok(()) };
        group.limit = limit;
        let is_hit = !group.is_triggered && group.matched_lately(now_us) >= limit;
        self.announce_group(member, id, GroupChange::LimitUpdated(limit), now_us);
        if is_hit {
            self.trip_group(id, now_us);
        }
        Ok(())
    }

    /// Cancels the orders of a group and removes it.
    pub fn delete_group(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        let id = Arc::clone(&self.group_of(member, id)?.id);
        self.cancel_group(&id, now_us);
        self.announce_group(member, &id, GroupChange::Deleted, now_us);
        self.groups.remove(&id);
        self.group_ids.remove(&(member, Arc::clone(&id)));
        Ok(())
    }

    /// Tells whether a new order may join a group.
    pub(super) fn may_join(
        &self,
        member: AccountId,
        subaccount: i64,
        id: &str,
        exchange_index: i64,
    ) -> Result<(), Refusal> {
        let group = self.group_of(member, id)?;
        if group.subaccount != subaccount || group.exchange_index != exchange_index {
            return Err(Refusal::group_not_found());
        }
        if group.is_triggered { Err(Refusal::group_limit()) } else { Ok(()) }
    }

    /// Notes that an order of a group rests, or rests no more.
    pub(super) fn note_in_group(&mut self, number: u64, rests: bool) {
        let Some(order) = self.orders.get(&number) else { return };
        let Some(group) = order.order_group_id.as_ref().and_then(|id| self.groups.get_mut(id)) else {
            return;
        };
        if rests {
            group.orders.insert(order.number, Arc::clone(&order.order_id));
        } else {
            group.forget(order.number);
        }
    }

    /// Counts a match against the groups of both orders, and ends what the limit ends.
    pub(super) fn count_in_groups(&mut self, numbers: [u64; 2], count: Count, now_us: i64) {
        for number in numbers {
            let Some(id) = self.orders.get(&number).and_then(|order| order.order_group_id.clone()) else {
                continue;
            };
            let Some(group) = self.groups.get_mut(&id) else { continue };
            group.matched.push_back((now_us, count));
            if !group.is_triggered && group.matched_lately(now_us) >= group.limit {
                self.trip_group(&id, now_us);
            }
            let is_over = self.groups.get(&id).is_some_and(|group| group.is_triggered);
            let is_open = |order: &Order| order.status == OrderStatus::Resting;
            if is_over && self.orders.get(&number).is_some_and(is_open) {
                self.end(number, OrderStatus::Canceled, "", now_us);
            }
        }
    }

    fn trip_group(&mut self, id: &str, now_us: i64) {
        let Some(group) = self.groups.get_mut(id) else { return };
        group.is_triggered = true;
        let member = group.member;
        self.announce_group(member, id, GroupChange::Triggered, now_us);
        self.cancel_group(id, now_us);
    }

    fn cancel_group(&mut self, id: &str, now_us: i64) {
        let numbers = self.groups.get(id).map(|group| group.orders.keys().copied().collect::<Vec<_>>());
        for number in numbers.unwrap_or_default() {
            self.end(number, OrderStatus::Canceled, "", now_us);
        }
    }

    fn announce_group(&mut self, member: AccountId, id: &str, change: GroupChange, now_us: i64) {
        let subaccount = self.groups.get(id).map_or(0, |group| group.subaccount);
        let group_id = id.into();
        self.events.push(VenueEvent::Group { account: member, subaccount, group_id, change, ts_us: now_us });
    }
}

fn check_limit(limit: Count) -> Result<(), Refusal> {
    if (100..=LIMIT_MAX).contains(&limit) {
        Ok(())
    } else {
        Err(Refusal::invalid("contracts_limit must be from 1 to 1000000 contracts"))
    }
}
