//! Rounds: every contender in turn, each time in another order, on this thread's own processor time.

use rustix::time::{ClockId, clock_gettime};

use crate::book::Books;
use crate::contenders::{Contender, Entrant};
use crate::frames::Session;

/// What a contender did with a session.
#[derive(Debug)]
pub struct Result {
    pub name: &'static str,
    /// Nanoseconds per frame, one figure per round.
    pub decode: Vec<f64>,
    pub whole: Vec<f64>,
    /// Frames it could not read or apply, in one round.
    pub failed: usize,
    pub books: Books,
}

/// Plays `session` to each entrant `rounds` times, after one round that does not count.
pub fn play(session: &Session, entrants: &[&Entrant], rounds: usize) -> Vec<Result> {
    let mut results: Vec<Result> = entrants.iter().map(|entrant| begin(session, entrant)).collect();
    for round in 0..=rounds {
        for turn in 0..entrants.len() {
            let at = (turn + round) % entrants.len();
            let (entrant, result) = (entrants[at], &mut results[at]);
            let decode = timed(session, entrant, |contender, frame| contender.decode(frame));
            let whole = timed(session, entrant, |contender, frame| contender.feed(frame));
            if round > 0 {
                result.decode.push(decode);
                result.whole.push(whole);
            }
        }
    }
    results
}

/// Plays it once for the books.
fn begin(session: &Session, entrant: &Entrant) -> Result {
    let mut contender = (entrant.begin)();
    let failed = feed(session, contender.as_mut(), |contender, frame| contender.feed(frame));
    let mut books = contender.books();
    books.retain(|_, book| !book.yes.is_empty() || !book.no.is_empty());
    Result { name: entrant.name, decode: Vec::new(), whole: Vec::new(), failed, books }
}

fn timed(session: &Session, entrant: &Entrant, step: impl Fn(&mut dyn Contender, &str) -> bool) -> f64 {
    let mut contender = (entrant.begin)();
    let begun = processor_ns();
    for _ in 0..session.times {
        feed(session, contender.as_mut(), &step);
    }
    (processor_ns() - begun) as f64 / session.frames() as f64
}

/// Feeds the session once; returns how many frames failed.
pub fn feed(
    session: &Session,
    contender: &mut dyn Contender,
    step: impl Fn(&mut dyn Contender, &str) -> bool,
) -> usize {
    let mut failed = 0;
    for connection in &session.connections {
        contender.connect(&connection.tickers);
        failed += connection.frames.iter().filter(|frame| !step(contender, frame)).count();
    }
    failed
}

/// Returns this thread's processor time.
fn processor_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Returns a share of the way from the least to the most, e.g. 0.5 for the median; zero of none.
pub fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}
