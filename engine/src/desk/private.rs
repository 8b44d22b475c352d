//! What the account's stream says. It carries no sequence, so nothing here may rely on having seen everything.

use super::state::fill_view;
use super::step::{Desk, Effect, Step};
use super::view::OrderStatus;
use crate::domain::{Now, OrderId};
use crate::journal::Entry;
use crate::planted::{Bug, has};
use crate::stream::Announcement;
use crate::venue::{PrivateItem, VenueFill, VenueOrder};
use uuid::Uuid;

/// Namespace of the ids given to orders that were placed elsewhere: the same venue order gets the same id, always.
const EXTERNAL_ORDERS: Uuid = Uuid::from_u128(0x6f75_7472_6967_6765_7200_6578_7465_726e);

impl Desk {
    pub(super) fn private(&mut self, item: PrivateItem, now: Now, step: &mut Step) {
        match item {
            PrivateItem::Fill(fill) => {
                if self.fill(&fill, now, step) {
                    self.check_position(&fill, now, step);
                }
            }
            PrivateItem::Order(order) => self.venue_order(&order, now, step),
            PrivateItem::Position(position) => {
                let derived =
                    self.state.holdings.get(&position.ticker).map(|holding| holding.net).unwrap_or_default();
                if derived != position.position {
                    // A fill may be on its way, or lost. Reading back tells which.
                    self.schedule.want_soon(now.monotonic);
                }
            }
            PrivateItem::StreamState { state, .. } => {
                self.continuity.stream(state.hears_account(), now.wall);
                if state.hears_account() {
                    self.schedule.want(now.monotonic);
                }
            }
            PrivateItem::Lifecycle(event) => {
                let moves_money = matches!(
                    event.event_type.as_str(),
                    "determined" | "settled" | "activated" | "deactivated"
                );
                let holds =
                    self.state.holdings.get(&event.ticker).is_some_and(|holding| !holding.net.is_zero());
                let works = self.state.open_orders().any(|order| order.ticker == event.ticker);
                if moves_money && (holds || works) {
                    self.schedule.want_soon(now.monotonic);
                }
            }
        }
    }

    /// Records a fill once; tells whether it was new. A fill of an order not known here makes the account be read back, which
    /// brings both.
    pub(super) fn fill(&mut self, fill: &VenueFill, now: Now, step: &mut Step) -> bool {
        let Some(order_id) = self.state.find(&fill.venue_order_id, fill.client_order_id.as_ref()) else {
            self.schedule.want_order(fill.venue_order_id.clone());
            self.schedule.want(now.monotonic);
            return false;
        };
        if self.state.has_fill(&fill.trade_id, order_id) {
            return false;
        }
        let known = self.state.orders.get(&order_id);
        if has(Bug::CancelDropsFills) && known.is_some_and(|order| order.status == OrderStatus::Canceled) {
            return false;
        }
        let had_venue_id = known.is_some_and(|order| order.venue_order_id.is_some());
        self.continuity.filled(fill);
        self.record(Entry::FillRecorded { order_id, fill: fill.clone() }, now, step);
        if !had_venue_id {
            self.send_cancel(order_id, step);
        }
        step.after_commit.push(Effect::Publish(Announcement::Fill(fill_view(order_id, fill))));
        self.schedule.want_soon(now.monotonic);
        self.order_moved(order_id, now, step);
        true
    }

    /// Applies the venue's word on an order; one placed elsewhere is taken over.
    pub(super) fn venue_order(&mut self, order: &VenueOrder, now: Now, step: &mut Step) {
        let Some(order_id) = self.state.find(&order.venue_order_id, order.client_order_id.as_ref()) else {
            let order_id = OrderId(Uuid::new_v5(&EXTERNAL_ORDERS, order.venue_order_id.as_str().as_bytes()));
            self.record(Entry::OrderAdopted { order_id, order: order.clone() }, now, step);
            self.order_moved(order_id, now, step);
            return;
        };
        let Some(known) = self.state.orders.get(&order_id) else { return };
        let had_venue_id = known.venue_order_id.is_some();
        let mut after = known.clone();
        after.seen(order, known.updated);
        if after != *known {
            self.record(Entry::VenueOrderSeen { order_id, order: order.clone() }, now, step);
            if !had_venue_id {
                self.send_cancel(order_id, step);
            }
            self.order_moved(order_id, now, step);
        }
    }
}
