//! The running exchange as the live channels see it.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::host::Exchange;
use crate::listener::Listener;
use crate::venue::account::AccountId;
use crate::venue::event::{Lifecycle, LifecycleKind, VenueEvent};
use crate::venue::order::Order;

use super::message::{
    BookDelta, Created, EventFee, EventLifecycle, Fill, Group, MarketChange, MarketLifecycle, Outgoing,
    Owner, Position, Ticker, Trade, UserOrder,
};
use super::port::{BookState, LiveExchange};

impl LiveExchange for Exchange {
    type Event = VenueEvent;

    fn events(&self) -> (broadcast::Receiver<Arc<[VenueEvent]>>, Listener) {
        self.follow()
    }

    fn outgoing(event: &VenueEvent) -> Option<Outgoing<'_>> {
        Some(match event {
            VenueEvent::BookChange { .. } => Outgoing::BookDelta(book_delta(event)?),
            VenueEvent::Trade {
                trade_id,
                ticker,
                yes_price,
                count,
                taker_side,
                is_block_trade,
                ts_us,
                ..
            } => Outgoing::Trade(Trade {
                trade_id,
                ticker,
                yes_price: *yes_price,
                count: *count,
                taker: *taker_side,
                is_block_trade: *is_block_trade,
                ts_us: *ts_us,
            }),
            VenueEvent::Fill(fill) => Outgoing::Fill(self::fill(fill)),
            VenueEvent::UserOrder { account, order, reason } => {
                Outgoing::UserOrder(user_order(*account, order, reason))
            }
            VenueEvent::Position {
                account,
                subaccount,
                ticker,
                position,
                cost,
                realized_pnl,
                fees_paid,
                volume,
            } => {
                Outgoing::Position(Position {
                    account: *account,
                    ticker,
                    position: *position,
                    position_cost: *cost,
                    realized_pnl: *realized_pnl,
                    fees_paid: *fees_paid,
                    // The core keeps one total of fees per position.
                    position_fee_cost: *fees_paid,
                    volume: *volume,
                    subaccount: *subaccount,
                })
            }
            VenueEvent::Group { .. } => Outgoing::Group(group(event)?),
            VenueEvent::Money { .. } => return None,
            VenueEvent::Ticker(view) => Outgoing::Ticker(ticker(view)),
            VenueEvent::Lifecycle(lifecycle) => Outgoing::MarketLifecycle(market_lifecycle(lifecycle)),
            VenueEvent::EventFee(changed) => {
                Outgoing::EventFee(EventFee { event_ticker: &changed.event_ticker, fees: changed.fees })
            }
            VenueEvent::EventCreated(created) => Outgoing::EventLifecycle(EventLifecycle {
                is_combo: created.is_combo,
                event_ticker: &created.event_ticker,
                exchange_index: created.exchange_index,
                title: &created.title,
                subtitle: "",
                collateral_return_type: "",
                series_ticker: &created.series_ticker,
            }),
            VenueEvent::Communication(notice) => Outgoing::Communication(notice),
        })
    }

    fn book(&self, ticker: &str) -> Option<BookState> {
        self.with(|venue| {
            venue.market(ticker).map(|market| BookState {
                market_id: market.market_id.to_string(),
                clock: market.clock,
                yes: market.yes_levels().collect(),
                no: market.no_levels().collect(),
            })
        })
    }

    fn show_ticker(&self, name: &str, show: &mut dyn FnMut(&Ticker<'_>)) -> bool {
        let view = self.with(|venue| venue.market(name).map(|market| market.ticker_view(self.now_us())));
        view.inspect(|view| show(&ticker(view))).is_some()
    }

    fn tickers(&self) -> Vec<String> {
        self.with(|venue| venue.markets.keys().map(|ticker| ticker.to_string()).collect())
    }

    fn user_id(&self, account: AccountId) -> String {
        let user_id = |account: &crate::venue::account::Account| account.user_id.to_string();
        self.with(|venue| venue.accounts.get(account).map(user_id)).unwrap_or_default()
    }

    fn ticker_of(&self, market_id: &str) -> Option<String> {
        self.with(|venue| {
            let market = venue.markets.values().find(|market| &*market.market_id == market_id)?;
            Some(market.ticker.to_string())
        })
    }
}

fn book_delta(event: &VenueEvent) -> Option<BookDelta<'_>> {
    let VenueEvent::BookChange { ticker, market_id, clock, leg, price, delta, ts_us, owner } = event else {
        return None;
    };
    let owner = owner.as_ref().map(|owner| Owner {
        account: owner.account,
        client_order_id: Some(&*owner.client_order_id).filter(|id| !id.is_empty()),
        subaccount: owner.subaccount,
    });
    Some(BookDelta {
        ticker,
        market_id,
        clock: *clock,
        leg: *leg,
        price: *price,
        delta: *delta,
        ts_us: *ts_us,
        owner,
    })
}

