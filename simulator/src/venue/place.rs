//! New orders: every check the exchange makes, then matching, then rest or end.

use std::sync::Arc;

use super::Venue;
use super::account::AccountId;
use super::collateral::Claim;
use super::event::{Side, VenueEvent};
use super::market::{Market, Status};
use super::order::{NewOrder, Order, OrderStatus, SelfTradePrevention, TimeInForce};
use super::refusal::Refusal;
use super::units::{Count, DOLLAR, Micros, Price, price_text};

/// The largest order, in 1e-2 contracts: with it every sum stays far inside an `i64`.
pub(super) const COUNT_MAX: Count = 100_000_000;

/// What a member learns from a create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub order_id: Arc<str>,
    pub client_order_id: Arc<str>,
    pub filled: Count,
    pub remaining: Count,
    pub average_price: Option<Price>,
    /// Per contract.
    pub average_fee: Option<Micros>,
    pub ts_us: i64,
}

impl Venue {
    /// Places an order: 201 with what traded and what rests, or a refusal with nothing changed (but a spent id, where the
    /// exchange spends it).
    pub fn place(&mut self, member: AccountId, new: &NewOrder, now_us: i64) -> Result<Placed, Refusal> {
        // First of all: a retry learns that its first attempt exists, whatever happened to the market meanwhile.
        let client_order_id = new.client_order_id.as_deref().filter(|id| !id.is_empty());
        if client_order_id.is_some_and(|id| self.is_used(member, id)) {
            return Err(Refusal::already_exists());
        }
        let account = self.subaccount(member, new.subaccount)?;
        let market = self.markets.get(new.ticker.as_str()).ok_or_else(Refusal::market_not_found)?;
        self.check_terms(market, new, now_us)?;
        self.check_region(account, market, now_us)?;
        if let Some(group) = &new.order_group_id {
            self.may_join(member, new.subaccount, group, market.listing.exchange_index)?;
        }
        let count = self.allowed_count(account, new);
        let crosses =
            market.best_against(new.side).is_some_and(|price| trades_at(new.side, new.price, price));
        if new.post_only && crosses {
            return Err(Refusal::invalid_order("post only cross"));
        }
        let claim = Claim { side: new.side, price: new.price, count };
        if !self.affords(account, market, claim, None) {
            return Err(Refusal::insufficient_balance());
        }
        let must_kill = new.time_in_force == TimeInForce::FillOrKill && reachable(market, new) < count;
        let client_order_id: Option<Arc<str>> = client_order_id.map(Into::into);
        if let (Some(id), Some(holder)) = (&client_order_id, self.accounts.get_mut(member)) {
            holder.client_order_ids.insert(Arc::clone(id));
        }
        if must_kill {
            return Err(Refusal::killed());
        }
        let number = self.admit(account, new, count, client_order_id, now_us);
        self.match_order(number, now_us);
        self.finish(number, new.time_in_force, now_us);
        self.end_if_canceling_all(number, now_us);
        self.placed(number, now_us).ok_or_else(Refusal::not_found)
    }

    /// Tells whether a member ever used an id; an order that was given none has its own.
    pub(super) fn is_used(&self, member: AccountId, id: &str) -> bool {
        self.accounts.get(member).is_some_and(|holder| holder.client_order_ids.contains(id))
            || self.order_of(member, id).is_some_and(|order| *order.client_order_id == *id)
    }

    fn check_terms(&self, market: &Market, new: &NewOrder, now_us: i64) -> Result<(), Refusal> {
        if new.exchange_index.is_some_and(|index| index >= 0 && index != market.listing.exchange_index) {
            return Err(Refusal::market_not_found());
        }
        if new.count <= 0 || new.count > COUNT_MAX {
            return Err(Refusal::invalid_size("count must be more than zero and at most 1000000.00"));
        }
        if !market.listing.grid.allows(new.price) {
            return Err(Refusal::invalid_price(&price_text(new.price), market.listing.grid.name));
        }
        let immediate = new.time_in_force != TimeInForce::GoodTillCanceled;
        if immediate && new.expiration_time.is_some() {
            return Err(Refusal::invalid_order("expiration_time is only for good_till_canceled"));
        }
        if immediate && new.post_only {
            return Err(Refusal::invalid_order("post_only is only for good_till_canceled"));
        }
        if new.reduce_only && new.time_in_force != TimeInForce::ImmediateOrCancel {
            return Err(Refusal::invalid_order("reduce_only is only for immediate_or_cancel"));
        }
        if new.expiration_time.is_some_and(|at| at.saturating_mul(1_000_000) <= now_us) {
            return Err(Refusal::invalid_order("expiration_time is in the past"));
        }
        self.trading_allowed()?;
        if market.status != Status::Active || now_us >= market.listing.close_us {
            return Err(Refusal::market_not_active());
        }
        Ok(())
    }

    /// Returns the count after `reduce_only`, which caps it at the position.
    fn allowed_count(&self, account: AccountId, new: &NewOrder) -> Count {
        let net = self.accounts.get(account).map_or(0, |holder| holder.position(&new.ticker).net);
        let closable = if new.side == Side::Bid { -net } else { net }.max(0);
        if new.reduce_only { new.count.min(closable) } else { new.count }
    }

