//! Encodes what only the account itself may see: fills, orders, positions.

use std::io::Write as _;

use crate::socket::outbox::Payload;
use crate::socket::subscription::Subscription;
use crate::socket::text::{push, push_member, push_money};
use crate::venue::event::Side;

use super::encode::{push_count_member, push_head, push_price_member, push_tail, push_time_member, push_ts};
use super::message::{Fill, Group, Position, UserOrder};

pub(super) fn fill(to: &mut Payload, sid: u64, fill: &Fill<'_>) {
    push_head(to, "fill", sid, None);
    push!(to, r#""trade_id":"{}","order_id":"{}""#, fill.trade_id, fill.order_id);
    if let Some(client_order_id) = fill.client_order_id {
        push_member(to, "client_order_id", client_order_id);
    }
    let (side, book_side) = (fill.side.outcome().name(), fill.side.name());
    push!(
        to,
        r#","market_ticker":"{}","exchange_index":{},"is_taker":{},"side":"{side}""#,
        fill.ticker,
        fill.exchange_index,
        fill.is_taker
    );
    push_ts(to, fill.ts_us);
    push_price_member(to, "yes_price_dollars", fill.yes_price);
    push_count_member(to, "count_fp", fill.count);
    push_money_member(to, "fee_cost", fill.fee);
    // Orders of the V2 endpoints always buy a side: an ask is recorded as a purchase of NO.
    push!(
        to,
        r#","action":"buy","purchased_side":"{side}","outcome_side":"{side}","book_side":"{book_side}""#
    );
    push_count_member(to, "post_position_fp", fill.post_position);
    push!(to, r#","subaccount":{}"#, fill.subaccount);
    push_tail(to);
}

pub(super) fn user_order(to: &mut Payload, sid: u64, order: &UserOrder<'_>) {
    push_head(to, "user_order", sid, None);
    push!(to, r#""order_id":"{}","user_id":"{}""#, order.order_id, order.user_id);
    push_member(to, "client_order_id", order.client_order_id);
    let (side, book_side) = (order.side.outcome().name(), order.side.name());
    push!(to, r#","ticker":"{}","exchange_index":{}"#, order.ticker, order.exchange_index);
    push!(to, r#","status":"{}","side":"{side}","is_yes":{}"#, order.status, order.side == Side::Bid);
    push!(to, r#","outcome_side":"{side}","book_side":"{book_side}""#);
    push_price_member(to, "yes_price_dollars", order.yes_price);
    push_count_member(to, "fill_count_fp", order.fill_count);
    push_count_member(to, "remaining_count_fp", order.remaining_count);
    push_count_member(to, "initial_count_fp", order.initial_count);
    push_money_member(to, "taker_fill_cost_dollars", order.taker_fill_cost);
    push_money_member(to, "maker_fill_cost_dollars", order.maker_fill_cost);
    push_money_member(to, "taker_fees_dollars", order.taker_fees);
    push_money_member(to, "maker_fees_dollars", order.maker_fees);
    if let Some(order_group_id) = order.order_group_id {
        push_member(to, "order_group_id", order_group_id);
    }
    if let Some(kind) = order.self_trade_prevention_type {
        push_member(to, "self_trade_prevention_type", kind);
    }
    push_moment(to, "created_time", "created_ts_ms", order.created_us);
    if let Some(last_updated_us) = order.last_updated_us {
        push_moment(to, "last_update_time", "last_updated_ts_ms", last_updated_us);
    }
    if let Some(reason) = order.last_update_reason {
        push_member(to, "last_update_reason", reason);
    }
    if let Some(expiration_us) = order.expiration_us {
        push_moment(to, "expiration_time", "expiration_ts_ms", expiration_us);
    }
    push!(to, r#","subaccount_number":{}"#, order.subaccount);
    push_tail(to);
}

pub(super) fn position(to: &mut Payload, sid: u64, position: &Position<'_>, user_id: &str) {
    push_head(to, "market_position", sid, None);
    push!(to, r#""user_id":"{}","market_ticker":"{}""#, user_id, position.ticker);
    push_count_member(to, "position_fp", position.position);
    push_money_member(to, "position_cost_dollars", position.position_cost);
    push_money_member(to, "realized_pnl_dollars", position.realized_pnl);
    push_money_member(to, "fees_paid_dollars", position.fees_paid);
    push_money_member(to, "position_fee_cost_dollars", position.position_fee_cost);
    push_count_member(to, "volume_fp", position.volume);
    push!(to, r#","subaccount":{}"#, position.subaccount);
    push_tail(to);
}

fn push_money_member(to: &mut Vec<u8>, key: &str, money: i64) {
    push!(to, r#","{key}":""#);
    push_money(to, money);
    to.push(b'"');
}

/// Appends a moment in both of its forms.
fn push_moment(to: &mut Vec<u8>, time_key: &str, ms_key: &str, us: i64) {
    push_time_member(to, time_key, us);
    push!(to, r#","{ms_key}":{}"#, us.div_euclid(1_000));
}

pub(super) fn group(to: &mut Payload, subscription: &mut Subscription, group: &Group<'_>) {
    push_head(to, "order_group_updates", subscription.sid, Some(subscription.next_seq()));
    push!(to, r#""event_type":"{}","order_group_id":"{}""#, group.change.name(), group.group_id);
    if let Some(limit) = group.change.limit() {
        push_count_member(to, "contracts_limit_fp", limit);
    }
    push!(to, r#","ts_ms":{}"#, group.ts_us.div_euclid(1_000));
    push_tail(to);
}
