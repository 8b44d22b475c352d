//! Steered lives: every state against every step, and what the longer ways cause.

use std::collections::BTreeMap;

use super::Venue;
use super::event::{LifecycleKind, VenueEvent};
use super::fees::{FeeKind, FeeSchedule};
use super::grid::{DECI_CENT, LINEAR_CENT};
use super::life::Step;
use super::market::{Listing, Outcome, Status};
use super::steer::Steer;

const CLOSE_US: i64 = 1_000_000_000;

fn unopened(can_close_early: bool) -> Venue {
    let mut venue = Venue::new(1);
    venue.open_account(false, BTreeMap::from([(0, 1_000_000)]));
    let listing = Listing {
        ticker: "A".to_owned(),
        event_ticker: "E".to_owned(),
        series_ticker: "S".to_owned(),
        event_title: String::new(),
        title: String::new(),
        yes_sub_title: String::new(),
        exchange_index: 0,
        grid: LINEAR_CENT,
        fees: FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 },
        open_us: 1,
        close_us: CLOSE_US,
        settlement_timer_s: 10,
        can_close_early,
        outcome: Outcome::NO,
        first_price: 5_000,
    };
    venue.list(listing, 0);
    venue.take_events();
    venue
}

fn open() -> Venue {
    let mut venue = unopened(true);
    venue.advance(1);
    venue
}

fn kinds(venue: &mut Venue) -> Vec<&'static str> {
    let kind = |event: VenueEvent| match event {
        VenueEvent::Lifecycle(lifecycle) => Some(lifecycle.kind.event_type()),
        _ => None,
    };
    venue.take_events().into_iter().filter_map(kind).collect()
}

fn status(venue: &Venue) -> Status {
    venue.market("A").unwrap().status
}

/// A market in `status`, on the shortest way.
fn at(status: Status) -> Venue {
    let mut venue = if status == Status::Initialized { unopened(true) } else { open() };
    let way: &[Steer] = match status {
        Status::Initialized | Status::Active => &[],
        Status::Inactive => &[Steer::Pause],
        Status::Closed => &[Steer::Close],
        Status::Determined => &[Steer::Determine(None)],
        Status::Disputed => &[Steer::Determine(None), Steer::Dispute],
        Status::Amended => &[Steer::Determine(None), Steer::Amend(Outcome::YES)],
        Status::Finalized => &[Steer::Settle(None)],
    };
    way.iter().for_each(|steer| venue.steer("A", steer.clone(), 5).unwrap());
    assert_eq!(self::status(&venue), status);
    venue.take_events();
    venue
}

/// Rows in the order of [`Status::ALL`], columns in that of [`Step::ALL`]; the initial of where a step leads, `u` for
/// Disputed and `m` for Amended.
const TABLE: [&str; 8] = [
    // Open Pause Resume Close Reopen Determine Dispute Amend Settle MoveClose ChangeGrid Rename
    "a . . . . . . . . i i i",
    ". p . c . . . . . a a a",
    ". . a c . . . . . p p p",
    ". . . . a d . . . . . .",
    ". . . . . . u m f . . .",
    ". . . . . d . m . . . .",
    ". . . . . d . . . . . .",
    ". . . . . . . . . . . .",
];

fn letter(status: Option<Status>) -> &'static str {
    match status {
        None => ".",
        Some(Status::Initialized) => "i",
        Some(Status::Active) => "a",
        Some(Status::Inactive) => "p",
        Some(Status::Closed) => "c",
        Some(Status::Determined) => "d",
        Some(Status::Disputed) => "u",
        Some(Status::Amended) => "m",
        Some(Status::Finalized) => "f",
    }
}

#[test]
fn every_state_takes_the_steps_of_the_table_and_no_others() {
    for (status, row) in Status::ALL.into_iter().zip(TABLE) {
        for (step, expected) in Step::ALL.into_iter().zip(row.split(' ')) {
            assert_eq!(letter(status.after(step)), expected, "{status:?} {step:?}");
            let mut venue = at(status);
            let ticker = venue.market("A").unwrap().ticker.clone();
            let taken = venue.take_step(&ticker, step, 6);
            assert_eq!(taken.is_ok(), expected != ".", "{status:?} {step:?}");
            let reached = if expected == "." { letter(Some(status)) } else { expected };
            assert_eq!(letter(Some(self::status(&venue))), reached, "{status:?} {step:?}");
            if let Err(refusal) = taken {
                assert!(kinds(&mut venue).is_empty(), "a refused step causes nothing");
                assert!(refusal.details.unwrap().contains(status.name()));
            }
        }
    }
}

