//! The truth about sampled books: read by REST and compared with what the stream made of them.
//!
//! A read is not of the same moment as the book, so a level agrees if it had the size that was read at any moment of a window
//! around the read. A level that never had it, in two reads in a row, is a lasting difference: frames were lost that no number
//! betrayed. Never here: the read itself, clocks. What cannot be compared is undecided and proves nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::keeper::Keeper;
use super::view::{BookView, Trust};
use crate::domain::{Count, Leg, Monotonic, Price, Ticker};
use crate::stream::Announcement;
use crate::venue::BookSample;

/// Reads may be answered from a copy this old: the window opens so long before the read is asked for.
const READ_LAG_MS: u64 = 2_000;
/// The stream may be this far behind a read: the window closes so long after the answer.
const STREAM_LAG_MS: u64 = 2_000;
/// A read that is not answered by then is given up.
const ANSWER_WITHIN_MS: u64 = 20_000;
/// Books of one read.
const SAMPLE_MAX: usize = 20;
/// Books that something made doubtful and that wait for their turn.
const DOUBTS_MAX: usize = 256;

/// One level of a book.
type Level = (Leg, Price);

/// A level whose size was never the one that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelDifference {
    pub leg: Leg,
    pub price: Price,
    /// The sizes it had in the window, the latest last.
    pub streamed: Vec<Count>,
    pub read: Count,
}

/// What a sample said of one book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    Agrees,
    /// In two reads in a row.
    Differs(Vec<LevelDifference>),
    /// The book or the read was not there to compare.
    Undecided,
}

/// What is to be done now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TruthStep {
    /// Books to read now; the answer goes to [`Truth::answered`].
    pub read: Option<Vec<Ticker>>,
    pub findings: Vec<(Ticker, Finding)>,
}

#[derive(Debug)]
struct Round {
    began: Monotonic,
    asked: Option<Monotonic>,
    answered: Option<Monotonic>,
    samples: BTreeMap<Ticker, BookSample>,
    watched: BTreeMap<Ticker, Watched>,
}

/// A book's sizes since the window opened.
#[derive(Debug)]
struct Watched {
    /// The sizes each level had, the latest last; a level that is not here was never there.
    sizes: BTreeMap<Level, Vec<Count>>,
    is_broken: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Truth {
    /// `None` when no samples are taken.
    every_ms: Option<u64>,
    last: Option<Monotonic>,
    doubts: VecDeque<Ticker>,
    /// Levels that differed in the last read of a book.
    suspicions: BTreeMap<Ticker, BTreeSet<Level>>,
    /// Where the walk through all books stands.
    cursor: Option<Ticker>,
    round: Option<Round>,
}

impl Truth {
    /// Samples are taken `every_ms`, in milliseconds; never when zero.
    pub fn new(every_ms: u64) -> Truth {
        Truth {
            every_ms: (every_ms > 0).then_some(every_ms),
            last: None,
            doubts: VecDeque::new(),
            suspicions: BTreeMap::new(),
            cursor: None,
            round: None,
        }
    }

    /// Has a book read before the others.
    pub fn doubt(&mut self, ticker: &Ticker) {
        if self.doubts.len() < DOUBTS_MAX && !self.doubts.contains(ticker) {
            self.doubts.push_back(ticker.clone());
        }
    }

    /// Follows the books that are being compared. Takes every announcement of the keeper.
    pub fn note(&mut self, announcement: &Announcement) {
        let Some(round) = &mut self.round else { return };
        match announcement {
            Announcement::BookDelta { ticker, leg, price, count, .. } => {
                if let Some(watched) = round.watched.get_mut(ticker) {
                    watched.sizes.entry((*leg, *price)).or_insert_with(|| vec![Count::ZERO]).push(*count);
                }
            }
            Announcement::BookSnapshot { view, requested: false, .. } => round.break_off(&view.ticker),
            Announcement::BookTrust { ticker, .. } => round.break_off(ticker),
            _ => {}
        }
    }

    /// Takes the answer of a read: every book that was found, or why there is none.
    pub fn answered(&mut self, samples: Result<Vec<BookSample>, String>, now: Monotonic) {
        let Some(round) = self.round.as_mut().filter(|round| round.asked.is_some()) else { return };
        round.answered = Some(now);
        let samples = samples.unwrap_or_default();
        round.samples = samples.into_iter().map(|sample| (sample.ticker.clone(), sample)).collect();
    }

