//! Market-data messages.

use outrigger_engine::domain::{Leg, Side, Ticker, TradeId, VenueTime};
use outrigger_engine::venue::{BookLevels, LifecycleEvent, MarketFrame, PublicTrade, Quote};

use super::NormalizeError;
use super::account::direction;
use crate::kalshi::wire::market as wire;
use crate::kalshi::wire::time::venue_time;

pub(super) fn snapshot(msg: wire::Snapshot<'_>) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::Snapshot {
        ticker: Ticker::from(msg.market_ticker.as_ref()),
        yes: levels(msg.yes_dollars_fp),
        no: levels(msg.no_dollars_fp),
        clock: msg.clock,
    })
}

fn levels(levels: Option<wire::Levels>) -> BookLevels {
    let exact = levels.unwrap_or_default().into_iter().map(|(price, count)| (price.0, count.0));
    exact.filter(|(_, count)| !count.is_zero()).collect()
}

pub(super) fn delta(msg: wire::Delta<'_>) -> Result<MarketFrame, NormalizeError> {
    let leg = match msg.side.as_ref() {
        "yes" => Leg::Yes,
        "no" => Leg::No,
        _ => return Err(NormalizeError::Meaning("side is neither yes nor no")),
    };
    Ok(MarketFrame::Delta {
        ticker: Ticker::from(msg.market_ticker.as_ref()),
        leg,
        price: msg.price_dollars.0,
        change: msg.delta_fp.0,
        clock: msg.clock,
        venue_time: venue_time(msg.ts_ms, msg.ts.as_ref()),
    })
}

pub(super) fn trade(msg: wire::Trade<'_>) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::Trade(PublicTrade {
        trade_id: TradeId::from(msg.trade_id.as_ref()),
        ticker: Ticker::from(msg.market_ticker.as_ref()),
        yes_price: msg.yes_price_dollars.0,
        count: msg.count_fp.0,
        taker_side: taker_side(
            msg.taker_book_side.as_deref(),
            msg.taker_outcome_side.as_deref(),
            msg.taker_side.as_deref(),
        )?,
        ts_ms: venue_time(msg.ts_ms, msg.ts.as_ref()).unwrap_or(VenueTime(0)),
    }))
}

/// The taker's direction; the deprecated `taker_side` names the outcome it bought.
pub(super) fn taker_side(
    book: Option<&str>,
    outcome: Option<&str>,
    bought: Option<&str>,
) -> Result<Side, NormalizeError> {
    direction(book, outcome.or(bought), None, None).ok_or(NormalizeError::Meaning("no taker side"))
}

pub(super) fn ticker(msg: wire::Ticker<'_>) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::Ticker(Quote {
        ticker: Ticker::from(msg.market_ticker.as_ref()),
        last_price: msg.price_dollars.0,
        yes_bid: msg.yes_bid_dollars.0,
        yes_ask: msg.yes_ask_dollars.0,
        volume: msg.volume_fp.0,
        open_interest: msg.open_interest_fp.0,
        ts_ms: venue_time(msg.ts_ms, msg.ts.as_ref()),
    }))
}

pub(super) fn lifecycle(msg: wire::Lifecycle<'_>) -> Result<LifecycleEvent, NormalizeError> {
    Ok(LifecycleEvent {
        ticker: Ticker::from(msg.market_ticker.as_ref()),
        event_type: msg.event_type.into_owned(),
        result: msg.result.filter(|result| !result.is_empty()).map(|result| result.into_owned()),
        settlement_value: msg.settlement_value.0,
        close_ts: msg.close_ts,
    })
}
