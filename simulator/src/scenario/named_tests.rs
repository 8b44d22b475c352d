//! What the named scenarios promise, over the exchange's own time.

use std::collections::{BTreeMap, BTreeSet};

use super::Scenario;
use crate::heart::Heart;
use crate::script::Disconnect;
use crate::venue::Venue;
use crate::venue::event::{LifecycleKind, VenueEvent};
use crate::venue::market::{Market, Status};

const START: i64 = 1_790_000_000_000_000;
const SECOND: i64 = 1_000_000;

struct World {
    venue: Venue,
    heart: Heart,
    now_us: i64,
    cuts: Vec<(i64, Disconnect)>,
}

impl World {
    fn new(name: &str) -> World {
        let scenario = Scenario::named(name).unwrap();
        let now_us = scenario.start.map_or(START, |start| start.as_microsecond());
        let mut venue = Venue::new(7);
        let heart = Heart::new(&mut venue, &scenario, 7, now_us);
        let mut world = World { venue, heart, now_us, cuts: Vec::new() };
        world.beat();
        world
    }

    fn beat(&mut self) {
        let cuts = self.heart.beat(&mut self.venue, self.now_us);
        self.cuts.extend(cuts.into_iter().map(|cut| (self.now_us, cut)));
    }

    /// Runs on in ticks and returns what happened.
    fn run(&mut self, seconds: i64, tick_us: i64) -> Vec<VenueEvent> {
        let end_us = self.now_us + seconds * SECOND;
        let mut events = Vec::new();
        while self.now_us < end_us {
            self.now_us += tick_us;
            self.beat();
            events.extend(self.venue.take_events());
        }
        events
    }

    fn of(&self, series: &str) -> Vec<&Market> {
        self.venue.markets.values().filter(|market| market.listing.series_ticker == series).collect()
    }
}

#[test]
fn every_name_is_a_scenario() {
    for name in Scenario::names() {
        let scenario = Scenario::named(name).unwrap();
        assert!(!scenario.series.is_empty(), "{name}");
    }
    let told = Scenario::named("clam").unwrap_err().to_string();
    assert!(told.contains("clam") && told.contains("settlement-day"), "{told}");
    assert_eq!(Scenario::default(), Scenario::named("calm").unwrap());
    assert_eq!(Scenario::default().series.len(), 6);
}

#[test]
fn busy_changes_its_books_two_thousand_times_a_second() {
    let mut world = World::new("busy");
    let active = world.venue.markets.values().filter(|market| market.status == Status::Active).count();
    assert!(active >= 200, "{active} markets");
    world.run(1, 20_000);
    let mut changed = BTreeSet::new();
    let mut changes = 0;
    for event in world.run(5, 20_000) {
        if let VenueEvent::BookChange { ticker, .. } = event {
            changes += 1;
            changed.insert(ticker);
        }
    }
    assert!(changes >= 5 * 2_000, "{changes} changes in 5 s");
    assert!(changed.len() >= 200, "of {} markets", changed.len());
}

#[test]
fn still_quotes_once_and_does_nothing_more() {
    let mut world = World::new("still");
    let (first, _) = world.of("KXSIMTEMP")[0].best_bid().unwrap();
    world.venue.take_events();
    let events = world.run(10, 20_000);
    assert!(!events.iter().any(|event| matches!(event, VenueEvent::Trade { .. })));
    assert_eq!(world.of("KXSIMTEMP")[0].best_bid().unwrap().0, first);
}

/// Average spread and traded contracts of the rate's markets over so many seconds.
fn rate_over(world: &mut World, seconds: i64) -> (i64, i64, i64) {
    let volume = |world: &World| world.of("KXSIMRATE").iter().map(|market| market.volume).sum::<i64>();
    let before = volume(world);
    let (mut spreads, mut mids, mut seen) = (0, 0, 0);
    for _ in 0..seconds {
        world.run(1, 20_000);
        for market in world.of("KXSIMRATE") {
            if let (Some((bid, _)), Some((ask, _))) = (market.best_bid(), market.best_ask()) {
                (spreads, mids, seen) = (spreads + ask - bid, mids + (ask + bid) / 2, seen + 1);
            }
        }
    }
    (spreads / seen.max(1), mids / seen.max(1), volume(world) - before)
}

#[test]
fn news_moves_widens_and_trades_and_then_it_calms() {
    let mut world = World::new("news-shock");
    let (spread, mid, volume) = rate_over(&mut world, 55);
    world.run(6, 20_000);
    let (wild_spread, moved, wild_volume) = rate_over(&mut world, 30);
    assert!(moved - mid > 800, "{mid} to {moved}");
    assert!(wild_spread > spread * 3 / 2, "{spread} to {wild_spread}");
    assert!(wild_volume > volume * 3, "{volume} in 55 s, then {wild_volume} in 30 s");
    world.run(80, 20_000);
    let (calm_spread, _, calm_volume) = rate_over(&mut world, 55);
    assert!(calm_spread < wild_spread, "{wild_spread} to {calm_spread}");
    assert!(calm_volume < wild_volume / 2, "{wild_volume} to {calm_volume}");
}

