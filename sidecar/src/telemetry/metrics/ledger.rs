//! Families of the ledger's writing thread: its jobs by state, how large and how slow its commits are.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};

use super::family::{Family, Kind};
use super::stream::{counters, descriptor};
use crate::store::{LedgerStats, Sizes};

const JOBS: Family = Family {
    name: "ledger_jobs",
    unit: None,
    kind: Kind::Counter,
    labels: &["state"],
    help: "Batches for the ledger by state: queued, started and failed (attempts), succeeded, dead_lettered",
};
const COMMIT_SECONDS: Family = Family {
    name: "ledger_commit",
    unit: Some("seconds"),
    kind: Kind::Histogram,
    labels: &[],
    help: "Time each commit took, the sync of the disk included",
};
const COMMIT_ENTRIES: Family = Family {
    name: "ledger_commit_entries",
    unit: None,
    kind: Kind::Histogram,
    labels: &[],
    help: "Entries that shared each commit",
};

/// Every family of this file.
pub(super) const LEDGER: [Family; 3] = [JOBS, COMMIT_SECONDS, COMMIT_ENTRIES];

pub(super) fn encode(ledger: &LedgerStats, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let jobs = [
        ("queued", &ledger.queued),
        ("started", &ledger.started),
        ("succeeded", &ledger.succeeded),
        ("failed", &ledger.failed),
        ("dead_lettered", &ledger.dead_lettered),
    ];
    counters(encoder, &JOBS, "state", jobs.into_iter().map(|(state, count)| (state, count.load(Relaxed))))?;
    let seconds = |us: u64| Duration::from_micros(us).as_secs_f64();
    histogram(encoder, &COMMIT_SECONDS, &ledger.commit_us.read(), seconds)?;
    let entries = |count: u64| count as f64;
    histogram(encoder, &COMMIT_ENTRIES, &ledger.commit_entries.read(), entries)
}

fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    family: &Family,
    sizes: &Sizes,
    value: impl Fn(u64) -> f64,
) -> fmt::Result {
    let mut buckets: Vec<(f64, u64)> =
        sizes.buckets.iter().map(|(bound, count)| (value(*bound), *count)).collect();
    buckets.push((f64::INFINITY, sizes.beyond));
    let count = buckets.iter().map(|(_, count)| count).sum();
    let unit = family.unit();
    let mut described = descriptor(encoder, family, unit.as_ref())?;
    described.encode_histogram::<NoLabelSet>(value(sizes.sum), count, &buckets, None)
}
