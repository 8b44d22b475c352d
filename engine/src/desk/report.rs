//! Reconciliation: the venue's own account of orders, fills, positions and cash against ours.
//!
//! A difference becomes an entry with the venue's evidence, or an alert. Absence proves something only in complete reads
//! newer than the last moment the order could have been accepted (I4).

use std::collections::{BTreeMap, BTreeSet};

use super::state::settlement_view;
use super::step::{Desk, Effect, Step};
use super::view::OrderStatus;
use crate::domain::{Now, OrderId, SignedCount, Ticker, VenueOrderId, WallTime};
use crate::journal::Entry;
use crate::planted::{Bug, has};
use crate::stream::{Alert, Announcement};
use crate::venue::{VenueFill, VenueOrder, VenueOrderStatus, VenueReport, WriteKind};

/// Complete reads without an order that prove it never arrived.
const ABSENCES_NEEDED: u32 = 2;
/// Equal reports of a position that differs from our fills, before it is adopted.
const POSITION_REPORTS_NEEDED: u32 = 3;

/// The watermark is raised in steps of this many milliseconds of the venue's time.
const WATERMARK_STEP_MS: i64 = 30_000;

/// A position that differs from the sum of our fills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PositionDoubt {
    ours: SignedCount,
    theirs: SignedCount,
    reports: u32,
    /// When it was first reported. What had happened by then is in the fills of every report of later.
    since: WallTime,
}

impl Desk {
    pub(super) fn reconcile(&mut self, report: VenueReport, now: Now, step: &mut Step) {
        self.schedule.done();
        for order in &report.orders {
            self.venue_order(order, now, step);
        }
        let mut missed = 0;
        let fills = if has(Bug::NoFillBackfill) { &[] } else { report.fills.as_slice() };
        for fill in fills {
            let is_new = self.fill(fill, now, step);
            missed += u64::from(is_new && self.continuity.should_have_told(fill, &report));
        }
        self.explain(&report, missed, step);
        for row in &report.settlements {
            if !self.state.is_settled(&row.ticker) {
                self.record(Entry::Settled { row: row.clone() }, now, step);
                step.after_commit.push(Effect::Publish(Announcement::Settlement(settlement_view(row))));
                let position = self.state.position_view(&row.ticker);
                step.after_commit.push(Effect::Publish(Announcement::Position(position)));
            }
        }
        self.settle_changes(&report, now, step);
        self.judge_absent(&report, now, step);
        self.compare_positions(&report, now, step);
        self.balance_read(&report, now, step);
        self.raise_watermark(&report, now, step);
        self.ready = true;
        step.after_commit.push(Effect::Reconciled { as_of: report.as_of });
    }

    /// Notes how far the account is known, once nothing of the report is left to explain. Not with every report: an older
    /// watermark only reads a little more.
    fn raise_watermark(&mut self, report: &VenueReport, now: Now, step: &mut Step) {
        let is_explained = |fill: &VenueFill| {
            self.state.find(&fill.venue_order_id, fill.client_order_id.as_ref()).is_some()
                || report.orders_not_found.contains(&fill.venue_order_id)
        };
        let last = self.state.reconciled_as_of;
        let is_due = last.is_none_or(|last| report.as_of.0.saturating_sub(last.0) >= WATERMARK_STEP_MS);
        if is_due && report.fills.iter().all(is_explained) {
            self.record(Entry::Reconciled { as_of: report.as_of }, now, step);
        }
    }

    /// Settles changes without an answer, once the venue's record is newer than they could have taken effect.
    fn settle_changes(&mut self, report: &VenueReport, now: Now, step: &mut Step) {
        let mut settled: Vec<(OrderId, u64, bool)> = Vec::new();
        for order in self.state.open_orders() {
            let Some(venue_id) = &order.venue_order_id else { continue };
            let seen = report.orders.iter().find(|seen| seen.venue_order_id == *venue_id);
            for change in order.changes.iter() {
                let Some(since) = change.unanswered_since else { continue };
                if let Some(seen) = seen.filter(|_| self.is_conclusive(report, since)) {
                    settled.push((order.order_id, change.attempt, took_effect(change, seen)));
                } else {
                    self.schedule.want_order(venue_id.clone());
                }
            }
        }
        for (order_id, attempt, applied) in settled {
            self.record(Entry::ChangeSettled { order_id, attempt, applied }, now, step);
            self.order_moved(order_id, now, step);
        }
    }

    /// Tells whether nothing sent at or before `sent` could still take effect after what the report shows.
    fn is_conclusive(&self, report: &VenueReport, sent: WallTime) -> bool {
        let window = i64::try_from(self.config.acceptance_window_ms).unwrap_or(i64::MAX);
        let last_moment = sent.millis().saturating_add(window);
        report.as_of.0 > last_moment && report.started.millis() > last_moment
    }

