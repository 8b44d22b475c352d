//! Communications on the core: state tables, deadlines, and money.

mod batches;
mod blocks;
mod money;
mod quotes;
mod story;
mod subaccounts;
mod tables;

use std::sync::Arc;

pub(crate) use story::story;

use super::model::{Quote, Rfq, Size};
use super::notice::Notice;
use super::{NewQuote, NewRfq};
use crate::venue::Venue;
use crate::venue::combo::{Combo, SelectedLeg};
use crate::venue::event::{Leg, VenueEvent};
use crate::venue::market::Listing;
use crate::venue::tests::{START, venue};

pub(crate) const SECOND: i64 = 1_000_000;

pub(crate) fn request(ticker: &str, size: Size) -> NewRfq {
    NewRfq {
        ticker: ticker.into(),
        size,
        rest_remainder: false,
        is_obscured: false,
        replace_existing: false,
        subaccount: None,
    }
}

pub(crate) fn bids(rfq_id: &str, yes_bid: i64, no_bid: i64) -> NewQuote {
    NewQuote {
        rfq_id: rfq_id.into(),
        yes_bid,
        no_bid,
        rest_remainder: false,
        post_only: false,
        subaccount: None,
    }
}

/// Four members with 500 dollars each and the active market KXT-1.
pub(crate) fn quiet() -> Venue {
    let mut venue = venue(0);
    venue.take_events();
    venue
}

/// As [`quiet`], with more markets, combos of legs L0, L1 and so on.
pub(crate) fn with_combos(legs: &[&[usize]]) -> Venue {
    let mut venue = quiet();
    let first = venue.market("KXT-1").unwrap().listing.clone();
    for (number, legs) in legs.iter().enumerate() {
        let ticker = format!("KXMVE-{number}");
        venue.list(Listing { ticker: ticker.clone(), event_ticker: "KXMVE".into(), ..first.clone() }, START);
        let leg = |number: &usize| SelectedLeg {
            event_ticker: "KXL".into(),
            market_ticker: format!("L{number}"),
            side: Leg::Yes,
        };
        let legs = legs.iter().map(|number| (leg(number), 10_000)).collect();
        let combo = Combo { collection: "KXMVE-C".into(), legs };
        venue.markets.get_mut(&ticker).unwrap().combo = Some(combo);
    }
    venue.advance(START);
    venue.take_events();
    venue
}

pub(crate) fn rfq<'a>(venue: &'a Venue, id: &str) -> &'a Rfq {
    &venue.communications.rfqs[id]
}

pub(crate) fn quote<'a>(venue: &'a Venue, id: &str) -> &'a Quote {
    &venue.communications.quotes[id]
}

pub(crate) fn notices(venue: &mut Venue) -> Vec<Notice> {
    let notice = |event| match event {
        VenueEvent::Communication(notice) => Some(*notice),
        _ => None,
    };
    venue.take_events().into_iter().filter_map(notice).collect()
}

/// An RFQ of member 0 for ten contracts and a quote of member 1 on it.
pub(crate) fn quoted(venue: &mut Venue) -> (Arc<str>, Arc<str>) {
    let rfq = venue.create_rfq(0, &request("KXT-1", Size::Contracts(1_000)), START).unwrap();
    let quote = venue.create_quote(1, &bids(&rfq, 4_000, 5_500), START).unwrap();
    (rfq, quote)
}