fn group(event: &VenueEvent) -> Option<Group<'_>> {
    let VenueEvent::Group { account, subaccount, group_id, change, ts_us } = event else { return None };
    let (account, subaccount) = (*account, *subaccount);
    Some(Group { account, subaccount, group_id, change: *change, ts_us: *ts_us })
}

fn fill(fill: &crate::venue::event::Fill) -> Fill<'_> {
    Fill {
        account: fill.account,
        trade_id: &fill.trade_id,
        order_id: &fill.order_id,
        client_order_id: Some(&*fill.client_order_id).filter(|id| !id.is_empty()),
        ticker: &fill.ticker,
        exchange_index: fill.exchange_index,
        is_taker: fill.is_taker,
        side: fill.side,
        yes_price: fill.yes_price,
        count: fill.count,
        fee: fill.fee,
        post_position: fill.post_position,
        subaccount: fill.subaccount,
        ts_us: fill.ts_us,
    }
}

fn user_order<'a>(account: AccountId, order: &'a Order, reason: &'static str) -> UserOrder<'a> {
    UserOrder {
        account,
        order_id: &order.order_id,
        user_id: &order.user_id,
        client_order_id: &order.client_order_id,
        ticker: &order.ticker,
        exchange_index: order.exchange_index,
        status: order.status.name(),
        side: order.side,
        yes_price: order.price,
        fill_count: order.filled,
        remaining_count: order.remaining,
        initial_count: order.initial,
        taker_fill_cost: order.taker_cost,
        maker_fill_cost: order.maker_cost,
        taker_fees: order.taker_fees,
        maker_fees: order.maker_fees,
        order_group_id: order.order_group_id.as_deref(),
        self_trade_prevention_type: Some(order.self_trade_prevention.name()),
        created_us: order.created_us,
        last_updated_us: Some(order.updated_us),
        // A first state, and a cancel by its owner, have no reason in the exchange's vocabulary.
        last_update_reason: Some(reason).filter(|reason| !reason.is_empty()),
        expiration_us: order.expiration_us,
        subaccount: order.subaccount,
    }
}

fn ticker(view: &crate::venue::event::Ticker) -> Ticker<'_> {
    Ticker {
        ticker: &view.ticker,
        market_id: &view.market_id,
        price: view.last_price,
        yes_bid: view.yes_bid,
        yes_ask: view.yes_ask,
        yes_bid_size: view.yes_bid_size,
        yes_ask_size: view.yes_ask_size,
        last_trade_size: view.last_trade_size,
        volume: view.volume,
        open_interest: view.open_interest,
        dollar_volume: view.dollar_volume,
        dollar_open_interest: view.dollar_open_interest,
        ts_us: view.ts_us,
    }
}

fn market_lifecycle(lifecycle: &Lifecycle) -> MarketLifecycle<'_> {
    let change = match &lifecycle.kind {
        LifecycleKind::Created {
            open_ts,
            close_ts,
            title,
            yes_sub_title,
            price_level_structure,
            ranges,
            can_close_early,
        } => MarketChange::Created(Created {
            exchange_index: lifecycle.exchange_index,
            open_ts: *open_ts,
            close_ts: *close_ts,
            event_ticker: &lifecycle.event_ticker,
            name: yes_sub_title,
            title,
            yes_sub_title,
            no_sub_title: yes_sub_title,
            rules_primary: title,
            rules_secondary: "",
            can_close_early: *can_close_early,
            expected_expiration_ts: *close_ts,
            price_level_structure,
            price_ranges: ranges,
        }),
        LifecycleKind::Activated => MarketChange::Activated,
        LifecycleKind::Deactivated => MarketChange::Deactivated,
        LifecycleKind::CloseDateUpdated { close_ts } => {
            MarketChange::CloseDateUpdated { close_ts: *close_ts }
        }
        LifecycleKind::PriceLevelStructureUpdated { price_level_structure, ranges } => {
            MarketChange::PriceLevelStructureUpdated { price_level_structure, price_ranges: ranges }
        }
        LifecycleKind::MetadataUpdated { yes_sub_title } => MarketChange::MetadataUpdated { yes_sub_title },
        LifecycleKind::Determined { result, settlement_value, determination_ts } => {
            MarketChange::Determined {
                determination_ts: *determination_ts,
                result,
                settlement_value: *settlement_value,
            }
        }
        LifecycleKind::Settled { settled_ts } => MarketChange::Settled { settled_ts: *settled_ts },
    };
    MarketLifecycle { is_combo: lifecycle.is_combo, ticker: &lifecycle.ticker, change }
}