    fn judge_absent(&mut self, report: &VenueReport, now: Now, step: &mut Step) {
        let listed: BTreeSet<&VenueOrderId> =
            report.orders.iter().map(|order| &order.venue_order_id).collect();
        let mut absent: Vec<OrderId> = Vec::new();
        for order in self.state.open_orders() {
            match (&order.venue_order_id, order.status) {
                (None, OrderStatus::Unknown) => {
                    let covered = report.scope.since.is_none_or(|since| since.0 <= order.created.millis());
                    let conclusive =
                        order.unknown_since.is_some_and(|since| self.is_conclusive(report, since));
                    if has(Bug::NotFoundIsFinal) {
                        absent.push(order.order_id);
                    } else if covered && conclusive {
                        let count = self.absences.entry(order.order_id).or_default();
                        *count += 1;
                        if *count >= ABSENCES_NEEDED {
                            absent.push(order.order_id);
                        }
                    }
                }
                (Some(id), _) if !listed.contains(id) && order.updated < report.started => {
                    if report.orders_not_found.contains(id) {
                        let message = format!("the exchange does not know order {id}, which it had accepted");
                        step.after_commit.push(alert("OUT-RECON-001", message));
                    }
                    self.schedule.want_order(id.clone());
                    self.schedule.want_soon(now.monotonic);
                }
                (Some(_) | None, _) => {}
            }
        }
        for order_id in absent {
            self.absences.remove(&order_id);
            self.record(Entry::OrderAbsent { order_id, as_of: report.as_of }, now, step);
            self.order_moved(order_id, now, step);
        }
    }

    fn compare_positions(&mut self, report: &VenueReport, now: Now, step: &mut Step) {
        let theirs: BTreeMap<&Ticker, SignedCount> =
            report.positions.iter().map(|p| (&p.ticker, p.position)).collect();
        let ours: BTreeMap<&Ticker, SignedCount> =
            self.state.holdings.iter().map(|(t, h)| (t, h.net)).collect();
        let tickers: BTreeSet<&Ticker> = theirs.keys().chain(ours.keys()).copied().collect();
        let mut doubts = BTreeMap::new();
        for ticker in tickers {
            let ours = ours.get(ticker).copied().unwrap_or_default();
            let theirs = theirs.get(ticker).copied().unwrap_or_default();
            if ours != theirs && !self.continuity.knows_newer(ticker, report.as_of) {
                let before =
                    self.position_doubts.get(ticker).filter(|d| (d.ours, d.theirs) == (ours, theirs));
                let (reports, since) = before.map_or((1, now.wall), |doubt| (doubt.reports + 1, doubt.since));
                doubts.insert(ticker.clone(), PositionDoubt { ours, theirs, reports, since });
            }
        }
        let is_proven = |doubt: &PositionDoubt| {
            doubt.reports >= POSITION_REPORTS_NEEDED && self.is_conclusive(report, doubt.since)
        };
        let proven: Vec<_> =
            doubts.iter().filter(|(_, d)| is_proven(d)).map(|(t, d)| (t.clone(), *d)).collect();
        if !doubts.is_empty() {
            self.schedule.want_soon(now.monotonic);
        }
        self.position_doubts = doubts;
        for (ticker, PositionDoubt { ours, theirs, .. }) in proven {
            self.position_doubts.remove(&ticker);
            let message =
                format!("{ticker}: the exchange holds {theirs}, our fills make {ours}; took the exchange's");
            self.record(
                Entry::PositionCorrected { ticker: ticker.clone(), to: theirs, as_of: report.as_of },
                now,
                step,
            );
            step.after_commit
                .push(Effect::Publish(Announcement::Position(self.state.position_view(&ticker))));
            step.after_commit.push(alert("OUT-RECON-002", message));
        }
    }

    fn balance_read(&mut self, report: &VenueReport, now: Now, step: &mut Step) {
        let (balance, as_of) = (&report.balance, report.as_of);
        let unchanged = self.state.balance.as_ref().is_some_and(|known| {
            known.cash == balance.cash
                && known.portfolio_value == balance.portfolio_value
                && known
                    .by_shard
                    .iter()
                    .map(|shard| (shard.exchange_index, shard.cash))
                    .eq(balance.by_shard.iter().copied())
        });
        let is_late = self.state.balance.as_ref().is_some_and(|known| known.as_of_ms > as_of);
        if !unchanged && !is_late {
            self.record(Entry::BalanceRead { balance: balance.clone(), as_of }, now, step);
            if let Some(view) = self.state.balance.clone() {
                step.after_commit.push(Effect::Publish(Announcement::Balance(view)));
            }
        }
    }
}

fn took_effect(change: &crate::order::Change, seen: &VenueOrder) -> bool {
    let count = seen.fill_count.checked_add(seen.remaining_count);
    match change.kind {
        WriteKind::Cancel => seen.status != VenueOrderStatus::Resting,
        // It names what is to rest: fills on their way make the total larger than was meant.
        WriteKind::Decrease => count.is_some_and(|count| count < change.count_before),
        WriteKind::Create | WriteKind::Amend => {
            change.price.is_none_or(|price| price == seen.price)
                && (change.count.is_none() || change.count == count)
        }
    }
}

pub(super) fn alert(code: &'static str, message: String) -> Effect {
    Effect::Publish(Announcement::Alert(Alert { code, message }))
}
