//! Matching: best price first, first come first, at the resting order's price.

use std::sync::Arc;

use super::TRADES_KEPT;
use super::Venue;
use super::account;
use super::event::{Fill, Side, VenueEvent};
use super::fees::{net_fee, trade_fee};
use super::market::PublicTrade;
use super::order::OrderStatus;
use super::place::{stops_taker, trades_at};
use super::units::{Count, Price};

/// A trade as the public sees it.
#[derive(Debug, Clone, Copy)]
struct Print {
    price: Price,
    count: Count,
    taker_side: Side,
    is_block_trade: bool,
}

impl Venue {
    /// Trades the incoming order `number` with what rests, until its limit, its size or self-trade prevention stops it.
    pub(super) fn match_order(&mut self, number: u64, now_us: i64) {
        let mut traded = false;
        let Some(ticker) = self.orders.get(&number).map(|order| Arc::clone(&order.ticker)) else { return };
        while let Some((maker, price)) = self.next_maker(number) {
            let same_account = match (self.orders.get(&number), self.orders.get(&maker)) {
                (Some(taker), Some(maker)) => taker.member == maker.member,
                _ => return,
            };
            if same_account {
                let taker_stops =
                    self.orders.get(&number).is_some_and(|taker| stops_taker(taker.self_trade_prevention));
                let stopped = if taker_stops { number } else { maker };
                self.end(stopped, OrderStatus::Canceled, "SelfTradeCancel", now_us);
                if taker_stops {
                    break;
                }
                continue;
            }
            self.trade(number, maker, price, now_us);
            traded = true;
        }
        if traded {
            self.announce_ticker(&ticker, now_us);
        }
    }

    /// Returns the order that `number` trades with next, and its price.
    fn next_maker(&self, number: u64) -> Option<(u64, Price)> {
        let taker =
            self.orders.get(&number).filter(|o| o.remaining > 0 && o.status == OrderStatus::Resting)?;
        let market = self.markets.of(taker)?;
        let price =
            market.best_against(taker.side).filter(|price| trades_at(taker.side, taker.price, *price))?;
        let queue = if taker.side == Side::Bid { market.asks.get(&price) } else { market.bids.get(&price) };
        queue?.front().map(|maker| (*maker, price))
    }

    fn trade(&mut self, taker: u64, maker: u64, price: Price, now_us: i64) {
        let (Some(taking), Some(making)) = (self.orders.get(&taker), self.orders.get(&maker)) else { return };
        let count = taking.remaining.min(making.remaining);
        let is_gone = making.remaining == count;
        let (taker_side, ticker) = (taking.side, Arc::clone(&taking.ticker));
        let trade_id = self.dice.uuid();
        self.change_level(maker, -count, now_us);
        if is_gone {
            self.unqueue(maker);
        }
        let print = Print { price, count, taker_side, is_block_trade: false };
        self.settle_match(taker, maker, &ticker, &trade_id, print, now_us);
        self.count_in_groups([maker, taker], count, now_us);
    }

    /// Trades two orders with each other in full, past the book, at a price of their own.
    pub(super) fn trade_off_book(&mut self, taker: u64, maker: u64, price: Price, now_us: i64) {
        let (Some(taking), Some(making)) = (self.orders.get(&taker), self.orders.get(&maker)) else { return };
        let count = taking.remaining.min(making.remaining);
        let (taker_side, ticker) = (taking.side, Arc::clone(&taking.ticker));
        let trade_id = self.dice.uuid();
        let print = Print { price, count, taker_side, is_block_trade: true };
        self.settle_match(taker, maker, &ticker, &trade_id, print, now_us);
        self.announce_ticker(&ticker, now_us);
    }

    /// Prints a match and books it for both sides.
    fn settle_match(
        &mut self,
        taker: u64,
        maker: u64,
        ticker: &Arc<str>,
        trade_id: &Arc<str>,
        print: Print,
        now_us: i64,
    ) {
        self.record_trade(ticker, trade_id, print, now_us);
        let mut longs = self.fill(maker, false, trade_id, print.price, print.count, now_us);
        longs += self.fill(taker, true, trade_id, print.price, print.count, now_us);
        if let Some(market) = self.markets.get_mut(ticker) {
            market.open_interest += longs;
        }
    }

