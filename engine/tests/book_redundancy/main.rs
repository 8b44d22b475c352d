//! One exchange on two strands of connections that break, lose, lag and come back each by itself: what is served of both is
//! a state the exchange had, never behind a strand that is well, live as long as one of them is, and each trade is told once.
//!
//! `OUTRIGGER_RUNS` says how many runs (40 if absent), `OUTRIGGER_SEED` where to begin. A run is repeatable by its seed alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

mod oracle;
mod run;
mod strand;
mod venue;

use std::io::Write as _;
use std::time::Instant;

use run::{Faults, Run, Tally};

const RUNS: u64 = 40;
/// Steps of a run, of a few milliseconds each.
const STEPS: u64 = 12_000;

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

#[test]
fn of_two_strands_the_served_book_is_true_and_live_as_long_as_one_is_well() {
    let (runs, first) = (variable("OUTRIGGER_RUNS", RUNS), variable("OUTRIGGER_SEED", 1));
    let begun = Instant::now();
    let mut tally = Tally::default();
    for seed in first..first + runs {
        let faults = if seed.is_multiple_of(2) { Faults::SOME } else { Faults::MANY };
        // Some exchanges have no clocks: then a strand is served while it is well.
        Run::new(seed, faults, !seed.is_multiple_of(5)).go(STEPS, &mut tally);
    }
    let seconds = begun.elapsed().as_secs_f32();
    writeln!(std::io::stderr(), "{runs} runs from seed {first} in {seconds:.1} s: {tally:?}").unwrap();
    let seen = [tally.lost, tally.cuts, tally.stalls, tally.maintenances, tally.waited, tally.backfilled];
    assert!(runs < RUNS || seen.iter().all(|count| *count > 0), "something never happened: {tally:?}");
    assert!(tally.live * 10 > tally.looks * 9, "live in only {} of {} looks", tally.live, tally.looks);
}

/// Strands that are cut in turns lose nothing: no trade is read back, no book leaves live.
#[test]
fn the_loss_of_one_strand_at_a_time_is_not_a_gap() {
    let mut tally = Tally::default();
    for seed in 1..=4 {
        let mut run = Run::new(seed, Faults::NONE, true);
        run.steps(3_000, &mut tally);
        for turn in 0..12 {
            run.cut(turn % 2, &mut tally);
            run.steps(4_000, &mut tally);
            assert_eq!(run.not_live(), 0, "seed {seed}, turn {turn}: a book was not live all the time");
        }
        run.finish(&mut tally);
    }
    assert_eq!((tally.cuts, tally.backfilled, tally.gaps), (48, 0, 0), "{tally:?}");
    assert!(tally.first.iter().all(|first| *first > 1_000), "one strand never was the faster: {tally:?}");
}
