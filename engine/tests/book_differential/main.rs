//! Random changes with everything that can happen to them on their way, through sequence, ladder and keeper, compared with
//! a naive model that knows the truth. While a book is `live` it must be equal to it, after every single frame.
//!
//! `OUTRIGGER_BOOK_DELTAS` says how many changes (1,000,000 if absent), `OUTRIGGER_SEED` where to begin. A run of a million
//! is repeatable by its seed alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

mod pipe;
mod truth;
mod venue;

use std::io::Write as _;
use std::time::Instant;

use pipe::{Run, Tally};

const DELTAS: u64 = 1_000_000;
const RUN: u64 = 1_000_000;

fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

#[test]
fn a_live_book_is_always_the_true_one() {
    let (total, first) = (variable("OUTRIGGER_BOOK_DELTAS", DELTAS), variable("OUTRIGGER_SEED", 1));
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut left = total;
    let mut seed = first;
    while left > 0 {
        let run = left.min(RUN);
        Run::new(seed).go(run, &mut tally);
        (left, seed) = (left - run, seed + 1);
    }
    writeln!(
        std::io::stderr(),
        "{total} changes from seed {first} in {:.1} s: {tally:?}",
        begun.elapsed().as_secs_f32()
    )
    .unwrap();
    // A keeper that trusts nothing would never be wrong; this one must be live most of the time, whatever happens.
    assert!(tally.live * 2 > tally.frames, "live after only {} of {} frames", tally.live, tally.frames);
    let seen = [
        tally.lost,
        tally.repeated,
        tally.late,
        tally.unreadable,
        tally.impossible,
        tally.resets,
        tally.reconnects,
        tally.grids,
        tally.retired,
    ];
    assert!(total < DELTAS || seen.iter().all(|count| *count > 0), "something never happened: {tally:?}");
}
