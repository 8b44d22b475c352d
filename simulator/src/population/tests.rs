//! The population keeps markets two-sided and moving, and the same seed makes the same exchange.

use super::Population;
use crate::scenario::{Calendar, Scenario};
use crate::venue::Venue;
use crate::venue::dice::Dice;
use crate::venue::event::VenueEvent;

const START: i64 = 1_790_000_000_000_000;

/// Runs the calm scenario for `seconds` in ticks of 50 ms and returns everything that happened.
fn run(seed: u64, seconds: i64) -> (Venue, Vec<VenueEvent>) {
    let scenario = Scenario::default();
    let mut venue = Venue::new(seed);
    let mut population =
        Population::new(&mut venue, seed, scenario.acts_per_second, scenario.depth_contracts);
    let mut calendar = Calendar::new(scenario.series, START);
    let mut dice = Dice::new(seed);
    let mut events = Vec::new();
    for tick in 0..seconds * 20 {
        let now = START + tick * 50_000;
        for listing in calendar.due(now, &mut dice) {
            venue.list(listing, now);
        }
        venue.advance(now);
        population.act(&mut venue, now, 50_000);
        events.extend(venue.take_events());
    }
    (venue, events)
}

#[test]
fn the_same_seed_makes_the_same_tape() {
    let (_, one) = run(7, 20);
    let (_, again) = run(7, 20);
    assert!(one == again, "same seed, same tape");
    let (_, other) = run(8, 20);
    assert!(one != other);
}

#[test]
fn books_are_two_sided_and_move_and_markets_come_and_go() {
    let (venue, events) = run(7, 200);
    let open = venue.markets.values().filter(|market| market.status == crate::venue::market::Status::Active);
    let (two_sided, all) = open.fold((0, 0), |(two, all), market| {
        let both = market.best_bid().is_some() && market.best_ask().is_some();
        (two + i32::from(both), all + 1)
    });
    assert!(all >= 24 && two_sided * 10 >= all * 9, "{two_sided} of {all}");
    let count = |wanted: fn(&VenueEvent) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert!(count(|event| matches!(event, VenueEvent::BookChange { .. })) > 200 * 50);
    assert!(count(|event| matches!(event, VenueEvent::Trade { .. })) > 200 * 5);
    let settled = venue.markets.values().filter(|market| market.settled_us.is_some()).count();
    assert!(settled >= 2, "{settled} settled");
}
