//! Needs in, follow, drop and look up out.

use std::collections::BTreeSet;

use super::{Demand, DemandConfig, DemandStep, LOOK_AGAIN_MS};
use crate::domain::{Monotonic, Presence, Ticker};

const GRACE_MS: u64 = 60_000;

fn at(ms: u64) -> Monotonic {
    Monotonic(ms * 1_000_000)
}

fn t(name: &str) -> Ticker {
    Ticker::from(name)
}

fn set(names: &[&str]) -> BTreeSet<Ticker> {
    names.iter().map(|name| t(name)).collect()
}

fn demand(pinned: &[&str], all_tradable: bool) -> Demand {
    Demand::new(DemandConfig { pinned: set(pinned), all_tradable, grace_ms: GRACE_MS })
}

/// `+A` follow, `-A` drop, `?A` look up.
fn words(step: &DemandStep) -> String {
    let follow = step.follow.iter().map(|ticker| format!("+{ticker}"));
    let drop = step.drop.iter().map(|(ticker, _)| format!("-{ticker}"));
    let look_up = step.look_up.iter().map(|ticker| format!("?{ticker}"));
    follow.chain(drop).chain(look_up).collect::<Vec<_>>().join(" ")
}

fn step(demand: &mut Demand, ms: u64, presence: Presence) -> String {
    words(&demand.step(at(ms), |_| presence))
}

#[test]
fn a_book_is_followed_while_a_client_needs_it_and_dropped_after_the_grace_time() {
    let mut demand = demand(&[], false);
    demand.clients(&t("A"), true, at(0));
    assert!(demand.is_due(at(0)));
    assert_eq!(step(&mut demand, 0, Presence::Tradable), "+A");
    assert!(!demand.is_due(at(10 * GRACE_MS)), "clients have no deadline");
    assert_eq!(step(&mut demand, 10 * GRACE_MS, Presence::Tradable), "");
    demand.clients(&t("A"), false, at(700_000));
    assert_eq!(step(&mut demand, 700_000 + GRACE_MS - 1, Presence::Tradable), "");
    assert!(demand.is_followed(&t("A")));
    assert!(demand.is_due(at(700_000 + GRACE_MS)));
    assert_eq!(step(&mut demand, 700_000 + GRACE_MS, Presence::Tradable), "-A");
    assert_eq!(demand.followed(), 0);
    assert!(!demand.is_due(at(u64::MAX / 2_000_000)), "nothing is left behind");
}

#[test]
fn a_client_that_comes_back_within_the_grace_time_changes_nothing() {
    let mut demand = demand(&[], false);
    demand.clients(&t("A"), true, at(0));
    step(&mut demand, 0, Presence::Tradable);
    demand.clients(&t("A"), false, at(1_000));
    demand.clients(&t("A"), true, at(2_000));
    assert_eq!(step(&mut demand, 10 * GRACE_MS, Presence::Tradable), "");
}

#[test]
fn one_read_keeps_a_book_for_the_grace_time_and_reads_in_between_prolong_it() {
    let mut demand = demand(&[], false);
    assert!(demand.ask(&t("A"), at(0)));
    assert_eq!(step(&mut demand, 0, Presence::Closed), "+A", "a closed market has a book too");
    demand.ask(&t("A"), at(50_000));
    assert_eq!(step(&mut demand, GRACE_MS, Presence::Tradable), "");
    assert_eq!(step(&mut demand, 50_000 + GRACE_MS, Presence::Tradable), "-A");
}

#[test]
fn pins_stay_and_the_account_is_followed_while_it_has_something_there() {
    let mut demand = demand(&["P"], false);
    demand.account(&set(&["A"]), at(0));
    assert_eq!(step(&mut demand, 0, Presence::Tradable), "+A +P");
    let required: Vec<_> = demand.required().map(|(ticker, _)| ticker.clone()).collect();
    assert_eq!(required, [t("A"), t("P")]);
    demand.account(&set(&[]), at(1_000));
    assert_eq!(step(&mut demand, 1_000 + GRACE_MS, Presence::Tradable), "-A");
    assert_eq!(step(&mut demand, u64::MAX / 2_000_000, Presence::Tradable), "");
}

#[test]
fn what_the_venue_does_not_know_is_looked_up_once_and_not_in_a_loop() {
    let mut demand = demand(&[], false);
    demand.clients(&t("X"), true, at(0));
    assert_eq!(step(&mut demand, 0, Presence::Unread), "?X");
    for ms in [100, 1_000, 10 * LOOK_AGAIN_MS] {
        assert_eq!(step(&mut demand, ms, Presence::Unread), "");
        assert_eq!(step(&mut demand, ms, Presence::Absent), "");
    }
    demand.ask(&t("X"), at(11 * LOOK_AGAIN_MS));
    assert_eq!(
        step(&mut demand, 11 * LOOK_AGAIN_MS, Presence::Absent),
        "?X",
        "somebody newly asked, much later"
    );
    demand.ask(&t("X"), at(11 * LOOK_AGAIN_MS + 1));
    assert_eq!(step(&mut demand, 11 * LOOK_AGAIN_MS + 1, Presence::Absent), "");
    assert_eq!(step(&mut demand, 12 * LOOK_AGAIN_MS, Presence::Tradable), "+X", "it was made meanwhile");
}

#[test]
fn a_settled_market_is_forgotten_and_not_wanted_again() {
    let mut demand = demand(&["P"], false);
    demand.clients(&t("A"), true, at(0));
    step(&mut demand, 0, Presence::Tradable);
    let over = demand.step(at(1), |_| Presence::Over);
    assert_eq!(words(&over), "-A -P");
    assert!(over.drop.iter().all(|(_, reason)| reason.contains("settled")));
    assert_eq!(step(&mut demand, 2, Presence::Over), "");
    assert_eq!(demand.required().count(), 0);
    demand.clients(&t("A"), false, at(3));
    assert_eq!(step(&mut demand, 3 + GRACE_MS, Presence::Over), "");
    assert!(!demand.is_due(at(10 * GRACE_MS)));
}

#[test]
fn where_all_are_followed_clients_change_nothing() {
    let mut demand = demand(&[], true);
    demand.tradable(vec![t("A"), t("B")]);
    assert_eq!(step(&mut demand, 0, Presence::Tradable), "+A +B");
    demand.clients(&t("A"), true, at(1));
    demand.clients(&t("A"), false, at(2));
    assert_eq!(step(&mut demand, 10 * GRACE_MS, Presence::Tradable), "");
    assert_eq!(step(&mut demand, 10 * GRACE_MS, Presence::Closed), "", "until it is settled");
    assert_eq!(step(&mut demand, 10 * GRACE_MS, Presence::Over), "-A -B");
}

#[test]
fn there_is_a_limit_and_what_is_refused_is_counted() {
    let mut demand = demand(&[], false);
    for number in 0..super::MARKETS_MAX {
        assert!(demand.ask(&t(&format!("T{number}")), at(0)));
    }
    assert!(!demand.ask(&t("ONE-MORE"), at(0)));
    assert!(demand.ask(&t("T0"), at(0)));
    assert_eq!(demand.refused(), 1);
}
