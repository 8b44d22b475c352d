//! Combos: markets that members make out of the markets of a collection. YES pays if every leg comes true.
//!
//! The same legs, in any order, are the same market. Combos live on the shard of combos and are announced apart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::Venue;
use super::account::AccountId;
use super::event::Leg;
use super::fees::{FeeKind, FeeSchedule};
use super::grid::CENTER_DECI_EDGE_CENTI;
use super::market::{Listing, Market, Outcome, Status};
use super::refusal::Refusal;
use super::units::{DOLLAR, Price};

/// Where combos trade.
pub const SHARD: i64 = 1;
pub const FEES: FeeSchedule = FeeSchedule { kind: FeeKind::QuadraticWithComboMakerFees, multiplier: 1_000 };
const WEEK_US: i64 = 7 * 24 * 60 * 60 * 1_000_000;
/// Combos that a member may make in a week.
const MADE_MAX: usize = 5_000;
const SETTLEMENT_TIMER_S: i64 = 10;

/// Which markets can be combined, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub ticker: String,
    /// Of the combos.
    pub series_ticker: String,
    pub title: String,
    pub description: String,
    pub open_us: i64,
    pub close_us: i64,
    /// Series whose open markets can be combined, one market of each event.
    pub source_series: Vec<String>,
    pub size_min: usize,
    pub size_max: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectedLeg {
    pub event_ticker: String,
    pub market_ticker: String,
    pub side: Leg,
}

/// What makes a market a combo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Combo {
    pub collection: String,
    /// Each with what its YES side will turn out to be worth.
    pub legs: Vec<(SelectedLeg, Price)>,
}

/// The collections, and when members made combos.
#[derive(Debug, Default)]
pub struct Collections {
    pub by_ticker: BTreeMap<String, Collection>,
    made: BTreeMap<AccountId, VecDeque<i64>>,
}

impl Collection {
    fn accepts(&self, market: &Market) -> bool {
        market.combo.is_none()
            && market.status == Status::Active
            && self.source_series.contains(&market.listing.series_ticker)
    }
}

impl Venue {
    /// Returns the events whose markets a collection combines now.
    pub fn associated_events(&self, collection: &Collection) -> Vec<&str> {
        let markets = self.markets.values().filter(|market| collection.accepts(market));
        let mut events: Vec<&str> = markets.map(|market| market.listing.event_ticker.as_str()).collect();
        events.sort_unstable();
        events.dedup();
        events
    }

    /// Returns the market of a combination, made now if nobody asked for it before.
    pub fn combine(
        &mut self,
        member: AccountId,
        collection_ticker: &str,
        selected: &[SelectedLeg],
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let collection = self.collections.by_ticker.get(collection_ticker).ok_or_else(Refusal::not_found)?;
        let mut legs = selected.to_vec();
        legs.sort();
        let markets = self.legs_of(collection, &legs, now_us)?;
        let listing = listing(collection, &legs, &markets, now_us);
        let values = markets.iter().map(|market| market.listing.outcome.value);
        let combo =
            Combo { collection: collection.ticker.clone(), legs: legs.iter().cloned().zip(values).collect() };
        if let Some(market) = self.markets.get(listing.ticker.as_str()) {
            return Ok(Arc::clone(&market.ticker));
        }
        let made = self.collections.made.entry(member).or_default();
        made.retain(|at_us| *at_us > now_us - WEEK_US);
        if made.len() >= MADE_MAX {
            return Err(Refusal::too_many_combos(MADE_MAX));
        }
        made.push_back(now_us);
        let market_id = self.dice.uuid();
        let ticker: Arc<str> = listing.ticker.as_str().into();
        self.insert(listing, &market_id, Some(combo), now_us);
        self.advance(now_us);
        Ok(ticker)
    }

    /// Gives a combo the outcome that its legs have, or will have if nobody intervenes.
    pub(super) fn resolve_combo(&mut self, ticker: &str) {
        let Some(combo) = self.market(ticker).and_then(|market| market.combo.as_ref()) else { return };
        let mut combo = combo.clone();
        for (leg, value) in &mut combo.legs {
            // Of a leg that is forgotten since, what the combo was made with counts.
            *value = self.market(&leg.market_ticker).map_or(*value, |market| market.listing.outcome.value);
        }
        if let Some(market) = self.markets.get_mut(ticker) {
            market.listing.outcome = outcome(combo.legs.iter().map(|(leg, value)| share(*value, leg)));
            market.combo = Some(combo);
        }
    }

