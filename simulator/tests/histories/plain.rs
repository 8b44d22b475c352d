//! A book so plain that it can be read at a glance: a list of orders in the order in which they came.

use std::collections::BTreeMap;
use std::sync::Arc;

use outrigger_simulator::venue::Placed;
use outrigger_simulator::venue::event::{Fill, Side, VenueEvent};
use outrigger_simulator::venue::fees::{FeeKind, FeeSchedule};
use outrigger_simulator::venue::market::Market;
use outrigger_simulator::venue::order::{NewOrder, OrderStatus, SelfTradePrevention, TimeInForce};

#[derive(Debug, Clone)]
pub(crate) struct PlainOrder {
    pub(crate) id: Arc<str>,
    member: usize,
    pub(crate) side: Side,
    price: i64,
    pub(crate) filled: i64,
    pub(crate) remaining: i64,
    stops_taker: bool,
}

/// What a match must look like to both sides.
#[derive(Debug, PartialEq, Eq)]
struct Match {
    maker: Arc<str>,
    taker: Arc<str>,
    price: i64,
    count: i64,
}

pub(crate) struct PlainBook {
    fees: FeeSchedule,
    /// Who rests, first come first.
    resting: Vec<PlainOrder>,
    /// Matches that the last command must have made, in order.
    expected: Vec<Match>,
    /// Rounding accounts of every order that ever traded.
    rounding: BTreeMap<Arc<str>, i64>,
    /// Fills that gave rounding back.
    pub(crate) rebates: u64,
    positions: BTreeMap<usize, i64>,
    pub(crate) fees_taken: i64,
    pub(crate) matches: u64,
}

impl PlainBook {
    pub(crate) fn new(fees: FeeSchedule) -> PlainBook {
        PlainBook {
            fees,
            resting: Vec::new(),
            expected: Vec::new(),
            rounding: BTreeMap::new(),
            rebates: 0,
            positions: BTreeMap::new(),
            fees_taken: 0,
            matches: 0,
        }
    }

    pub(crate) fn resting_of(&self, member: usize) -> Vec<PlainOrder> {
        self.resting.iter().filter(|order| order.member == member).cloned().collect()
    }

    pub(crate) fn cancel(&mut self, id: &str) {
        self.resting.retain(|order| *order.id != *id);
    }

    pub(crate) fn shrink(&mut self, id: &str, to: i64) {
        for order in self.resting.iter_mut().filter(|order| *order.id == *id) {
            order.remaining = to;
        }
        self.resting.retain(|order| order.remaining > 0);
    }

    /// Less at the same price keeps the place; anything else comes anew.
    pub(crate) fn amend(&mut self, id: &str, price: i64, count: i64) {
        let Some(at) = self.resting.iter().position(|order| *order.id == *id) else { return };
        let wanted = count - self.resting[at].filled;
        if price == self.resting[at].price && wanted <= self.resting[at].remaining {
            self.resting[at].remaining = wanted;
            return;
        }
        let mut order = self.resting.remove(at);
        (order.price, order.remaining) = (price, wanted);
        self.take(&mut order);
        if order.remaining > 0 {
            self.resting.push(order);
        }
    }

    pub(crate) fn place(&mut self, member: usize, new: &NewOrder, net: i64, placed: &Placed) {
        let closable = if new.side == Side::Bid { -net } else { net }.max(0);
        let mut order = PlainOrder {
            id: Arc::clone(&placed.order_id),
            member,
            side: new.side,
            price: new.price,
            filled: 0,
            remaining: if new.reduce_only { new.count.min(closable) } else { new.count },
            stops_taker: new.self_trade_prevention == SelfTradePrevention::TakerAtCross,
        };
        if new.time_in_force == TimeInForce::FillOrKill {
            assert!(self.reachable(new) >= new.count, "a fill-or-kill that cannot fill must be killed");
        }
        assert!(!new.post_only || self.best(&order).is_none(), "a post-only order must not take");
        self.take(&mut order);
        assert_eq!(placed.filled, order.filled);
        if order.remaining > 0 && new.time_in_force == TimeInForce::GoodTillCanceled {
            self.resting.push(order);
        }
    }

    pub(crate) fn refuse(&self, new: &NewOrder, code: &str) {
        match code {
            "insufficient_balance" => {}
            "fill_or_kill_insufficient_resting_volume" => assert!(self.reachable(new) < new.count),
            "invalid_order" => assert!(new.post_only && self.reachable(new) > 0),
            other => panic!("refused with {other}: {new:?}"),
        }
    }

    fn reachable(&self, new: &NewOrder) -> i64 {
        let against = self.resting.iter().filter(|order| crosses(new.side, new.price, order));
        against.map(|order| order.remaining).sum()
    }

    /// Returns who trades next with an order: the best price, and who came first at it.
    fn best(&self, taker: &PlainOrder) -> Option<usize> {
        let against =
            self.resting.iter().enumerate().filter(|(_, order)| crosses(taker.side, taker.price, order));
        let worse = |order: &PlainOrder| if taker.side == Side::Bid { order.price } else { -order.price };
        against.min_by_key(|(at, order)| (worse(order), *at)).map(|(at, _)| at)
    }

