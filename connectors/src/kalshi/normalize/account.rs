//! The account's fills, orders and positions, from the stream or by REST.

use outrigger_engine::domain::{ClientOrderId, Money, Side, Ticker, TradeId, VenueOrderId};
use outrigger_engine::venue::{VenueFill, VenueOrder, VenueOrderStatus, VenuePosition};

use super::NormalizeError;
use crate::kalshi::wire::account as wire;
use crate::kalshi::wire::time::venue_time;

pub(super) fn fill(msg: wire::Fill<'_>) -> Result<VenueFill, NormalizeError> {
    let trade_id = msg.trade_id.or(msg.fill_id).ok_or(NormalizeError::Meaning("a fill without trade_id"))?;
    let ticker = msg.market_ticker.or(msg.ticker).ok_or(NormalizeError::Meaning("a fill without ticker"))?;
    let side = direction(
        msg.book_side.as_deref(),
        msg.outcome_side.as_deref(),
        msg.side.as_deref(),
        msg.action.as_deref(),
    );
    let coarse = msg.created_time.as_ref().or(msg.ts.as_ref());
    Ok(VenueFill {
        trade_id: TradeId::from(trade_id.as_ref()),
        venue_order_id: VenueOrderId::from(msg.order_id.as_ref()),
        client_order_id: msg.client_order_id.as_deref().and_then(client_order_id),
        ticker: Ticker::from(ticker.as_ref()),
        side: side.ok_or(NormalizeError::Meaning("a fill without direction"))?,
        price: msg.yes_price_dollars.0,
        count: msg.count_fp.0,
        fee: msg.fee_cost.0.unwrap_or(Money::ZERO),
        is_taker: msg.is_taker.unwrap_or(false),
        ts_ms: venue_time(msg.ts_ms, coarse).ok_or(NormalizeError::Meaning("a fill without time"))?,
        post_position: msg.post_position_fp.0,
    })
}

pub(super) fn order(msg: wire::Order<'_>) -> Result<VenueOrder, NormalizeError> {
    let ticker =
        msg.ticker.or(msg.market_ticker).ok_or(NormalizeError::Meaning("an order without ticker"))?;
    let side = direction(
        msg.book_side.as_deref(),
        msg.outcome_side.as_deref(),
        msg.side.as_deref(),
        msg.action.as_deref(),
    )
    .or(msg.is_yes.map(|is_yes| if is_yes { Side::Bid } else { Side::Ask }));
    let status = match msg.status.as_ref() {
        "resting" => VenueOrderStatus::Resting,
        "canceled" | "cancelled" => VenueOrderStatus::Canceled,
        "executed" => VenueOrderStatus::Executed,
        _ => return Err(NormalizeError::Meaning("an order status this version does not know")),
    };
    let (fill_count, remaining_count) = (msg.fill_count_fp.0, msg.remaining_count_fp.0);
    let at_least = fill_count.checked_add(remaining_count);
    Ok(VenueOrder {
        venue_order_id: VenueOrderId::from(msg.order_id.as_ref()),
        client_order_id: msg.client_order_id.as_deref().and_then(client_order_id),
        ticker: Ticker::from(ticker.as_ref()),
        side: side.ok_or(NormalizeError::Meaning("an order without direction"))?,
        price: msg.yes_price_dollars.0,
        status,
        initial_count: msg
            .initial_count_fp
            .0
            .or(at_least)
            .ok_or(NormalizeError::Meaning("an order of absurd size"))?,
        fill_count,
        remaining_count,
        exchange_index: msg.exchange_index.unwrap_or(0),
        created_ms: venue_time(msg.created_ts_ms, msg.created_time.as_ref()),
        updated_ms: venue_time(msg.last_updated_ts_ms, msg.last_update_time.as_ref()),
        reason: msg.last_update_reason.filter(|reason| !reason.is_empty()).map(|reason| reason.into_owned()),
    })
}

pub(super) fn position(msg: wire::Position<'_>) -> Result<VenuePosition, NormalizeError> {
    let ticker =
        msg.market_ticker.or(msg.ticker).ok_or(NormalizeError::Meaning("a position without ticker"))?;
    Ok(VenuePosition {
        ticker: Ticker::from(ticker.as_ref()),
        position: msg.position_fp.0,
        realized_pnl: msg.realized_pnl_dollars.0,
        fees_paid: msg.fees_paid_dollars.0,
        exposure: msg.market_exposure_dollars.0.or(msg.position_cost_dollars.0),
    })
}

/// Orders placed elsewhere may carry none, sent as an empty string.
fn client_order_id(text: &str) -> Option<ClientOrderId> {
    (!text.is_empty()).then(|| ClientOrderId::from(text))
}

/// Works out the direction from whichever words the venue used: buying YES and selling NO are bids.
pub(super) fn direction(
    book: Option<&str>,
    outcome: Option<&str>,
    leg: Option<&str>,
    action: Option<&str>,
) -> Option<Side> {
    match (book, outcome, leg, action) {
        (Some("bid"), ..) | (None, Some("yes"), ..) => Some(Side::Bid),
        (Some("ask"), ..) | (None, Some("no"), ..) => Some(Side::Ask),
        (None, None, Some("yes"), Some("buy")) | (None, None, Some("no"), Some("sell")) => Some(Side::Bid),
        (None, None, Some("no"), Some("buy")) | (None, None, Some("yes"), Some("sell")) => Some(Side::Ask),
        _ => None,
    }
}
