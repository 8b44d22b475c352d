//! The whole life of orders, in one thread and one clock: clients, the desk, its disk, the gateway and an exchange that
//! loses and delays answers, lags its reads, repeats and drops news, while the power goes at any moment. After every event
//! the promises I1 to I4, I6, I8 and I9 are looked at from outside; at the end the desk must equal the exchange (I5).
//!
//! `OUTRIGGER_SEEDS` says how many lives, `OUTRIGGER_SEED` the first. A failure prints its seed, how to repeat it, and what
//! happened.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test: a failure is a panic that names its seed"
)]

mod checks;
mod dice;
mod disk;
mod gateway;
#[cfg(feature = "planted-bugs")]
mod planted;
mod play;
#[path = "../shared/mod.rs"]
mod shared;
mod venue;
mod wire;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use world::{Broken, World};

/// Lives of a run where nothing else is said.
const SEEDS: u64 = 20_000;
const STEPS_MAX: u64 = 160;
/// Lines of what happened that a failure shows.
const TRACE_LINES: usize = 400;

/// Plays one life; returns what broke, and what happened if `trace` says so.
fn live(seed: u64, trace: bool) -> Result<u64, (Broken, Vec<String>)> {
    let mut world = World::new(seed, trace);
    let steps = 20 + world.dice.roll(STEPS_MAX);
    for _ in 0..steps {
        world.step();
        if world.broken.is_some() {
            break;
        }
    }
    if world.broken.is_none() {
        world.heal();
    }
    match world.broken.take() {
        None => Ok(world.numbers),
        Some(broken) => Err((broken, world.trace.unwrap_or_default())),
    }
}

/// Returns the number a variable of the environment holds.
fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays lives until one fails or all are done, on all processors; returns the lowest seed that failed.
fn first_failure(first: u64, seeds: u64, prepare: impl Fn() + Sync) -> Option<u64> {
    let (next, found, is_over) = (AtomicU64::new(first), Mutex::new(None::<u64>), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                prepare();
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    if std::panic::catch_unwind(|| live(seed, false)).map_or(true, |life| life.is_err()) {
                        is_over.store(true, Ordering::Relaxed);
                        let mut found = found.lock().unwrap();
                        *found = Some(found.map_or(seed, |known| known.min(seed)));
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn every_seed_keeps_the_promises() {
    let (first, seeds) = (variable("OUTRIGGER_SEED", 1), variable("OUTRIGGER_SEEDS", SEEDS));
    let started = Instant::now();
    let failure = first_failure(first, seeds, || ());
    let Some(seed) = failure else {
        println!("{seeds} lives from seed {first} on in {} s", started.elapsed().as_secs());
        return;
    };
    if let Err((Broken { promise, how }, trace)) = live(seed, true) {
        let from = trace.len().saturating_sub(TRACE_LINES);
        trace[from..].iter().for_each(|line| println!("{line}"));
        println!("seed {seed} breaks {promise}: {how}");
        println!(
            "repeat it: OUTRIGGER_SEED={seed} OUTRIGGER_SEEDS=1 cargo test --workspace --test desk_simulation"
        );
        panic!("seed {seed} breaks {promise}");
    }
}

#[test]
fn a_seed_means_the_same_every_time() {
    for seed in 1..=20 {
        let [first, again] = [(), ()].map(|()| {
            let mut world = World::new(seed, true);
            (0..100).for_each(|_| world.step());
            (world.trace, format!("{:?}", world.disk.durable))
        });
        assert!(first == again, "seed {seed} was played in two ways");
    }
}