    fn take(&mut self, taker: &mut PlainOrder) {
        while let Some(at) = self.best(taker).filter(|_| taker.remaining > 0) {
            let maker = &mut self.resting[at];
            if maker.member == taker.member {
                if taker.stops_taker {
                    taker.remaining = 0;
                } else {
                    self.resting.remove(at);
                }
                continue;
            }
            let count = maker.remaining.min(taker.remaining);
            maker.remaining -= count;
            maker.filled += count;
            taker.remaining -= count;
            taker.filled += count;
            let (maker_id, taker_id) = (Arc::clone(&maker.id), Arc::clone(&taker.id));
            self.expected.push(Match { maker: maker_id, taker: taker_id, price: maker.price, count });
            if maker.remaining == 0 {
                self.resting.remove(at);
            }
        }
    }

    /// Compares what the exchange told its members with what had to happen.
    pub(crate) fn see(&mut self, events: &[VenueEvent], place: &str) {
        let mut expected = std::mem::take(&mut self.expected).into_iter();
        let mut maker: Option<&Fill> = None;
        for event in events {
            match event {
                VenueEvent::Fill(fill) if !fill.is_taker => {
                    self.pay(fill, place);
                    maker = Some(fill);
                }
                VenueEvent::Fill(fill) => {
                    self.pay(fill, place);
                    let maker = maker.take().expect("the resting side is told first");
                    assert_eq!((maker.trade_id.as_ref(), maker.count), (fill.trade_id.as_ref(), fill.count));
                    let happened = Match {
                        maker: Arc::clone(&maker.order_id),
                        taker: Arc::clone(&fill.order_id),
                        price: fill.yes_price,
                        count: fill.count,
                    };
                    assert_eq!(
                        Some(happened),
                        expected.next(),
                        "{place}: best price first, first come first"
                    );
                    self.matches += 1;
                }
                // Orders that can no longer be paid are the exchange's to cancel.
                VenueEvent::UserOrder { order, reason: "MarginCancel", .. } => {
                    assert_eq!(order.status, OrderStatus::Canceled);
                    self.cancel(&order.order_id);
                }
                _ => {}
            }
        }
        assert_eq!(expected.next(), None, "{place}: a match is missing");
    }

    /// Computes a fee a second time: exact rationals in integers of 1e-17 dollar.
    fn pay(&mut self, fill: &Fill, place: &str) {
        let (count, price) = (i128::from(fill.count), i128::from(fill.yes_price));
        let multiplier = i128::from(self.fees.multiplier);
        // In 1e-17 dollar: k in 1e-4, M in 1e-3, C in 1e-2, P and 1 - P in 1e-4 each.
        let exact = match (self.fees.kind, fill.is_taker) {
            (FeeKind::Flat, true) => multiplier * count * 10_i128.pow(10),
            (FeeKind::Flat | FeeKind::Quadratic, false) => 0,
            (_, true) => 700 * multiplier * count * price * (10_000 - price),
            (FeeKind::QuadraticWithMakerFees, false) => 175 * multiplier * count * price * (10_000 - price),
            (FeeKind::QuadraticWithComboMakerFees, false) => {
                350 * multiplier * count * price * (10_000 - price)
            }
        };
        let step = 10_i128.pow(13);
        let trade_fee = ((exact + step - 1) / step) as i64 * 100;
        // Cash before fees, of which a pair that is closed gives a dollar back.
        let net = self.positions.entry(fill.account).or_default();
        let leg = if fill.side == Side::Bid { fill.yes_price } else { 10_000 - fill.yes_price };
        let closed = if fill.side == Side::Bid { -*net } else { *net }.max(0).min(fill.count);
        let revenue = closed * 10_000 - leg * fill.count;
        *net += if fill.side == Side::Bid { fill.count } else { -fill.count };
        assert_eq!(*net, fill.post_position, "{place}: position after the fill");
        let rounding = (revenue - trade_fee).rem_euclid(100);
        let account = self.rounding.entry(Arc::clone(&fill.order_id)).or_default();
        *account += rounding;
        let cents = (*account / 10_000).min((trade_fee + rounding) / 10_000);
        self.rebates += u64::from(cents > 0);
        *account -= cents * 10_000;
        assert_eq!(fill.fee, trade_fee + rounding - cents * 10_000, "{place}: the fee of {fill:?}");
        self.fees_taken += fill.fee;
    }

    /// Compares the levels of both sides.
    pub(crate) fn same_levels(&self, market: &Market, place: &dyn Fn() -> String) {
        for (side, sizes) in [(Side::Bid, &market.bid_sizes), (Side::Ask, &market.ask_sizes)] {
            let mut plain: BTreeMap<i64, i64> = BTreeMap::new();
            for order in self.resting.iter().filter(|order| order.side == side) {
                *plain.entry(order.price).or_default() += order.remaining;
            }
            assert_eq!(&plain, sizes, "{}: levels", place());
        }
    }
}

/// Tells whether a limit trades with a resting order.
fn crosses(side: Side, limit: i64, resting: &PlainOrder) -> bool {
    resting.side != side
        && match side {
            Side::Bid => resting.price <= limit,
            Side::Ask => resting.price >= limit,
        }
}