#[test]
fn a_settlement_day_sees_every_state_and_every_result() {
    let mut world = World::new("settlement-day");
    let (mut states, mut results, mut told) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for _ in 0..260 {
        for event in world.run(1, 100_000) {
            if let VenueEvent::Lifecycle(life) = event {
                *told.entry(life.kind.event_type()).or_insert(0) += 1;
                if let LifecycleKind::Determined { result, .. } = life.kind {
                    results.insert(result);
                }
            }
        }
        states.extend(world.venue.markets.values().map(|market| market.status.name()));
    }
    for state in ["active", "closed", "determined", "disputed", "amended", "finalized"] {
        assert!(states.contains(state), "no market was {state}: {states:?}");
    }
    assert_eq!(results, BTreeSet::from(["no", "scalar", "yes"]));
    assert!(told["settled"] >= 30 && told["close_date_updated"] >= 16, "{told:?}");
    assert!(told["activated"] >= 1, "one market opened again: {told:?}");
}

#[test]
fn a_maintenance_night_pauses_trading_and_ends_all_sockets_twice() {
    let mut world = World::new("maintenance-night");
    let start_us = world.now_us;
    world.run(119, SECOND);
    assert_eq!((world.venue.trading_paused, world.cuts.len()), (false, 0));
    world.run(1, SECOND);
    assert!(world.venue.trading_paused);
    let clocks: Vec<u64> = world.of("KXSIMRATE").iter().map(|market| market.clock).collect();
    world.run(2 * 60 * 60 - 1, SECOND);
    assert!(world.venue.trading_paused);
    world.run(1, SECOND);
    assert!(!world.venue.trading_paused);
    let minutes: Vec<i64> = world.cuts.iter().map(|(at_us, _)| (at_us - start_us) / SECOND / 60).collect();
    assert_eq!(minutes, [2, 122]);
    let after: Vec<u64> = world.of("KXSIMRATE").iter().map(|market| market.clock).collect();
    assert!(after.iter().zip(&clocks).all(|(after, before)| after < before), "{clocks:?} to {after:?}");
}

#[test]
fn hostile_knows_every_fault() {
    use crate::faults::FaultSpec;
    let scenario = Scenario::named("hostile").unwrap();
    assert_eq!((scenario.cancel_all_tail_ms, scenario.read_lag_ms > 0), (60_000, true));
    let told =
        |spec: FaultSpec| crate::faults::check_one(&FaultSpec { fault: "?".into(), ..spec }).unwrap_err();
    let at = |socket: &str| FaultSpec { socket: Some(socket.into()), ..FaultSpec::default() };
    let route = FaultSpec { route: Some("GET /markets".into()), ..FaultSpec::default() };
    let is_route: fn(&FaultSpec) -> bool = |spec| spec.route.is_some();
    let is_frame: fn(&FaultSpec) -> bool =
        |spec| spec.channel.is_some() || spec.socket.as_deref() == Some("frame");
    let is_upgrade: fn(&FaultSpec) -> bool = |spec| spec.socket.as_deref() == Some("upgrade");
    let is_command: fn(&FaultSpec) -> bool = |spec| spec.socket.as_deref() == Some("command");
    for (place, is_here) in
        [(route, is_route), (at("upgrade"), is_upgrade), (at("command"), is_command), (at("frame"), is_frame)]
    {
        let told = told(place);
        let known: BTreeSet<&str> = told.split("it has ").nth(1).unwrap().split(", ").collect();
        let here = scenario.faults.iter().filter(|spec| is_here(spec)).map(|spec| spec.fault.as_str());
        assert_eq!(here.collect::<BTreeSet<_>>(), known);
    }
}

#[test]
fn mistakes_name_the_line_and_the_choices() {
    let rule = "[[schedule]]\nat = \"1s\"\n";
    for (text, expected) in [
        ("acts_per_secnd = 5\n".to_owned(), &["line 1", "acts_per_secnd", "acts_per_second"][..]),
        ("\nusage_tier = \"gold\"\n".to_owned(), &["line 2", "gold", "advanced"]),
        (format!("{rule}do = \"explode\"\n"), &["line 3", "explode", "trading_pause"]),
        (format!("{rule}do = \"pause\"\nwhat = \"KXNONE-*\"\n"), &["line 1", "KXNONE", "KXSIMTEMP"]),
        (format!("{rule}do = \"pause\"\n"), &["line 1", "what?"]),
        (format!("{rule}do = \"grid\"\nwhat = \"*\"\ngrid = \"cubic\"\n"), &["line 5", "cubic", "deci_cent"]),
        (format!("{rule}do = \"amend\"\nwhat = \"*\"\n"), &["line 1", "amend needs a result"]),
        (format!("{rule}do = \"shock\"\nwhat = \"*\"\nby = \"2\"\nfor = \"1s\"\n"), &["line 1", "needs by"]),
        (format!("{rule}do = \"disconnect\"\nhow = \"gently\"\n"), &["line 4", "gently", "reset"]),
        (format!("{rule}do = \"disconnect\"\nfor = \"1s\"\n"), &["line 1", "for does not go"]),
        (format!("{rule}every = \"1ms\"\ndo = \"disconnect\"\n"), &["line 1", "every must be"]),
        ("[[schedule]]\nat = \"soon\"\ndo = \"disconnect\"\n".to_owned(), &["line 2", "soon", "1h30m"]),
        ("[[faults]]\nroute = \"GET /x\"\nfault = \"dorp\"\n".to_owned(), &["line 1", "dorp", "drop"]),
        (
            "[[fee_changes]]\nseries_ticker = \"KXNO\"\nafter_s = 1\n".to_owned(),
            &["line 1", "KXNO", "KXSIMCUP"],
        ),
    ] {
        let told = super::read::scenario(&text).unwrap_err();
        for part in expected {
            assert!(told.contains(part), "{part} in {told}\nfor {text}");
        }
    }
}
