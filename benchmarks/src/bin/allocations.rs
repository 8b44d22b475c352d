//! Counts what each contender allocates per frame once it is warm: `cargo run --release --bin allocations`.
//!
//! A program of its own, so that counting slows no measurement.

use std::alloc::System;

use outrigger_benchmarks::contenders::ENTRANTS;
use outrigger_benchmarks::frames::{is_delta, sessions};
use outrigger_benchmarks::measure::feed;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> anyhow::Result<()> {
    for mut session in sessions()? {
        // The last connection alone: its first half warms the contender, the deltas after that are counted.
        let Some(mut last) = session.connections.pop() else { continue };
        let counted = last.frames.split_off(last.frames.len() / 2);
        session.connections = vec![last];
        println!("\n### {}\n", session.name);
        println!("| way | allocations per delta | reallocations | bytes |\n|---|---:|---:|---:|");
        for entrant in &ENTRANTS {
            let mut contender = (entrant.begin)();
            feed(&session, contender.as_mut(), |contender, frame| contender.feed(frame));
            let (mut deltas, mut total) = (0_usize, Stats::default());
            for frame in &counted {
                let region = Region::new(ALLOCATOR);
                contender.feed(frame);
                if is_delta(frame) {
                    deltas += 1;
                    let change = region.change();
                    total.allocations += change.allocations;
                    total.reallocations += change.reallocations;
                    total.bytes_allocated += change.bytes_allocated;
                }
            }
            let per_delta = |count: usize| count as f64 / deltas.max(1) as f64;
            println!(
                "| {} | {:.3} | {:.3} | {:.1} |",
                entrant.name,
                per_delta(total.allocations),
                per_delta(total.reallocations),
                per_delta(total.bytes_allocated),
            );
        }
    }
    Ok(())
}
