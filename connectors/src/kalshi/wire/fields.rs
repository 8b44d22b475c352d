//! The names of the fields each message may have, so that a new one is noticed. Names the venue has dropped stay, for recordings.

use super::envelope::{each_field, skim};

/// Returns the fields of a frame that no version known here has, as `.name` and `type.name`. An unknown type has no unknown
/// fields.
pub(crate) fn unknown_fields(frame: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    each_field(frame, |name, _| {
        if !ENVELOPE.contains(&name) {
            unknown.push(format!(".{name}"));
        }
    });
    let envelope = skim(frame);
    let kind = envelope.kind.unwrap_or_default();
    if let (Some(known), Some(msg)) = (known(kind), envelope.msg) {
        each_field(msg, |name, _| {
            if !known.split(' ').any(|field| field == name) {
                unknown.push(format!("{kind}.{name}"));
            }
        });
    }
    unknown
}

const ENVELOPE: [&str; 6] = ["type", "id", "sid", "seq", "sending_ts_ms", "msg"];

const LIFECYCLE: &str = "market_ticker exchange_index open_ts close_ts determination_ts settled_ts result settlement_value \
    is_deactivated additional_metadata event_type price_level_structure price_ranges strike_type floor_strike cap_strike \
    custom_strike yes_sub_title";
const RFQ: &str = "id creator_id market_ticker event_ticker contracts_fp target_cost_dollars created_ts deleted_ts \
    mve_collection_ticker mve_selected_legs";
const QUOTE: &str = "quote_id rfq_id quote_creator_id rfq_creator_id market_ticker event_ticker yes_bid_dollars \
    no_bid_dollars yes_contracts_offered_fp no_contracts_offered_fp rfq_target_cost_dollars created_ts subaccount \
    accepted_side contracts_accepted_fp order_id client_order_id executed_ts rfq_batch_id";
const BATCH: &str = "id creator_id created_ts legs rfqs rfq_ids deleted_ts batch_quote_id rfq_batch_id quote_creator_id \
    quotes subaccount client_batch_id version updated_ts yes_complete no_complete rfq_creator_id accepted_side accepted_ts \
    executed_rfq_ids failed_rfq_ids executed_ts close_reason";

/// Returns the names, separated by single spaces; `None` for a type not known here.
fn known(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "orderbook_snapshot" => {
            "market_ticker market_id clock yes_dollars_fp no_dollars_fp yes no yes_dollars no_dollars"
        }
        "orderbook_delta" => {
            "market_ticker market_id clock price_dollars delta_fp side client_order_id ts ts_ms subaccount price delta"
        }
        "ticker" => {
            "market_id market_ticker price_dollars yes_bid_dollars yes_ask_dollars volume_fp open_interest_fp dollar_volume \
            dollar_open_interest yes_bid_size_fp yes_ask_size_fp last_trade_size_fp ts ts_ms time price yes_bid yes_ask \
            volume open_interest Clock"
        }
        "trade" => {
            "trade_id market_ticker yes_price_dollars no_price_dollars count_fp taker_side taker_outcome_side \
            taker_book_side is_block_trade ts ts_ms yes_price no_price count"
        }
        "fill" => {
            "trade_id order_id client_order_id market_ticker exchange_index is_taker side ts ts_ms yes_price_dollars \
            count_fp fee_cost action post_position_fp purchased_side outcome_side book_side subaccount"
        }
        "user_order" => {
            "order_id user_id ticker exchange_index status side is_yes outcome_side book_side yes_price_dollars \
            fill_count_fp remaining_count_fp initial_count_fp taker_fill_cost_dollars maker_fill_cost_dollars \
            taker_fees_dollars maker_fees_dollars client_order_id order_group_id self_trade_prevention_type created_time \
            last_update_time expiration_time expiration_ts_ms created_ts_ms last_updated_ts_ms last_update_reason \
            subaccount_number"
        }
        "market_position" => {
            "user_id market_ticker position_fp position_cost_dollars realized_pnl_dollars fees_paid_dollars \
            position_fee_cost_dollars volume_fp subaccount"
        }
        "market_lifecycle_v2" | "multivariate_market_lifecycle" => LIFECYCLE,
        "event_lifecycle" => {
            "event_ticker exchange_index title subtitle collateral_return_type series_ticker strike_date strike_period"
        }
        "event_fee_update" => "event_ticker fee_type_override fee_multiplier_override",
        "order_group_updates" => "event_type order_group_id contracts_limit_fp ts_ms",
        "rfq_created" | "rfq_deleted" => RFQ,
        "quote_created" | "quote_accepted" | "quote_executed" => QUOTE,
        "rfq_batch_created"
        | "rfq_batch_deleted"
        | "rfq_batch_best_quotes"
        | "rfq_batch_executed"
        | "batch_quote_created"
        | "batch_quote_accepted"
        | "batch_quote_executed" => BATCH,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{known, unknown_fields};

    #[test]
    fn a_field_nobody_knows_is_named() {
        let frame =
            r#"{"type":"orderbook_delta","sid":1,"x":0,"msg":{"market_ticker":"A","x_unknown":{"side":1}}}"#;
        assert_eq!(unknown_fields(frame), [".x", "orderbook_delta.x_unknown"]);
        assert_eq!(unknown_fields(&frame.replace("orderbook_delta", "brand_new")), [".x"]);
        assert!(unknown_fields("{cut").is_empty());
        for kind in
            ["ticker", "fill", "user_order", "market_lifecycle_v2", "quote_created", "rfq_batch_created"]
        {
            assert!(!known(kind).unwrap().contains("  "), "{kind}: one space between names");
        }
    }
}