    /// Takes an order out of its queue, and the queue out of the book once it is empty.
    pub(super) fn unqueue(&mut self, number: u64) {
        let Some(order) = self.orders.get_mut(&number) else { return };
        order.is_queued = false;
        let Some(market) = self.markets.of_mut(order) else { return };
        let queues = if order.side == Side::Bid { &mut market.bids } else { &mut market.asks };
        let Some(queue) = queues.get_mut(&order.price) else { return };
        if let Some(at) = queue.iter().position(|queued| *queued == number) {
            queue.remove(at);
        }
        if queue.is_empty() {
            queues.remove(&order.price);
        }
    }

    fn record_trade(&mut self, ticker: &Arc<str>, trade_id: &Arc<str>, print: Print, now_us: i64) {
        let Print { price: yes_price, count, taker_side, is_block_trade } = print;
        let number = self.number();
        let Some(market) = self.markets.get_mut(ticker) else { return };
        market.note_volume(count, now_us);
        market.candles.note_trade(yes_price, count, now_us);
        market.last_price = yes_price;
        market.last_size = count;
        market.volume += count;
        market.dollar_volume += yes_price * count;
        let trade_id = Arc::clone(trade_id);
        market.trades.push_front(PublicTrade {
            number,
            trade_id: Arc::clone(&trade_id),
            yes_price,
            count,
            taker_side,
            is_block_trade,
            ts_us: now_us,
        });
        market.trades.truncate(TRADES_KEPT);
        let market_id = Arc::clone(&market.market_id);
        let ticker = Arc::clone(ticker);
        self.events.push(VenueEvent::Trade {
            trade_id,
            ticker,
            market_id,
            yes_price,
            count,
            taker_side,
            is_block_trade,
            ts_us: now_us,
        });
    }

    /// Books one side of a match: order, fee, cash, position, and what its owner is told. Returns by how much the long
    /// contracts of its account grew.
    fn fill(
        &mut self,
        number: u64,
        is_taker: bool,
        trade_id: &Arc<str>,
        price: Price,
        count: Count,
        now_us: i64,
    ) -> Count {
        let Some(order) = self.orders.get_mut(&number) else { return 0 };
        let Some(market) = self.markets.of(order) else { return 0 };
        let Some(holder) = self.accounts.get_mut(order.account) else { return 0 };
        let before = holder.position(&order.ticker);
        let booked = account::book(before, order.side, price, count);
        let fee = if holder.has_credit {
            0
        } else {
            let charged = trade_fee(market.fees_at(now_us), is_taker, price, count);
            net_fee(booked.revenue, charged, &mut order.rounding)
        };
        order.note_fill(is_taker, price, count, fee, now_us);
        if order.remaining == 0 {
            let group = order.order_group_id.as_ref().and_then(|id| self.groups.get_mut(id));
            group.into_iter().for_each(|group| group.forget(number));
        }
        *holder.cash.entry(order.exchange_index).or_insert(0) += booked.revenue - fee;
        holder.updated_us = now_us;
        let after =
            account::Position { fees_paid: before.fees_paid + fee, updated_us: now_us, ..booked.after };
        holder.positions.insert(Arc::clone(&order.ticker), after);
        self.fees_taken += fee;
        let has_credit = holder.has_credit;
        let longs = after.net.max(0) - before.net.max(0);
        if has_credit {
            self.announce_order(number, "Trade");
            return longs;
        }
        let fill = Fill {
            account: order.member,
            trade_id: Arc::clone(trade_id),
            order_id: Arc::clone(&order.order_id),
            client_order_id: Arc::clone(&order.client_order_id),
            ticker: Arc::clone(&order.ticker),
            exchange_index: order.exchange_index,
            is_taker,
            side: order.side,
            yes_price: price,
            count,
            fee,
            post_position: after.net,
            subaccount: order.subaccount,
            ts_us: now_us,
        };
        let position = position_event(order.member, order.subaccount, &order.ticker, &after);
        let (id, shard) = (order.account, fill.exchange_index);
        if let Some(primary) = self.accounts.get_mut(fill.account) {
            primary.fills.push(fill.clone());
        }
        self.tie_after_fill(number);
        self.announce_order(number, "Trade");
        self.events.push(VenueEvent::Fill(Box::new(fill)));
        self.events.push(position);
        self.cancel_unpayable(id, shard, now_us);
        longs
    }
}

/// Returns what the owner of a position is told of it.
pub(super) fn position_event(
    account: account::AccountId,
    subaccount: i64,
    ticker: &Arc<str>,
    position: &account::Position,
) -> VenueEvent {
    VenueEvent::Position {
        account,
        subaccount,
        ticker: Arc::clone(ticker),
        position: position.net,
        cost: position.cost,
        realized_pnl: position.realized_pnl,
        fees_paid: position.fees_paid,
        volume: position.volume,
    }
}
