//! Every planted bug is found: by the seed that is written down, and from scratch.

use std::fmt::Write as _;

use outrigger_engine::planted::{Bug, plant};

use crate::{first_failure, live, variable};

const TABLE: &str = include_str!("planted_bugs.txt");
/// Lives within which each bug must be found from scratch.
const SEEDS: u64 = 100_000;

fn broken_promise(bug: Option<Bug>, seed: u64) -> Option<&'static str> {
    plant(bug);
    let life = live(seed, false);
    plant(None);
    life.err().map(|(broken, _)| broken.promise)
}

#[test]
fn each_planted_bug_is_found_by_its_seed() {
    for bug in Bug::ALL {
        let name = format!("{bug:?}");
        let row = TABLE.lines().find(|line| line.split_whitespace().next() == Some(&name));
        let row = row.unwrap_or_else(|| panic!("{name} has no seed in planted_bugs.txt"));
        let words: Vec<&str> = row.split_whitespace().collect();
        let seed = words[1].parse().unwrap();
        assert_eq!(broken_promise(Some(bug), seed), Some(words[2]), "{name} by seed {seed}");
        assert_eq!(broken_promise(None, seed), None, "seed {seed} breaks something without {name}");
    }
}

/// `OUTRIGGER_SEED` says where to begin. The table is written anew with `UPDATE_SEEDS=1`.
#[test]
fn each_planted_bug_is_found_from_scratch() {
    let first = variable("OUTRIGGER_SEED", 1);
    let mut table = String::from("# The planted bug, the first seed that finds it, the promise it breaks.\n");
    for bug in Bug::ALL {
        let seed = first_failure(first, SEEDS, || plant(Some(bug)));
        let seed = seed.unwrap_or_else(|| panic!("{bug:?} is not found in {SEEDS} lives"));
        let promise = broken_promise(Some(bug), seed).unwrap_or("panic");
        println!("{bug:?}: seed {seed} breaks {promise}");
        writeln!(table, "{:<24} {seed:>6} {promise}", format!("{bug:?}")).unwrap();
    }
    if std::env::var_os("UPDATE_SEEDS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/desk_simulation/planted_bugs.txt");
        std::fs::write(path, table).unwrap();
    }
}
