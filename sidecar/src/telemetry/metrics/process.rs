//! Figures of this process, from the kernel. Zero where the platform does not tell.

use std::fs;
use std::sync::OnceLock;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProcessFigures {
    pub resident_bytes: u64,
    pub cpu_ms: u64,
    pub open_files: u64,
    pub threads: u64,
    pub started_seconds: u64,
}

impl ProcessFigures {
    pub(super) fn read() -> ProcessFigures {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name in parentheses may hold anything; the fields after it are numbers.
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let field = |number: usize| fields.get(number - 4).copied().unwrap_or(0);
        let page_bytes = rustix::param::page_size() as u64;
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        ProcessFigures {
            resident_bytes: field(24).saturating_mul(page_bytes),
            cpu_ms: field(14).saturating_add(field(15)).saturating_mul(1_000) / ticks_per_second,
            open_files: fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64),
            threads: field(20),
            started_seconds: started(field(22) / ticks_per_second),
        }
    }
}

/// Returns when the process started: the machine's boot plus the ticks until then. Read once, it never changes.
fn started(seconds_after_boot: u64) -> u64 {
    static STARTED: OnceLock<u64> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let boot = stat.lines().find_map(|line| line.strip_prefix("btime "));
        boot.and_then(|boot| boot.trim().parse::<u64>().ok())
            .map_or(0, |boot| boot.saturating_add(seconds_after_boot))
    })
}
