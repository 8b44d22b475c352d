//! What the account's stream should have told and did not, found by what it does tell.
//!
//! Its channels carry no sequence, so a lost message leaves no hole. But a fill says the position after it, and an order how
//! much of it has filled. What does not add up makes the account be read back at once; nothing is corrected here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::report::alert;
use super::schedule::SOON_MS;
use super::step::{Desk, Step};
use crate::domain::{Count, Now, OrderId, Ticker, VenueOrderId, VenueTime, WallTime};
use crate::venue::{VenueFill, VenueReport};

/// Complete reports without an order's missing fills, before they are no longer looked for between the intervals.
const FILL_REPORTS_NEEDED: u32 = 3;
/// Orders whose fills are read one order at a time, per report.
const FILLS_OF_MAX: usize = 64;
/// A fill this much older than a report had its time to come by the stream.
const TRAVEL_MS: i64 = 1_000;

/// What the desk counts. Written by its one thread, read by telemetry.
#[derive(Debug, Default)]
pub struct DeskCounters {
    /// Fills after which the exchange's position was not ours.
    pub position_breaks: AtomicU64,
    /// Orders of which more had filled than their fills made.
    pub fill_count_breaks: AtomicU64,
    /// Fills that only a report brought although the stream was live when they happened.
    pub fills_missed: AtomicU64,
}

/// An order that says more filled than its fills make.
#[derive(Debug, Clone, Copy)]
struct FillDoubt {
    recorded: Count,
    reported: Count,
    reports: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Continuity {
    pub(super) counters: Arc<DeskCounters>,
    /// The newest fill of each market: one that comes later and is older cannot say the position as it is now.
    newest: BTreeMap<Ticker, VenueTime>,
    /// Markets whose position did not add up since the last report.
    told: BTreeSet<Ticker>,
    doubts: BTreeMap<OrderId, FillDoubt>,
    /// When the stream became live, by our clock.
    live: Option<WallTime>,
    /// The venue's time from which on a live stream should have told everything.
    covers: Option<VenueTime>,
}

impl Continuity {
    pub(super) fn stream(&mut self, is_live: bool, now: WallTime) {
        if is_live {
            self.live.get_or_insert(now);
        } else {
            (self.live, self.covers) = (None, None);
        }
    }

    pub(super) fn filled(&mut self, fill: &VenueFill) {
        let newest = self.newest.entry(fill.ticker.clone()).or_insert(fill.ts_ms);
        *newest = fill.ts_ms.max(*newest);
    }

    /// Tells whether a fill of the market is known that happened after `at`: what was so then says nothing about now.
    pub(super) fn knows_newer(&self, ticker: &Ticker, at: VenueTime) -> bool {
        self.newest.get(ticker).is_some_and(|newest| *newest > at)
    }

    /// Tells whether the stream should have brought a fill that `report` brought first.
    pub(super) fn should_have_told(&self, fill: &VenueFill, report: &VenueReport) -> bool {
        let had_time = fill.ts_ms.0.saturating_add(TRAVEL_MS) < report.as_of.0;
        had_time && self.covers.is_some_and(|covers| covers < fill.ts_ms)
    }
}

impl Desk {
    /// Compares the position a fill of the stream ends with to ours.
    pub(super) fn check_position(&mut self, fill: &VenueFill, now: Now, step: &mut Step) {
        let Some(theirs) = fill.post_position else { return };
        let ours = self.state.holdings.get(&fill.ticker).map(|holding| holding.net).unwrap_or_default();
        if ours == theirs || self.continuity.knows_newer(&fill.ticker, fill.ts_ms) {
            return;
        }
        self.schedule.want(now.monotonic);
        let is_known = self.position_doubts.contains_key(&fill.ticker);
        if !is_known && self.continuity.told.insert(fill.ticker.clone()) {
            self.continuity.counters.position_breaks.fetch_add(1, Relaxed);
            let VenueFill { ticker, trade_id, .. } = fill;
            let message = format!(
                "{ticker}: after fill {trade_id} the exchange holds {theirs}, our fills make {ours}; reading back"
            );
            step.after_commit.push(alert("OUT-RECON-003", message));
        }
    }

