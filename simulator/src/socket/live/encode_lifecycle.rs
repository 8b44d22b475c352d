//! Encodes the life of markets and events. Times are in seconds here, unlike everywhere else.

use std::io::Write as _;

use crate::socket::outbox::Payload;
use crate::socket::text::{push, push_member, push_price};
use crate::venue::units::Price;

use super::encode::{push_head, push_price_member, push_tail};
use super::message::{Created, EventFee, EventLifecycle, MarketChange, MarketLifecycle};

pub(super) fn market(to: &mut Payload, sid: u64, seq: u64, lifecycle: &MarketLifecycle<'_>) {
    let kind = if lifecycle.is_combo { "multivariate_market_lifecycle" } else { "market_lifecycle_v2" };
    push_head(to, kind, sid, Some(seq));
    push!(to, r#""market_ticker":"{}""#, lifecycle.ticker);
    match &lifecycle.change {
        MarketChange::Created(created) => push_created(to, created, lifecycle.is_combo),
        MarketChange::Activated => {
            to.extend_from_slice(br#","event_type":"activated","is_deactivated":false"#);
        }
        MarketChange::Deactivated => {
            to.extend_from_slice(br#","event_type":"deactivated","is_deactivated":true"#);
        }
        MarketChange::CloseDateUpdated { close_ts } => {
            push!(to, r#","event_type":"close_date_updated","close_ts":{}"#, close_ts);
        }
        MarketChange::PriceLevelStructureUpdated { price_level_structure, price_ranges } => {
            to.extend_from_slice(br#","event_type":"price_level_structure_updated""#);
            push_member(to, "price_level_structure", price_level_structure);
            push_ranges(to, price_ranges);
        }
        MarketChange::MetadataUpdated { yes_sub_title } => {
            to.extend_from_slice(br#","event_type":"metadata_updated""#);
            push_member(to, "yes_sub_title", yes_sub_title);
        }
        MarketChange::Determined { determination_ts, result, settlement_value } => {
            push!(to, r#","event_type":"determined","determination_ts":{}"#, determination_ts);
            push_member(to, "result", result);
            push_price_member(to, "settlement_value", *settlement_value);
        }
        MarketChange::Settled { settled_ts } => {
            push!(to, r#","event_type":"settled","settled_ts":{}"#, settled_ts);
        }
    }
    push_tail(to);
}

/// The channel of combos names the grid without its bands.
fn push_created(to: &mut Vec<u8>, created: &Created<'_>, is_combo: bool) {
    push!(to, r#","event_type":"created","exchange_index":{}"#, created.exchange_index);
    push!(to, r#","open_ts":{},"close_ts":{}"#, created.open_ts, created.close_ts);
    push!(to, r#","additional_metadata":{{"can_close_early":{}"#, created.can_close_early);
    push!(to, r#","expected_expiration_ts":{}"#, created.expected_expiration_ts);
    for (key, text) in [
        ("event_ticker", created.event_ticker),
        ("name", created.name),
        ("title", created.title),
        ("yes_sub_title", created.yes_sub_title),
        ("no_sub_title", created.no_sub_title),
        ("rules_primary", created.rules_primary),
        ("rules_secondary", created.rules_secondary),
    ] {
        push_member(to, key, text);
    }
    to.push(b'}');
    push_member(to, "price_level_structure", created.price_level_structure);
    if !is_combo {
        push_ranges(to, created.price_ranges);
    }
}

fn push_ranges(to: &mut Vec<u8>, ranges: &[(Price, Price, Price)]) {
    to.extend_from_slice(br#","price_ranges":["#);
    for (index, (start, end, step)) in ranges.iter().enumerate() {
        to.extend_from_slice(if index == 0 { br#"{"start":""# } else { br#",{"start":""#.as_slice() });
        push_price(to, *start);
        push_price_member_after_string(to, "end", *end);
        push_price_member_after_string(to, "step", *step);
        to.extend_from_slice(br#""}"#);
    }
    to.push(b']');
}

/// Appends `","key":"price`, closing the string before and leaving this one open.
fn push_price_member_after_string(to: &mut Vec<u8>, key: &str, price: i64) {
    push!(to, r#"","{key}":""#);
    push_price(to, price);
}

pub(super) fn event(to: &mut Payload, sid: u64, seq: u64, event: &EventLifecycle<'_>) {
    push_head(to, "event_lifecycle", sid, Some(seq));
    push!(to, r#""event_ticker":"{}","exchange_index":{}"#, event.event_ticker, event.exchange_index);
    for (key, text) in [
        ("title", event.title),
        ("subtitle", event.subtitle),
        ("collateral_return_type", event.collateral_return_type),
        ("series_ticker", event.series_ticker),
    ] {
        push_member(to, key, text);
    }
    push_tail(to);
}

/// Thousandths become the decimal number that the exchange sends.
pub(super) fn event_fee(to: &mut Payload, sid: u64, seq: u64, fee: &EventFee<'_>) {
    push_head(to, "event_fee_update", sid, Some(seq));
    push!(to, r#""event_ticker":"{}""#, fee.event_ticker);
    match fee.fees {
        Some(fees) => {
            push_member(to, "fee_type_override", fees.kind.name());
            let (whole, thousandths) = (fees.multiplier / 1_000, fees.multiplier % 1_000);
            push!(to, r#","fee_multiplier_override":{whole}.{thousandths:03}"#);
        }
        None => to.extend_from_slice(br#","fee_type_override":null,"fee_multiplier_override":null"#),
    }
    push_tail(to);
}
