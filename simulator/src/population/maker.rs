//! Makers: a deep two-sided book around the belief, re-quoted a level at a time.

use std::sync::Arc;

use super::Population;
use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::event::Side;
use crate::venue::order::{NewOrder, Order, SelfTradePrevention, TimeInForce};
use crate::venue::units::{Count, DOLLAR, Price};

/// Levels on each side of a fresh book.
const LEVELS: i64 = 10;
/// Orders a maker keeps in one market and side before it cancels the worst.
const ORDERS_MAX: usize = 8;

impl Population {
    /// Quotes a whole book in a market that just opened: small at the touch, larger behind.
    pub(super) fn open_book(&mut self, venue: &mut Venue, ticker: &Arc<str>, belief: Price, now_us: i64) {
        let wider = self.wider(ticker, now_us);
        for side in [Side::Bid, Side::Ask] {
            for level in 0..LEVELS {
                let Some(price) = quote(venue, ticker, side, belief, wider + level + 1) else { break };
                let share = self.depth * (level + 1) / (LEVELS * (LEVELS + 1) / 2);
                let count = (share * 100 + self.dice.between(-share * 20, share * 20)).max(100);
                let maker = self.maker();
                let order = resting(ticker, side, price, self.sized(count));
                // A level that crosses (the grid is coarse) is simply not quoted.
                let _ = venue.place(maker, &order, now_us);
            }
        }
    }

    /// One act: a maker pulls a quote that strayed, or adds one near the belief.
    pub(super) fn requote(&mut self, venue: &mut Venue, ticker: &Arc<str>, now_us: i64) {
        let Some(belief) = self.beliefs.get(ticker).copied() else { return };
        let maker = self.maker();
        let side = if self.dice.chance(50) { Side::Bid } else { Side::Ask };
        let mut own = resting_of(venue, ticker, side, |account| account == maker);
        // Worst first: farthest from the belief, or on its wrong side.
        own.sort_by_key(|order| std::cmp::Reverse(strayed(side, order.price, belief)));
        let wider = self.wider(ticker, now_us);
        let far = 600 + wider * 100;
        let is_worst = |order: &&Quote| own.len() > ORDERS_MAX || strayed(side, order.price, belief) > far;
        if let Some(Quote { order_id, .. }) = own.first().filter(is_worst) {
            let _ = venue.cancel(maker, order_id, None, now_us);
            return;
        }
        let level = self.dice.between(1, LEVELS / 2 + 1);
        let Some(price) = quote(venue, ticker, side, belief, wider + level) else { return };
        let count = self.dice.between(200, 100 + level * self.depth * 2);
        let order = NewOrder { post_only: true, ..resting(ticker, side, price, self.sized(count)) };
        let _ = venue.place(maker, &order, now_us);
    }

    /// Returns what the makers quote in a market.
    pub(super) fn quotes(&self, venue: &Venue, ticker: &str) -> Vec<(AccountId, Arc<str>)> {
        let sides = [Side::Bid, Side::Ask].into_iter();
        let quotes = sides.flat_map(|side| {
            resting_of(venue, ticker, side, |account| self.makers.contains(&account)).into_iter()
        });
        quotes.map(|quote| (quote.account, quote.order_id)).collect()
    }

    /// Most counts are whole contracts, some are not, as on the real exchange.
    fn sized(&mut self, count: Count) -> Count {
        if self.dice.chance(80) { (count / 100).max(1) * 100 } else { count }
    }
}

struct Quote {
    account: AccountId,
    price: Price,
    order_id: Arc<str>,
}

/// Returns the resting orders of some accounts on one side of a market, newest first.
fn resting_of(venue: &Venue, ticker: &str, side: Side, of: impl Fn(AccountId) -> bool) -> Vec<Quote> {
    let Some(market) = venue.market(ticker) else { return Vec::new() };
    let queues = if side == Side::Bid { &market.bids } else { &market.asks };
    let orders = queues.values().flatten().filter_map(|number| venue.orders.get(number));
    let mut own: Vec<_> = orders.filter(|order| of(order.account)).collect();
    own.sort_unstable_by_key(|order| std::cmp::Reverse(order.number));
    let quote = |order: &Order| Quote {
        account: order.account,
        price: order.price,
        order_id: Arc::clone(&order.order_id),
    };
    own.into_iter().map(quote).collect()
}

/// Returns the price `level` steps from the belief on the grid; `None` outside it.
fn quote(venue: &Venue, ticker: &str, side: Side, belief: Price, level: i64) -> Option<Price> {
    let grid = venue.market(ticker)?.listing.grid;
    let step = grid.step_at(belief).max(50);
    let wanted = match side {
        Side::Bid => belief - level * step,
        Side::Ask => belief + level * step,
    };
    let price = if wanted <= 0 || wanted >= DOLLAR { return None } else { grid.floor(wanted) };
    grid.allows(price).then_some(price)
}

/// How far a quote is from where it belongs; a quote on the wrong side of the belief has strayed most.
fn strayed(side: Side, price: Price, belief: Price) -> i64 {
    let distance = match side {
        Side::Bid => belief - price,
        Side::Ask => price - belief,
    };
    if distance < 0 { 5_000 - distance } else { distance }
}

fn resting(ticker: &str, side: Side, price: Price, count: Count) -> NewOrder {
    NewOrder {
        ticker: ticker.to_owned(),
        client_order_id: None,
        side,
        price,
        count,
        time_in_force: TimeInForce::GoodTillCanceled,
        self_trade_prevention: SelfTradePrevention::Maker,
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        subaccount: 0,
        order_group_id: None,
        exchange_index: None,
    }
}
