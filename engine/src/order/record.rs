//! What is known of one order. Changes only by applying journal entries.

use crate::desk::view::{OrderStatus, OrderView};
use crate::domain::{
    ClientOrderId, Count, IdempotencyKey, Money, OrderId, Price, Side, Ticker, TimeInForce, VenueOrderId,
    VenueTime, WallTime,
};
use crate::journal::{NewOrder, OrderSource};
use crate::order::{Change, Changes, OrderEvent, after_contradiction, next};
use crate::planted::{Bug, has};
use crate::venue::{Accepted, CancelTarget, Refusal, VenueFill, VenueOrder, VenueOrderStatus, WriteKind};

/// One order.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderRecord {
    pub order_id: OrderId,
    pub client_order_id: Option<ClientOrderId>,
    pub venue_order_id: Option<VenueOrderId>,
    pub idempotency_key: Option<IdempotencyKey>,
    pub fingerprint: String,
    pub ticker: Ticker,
    pub side: Side,
    pub price: Price,
    pub count: Count,
    pub time_in_force: TimeInForce,
    pub exchange_index: i64,
    pub source: OrderSource,
    pub status: OrderStatus,
    /// Sum of the fills recorded here, each counted once.
    pub fills_recorded: Count,
    /// The largest cumulative count the venue has named; larger than `fills_recorded` means fills are missing here.
    pub fills_reported: Count,
    pub fees: Money,
    pub changes: Changes,
    /// How much may be wanted at most, while an answer left open how much is. A word of the venue on the order ends that.
    pub count_at_most: Option<Count>,
    /// Executed because its fills make the whole, and the venue has not said so yet: another program may have changed it.
    pub is_concluded: bool,
    pub attempts: u64,
    /// When the create ended without a usable answer; nothing of ours left later than this.
    pub unknown_since: Option<WallTime>,
    pub refusal: Option<Refusal>,
    pub reason: Option<String>,
    /// The order as first answered to its client, for repeats of the same request.
    pub answer: Option<serde_json::Value>,
    /// The venue's time of the newest word applied; older words change nothing.
    pub venue_updated: Option<VenueTime>,
    pub created: WallTime,
    pub updated: WallTime,
}

impl OrderRecord {
    pub fn from_intent(order: &NewOrder, at: WallTime) -> OrderRecord {
        OrderRecord {
            order_id: order.order_id,
            client_order_id: Some(order.client_order_id.clone()),
            venue_order_id: None,
            idempotency_key: Some(order.idempotency_key.clone()),
            fingerprint: order.fingerprint.clone(),
            ticker: order.ticker.clone(),
            side: order.side,
            price: order.price,
            count: order.count,
            time_in_force: order.time_in_force,
            exchange_index: order.exchange_index,
            source: OrderSource::Local,
            status: OrderStatus::Pending,
            fills_recorded: Count::ZERO,
            fills_reported: Count::ZERO,
            fees: Money::ZERO,
            changes: Changes::default(),
            count_at_most: None,
            is_concluded: false,
            attempts: 1,
            unknown_since: None,
            refusal: None,
            reason: None,
            answer: None,
            venue_updated: None,
            created: at,
            updated: at,
        }
    }

    pub fn from_venue(order_id: OrderId, order: &VenueOrder, at: WallTime) -> OrderRecord {
        let created = order.created_ms.map_or(at, |ms| WallTime(ms.0.saturating_mul(1000)));
        let mut record = OrderRecord {
            order_id,
            client_order_id: order.client_order_id.clone(),
            venue_order_id: Some(order.venue_order_id.clone()),
            idempotency_key: None,
            fingerprint: String::new(),
            ticker: order.ticker.clone(),
            side: order.side,
            price: order.price,
            count: order.initial_count,
            time_in_force: TimeInForce::GoodTillCanceled,
            exchange_index: order.exchange_index,
            source: OrderSource::External,
            status: OrderStatus::Pending,
            fills_recorded: Count::ZERO,
            fills_reported: Count::ZERO,
            fees: Money::ZERO,
            changes: Changes::default(),
            count_at_most: None,
            is_concluded: false,
            attempts: 0,
            unknown_since: None,
            refusal: None,
            reason: None,
            answer: None,
            venue_updated: None,
            created,
            updated: at,
        };
        record.seen(order, at);
        record
    }