    /// Checks a selection and returns its markets.
    fn legs_of(
        &self,
        collection: &Collection,
        legs: &[SelectedLeg],
        now_us: i64,
    ) -> Result<Vec<&Market>, Refusal> {
        let Collection { size_min, size_max, .. } = *collection;
        if !(collection.open_us..collection.close_us).contains(&now_us) {
            return Err(Refusal::bad_request("the collection is not open"));
        }
        if !(size_min..=size_max).contains(&legs.len()) {
            return Err(Refusal::bad_request(format!("{size_min} to {size_max} markets can be combined")));
        }
        if legs.iter().zip(legs.iter().skip(1)).any(|(one, next)| one.event_ticker == next.event_ticker) {
            return Err(Refusal::bad_request("only one market of each event can be combined"));
        }
        let find = |leg: &SelectedLeg| {
            let market = self.markets.get(leg.market_ticker.as_str());
            market
                .filter(|market| {
                    market.listing.event_ticker == leg.event_ticker && collection.accepts(market)
                })
                .ok_or_else(|| {
                    Refusal::bad_request(format!("{} is not in the collection", leg.market_ticker))
                })
        };
        legs.iter().map(find).collect()
    }
}

/// Returns what a combination is made from. It ends with its last leg.
fn listing(collection: &Collection, legs: &[SelectedLeg], markets: &[&Market], now_us: i64) -> Listing {
    let shares =
        |of: fn(&Market) -> Price| markets.iter().zip(legs).map(move |(market, leg)| share(of(market), leg));
    let events = legs.iter().map(|leg| leg.event_ticker.as_str());
    let event_ticker = format!("{}-S{:011X}", collection.series_ticker, hash(events));
    let parts = legs.iter().flat_map(|leg| [leg.market_ticker.as_str(), leg.side.name()]);
    let names: Vec<String> =
        legs.iter().map(|leg| format!("{} {}", leg.side.name(), leg.market_ticker)).collect();
    Listing {
        ticker: format!("{event_ticker}-{:011X}", hash(parts)),
        event_ticker,
        series_ticker: collection.series_ticker.clone(),
        event_title: collection.title.clone(),
        title: names.join(","),
        yes_sub_title: names.join(","),
        exchange_index: SHARD,
        grid: CENTER_DECI_EDGE_CENTI,
        fees: FEES,
        open_us: now_us,
        close_us: markets.iter().map(|market| market.listing.close_us).max().unwrap_or(now_us),
        settlement_timer_s: SETTLEMENT_TIMER_S,
        can_close_early: true,
        outcome: outcome(shares(|market| market.listing.outcome.value)),
        first_price: product(shares(|market| market.listing.first_price)).clamp(1, DOLLAR - 1),
    }
}

/// Returns what a leg's side is worth when its YES side is worth `value`.
fn share(value: Price, leg: &SelectedLeg) -> Price {
    if leg.side == Leg::Yes { value } else { DOLLAR - value }
}

fn product(shares: impl Iterator<Item = Price>) -> Price {
    shares.fold(DOLLAR, |all, share| all * share / DOLLAR)
}

fn outcome(shares: impl Iterator<Item = Price>) -> Outcome {
    let value = product(shares);
    let result = match value {
        0 => "no",
        DOLLAR => "yes",
        _ => "scalar",
    };
    Outcome { result, value }
}