    /// Takes an order in. One without an id of the member's has its own in that place.
    pub(super) fn admit(
        &mut self,
        account: AccountId,
        new: &NewOrder,
        count: Count,
        client_order_id: Option<Arc<str>>,
        now_us: i64,
    ) -> u64 {
        let number = self.number();
        let order_id = self.orders.id_of(number, &mut self.dice);
        let held = self.markets.slot_of(&new.ticker);
        let (slot, market) = held.map_or((usize::MAX, None), |(slot, market)| (slot, Some(market)));
        let ticker = market.map_or_else(|| new.ticker.as_str().into(), |market| Arc::clone(&market.ticker));
        let exchange_index = market.map_or(0, |market| market.listing.exchange_index);
        let holder = self.accounts.get(account);
        let member = holder.map_or(account, |holder| holder.member);
        let user_id = holder.map_or_else(|| "".into(), |holder| Arc::clone(&holder.user_id));
        let order = Order {
            number,
            client_order_id: client_order_id.unwrap_or_else(|| Arc::clone(&order_id)),
            order_id,
            account,
            member,
            user_id,
            ticker,
            market: slot,
            exchange_index,
            side: new.side,
            price: new.price,
            initial: count,
            filled: 0,
            remaining: count,
            status: OrderStatus::Resting,
            self_trade_prevention: new.self_trade_prevention,
            cancel_order_on_pause: new.cancel_order_on_pause,
            post_only: new.post_only,
            expiration_us: new.expiration_time.map(|at| at.saturating_mul(1_000_000)),
            subaccount: new.subaccount,
            order_group_id: new.order_group_id.as_deref().map(Into::into),
            taker_cost: 0,
            maker_cost: 0,
            taker_fees: 0,
            maker_fees: 0,
            is_queued: false,
            rounding: 0,
            created_us: now_us,
            updated_us: now_us,
        };
        self.orders.insert(number, order);
        if let Some(holder) = self.accounts.get_mut(member) {
            holder.orders.insert(number);
        }
        number
    }

    /// Rests what is left of a good-till-cancelled order; ends the others.
    fn finish(&mut self, number: u64, time_in_force: TimeInForce, now_us: i64) {
        let Some(order) = self.orders.get(&number) else { return };
        let (status, remaining, filled) = (order.status, order.remaining, order.filled);
        if status != OrderStatus::Resting {
            return;
        }
        if remaining == 0 {
            // reduce_only without a position: nothing to do.
            self.end(number, OrderStatus::Canceled, "ReduceOnlyCancel", now_us);
        } else if time_in_force == TimeInForce::GoodTillCanceled {
            self.rest(number, now_us);
            let reason = if filled > 0 { "Trade" } else { "" };
            self.announce_order(number, reason);
        } else {
            self.end(number, OrderStatus::Canceled, "", now_us);
        }
    }

    /// Puts what remains at the back of its queue.
    pub(super) fn rest(&mut self, number: u64, now_us: i64) {
        let Some(order) = self.orders.get_mut(&number) else { return };
        order.is_queued = true;
        let (remaining, ticker) = (order.remaining, Arc::clone(&order.ticker));
        if let Some(market) = self.markets.of_mut(order) {
            market.queue(order.side, order.price).push_back(number);
        }
        self.expiring.extend(order.expiration_us.map(|at| (at, number)));
        self.note_in_group(number, true);
        self.tie(number);
        self.change_level(number, remaining, now_us);
        self.announce_ticker(&ticker, now_us);
    }

    pub(super) fn announce_ticker(&mut self, ticker: &str, now_us: i64) {
        let Some(market) = self.markets.get_mut(ticker) else { return };
        let view = market.ticker_view(now_us);
        market.candles.note_quote(view.yes_bid, view.yes_ask, view.open_interest, now_us);
        self.events.push(VenueEvent::Ticker(view));
    }

    fn placed(&self, number: u64, now_us: i64) -> Option<Placed> {
        let order = self.orders.get(&number)?;
        let fees = order.taker_fees + order.maker_fees;
        Some(Placed {
            order_id: Arc::clone(&order.order_id),
            client_order_id: Arc::clone(&order.client_order_id),
            filled: order.filled,
            remaining: order.remaining,
            average_price: order.average_price(0, 0),
            average_fee: (order.filled > 0).then(|| fees.saturating_mul(100) / order.filled),
            ts_us: now_us,
        })
    }
}

/// Tells whether an order on `side` with limit `limit` trades at `price`.
pub(super) fn trades_at(side: Side, limit: Price, price: Price) -> bool {
    match side {
        Side::Bid => price <= limit,
        Side::Ask => price >= limit,
    }
}

/// Returns the contracts an order could trade with at once. Own orders count: a fill-or-kill that meets them trades
/// what came before and behaves like immediate-or-cancel.
fn reachable(market: &Market, new: &NewOrder) -> Count {
    let sizes = if new.side == Side::Bid { &market.ask_sizes } else { &market.bid_sizes };
    let reached = sizes.iter().filter(|(price, _)| trades_at(new.side, new.price, **price));
    reached.map(|(_, count)| count).sum()
}

/// Returns the most an order can cost: its leg's price for each contract.
pub(super) fn cost(side: Side, price: Price, count: Count) -> Micros {
    let leg = if side == Side::Bid { price } else { DOLLAR - price };
    leg * count
}

/// Keeps the two modes together with what they do in `matching`.
pub(super) const fn stops_taker(mode: SelfTradePrevention) -> bool {
    matches!(mode, SelfTradePrevention::TakerAtCross)
}
