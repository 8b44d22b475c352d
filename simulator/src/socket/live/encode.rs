//! Encodes what everyone may see: book changes, tickers, trades.

use std::io::Write as _;

use crate::socket::outbox::Payload;
use crate::socket::subscription::Subscription;
use crate::socket::text::{push, push_count, push_member, push_price, push_time};

use crate::venue::account::AccountId;
use crate::venue::event::Leg;
use crate::venue::units::DOLLAR;

use super::message::{BookDelta, Ticker, Trade};

/// Appends the envelope up to and including the opening brace of `msg`.
pub(super) fn push_head(to: &mut Payload, kind: &str, sid: u64, seq: Option<u64>) {
    push!(to, r#"{{"type":"{kind}","sid":{sid}"#);
    if let Some(seq) = seq {
        push!(to, r#","seq":{seq}"#);
    }
    let sending_ts_ms = to.sending_ts_ms;
    push!(to, r#","sending_ts_ms":{sending_ts_ms},"msg":{{"#);
}

/// Appends the end of `msg` and of the envelope.
pub(super) fn push_tail(to: &mut Vec<u8>) {
    to.extend_from_slice(b"}}");
}

/// Appends the tail of `"..._dollars":` or `"..._fp":` members.
pub(super) fn push_price_member(to: &mut Vec<u8>, key: &str, price: i64) {
    push!(to, r#","{key}":""#);
    push_price(to, price);
    to.push(b'"');
}

pub(super) fn push_count_member(to: &mut Vec<u8>, key: &str, count: i64) {
    push!(to, r#","{key}":""#);
    push_count(to, count);
    to.push(b'"');
}

pub(super) fn push_time_member(to: &mut Vec<u8>, key: &str, ts_us: i64) {
    push!(to, r#","{key}":""#);
    push_time(to, ts_us);
    to.push(b'"');
}

/// Encodes a book change for a subscriber of `viewer`; the tag of an own order is for its owner only.
pub(super) fn book_delta(
    to: &mut Payload,
    subscription: &mut Subscription,
    delta: &BookDelta<'_>,
    viewer: AccountId,
) {
    let at_yes_price = subscription.use_yes_price && delta.leg == Leg::No;
    let price = if at_yes_price { DOLLAR - delta.price } else { delta.price };
    push_head(to, "orderbook_delta", subscription.sid, Some(subscription.next_seq()));
    push!(
        to,
        r#""market_ticker":"{}","market_id":"{}","clock":{}"#,
        delta.ticker,
        delta.market_id,
        delta.clock
    );
    push_price_member(to, "price_dollars", price);
    push_count_member(to, "delta_fp", delta.delta);
    push!(to, r#","side":"{}""#, delta.leg.name());
    push_time_member(to, "ts", delta.ts_us);
    push!(to, r#","ts_ms":{}"#, delta.ts_us.div_euclid(1_000));
    if let Some(owner) = delta.owner.filter(|owner| owner.account == viewer) {
        if let Some(client_order_id) = owner.client_order_id {
            push_member(to, "client_order_id", client_order_id);
        }
        push!(to, r#","subaccount":{}"#, owner.subaccount);
    }
    push_tail(to);
}

pub(super) fn ticker(to: &mut Payload, sid: u64, ticker: &Ticker<'_>) {
    push_head(to, "ticker", sid, None);
    push!(to, r#""market_id":"{}","market_ticker":"{}""#, ticker.market_id, ticker.ticker);
    push_price_member(to, "price_dollars", ticker.price);
    push_price_member(to, "yes_bid_dollars", ticker.yes_bid);
    push_price_member(to, "yes_ask_dollars", ticker.yes_ask);
    push_count_member(to, "volume_fp", ticker.volume);
    push_count_member(to, "open_interest_fp", ticker.open_interest);
    push!(to, r#","dollar_volume":{}"#, ticker.dollar_volume);
    push!(to, r#","dollar_open_interest":{}"#, ticker.dollar_open_interest);
    push_count_member(to, "yes_bid_size_fp", ticker.yes_bid_size);
    push_count_member(to, "yes_ask_size_fp", ticker.yes_ask_size);
    push_count_member(to, "last_trade_size_fp", ticker.last_trade_size);
    push_ts(to, ticker.ts_us);
    push_time_member(to, "time", ticker.ts_us);
    push_tail(to);
}

pub(super) fn trade(to: &mut Payload, subscription: &mut Subscription, trade: &Trade<'_>) {
    push_head(to, "trade", subscription.sid, Some(subscription.next_seq()));
    push!(to, r#""trade_id":"{}","market_ticker":"{}""#, trade.trade_id, trade.ticker);
    push_price_member(to, "yes_price_dollars", trade.yes_price);
    push_price_member(to, "no_price_dollars", DOLLAR - trade.yes_price);
    push_count_member(to, "count_fp", trade.count);
    let (side, book_side) = (trade.taker.outcome().name(), trade.taker.name());
    push!(to, r#","taker_side":"{side}","taker_outcome_side":"{side}","taker_book_side":"{book_side}""#);
    push!(to, r#","is_block_trade":{}"#, trade.is_block_trade);
    push_ts(to, trade.ts_us);
    push_tail(to);
}

/// Appends `ts` (seconds) and `ts_ms`.
pub(super) fn push_ts(to: &mut Vec<u8>, ts_us: i64) {
    push!(to, r#","ts":{},"ts_ms":{}"#, ts_us.div_euclid(1_000_000), ts_us.div_euclid(1_000));
}