/// FNV-1a, folded to the 44 bits that a ticker shows.
fn hash<'a>(parts: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = parts.flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (hash ^ (hash >> 44)) & 0xFFF_FFFF_FFFF
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::grid::LINEAR_CENT;

    fn market(event: &str, name: &str, value: Price) -> Listing {
        Listing {
            ticker: format!("{event}-{name}"),
            event_ticker: event.to_owned(),
            series_ticker: "S".to_owned(),
            event_title: String::new(),
            title: String::new(),
            yes_sub_title: String::new(),
            exchange_index: 0,
            grid: LINEAR_CENT,
            fees: FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 },
            open_us: 0,
            close_us: 1_000_000,
            settlement_timer_s: 1,
            can_close_early: true,
            outcome: Outcome { result: if value == 0 { "no" } else { "yes" }, value },
            first_price: 5_000,
        }
    }

    fn venue() -> Venue {
        let mut venue = Venue::new(1);
        for (event, name, value) in [("E1", "A", DOLLAR), ("E1", "B", 0), ("E2", "C", 0)] {
            venue.list(market(event, name, value), 0);
        }
        venue.advance(0);
        let collection = Collection {
            ticker: "COL".to_owned(),
            series_ticker: "KXMVE".to_owned(),
            title: String::new(),
            description: String::new(),
            open_us: 0,
            close_us: 500_000,
            source_series: vec!["S".to_owned()],
            size_min: 2,
            size_max: 2,
        };
        venue.collections.by_ticker.insert("COL".to_owned(), collection);
        venue
    }

    fn leg(event: &str, name: &str, side: Leg) -> SelectedLeg {
        SelectedLeg { event_ticker: event.to_owned(), market_ticker: format!("{event}-{name}"), side }
    }

    #[test]
    fn the_same_legs_are_the_same_market() {
        let mut venue = venue();
        let legs = [leg("E1", "A", Leg::Yes), leg("E2", "C", Leg::No)];
        let ticker = venue.combine(0, "COL", &legs, 1).unwrap();
        let [one, other] = legs.clone();
        assert_eq!(venue.combine(0, "COL", &[other, one], 2).unwrap(), ticker);
        let market = venue.market(&ticker).unwrap();
        assert_eq!((market.status, market.listing.exchange_index), (Status::Active, SHARD));
        assert_eq!(market.listing.outcome, Outcome { result: "yes", value: DOLLAR }, "both legs come true");
        let other =
            venue.combine(0, "COL", &[leg("E1", "A", Leg::Yes), leg("E2", "C", Leg::Yes)], 2).unwrap();
        let (one, other) = (venue.market(&ticker).unwrap(), venue.market(&other).unwrap());
        assert_eq!(one.listing.event_ticker, other.listing.event_ticker);
        assert_eq!(other.listing.outcome.value, 0);
    }

    #[test]
    fn a_combo_ends_as_its_legs_do() {
        let mut venue = venue();
        let ticker =
            venue.combine(0, "COL", &[leg("E1", "A", Leg::Yes), leg("E2", "C", Leg::Yes)], 1).unwrap();
        assert_eq!(venue.market(&ticker).unwrap().listing.outcome.value, 0);
        venue.steer("E2-C", crate::venue::steer::Steer::Determine(Some(Outcome::YES)), 2).unwrap();
        venue.advance(20_000_000);
        let amended = crate::venue::steer::Steer::Amend(Outcome::NO);
        let refused = venue.steer(&ticker, amended, 20_000_000).unwrap_err();
        assert_eq!(refused.details.as_deref(), Some("a combo's result follows from its legs"));
        let market = venue.market(&ticker).unwrap();
        assert_eq!((market.status, market.listing.outcome.result), (Status::Determined, "yes"));
        let legs = &market.combo.as_ref().unwrap().legs;
        assert!(legs.iter().all(|(_, value)| *value == DOLLAR));
    }

    #[test]
    fn selections_that_the_collection_does_not_allow_are_refused() {
        let mut venue = venue();
        let (a, b, c) = (leg("E1", "A", Leg::Yes), leg("E1", "B", Leg::Yes), leg("E2", "C", Leg::Yes));
        let mut refused = |legs: &[SelectedLeg], now_us| {
            venue.combine(0, "COL", legs, now_us).unwrap_err().details.unwrap_or_default()
        };
        assert!(refused(std::slice::from_ref(&a), 1).contains("2 to 2"));
        assert!(refused(&[a.clone(), b], 1).contains("one market of each event"));
        assert!(refused(&[a.clone(), leg("E2", "A", Leg::Yes)], 1).contains("E2-A"));
        assert!(refused(&[a.clone(), c.clone()], 500_000).contains("not open"));
        assert_eq!(venue.combine(0, "NONE", &[a, c], 1), Err(Refusal::not_found()));
    }

    #[test]
    fn a_member_makes_so_many_in_a_week() {
        let mut venue = venue();
        let legs = [leg("E1", "A", Leg::Yes), leg("E2", "C", Leg::No)];
        venue.collections.made.insert(0, vec![0; MADE_MAX].into());
        assert_eq!(venue.combine(0, "COL", &legs, 1).unwrap_err().status, 429);
        assert!(venue.combine(1, "COL", &legs, 1).is_ok());
    }
}
