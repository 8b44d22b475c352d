//! Market-data messages.

use outrigger_engine::domain::{Leg, Price, Side, TradeId, VenueTime};
use outrigger_engine::venue::{BookLevels, LifecycleEvent, MarketFrame, PublicTrade, Quote};

use super::account::direction;
use super::rest::grid;
use super::tickers::Tickers;
use super::{Decoded, NormalizeError, Stamped};
use crate::kalshi::wire::exact::{Cents, Maybe};
use crate::kalshi::wire::market as wire;
use crate::kalshi::wire::quick::QuickDelta;
use crate::kalshi::wire::time::venue_time;

pub(super) fn snapshot(
    msg: wire::Snapshot<'_>,
    tickers: &mut Tickers,
) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::Snapshot {
        ticker: tickers.get(&msg.market_ticker),
        yes: levels(msg.yes_dollars_fp, msg.yes),
        no: levels(msg.no_dollars_fp, msg.no),
        clock: msg.clock,
        asked: None,
    })
}

/// An absent side is an empty one.
fn levels(levels: Option<wire::Levels>, old: Option<wire::OldLevels>) -> BookLevels {
    let exact = levels.into_iter().flatten().map(|(price, count)| (price.0, count.0));
    let cents = old.into_iter().flatten().map(|(price, count)| (price.0, count.0));
    exact.chain(cents).filter(|(_, count)| !count.is_zero()).collect()
}

pub(super) fn delta(msg: wire::Delta<'_>, tickers: &mut Tickers) -> Result<MarketFrame, NormalizeError> {
    let leg = match msg.side.as_ref() {
        "yes" => Leg::Yes,
        "no" => Leg::No,
        _ => return Err(NormalizeError::Meaning("side is neither yes nor no")),
    };
    Ok(MarketFrame::Delta {
        ticker: tickers.get(&msg.market_ticker),
        leg,
        price: price(msg.price_dollars, msg.price)?,
        change: msg.delta_fp.0.or(msg.delta.0).ok_or(NormalizeError::Meaning("no change"))?,
        clock: msg.clock,
        venue_time: venue_time(msg.ts_ms, msg.ts.as_ref()),
    })
}

/// The usual delta, already read.
pub(super) fn quick_delta(delta: QuickDelta<'_>, tickers: &mut Tickers) -> Stamped {
    let frame = MarketFrame::Delta {
        ticker: tickers.get(delta.market_ticker),
        leg: if delta.is_yes { Leg::Yes } else { Leg::No },
        price: delta.price,
        change: delta.change,
        clock: delta.clock,
        venue_time: Some(VenueTime(delta.ts_ms)),
    };
    let decoded = Decoded::Market { id: None, sid: Some(delta.sid), seq: Some(delta.seq), frame };
    Stamped { decoded, sent_ms: delta.sending_ts_ms }
}

/// The exact price, or the oldest format's in cents.
fn price(dollars: Maybe<Price>, cents: Option<Cents>) -> Result<Price, NormalizeError> {
    dollars.0.or(cents.map(|cents| cents.0)).ok_or(NormalizeError::Meaning("no price"))
}

pub(super) fn trade(msg: wire::Trade<'_>, tickers: &mut Tickers) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::Trade(public_trade(msg, tickers)?))
}

/// Reads a public trade, of the stream or of a REST list.
pub(super) fn public_trade(
    msg: wire::Trade<'_>,
    tickers: &mut Tickers,
) -> Result<PublicTrade, NormalizeError> {
    let ticker = msg.market_ticker.or(msg.ticker).ok_or(NormalizeError::Meaning("a trade without ticker"))?;
    let coarse = msg.created_time.as_ref().or(msg.ts.as_ref());
    Ok(PublicTrade {
        trade_id: TradeId::from(msg.trade_id.as_ref()),
        ticker: tickers.get(&ticker),
        yes_price: price(msg.yes_price_dollars, msg.yes_price)?,
        count: msg.count_fp.0.or(msg.count.0).ok_or(NormalizeError::Meaning("no count"))?,
        taker_side: taker_side(
            msg.taker_book_side.as_deref(),
            msg.taker_outcome_side.as_deref(),
            msg.taker_side.as_deref(),
        )?,
        ts_ms: venue_time(msg.ts_ms, coarse).unwrap_or(VenueTime(0)),
    })
}

/// The taker's direction; the deprecated `taker_side` names the outcome it bought.
pub(super) fn taker_side(
    book: Option<&str>,
    outcome: Option<&str>,
    bought: Option<&str>,
) -> Result<Side, NormalizeError> {
    direction(book, outcome.or(bought), None, None).ok_or(NormalizeError::Meaning("no taker side"))
}

pub(super) fn ticker(msg: wire::Ticker<'_>, tickers: &mut Tickers) -> Result<MarketFrame, NormalizeError> {
    Ok(MarketFrame::Ticker(Quote {
        ticker: tickers.get(&msg.market_ticker),
        last_price: msg.price_dollars.0,
        yes_bid: msg.yes_bid_dollars.0,
        yes_ask: msg.yes_ask_dollars.0,
        volume: msg.volume_fp.0,
        open_interest: msg.open_interest_fp.0,
        ts_ms: venue_time(msg.ts_ms, msg.ts.as_ref()),
    }))
}

pub(super) fn lifecycle(
    msg: wire::Lifecycle<'_>,
    is_combo: bool,
    tickers: &mut Tickers,
) -> Result<LifecycleEvent, NormalizeError> {
    Ok(LifecycleEvent {
        ticker: tickers.get(&msg.market_ticker),
        event_type: msg.event_type.into_owned(),
        is_combo,
        result: msg.result.filter(|result| !result.is_empty()).map(|result| result.into_owned()),
        settlement_value: msg.settlement_value.0,
        open_ts: msg.open_ts,
        close_ts: msg.close_ts,
        determination_ts: msg.determination_ts,
        settled_ts: msg.settled_ts,
        is_deactivated: msg.is_deactivated,
        exchange_index: msg.exchange_index,
        grid: msg.price_ranges.filter(|ranges| !ranges.is_empty()).map(|ranges| grid(Some(ranges))),
    })
}
