//! When the account is read back: at start, after breaks, when something is unexplained, and every interval regardless.

use std::collections::BTreeSet;

use super::step::{Desk, Effect, Step};
use super::view::OrderStatus;
use crate::domain::{Monotonic, Now, VenueOrderId, VenueTime};
use crate::order::OrderRecord;
use crate::venue::ReportScope;

/// Reports start at most this often, whatever asks for them.
const SPACING_MS: u64 = 1_000;
/// Several unexplained things in a row are explained by one report.
pub(super) const SOON_MS: u64 = 400;
const FAILURE_DELAY_MS_MAX: u64 = 10_000;
/// How far reports overlap: venue reads lag, and clocks differ.
const OVERLAP_MS: i64 = 60_000;

/// Orders whose end was only concluded, read one by one per report.
const CONCLUDED_MAX: usize = 64;

#[derive(Debug, Clone, Default)]
pub(super) struct Schedule {
    in_flight: bool,
    started: Option<Monotonic>,
    due: Option<Monotonic>,
    pub(super) failures: u32,
    orders: BTreeSet<VenueOrderId>,
}

impl Schedule {
    pub(super) fn want(&mut self, now: Monotonic) {
        self.due = Some(self.due.map_or(now, |due| due.min(now)));
    }

    pub(super) fn want_soon(&mut self, now: Monotonic) {
        self.want(Monotonic(now.0.saturating_add(SOON_MS * 1_000_000)));
    }

    /// Asks for one order by its id in the next report.
    pub(super) fn want_order(&mut self, order: VenueOrderId) {
        self.orders.insert(order);
    }

    pub(super) fn failed(&mut self, now: Monotonic) {
        self.in_flight = false;
        self.failures = self.failures.saturating_add(1);
        let delay_ms = (SPACING_MS << self.failures.min(4)).min(FAILURE_DELAY_MS_MAX);
        self.due = Some(Monotonic(now.0.saturating_add(delay_ms * 1_000_000)));
    }

    pub(super) fn done(&mut self) {
        self.in_flight = false;
        self.failures = 0;
    }

    fn may_start(&self, now: Monotonic, interval_ms: u64) -> bool {
        let since_start = self.started.map(|started| now.millis_since(started));
        let spaced = since_start.is_none_or(|ms| ms >= SPACING_MS);
        let due = self.due.is_some_and(|due| due <= now) || since_start.is_none_or(|ms| ms >= interval_ms);
        !self.in_flight && spaced && due
    }

    fn start(&mut self, now: Monotonic) {
        self.in_flight = true;
        self.started = Some(now);
        self.due = None;
    }
}

impl Desk {
    pub(super) fn tick(&mut self, now: Now, step: &mut Step) {
        self.check_fill_counts(now, step);
        if self.schedule.failures == 0 && self.state.open_orders().any(OrderRecord::needs_reading) {
            self.schedule.want(now.monotonic);
        }
        if self.schedule.may_start(now.monotonic, self.config.report_interval_ms) {
            self.schedule.start(now.monotonic);
            let mut orders = std::mem::take(&mut self.schedule.orders);
            let concluded = self.state.concluded_orders().take(CONCLUDED_MAX);
            orders.extend(concluded.filter_map(|order| order.venue_order_id.clone()));
            let orders = orders.into_iter().collect();
            let scope = ReportScope { since: self.report_since(), orders, fills_of: self.fills_wanted() };
            step.at_once.push(Effect::Report(scope));
        }
    }

    /// Far enough back for everything not yet explained: the watermark, and every order still in doubt.
    fn report_since(&self) -> Option<VenueTime> {
        let last = self.state.reconciled_as_of?.0;
        let doubtful = self.state.open_orders().filter(|order| order.status == OrderStatus::Unknown);
        let oldest = doubtful.map(|order| order.created.millis()).min().unwrap_or(last);
        Some(VenueTime(last.min(oldest).saturating_sub(OVERLAP_MS)))
    }
}