    /// Begins, asks and concludes as time passes. Call several times a second.
    pub fn step(&mut self, now: Monotonic, keeper: &Keeper) -> TruthStep {
        let mut step = TruthStep::default();
        let Some(round) = &mut self.round else {
            let is_due = |every| self.last.is_none_or(|last| now.millis_since(last) >= every);
            if self.every_ms.is_some_and(is_due) {
                self.begin(now, keeper);
            }
            return step;
        };
        match (round.asked, round.answered) {
            (None, _) if now.millis_since(round.began) >= READ_LAG_MS => {
                round.asked = Some(now);
                step.read = Some(round.watched.keys().cloned().collect());
            }
            (_, Some(answered)) if now.millis_since(answered) >= STREAM_LAG_MS => {
                step.findings = self.conclude();
            }
            (Some(asked), None) if now.millis_since(asked) >= ANSWER_WITHIN_MS => {
                step.findings = self.conclude();
            }
            _ => {}
        }
        step
    }

    /// Opens the window of the next books: those in doubt, then the next ones of all.
    fn begin(&mut self, now: Monotonic, keeper: &Keeper) {
        self.last = Some(now);
        let mut picked: BTreeMap<Ticker, Watched> = BTreeMap::new();
        while picked.len() < SAMPLE_MAX {
            let Some(ticker) = self.doubts.pop_front() else { break };
            if let Some(view) = live(keeper, &ticker, now) {
                picked.insert(ticker, Watched::new(&view));
            }
        }
        // Of those, some may be in doubt as well; the others wait for the next time.
        for ticker in keeper.next_live(self.cursor.as_ref(), SAMPLE_MAX - picked.len()) {
            if !picked.contains_key(&ticker)
                && let Some(view) = live(keeper, &ticker, now)
            {
                picked.insert(ticker.clone(), Watched::new(&view));
            }
            self.cursor = Some(ticker);
        }
        if !picked.is_empty() {
            let (asked, answered, samples) = Default::default();
            self.round = Some(Round { began: now, asked, answered, samples, watched: picked });
        }
    }

    fn conclude(&mut self) -> Vec<(Ticker, Finding)> {
        let Some(mut round) = self.round.take() else { return Vec::new() };
        let mut findings = Vec::new();
        for (ticker, watched) in round.watched {
            let sample = round.samples.remove(&ticker).filter(|_| !watched.is_broken);
            let before = self.suspicions.remove(&ticker);
            let Some(sample) = sample else {
                findings.push((ticker, Finding::Undecided));
                continue;
            };
            let mut differences = watched.differences(&sample);
            if differences.is_empty() {
                findings.push((ticker, Finding::Agrees));
                continue;
            }
            let levels: BTreeSet<Level> = differences.iter().map(|d| (d.leg, d.price)).collect();
            differences.retain(|d| before.as_ref().is_some_and(|b| b.contains(&(d.leg, d.price))));
            if differences.is_empty() {
                // The first time, or elsewhere than the time before: it is read again before anything is said.
                self.suspicions.insert(ticker.clone(), levels);
                self.doubts.push_front(ticker);
                self.last = None;
            } else {
                findings.push((ticker, Finding::Differs(differences)));
            }
        }
        findings
    }
}

/// Returns the book if it is live, its levels included.
fn live(keeper: &Keeper, ticker: &Ticker, now: Monotonic) -> Option<BookView> {
    keeper.view(ticker, now).filter(|view| view.trust == Trust::Live)
}

impl Round {
    /// The book was replaced or lost trust: what comes before and after does not belong together.
    fn break_off(&mut self, ticker: &Ticker) {
        if let Some(watched) = self.watched.get_mut(ticker) {
            watched.is_broken = true;
        }
    }
}

impl Watched {
    fn new(view: &BookView) -> Watched {
        let yes = view.yes.iter().map(|(price, count)| ((Leg::Yes, *price), vec![*count]));
        let no = view.no.iter().map(|(price, count)| ((Leg::No, *price), vec![*count]));
        Watched { sizes: yes.chain(no).collect(), is_broken: false }
    }

    fn differences(&self, sample: &BookSample) -> Vec<LevelDifference> {
        let yes = sample.yes.iter().map(|(price, count)| ((Leg::Yes, *price), *count));
        let no = sample.no.iter().map(|(price, count)| ((Leg::No, *price), *count));
        let mut read: BTreeMap<Level, Count> = yes.chain(no).collect();
        let mut differences = Vec::new();
        for (level, sizes) in &self.sizes {
            let read = read.remove(level).unwrap_or(Count::ZERO);
            if !sizes.contains(&read) {
                differences.push(LevelDifference {
                    leg: level.0,
                    price: level.1,
                    streamed: sizes.clone(),
                    read,
                });
            }
        }
        // Levels the stream never told of.
        let unseen = read.into_iter().filter(|(_, count)| !count.is_zero());
        differences.extend(unseen.map(|((leg, price), read)| LevelDifference {
            leg,
            price,
            streamed: vec![Count::ZERO],
            read,
        }));
        differences
    }
}

#[cfg(test)]
mod tests;
