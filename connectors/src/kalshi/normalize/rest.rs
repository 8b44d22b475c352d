//! Rows and objects of the REST side.

use outrigger_engine::domain::{
    Count, Market, MarketStatus, Money, Price, PriceGrid, PriceRange, Ticker, VenueTime,
};
use outrigger_engine::venue::{
    BookSample, PublicTrade, SettlementRow, VenueBalance, VenueFill, VenueOrder, VenuePosition,
};

use super::{NormalizeError, account, market};
use crate::kalshi::wire::rest as wire;
use crate::kalshi::wire::time::venue_time;
use crate::kalshi::wire::{account as wire_account, exact::Exact};

const MICROS_PER_CENT: i64 = 10_000;

pub(crate) fn order_row(row: wire_account::Order<'_>) -> Result<VenueOrder, NormalizeError> {
    account::order(row)
}

pub(crate) fn fill_row(row: wire_account::Fill<'_>) -> Result<VenueFill, NormalizeError> {
    account::fill(row)
}

pub(crate) fn position_row(row: wire_account::Position<'_>) -> Result<VenuePosition, NormalizeError> {
    account::position(row)
}

pub(crate) fn trade_row(row: crate::kalshi::wire::market::Trade<'_>) -> Result<PublicTrade, NormalizeError> {
    market::public_trade(row, &mut super::Tickers::default())
}

pub(crate) fn settlement_row(row: wire::Settlement<'_>) -> Result<SettlementRow, NormalizeError> {
    Ok(SettlementRow {
        ticker: Ticker::from(row.ticker.as_ref()),
        result: row.market_result.into_owned(),
        revenue: cents(row.revenue)?,
        fee: row.fee_cost.0.unwrap_or(Money::ZERO),
        settled_ms: row
            .settled_time
            .venue_time()
            .ok_or(NormalizeError::Meaning("a settlement without time"))?,
    })
}

pub(crate) fn balance(body: wire::Balance<'_>) -> Result<VenueBalance, NormalizeError> {
    let cash = match body.balance_dollars.0 {
        Some(exact) => exact,
        None => cents(body.balance)?,
    };
    let shards = body.balance_breakdown.unwrap_or_default();
    let mut by_shard: Vec<_> =
        shards.into_iter().map(|shard| (shard.exchange_index, shard.balance.0)).collect();
    by_shard.sort_unstable();
    Ok(VenueBalance {
        cash,
        portfolio_value: cents(body.portfolio_value)?,
        by_shard,
        updated_ms: venue_time(None, body.updated_ts.as_ref()),
    })
}

fn cents(cents: i64) -> Result<Money, NormalizeError> {
    let micros = cents.checked_mul(MICROS_PER_CENT);
    micros.map(Money::from_micros).ok_or(NormalizeError::Meaning("an absurd amount"))
}

pub(crate) fn as_of(body: wire::UserDataTimestamp<'_>) -> Result<VenueTime, NormalizeError> {
    body.as_of_time.venue_time().ok_or(NormalizeError::Meaning("as_of_time is no time"))
}

pub(crate) fn book(book: wire::Book<'_>) -> BookSample {
    let levels = |side: Option<Vec<(Exact<Price>, Exact<Count>)>>| {
        let exact = side.unwrap_or_default().into_iter().map(|(price, count)| (price.0, count.0));
        exact.filter(|(_, count)| !count.is_zero()).collect()
    };
    BookSample {
        ticker: Ticker::from(book.ticker.as_ref()),
        yes: levels(book.orderbook_fp.yes_dollars),
        no: levels(book.orderbook_fp.no_dollars),
    }
}

pub(crate) fn market(body: wire::Market<'_>) -> Result<Market, NormalizeError> {
    let title = match body.yes_sub_title.as_deref() {
        Some(sub) if !sub.is_empty() && !body.title.contains(sub) => format!("{}: {sub}", body.title),
        _ => body.title.into_owned(),
    };
    let text = |text: Option<std::borrow::Cow<'_, str>>| {
        text.filter(|text| !text.is_empty()).map(|text| text.into_owned())
    };
    Ok(Market {
        ticker: Ticker::from(body.ticker.as_ref()),
        event_ticker: body.event_ticker.into_owned(),
        title,
        status: status(&body.status),
        grid: grid(body.price_ranges),
        exchange_index: body.exchange_index.unwrap_or(0),
        open_time: text(body.open_time),
        close_time: text(body.close_time),
        result: text(body.result).unwrap_or_default(),
    })
}

/// Whole cents are valid on every grid the venue knows, so a market without ranges gets those.
pub(super) fn grid(ranges: Option<Vec<wire::PriceStep>>) -> PriceGrid {
    let ranges = ranges.unwrap_or_default();
    if ranges.is_empty() {
        return grid_missing();
    }
    let range = |step: wire::PriceStep| {
        let (Exact(start), Exact(end), Exact(step)) = (step.start, step.end, step.step);
        PriceRange { start, end, step }
    };
    let mut ranges: Vec<PriceRange> = ranges.into_iter().map(range).collect();
    ranges.sort_by_key(|range| range.start);
    PriceGrid::new(ranges)
}

/// The grid of whole cents.
pub(crate) fn grid_missing() -> PriceGrid {
    let cent = Price::from_ten_thousandths(100).unwrap_or(Price::ONE);
    PriceGrid::new(vec![PriceRange { start: Price::ZERO, end: Price::ONE, step: cent }])
}

fn status(text: &str) -> MarketStatus {
    match text {
        "initialized" | "unopened" => MarketStatus::Initialized,
        "active" | "open" => MarketStatus::Active,
        "inactive" | "paused" => MarketStatus::Inactive,
        "closed" => MarketStatus::Closed,
        "determined" => MarketStatus::Determined,
        "disputed" => MarketStatus::Disputed,
        "amended" => MarketStatus::Amended,
        "finalized" | "settled" => MarketStatus::Finalized,
        _ => MarketStatus::Unknown,
    }
}
