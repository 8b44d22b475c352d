//! The body of a new order, in the field names of Kalshi's V2 orders.

use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::Value;

use outrigger_engine::domain::{
    Catalog, ClientOrderId, Count, Market, Price, SelfTradePrevention, Side, Ticker, TimeInForce, WallTime,
};

use super::body::{Fields, Reader};
use crate::api::problem::{self, Problem};

/// The fields of a new order with what they are, for the reader of bodies and of documents alike.
pub(super) const FIELDS: &[(&str, &str)] = &[
    ("ticker", "the market"),
    ("side", "bid buys YES; ask sells YES, which is buying NO"),
    ("price", "price of YES in dollars, e.g. \"0.5600\", on the market's grid"),
    ("count", "contracts, e.g. \"10.00\""),
    ("time_in_force", "good_till_canceled (if not given), immediate_or_cancel or fill_or_kill"),
    ("self_trade_prevention_type", "taker_at_cross (if not given) or maker"),
    ("post_only", "true: refused rather than taking"),
    ("reduce_only", "true: only brings the position nearer to zero"),
    ("cancel_order_on_pause", "true: cancelled when the market pauses"),
    ("expiration_time", "Unix seconds; only with good_till_canceled"),
    ("client_order_id", "the client's own id, never used before; the order id if not given"),
];
pub(super) const REQUIRED: &[&str] = &["ticker", "side", "price", "count"];
const CLIENT_ORDER_ID_BYTES_MAX: usize = 64;

/// What a client wants, checked as far as the body alone can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Draft {
    pub(super) ticker: Ticker,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) count: Count,
    pub(super) time_in_force: TimeInForce,
    pub(super) self_trade_prevention_type: SelfTradePrevention,
    pub(super) post_only: bool,
    pub(super) reduce_only: bool,
    pub(super) cancel_order_on_pause: bool,
    pub(super) expiration_time: Option<i64>,
    pub(super) client_order_id: Option<ClientOrderId>,
}

impl Draft {
    /// Returns the SHA-256 of the order as it was understood: spelling and order of fields do not matter.
    pub(super) fn fingerprint(&self) -> String {
        let canonical = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(digest(&SHA256, &canonical))
    }
}

/// Reads an order that stands at `base` in its body.
pub(super) fn read(
    fields: Fields,
    base: &str,
    catalog: &Catalog,
    now: WallTime,
) -> Result<(Draft, Market), Problem> {
    let known: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    let mut reader = Reader::new(fields, &known, base);
    let ticker = reader.required("ticker", "KXBTC-26NOV20-B95", |text| Ok(Ticker::new(text)));
    let market = ticker.as_ref().and_then(|ticker| catalog.get(ticker.as_str()));
    let side = reader.required("side", "bid", |text| word(text, "neither bid nor ask"));
    let price = reader.required("price", "0.5600", decimal::<Price>);
    let count = reader.required("count", "10.00", decimal::<Count>);
    let tif_words = "none of good_till_canceled, immediate_or_cancel, fill_or_kill";
    let time_in_force: TimeInForce =
        reader.text("time_in_force", "good_till_canceled", |text| word(text, tif_words)).unwrap_or_default();
    let self_trade_prevention_type = reader
        .text("self_trade_prevention_type", "taker_at_cross", |text| {
            word(text, "neither taker_at_cross nor maker")
        })
        .unwrap_or_default();
    let (post_only, reduce_only) = (reader.flag("post_only"), reader.flag("reduce_only"));
    let cancel_order_on_pause = reader.flag("cancel_order_on_pause");
    let expiration_time = reader.integer("expiration_time");
    let client_order_id = reader.text("client_order_id", "mine-1", client_order_id);
    let rests = time_in_force == TimeInForce::GoodTillCanceled;
    if count.is_some_and(Count::is_zero) {
        reader.mistake("count", "must be more than zero".to_owned());
    }
    if post_only && !rests {
        reader.mistake("post_only", format!("cannot go with {}", time_in_force.as_str()));
    }
    if let Some(at) = expiration_time {
        if !rests {
            reader.mistake("expiration_time", "goes with good_till_canceled only".to_owned());
        } else if at <= now.millis() / 1_000 {
            reader.mistake("expiration_time", format!("{at} is in the past (Unix seconds)"));
        }
    }
    if let (Some(ticker), true) = (&ticker, catalog.is_empty()) {
        return Err(super::orders::unknown_market(true, ticker));
    }
    check_market(&mut reader, base, ticker.as_ref(), market.as_ref(), price)?;
    let (false, Some(ticker), Some(market), Some(side), Some(price), Some(count)) =
        (reader.has_mistakes(), ticker, market, side, price, count)
    else {
        return Err(reader.problem(problem::ORDER_INVALID));
    };
    let draft = Draft {
        ticker,
        side,
        price,
        count,
        time_in_force,
        self_trade_prevention_type,
        post_only,
        reduce_only,
        cancel_order_on_pause,
        expiration_time,
        client_order_id,
    };
    Ok((draft, market))
}

/// Checks ticker and price against the catalogue. What is wrong with one of them alone has a code of its own.
fn check_market(
    reader: &mut Reader,
    base: &str,
    ticker: Option<&Ticker>,
    market: Option<&Market>,
    price: Option<Price>,
) -> Result<(), Problem> {
    let (kind, field, detail) = match (ticker, market, price) {
        (Some(ticker), None, _) => (problem::MARKET_UNKNOWN, "ticker", format!("no market {ticker}")),
        (_, Some(market), Some(price)) if !market.grid.allows(price) => {
            let detail = format!("{price} is not on the grid of {}: {}", market.ticker, market.grid);
            (problem::OFF_GRID, "price", detail)
        }
        _ => return Ok(()),
    };
    if !reader.has_mistakes() {
        return Err(Problem::new(kind, detail).at(&format!("{base}/{field}")));
    }
    reader.mistake(field, detail);
    Ok(())
}

/// Reads an exact decimal, saying what is wrong with it.
pub(super) fn decimal<T: std::str::FromStr<Err = outrigger_engine::domain::DecimalError>>(
    text: &str,
) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// Reads a word of one of the domain's closed vocabularies.
fn word<T: for<'de> serde::Deserialize<'de>>(text: &str, otherwise: &str) -> Result<T, String> {
    T::deserialize(Value::from(text)).map_err(|_| otherwise.to_owned())
}

fn client_order_id(text: &str) -> Result<ClientOrderId, String> {
    let is_fit = !text.is_empty()
        && text.len() <= CLIENT_ORDER_ID_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_graphic());
    is_fit.then(|| ClientOrderId::new(text)).ok_or_else(|| {
        format!("not 1 to {CLIENT_ORDER_ID_BYTES_MAX} printable ASCII characters without spaces")
    })
}
