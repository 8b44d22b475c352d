//! Prints how long each contender takes from text to book: `cargo run --release --bin decode [rounds [part of a name]]`.
//!
//! Ends with an error if any contender's books differ from the others', so no figure stands beside a wrong book.

use std::process::ExitCode;

use outrigger_benchmarks::contenders::{ENTRANTS, Entrant};
use outrigger_benchmarks::frames::{Session, sessions};
use outrigger_benchmarks::measure::{Result, play, quantile};

const ROUNDS: usize = 11;

fn main() -> anyhow::Result<ExitCode> {
    let rounds = std::env::args().nth(1).map_or(Ok(ROUNDS), |text| text.parse())?;
    let wanted = std::env::args().nth(2).unwrap_or_default();
    let entrants: Vec<&Entrant> = ENTRANTS.iter().filter(|entrant| entrant.name.contains(&wanted)).collect();
    let mut are_equal = true;
    for session in sessions()? {
        let results = play(&session, &entrants, rounds);
        are_equal &= show(&session, &results, rounds);
    }
    if !are_equal {
        eprintln!("some contender's books are wrong");
    }
    Ok(if are_equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints a session's table. Returns whether all books are equal and nothing failed.
fn show(session: &Session, results: &[Result], rounds: usize) -> bool {
    let frames: usize = session.frames() / session.times;
    println!("\n### {}\n", session.name);
    println!(
        "{frames} frames, {} of them deltas, {} connections, fed {} times a round; {rounds} rounds\n",
        session.deltas(),
        session.connections.len(),
        session.times
    );
    println!("| way | ns/frame, median (quartiles) | decode alone | frames/s | times ours | books |");
    println!("|---|---:|---:|---:|---:|---|");
    let Some(ours) = results.first() else { return false };
    let mut are_equal = true;
    for result in results {
        let is_equal = result.books == ours.books && result.failed == 0 && !ours.books.is_empty();
        are_equal &= is_equal;
        let median = quantile(&result.whole, 0.5);
        let paired: Vec<f64> =
            result.whole.iter().zip(&ours.whole).map(|(theirs, ours)| theirs / ours).collect();
        let books = match is_equal {
            true => format!("{} equal", result.books.len()),
            false => format!("WRONG, {} frames failed", result.failed),
        };
        println!(
            "| {} | {median:.0} ({:.0}-{:.0}) | {:.0} | {:.0} | {:.2} | {books} |",
            result.name,
            quantile(&result.whole, 0.25),
            quantile(&result.whole, 0.75),
            quantile(&result.decode, 0.5),
            1e9 / median,
            quantile(&paired, 0.5),
        );
    }
    are_equal
}
