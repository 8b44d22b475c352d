//! Every life one order can have, all of them: the real desk, the order at the exchange, and the messages between them, each
//! of which may be lost, late, repeated or overtaken. Bounded: two contracts, one amend to three, one cancel, one crash. What is unbounded in number (clients, markets, orders) is the simulation's part.
//!
//! Time does not pass here. A report is conclusive exactly when no request is on its way any more.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test: a failure is a panic that shows the way to it"
)]

mod life;
#[path = "../shared/mod.rs"]
mod shared;

use life::{Life, Step};
use outrigger_engine::desk::view::OrderStatus;
use outrigger_engine::venue::VenueOrderStatus;
use stateright::{Checker, Model, Property};

/// Fewer than these would mean that the model lost a part of what can happen.
const LIVES_MIN: usize = 30_000;
const SECONDS_MAX: u64 = 600;

struct Lives;

impl Model for Lives {
    type State = Life;
    type Action = Step;

    fn init_states(&self) -> Vec<Life> {
        vec![Life::new()]
    }

    fn actions(&self, life: &Life, steps: &mut Vec<Step>) {
        life.steps(steps);
    }

    fn next_state(&self, life: &Life, step: Step) -> Option<Life> {
        let mut next = life.clone();
        next.take(step);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Lives>> {
        vec![
            Property::always("no end is told that is not the venue's", |_, life: &Life| {
                is_no_false_end(life)
            }),
            Property::always("what may trade counts in full", |_, life: &Life| counts_in_full(life)),
            Property::always("fills count once and never go away", |_, life: &Life| fills_are_true(life)),
            Property::always("one intent is sent once", |_, life: &Life| life.creates_sent <= 1),
            Property::always("reading back heals everything", |_, life: &Life| life.is_healed_by_reading()),
            Property::sometimes("unknown", |_, life: &Life| life.status() == OrderStatus::Unknown),
            Property::sometimes("executed", |_, life: &Life| life.status() == OrderStatus::Executed),
            Property::sometimes("canceled", |_, life: &Life| life.status() == OrderStatus::Canceled),
            Property::sometimes("proven absent", |_, life: &Life| {
                life.status() == OrderStatus::Rejected && life.order().refusal.is_none()
            }),
        ]
    }
}

fn is_no_false_end(life: &Life) -> bool {
    let theirs = life.venue.as_ref().map(|order| order.status);
    match life.status() {
        OrderStatus::Rejected => theirs.is_none() && !life.may_arrive(1),
        OrderStatus::Executed => theirs == Some(VenueOrderStatus::Executed),
        OrderStatus::Canceled => theirs == Some(VenueOrderStatus::Canceled),
        OrderStatus::Resting => theirs.is_some(),
        OrderStatus::Pending | OrderStatus::Unknown => true,
    }
}

fn counts_in_full(life: &Life) -> bool {
    let order = life.venue.as_ref().filter(|order| order.status == VenueOrderStatus::Resting);
    order.is_none_or(|order| life.order().at_risk() >= order.remaining_count)
}

fn fills_are_true(life: &Life) -> bool {
    let made = life.venue.as_ref().map(|order| order.fill_count).unwrap_or_default();
    let held = life.holding();
    life.order().fills_recorded <= made && held == life.order().fills_recorded && !life.fills_went_away
}

#[test]
fn every_life_of_an_order_keeps_the_promises() {
    let limit = std::time::Duration::from_secs(variable("OUTRIGGER_MODEL_SECONDS", SECONDS_MAX));
    let checker = Lives.checker().threads(2).timeout(limit).spawn_bfs().join();
    println!("{} lives, {} of them different", checker.state_count(), checker.unique_state_count());
    for (name, path) in checker.discoveries() {
        println!("{name}: {:?}", path.into_actions());
    }
    assert!(checker.is_done(), "not all lives were seen in {limit:?}");
    checker.assert_properties();
    assert!(checker.unique_state_count() > LIVES_MIN, "the model has shrunk");
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