    /// Looks for orders whose fills have had their time and do not make what the order says.
    pub(super) fn check_fill_counts(&mut self, now: Now, step: &mut Step) {
        if !self.ready {
            return;
        }
        let rested_ms = i64::try_from(SOON_MS).unwrap_or(i64::MAX);
        let (mut broken, mut example) = (0_u64, None);
        for order in self.state.short_orders() {
            if now.wall.millis().saturating_sub(order.updated.millis()) < rested_ms {
                continue;
            }
            let (recorded, reported) = (order.fills_recorded, order.fills_reported);
            let known = self.continuity.doubts.get(&order.order_id);
            match known.filter(|doubt| (doubt.recorded, doubt.reported) == (recorded, reported)) {
                Some(doubt) if doubt.reports >= FILL_REPORTS_NEEDED => continue,
                Some(_) => {}
                None => {
                    self.continuity
                        .doubts
                        .insert(order.order_id, FillDoubt { recorded, reported, reports: 0 });
                    broken += 1;
                    example = Some((order.order_id, recorded, reported));
                }
            }
            if self.schedule.failures == 0 {
                self.schedule.want(now.monotonic);
            }
        }
        self.continuity.counters.fill_count_breaks.fetch_add(broken, Relaxed);
        if let Some(example) = example {
            step.after_commit.push(alert("OUT-RECON-003", short(broken, example) + "; reading back"));
        }
    }

    /// Returns orders whose missing fills a report by time did not bring.
    pub(super) fn fills_wanted(&self) -> Vec<VenueOrderId> {
        let wanted =
            self.continuity.doubts.iter().filter(|(_, d)| (1..FILL_REPORTS_NEEDED).contains(&d.reports));
        let orders = wanted.filter_map(|(id, _)| self.state.orders.get(id)?.venue_order_id.clone());
        orders.take(FILLS_OF_MAX).collect()
    }

    /// Takes over what a report explained, after its fills were recorded. `missed` counts those the stream did not bring.
    pub(super) fn explain(&mut self, report: &VenueReport, missed: u64, step: &mut Step) {
        self.continuity.told.clear();
        let counts: BTreeMap<OrderId, (Count, Count)> =
            self.state.short_orders().map(|o| (o.order_id, (o.fills_recorded, o.fills_reported))).collect();
        self.continuity.doubts.retain(|id, d| counts.get(id) == Some(&(d.recorded, d.reported)));
        let (mut given_up, mut example) = (0_u64, None);
        for (id, doubt) in &mut self.continuity.doubts {
            doubt.reports = doubt.reports.saturating_add(1);
            if doubt.reports == FILL_REPORTS_NEEDED {
                given_up += 1;
                example = Some((*id, doubt.recorded, doubt.reported));
            }
        }
        if let Some(example) = example {
            let message = short(given_up, example) + "; the exchange lists no more";
            step.after_commit.push(alert("OUT-RECON-005", message));
        }
        if missed > 0 {
            self.continuity.counters.fills_missed.fetch_add(missed, Relaxed);
            let message = format!("{missed} fills did not come by the stream and were read back");
            step.after_commit.push(alert("OUT-RECON-004", message));
        }
        if self.continuity.covers.is_none() && self.continuity.live.is_some_and(|live| live <= report.started)
        {
            self.continuity.covers = Some(report.as_of);
        }
    }
}

/// Says how many orders are short of fills, and of one what it says and what its fills make.
fn short(orders: u64, (id, recorded, reported): (OrderId, Count, Count)) -> String {
    format!("orders filled more than their fills make: {orders}, e.g. {id}: {reported}, its fills {recorded}")
}