    /// Moves along the life-cycle table. A contradiction keeps or takes the state with more risk and says so.
    pub fn on(&mut self, event: OrderEvent, at: WallTime) {
        let after = match next(self.status, event) {
            Ok(status) => status,
            Err(contradiction) => {
                self.reason = Some(contradiction.to_string());
                after_contradiction(contradiction)
            }
        };
        if after.is_final() && after != self.status {
            self.changes.clear();
            self.count_at_most = None;
        }
        self.status = after;
        self.updated = at;
    }

    /// The venue's answer to the create.
    pub fn accepted(&mut self, accepted: &Accepted, at: WallTime) {
        self.venue_order_id = Some(accepted.venue_order_id.clone());
        let filled = accepted.fill_count.unwrap_or(Count::ZERO);
        self.fills_reported = self.fills_reported.max(filled);
        self.venue_updated = self.venue_updated.max(accepted.ts_ms);
        let event = match accepted.remaining_count {
            Some(remaining) if remaining.is_zero() && filled >= self.count => OrderEvent::AcceptedFilled,
            Some(remaining) if remaining.is_zero() => OrderEvent::AcceptedEnded,
            Some(_) | None => OrderEvent::AcceptedWorking,
        };
        self.on(event, at);
    }

    /// A cancel, amend or decrease is about to be sent.
    pub fn change_requested(&mut self, change: Change, at: WallTime) {
        self.attempts = change.attempt;
        self.changes.add(change);
        self.updated = at;
    }

    /// The venue accepted a cancel, amend or decrease. How an amend's or a decrease's answer says that nothing rests, it does
    /// not say whether all was filled: the venue's records will tell.
    pub fn change_accepted(&mut self, attempt: u64, kind: WriteKind, accepted: &Accepted, at: WallTime) {
        let change = self.changes.take(attempt);
        let is_old =
            matches!((accepted.ts_ms, self.venue_updated), (Some(theirs), Some(ours)) if theirs < ours);
        // How much a decrease left is not certain, so any word after what was known before it is welcome.
        if kind != WriteKind::Decrease {
            self.venue_updated = self.venue_updated.max(accepted.ts_ms);
        }
        self.updated = at;
        match (kind, change) {
            (WriteKind::Cancel, _) => self.on(OrderEvent::CancelAccepted, at),
            (WriteKind::Amend | WriteKind::Decrease, Some(change)) if !is_old && !self.status.is_final() => {
                self.resized(&change, accepted);
                if has(Bug::AmendFillsAreAll) && accepted.remaining_count.is_some_and(Count::is_zero) {
                    self.on(OrderEvent::SeenCanceled, at);
                }
                self.complete(at);
            }
            (WriteKind::Amend | WriteKind::Decrease | WriteKind::Create, _) => {}
        }
    }

    fn resized(&mut self, change: &Change, accepted: &Accepted) {
        let (before, wanted) = (self.count, change.count.unwrap_or(self.count));
        self.price = change.price.unwrap_or(self.price);
        self.count = wanted;
        let has_ended = accepted.remaining_count.is_some_and(Count::is_zero);
        // A decrease names what is to rest. Fills not known here, from before it, make the total larger.
        let may_be_more = change.kind == WriteKind::Decrease && !has(Bug::DecreaseIsExact);
        if may_be_more || has_ended {
            self.count_at_most = Some(before.max(wanted));
        }
    }

    /// The write never took effect: refused, or never sent.
    pub fn change_failed(&mut self, attempt: u64, at: WallTime) {
        if self.changes.take(attempt).is_some() {
            self.complete(at);
        }
    }

    /// The write got no usable answer.
    pub fn change_unanswered(&mut self, attempt: u64, at: WallTime) {
        self.changes.unanswered(attempt, at);
    }

    /// The venue's records settled a change that had no answer; what they say of price and count was applied before.
    pub fn change_settled(&mut self, attempt: u64, applied: bool, at: WallTime) {
        if let Some(change) = self.changes.take(attempt) {
            if !applied {
                self.reason = Some(format!("the {:?} did not take effect", change.kind).to_lowercase());
            }
            self.complete(at);
        }
    }

    /// Tells whether the venue's word is older than what is already known. Reads lag behind writes. An end is never old: it is
    /// told once and for good.
    pub fn is_old_news(&self, order: &VenueOrder) -> bool {
        !has(Bug::StaleSnapshotWins)
            && order.status == VenueOrderStatus::Resting
            && matches!((order.updated_ms, self.venue_updated), (Some(theirs), Some(ours)) if theirs < ours)
    }

