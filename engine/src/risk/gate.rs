//! The gate: every order that adds risk passes here, and nothing else can make `Cleared`.

use super::limits::Limits;
use crate::desk::command::DeskError;
use crate::domain::{Count, Market, MarketStatus, Money, Price, Side, SignedCount, TimeInForce};
use crate::journal::{HaltMode, NewOrder};
use crate::venue::{CreateOrder, VenueWrite};

/// A write that passed the gate. Its only constructors are the functions below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared(VenueWrite);

impl Cleared {
    pub fn into_write(self) -> VenueWrite {
        self.0
    }
}

/// What the account has at stake when the order is judged. Unknown and pending orders are counted in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    pub halt: HaltMode,
    pub halt_reason: String,
    pub open_orders: usize,
    /// Signed position in the order's market.
    pub position: SignedCount,
    /// Contracts working in the same direction in that market, without the order judged.
    pub working_same_side: Count,
}

/// Judges a new order.
pub fn clear_create(
    order: &NewOrder,
    market: &Market,
    exposure: &Exposure,
    limits: &Limits,
) -> Result<Cleared, DeskError> {
    halt_allows(order.side, order.count, exposure)?;
    market_allows(market, order.price)?;
    terms_allow(order)?;
    let open_after = exposure.open_orders.saturating_add(1);
    if open_after > limits.max_open_orders as usize {
        return Err(limit("max_open_orders", limits.max_open_orders, open_after));
    }
    size_allows(order.side, order.price, order.count, exposure, limits)?;
    Ok(Cleared(VenueWrite::Create(CreateOrder {
        client: order.client.clone(),
        client_order_id: order.client_order_id.clone(),
        ticker: order.ticker.clone(),
        side: order.side,
        price: order.price,
        count: order.count,
        time_in_force: order.time_in_force,
        self_trade_prevention: order.self_trade_prevention,
        post_only: order.post_only,
        reduce_only: order.reduce_only,
        cancel_order_on_pause: order.cancel_order_on_pause,
        expiration_time: order.expiration_time,
        exchange_index: order.exchange_index,
    })))
}

/// Judges an amend or decrease to `price` and a new total `count`, of which `filled` has traded.
pub fn clear_amend(
    write: VenueWrite,
    market: &Market,
    (side, price, count, filled): (Side, Price, Count, Count),
    exposure: &Exposure,
    limits: &Limits,
) -> Result<Cleared, DeskError> {
    if matches!(write, VenueWrite::Decrease { .. }) {
        return Ok(Cleared(write));
    }
    let rest = count.saturating_sub(filled);
    halt_allows(side, rest, exposure)?;
    market_allows(market, price)?;
    size_allows(side, price, rest, exposure, limits)?;
    Ok(Cleared(write))
}

fn halt_allows(side: Side, count: Count, exposure: &Exposure) -> Result<(), DeskError> {
    let reason = exposure.halt_reason.clone();
    match exposure.halt {
        HaltMode::Active => Ok(()),
        HaltMode::Halted => Err(DeskError::Halted { reason }),
        HaltMode::ReduceOnly => {
            let opposite = match side {
                Side::Bid => exposure.position.is_negative(),
                Side::Ask => !exposure.position.is_negative(),
            };
            let working = exposure.working_same_side.checked_add(count).unwrap_or(Count::MAX);
            let reduces = opposite && working <= exposure.position.magnitude();
            if reduces { Ok(()) } else { Err(DeskError::ReduceOnly { reason }) }
        }
    }
}

fn market_allows(market: &Market, price: Price) -> Result<(), DeskError> {
    let ticker = market.ticker.to_string();
    if market.status != MarketStatus::Active {
        let status = serde_json::to_value(market.status).ok();
        let status = status.and_then(|s| s.as_str().map(str::to_owned)).unwrap_or_default();
        return Err(DeskError::MarketNotActive { ticker, status });
    }
    if !market.grid.allows(price) {
        return Err(DeskError::OffGrid { ticker, price, grid: market.grid.to_string() });
    }
    Ok(())
}

fn terms_allow(order: &NewOrder) -> Result<(), DeskError> {
    let invalid = |pointer, reason: &str| Err(DeskError::Invalid { pointer, reason: reason.to_owned() });
    let resting = order.time_in_force == TimeInForce::GoodTillCanceled;
    if order.count.is_zero() {
        return invalid("/count", "count must be more than zero");
    }
    if !resting && order.expiration_time.is_some() {
        return invalid("/expiration_time", "expiration_time goes only with good_till_canceled");
    }
    if !resting && order.post_only {
        return invalid("/post_only", "post_only goes only with good_till_canceled");
    }
    if order.reduce_only && order.time_in_force != TimeInForce::ImmediateOrCancel {
        return invalid("/reduce_only", "reduce_only goes only with immediate_or_cancel");
    }
    Ok(())
}

fn size_allows(
    side: Side,
    price: Price,
    count: Count,
    exposure: &Exposure,
    limits: &Limits,
) -> Result<(), DeskError> {
    if count > limits.max_order_count {
        return Err(limit("max_order_count", limits.max_order_count, count));
    }
    // A bid can cost its price, an ask the complement.
    let at_risk = if side == Side::Bid { price } else { price.complement() };
    let notional = Money::notional(at_risk, count).unwrap_or(Money::from_micros(i64::MAX));
    if notional > limits.max_order_notional {
        return Err(limit("max_order_notional", limits.max_order_notional, notional));
    }
    let working = exposure.working_same_side.checked_add(count).unwrap_or(Count::MAX).signed();
    let change = if side == Side::Bid { working } else { working.negated() };
    let after = exposure.position.checked_add(change).map_or(Count::MAX, SignedCount::magnitude);
    if after > limits.max_position && after > exposure.position.magnitude() {
        return Err(limit("max_position", limits.max_position, after));
    }
    Ok(())
}

fn limit(limit: &'static str, allowed: impl ToString, wanted: impl ToString) -> DeskError {
    DeskError::Limit { limit, allowed: allowed.to_string(), wanted: wanted.to_string() }
}

#[cfg(test)]
mod tests;
