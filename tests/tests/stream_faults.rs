//! Every fault of the exchange's stream, at the start, in steady state, while books are read anew, while reconnecting: no wrong book
//! is ever shown as live, no fill is lost or doubled, and all is well again soon after (I3, I5, I7).
//!
//! `OUTRIGGER_CASES=words` runs the cases whose name holds these words. The cells of the table in
//! `tests/src/stream_faults/faults.rs` are the cases; `docs/api/stream-guarantees.md` is written from it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use outrigger_tests::stream_faults::faults::FAULTS;
use outrigger_tests::stream_faults::lane::{Case, Lane, Ran};
use outrigger_tests::stream_faults::page::page;
use outrigger_tests::workspace::{root, say};
use tokio::runtime::Builder;

/// Exchanges with a sidecar that run side by side: most of a case is waiting.
const LANES: usize = 4;
const PAGE: &str = "docs/api/stream-guarantees.md";
/// Set to write the page anew instead of comparing it.
const WRITE: &str = "OUTRIGGER_WRITE_DOCS";

#[test]
fn every_fault_in_every_phase() -> anyhow::Result<()> {
    compare_page()?;
    let begun = Instant::now();
    let wanted = std::env::var("OUTRIGGER_CASES").unwrap_or_default();
    let cases: VecDeque<Case> = cases().filter(|case| name(case).contains(&wanted)).collect();
    let count = cases.len();
    ensure!(count > 0, "no case is called {wanted:?}");
    let queue = Arc::new(Mutex::new(cases));
    let lane = || {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(work(&queue))
        })
    };
    let lanes: Vec<_> = (0..LANES.min(count)).map(|_| lane()).collect();
    let (mut failed, mut ended, mut judged) = (Vec::new(), 0, 0);
    // All of them end before the first error is told: what they started must not outlive the test.
    let lanes: Vec<_> = lanes.into_iter().map(thread::JoinHandle::join).collect();
    for lane in lanes {
        let (ran, states) = lane.map_err(|_| anyhow::anyhow!("a lane panicked"))??;
        (ended, judged) = (ended + ran.len(), judged + states);
        failed.extend(ran.into_iter().filter(|ran| !ran.problems.is_empty()));
    }
    let seconds = begun.elapsed().as_secs_f32();
    say(&format!(
        "stream faults: {ended} cases, {} failed, {judged} states shown as live, {seconds:.0} s",
        failed.len()
    ));
    for ran in &failed {
        say(&format!("FAILED {}: {}", name(&ran.case), ran.problems.join("; ")));
    }
    ensure!(judged > 0, "nothing was ever shown as live");
    ensure!(ended == count, "{ended} of {count} cases ran");
    ensure!(failed.is_empty(), "{} of {count} cases failed", failed.len());
    Ok(())
}

fn cases() -> impl Iterator<Item = Case> {
    FAULTS.iter().flat_map(|fault| {
        fault.sees.iter().map(move |(phase, sees)| Case { fault, phase: *phase, sees: *sees })
    })
}

fn name(case: &Case) -> String {
    format!("{} / {:?}", case.fault.words, case.phase)
}

/// Takes cases until none is left. Returns how they went and how many states of books were judged.
async fn work(queue: &Mutex<VecDeque<Case>>) -> anyhow::Result<(Vec<Ran>, usize)> {
    let mut lane = Lane::start().await?;
    let mut all = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(case) = next else { break };
        let ran = lane.run(case).await;
        say(&format!(
            "{} {}: over after {} ms, live {} ms later, equal after {} ms more, {} fills",
            if ran.problems.is_empty() { "ok" } else { "FAILED" },
            name(&case),
            ran.found_ms,
            ran.live_ms,
            ran.agreed_ms,
            ran.fills
        ));
        all.push(ran);
    }
    let judged = lane.judge(&mut all)?;
    Ok((all, judged))
}

fn compare_page() -> anyhow::Result<()> {
    let path = root().join(PAGE);
    if std::env::var_os(WRITE).is_some() {
        return std::fs::write(path, page()).context("write the page");
    }
    let held = std::fs::read_to_string(path).unwrap_or_default();
    ensure!(held == page(), "{PAGE} is out of date; {WRITE}=1 writes it anew");
    Ok(())
}