    /// Applies the venue's word on this order.
    pub fn seen(&mut self, order: &VenueOrder, at: WallTime) {
        self.venue_order_id = Some(order.venue_order_id.clone());
        self.fills_reported = self.fills_reported.max(order.fill_count);
        if self.is_old_news(order) {
            return;
        }
        self.venue_updated = self.venue_updated.max(order.updated_ms);
        self.exchange_index = order.exchange_index;
        self.count_at_most = None;
        let has_all_fills =
            order.fill_count >= self.fills_recorded && order.fill_count >= self.fills_reported;
        let event = match order.status {
            VenueOrderStatus::Resting if has_all_fills && !order.remaining_count.is_zero() => {
                OrderEvent::SeenGrown
            }
            VenueOrderStatus::Resting => OrderEvent::SeenResting,
            VenueOrderStatus::Executed => OrderEvent::SeenExecuted,
            VenueOrderStatus::Canceled => OrderEvent::SeenCanceled,
        };
        self.on(event, at);
        // A word from before the last fill confirms nothing.
        self.is_concluded &=
            order.status == VenueOrderStatus::Resting && self.status == OrderStatus::Executed;
        if order.status == VenueOrderStatus::Resting && self.status == OrderStatus::Resting {
            self.price = order.price;
            self.count = order.fill_count.checked_add(order.remaining_count).unwrap_or(self.count);
        }
        if self.status == OrderStatus::Executed {
            self.price = order.price;
            self.count = order.fill_count.max(self.fills_reported);
        }
        if order.status == VenueOrderStatus::Canceled {
            if self.status == OrderStatus::Canceled {
                // The word of an earlier amend may have been lost.
                self.price = order.price;
            }
            self.reason = order.reason.clone().or(self.reason.take());
        }
    }

    pub fn filled(&mut self, fill: &VenueFill, at: WallTime) {
        self.fills_recorded = self.fills_recorded.checked_add(fill.count).unwrap_or(self.fills_recorded);
        self.fees = self.fees.checked_add(fill.fee).unwrap_or(self.fees);
        self.fills_reported = self.fills_reported.max(self.fills_recorded);
        self.venue_order_id.get_or_insert_with(|| fill.venue_order_id.clone());
        self.updated = at;
        self.complete(at);
    }

    /// Ends the order once its fills make the whole, where it is certain how much that is.
    fn complete(&mut self, at: WallTime) {
        let count_is_certain = !self.changes.may_resize() && self.count_at_most.is_none();
        if count_is_certain && self.fills_recorded >= self.count {
            self.is_concluded |= !self.status.is_final() && !has(Bug::ConclusionIsFinal);
            self.on(OrderEvent::FilledWhole, at);
        }
    }

    pub fn filled_count(&self) -> Count {
        self.fills_reported.max(self.fills_recorded)
    }

    /// Returns what still rests as far as is known here; zero once final.
    pub fn remaining(&self) -> Count {
        if self.status.is_final() { Count::ZERO } else { self.count.saturating_sub(self.filled_count()) }
    }

    /// Returns what may still trade. An unknown or pending order counts in full, and so does a change that may have taken
    /// effect (I4).
    pub fn at_risk(&self) -> Count {
        if self.status.is_final() || (has(Bug::UnknownIsNoRisk) && self.status == OrderStatus::Unknown) {
            return Count::ZERO;
        }
        let wanted = self.count.max(self.changes.count_max()).max(self.count_at_most.unwrap_or_default());
        wanted.saturating_sub(self.filled_count())
    }

    /// Tells whether only the venue's records can say how things stand.
    pub fn needs_reading(&self) -> bool {
        self.status == OrderStatus::Unknown
            || self.count_at_most.is_some()
            || self.changes.iter().any(|change| change.unanswered_since.is_some())
    }

    pub fn misses_fills(&self) -> bool {
        self.fills_recorded < self.fills_reported
    }

    pub fn target(&self) -> Option<CancelTarget> {
        let venue_order_id = self.venue_order_id.clone()?;
        Some(CancelTarget {
            venue_order_id,
            ticker: self.ticker.clone(),
            exchange_index: self.exchange_index,
        })
    }

    pub fn view(&self) -> OrderView {
        OrderView {
            order_id: self.order_id,
            client_order_id: self.client_order_id.clone(),
            venue_order_id: self.venue_order_id.clone(),
            ticker: self.ticker.clone(),
            side: self.side,
            price: self.price,
            count: self.count,
            status: self.status,
            filled: self.filled_count(),
            remaining: self.remaining(),
            time_in_force: self.time_in_force,
            fees: self.fees,
            source: self.source,
            reason: self.reason.clone(),
            change_pending: !self.changes.is_empty(),
            created_us: self.created,
            updated_us: self.updated,
        }
    }
}