#[test]
fn a_step_brings_those_before_it_and_none_happens_twice() {
    let mut venue = open();
    venue.steer("A", Steer::Settle(Some(Outcome::YES)), 5).unwrap();
    assert_eq!(kinds(&mut venue), ["close_date_updated", "determined", "settled"]);
    let market = venue.market("A").unwrap();
    assert_eq!((market.status, market.listing.outcome.result), (Status::Finalized, "yes"));
    for steer in [Steer::Pause, Steer::Close, Steer::Determine(None), Steer::Settle(None), Steer::Dispute] {
        assert!(venue.steer("A", steer.clone(), 6).is_err(), "{steer:?}");
    }
    assert_eq!(venue.steer("B", Steer::Close, 6).unwrap_err().status, 404);
    venue.advance(2_000_000_000);
    assert!(kinds(&mut venue).is_empty());
}

#[test]
fn a_closed_market_goes_on_by_time() {
    let mut venue = open();
    venue.steer("A", Steer::Close, 5).unwrap();
    assert_eq!(kinds(&mut venue), ["close_date_updated"]);
    venue.advance(5_000_005);
    assert_eq!(kinds(&mut venue), ["determined"]);
}

#[test]
fn a_dispute_waits_for_a_word_and_an_amendment_for_its_time() {
    let mut venue = at(Status::Disputed);
    venue.advance(CLOSE_US);
    assert_eq!((status(&venue), kinds(&mut venue)), (Status::Disputed, vec![]));
    venue.steer("A", Steer::Amend(Outcome::scalar(4_325)), CLOSE_US).unwrap();
    venue.advance(CLOSE_US + 4_999_999);
    assert_eq!((status(&venue), kinds(&mut venue)), (Status::Amended, vec![]));
    venue.advance(CLOSE_US + 5_000_000);
    let told = venue.take_events();
    assert!(
        told.iter().any(|event| matches!(event, VenueEvent::Lifecycle(life)
        if matches!(life.kind, LifecycleKind::Determined { result: "scalar", settlement_value: 4_325, .. })))
    );
    venue.advance(CLOSE_US + 14_999_999);
    assert_eq!(status(&venue), Status::Determined, "the timer runs again from the new result");
    venue.advance(CLOSE_US + 15_000_000);
    assert_eq!((status(&venue), kinds(&mut venue)), (Status::Finalized, vec!["settled"]));
    let mut upheld = at(Status::Disputed);
    upheld.steer("A", Steer::Determine(None), 6).unwrap();
    assert_eq!(
        (status(&upheld), upheld.market("A").unwrap().listing.outcome),
        (Status::Determined, Outcome::NO)
    );
}

#[test]
fn a_close_moves_and_a_closed_market_opens_again() {
    let mut venue = open();
    let to = |close_us| Steer::MoveClose { close_us };
    venue.steer("A", to(CLOSE_US - 10), 5).unwrap();
    venue.steer("A", to(CLOSE_US + 10), 5).unwrap();
    assert_eq!(kinds(&mut venue), ["close_date_updated", "close_date_updated"]);
    assert!(venue.steer("A", to(5), 5).is_err(), "the past");
    venue.advance(CLOSE_US);
    assert_eq!(status(&venue), Status::Active);
    venue.advance(CLOSE_US + 10);
    assert_eq!((status(&venue), kinds(&mut venue)), (Status::Closed, vec![]));
    venue.steer("A", to(CLOSE_US + 50), CLOSE_US + 20).unwrap();
    assert_eq!(
        (status(&venue), kinds(&mut venue)),
        (Status::Active, vec!["close_date_updated", "activated"])
    );
    venue.advance(CLOSE_US + 50);
    assert_eq!(status(&venue), Status::Closed);
    assert!(at(Status::Determined).steer("A", to(CLOSE_US), 6).is_err());
}

#[test]
fn a_market_that_cannot_close_early_does_not() {
    let mut venue = unopened(false);
    venue.advance(1);
    venue.take_events();
    for steer in [Steer::Close, Steer::Determine(None), Steer::Settle(None), Steer::MoveClose { close_us: 7 }]
    {
        let refused = venue.steer("A", steer.clone(), 5).unwrap_err();
        assert_eq!(refused.details.as_deref(), Some("the market cannot close early"), "{steer:?}");
    }
    assert_eq!((status(&venue), kinds(&mut venue)), (Status::Active, vec![]));
    venue.steer("A", Steer::MoveClose { close_us: CLOSE_US + 1 }, 5).unwrap();
}

#[test]
fn another_name_and_another_grid_are_told() {
    let mut venue = open();
    venue.steer("A", Steer::Rename { yes_sub_title: "62° or more".to_owned() }, 5).unwrap();
    venue.steer("A", Steer::ChangeGrid(DECI_CENT), 5).unwrap();
    assert_eq!(kinds(&mut venue), ["metadata_updated", "price_level_structure_updated"]);
    let listing = &venue.market("A").unwrap().listing;
    assert_eq!((listing.yes_sub_title.as_str(), listing.grid), ("62° or more", DECI_CENT));
    assert!(venue.change_grid("A", DECI_CENT, 5).is_err(), "it has that grid");
}
