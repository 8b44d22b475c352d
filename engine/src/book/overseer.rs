//! Watches over all books: which are followed, whether data still flows, whether sampled books are true, and how they stand.
//!
//! Never here: sockets, clocks, how a book is built. What it finds wrong it makes suspect in the same step (I7).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::counters::BookCounters;
use super::demand::{Demand, DemandConfig};
use super::keeper::{Keeper, KeeperOutput};
use super::liveness::{DataClass, DataVerdict, Liveness};
use super::standing::{BookStanding, Standing};
use super::truth::{Finding, LevelDifference, Truth};
use super::view::Trust;
use crate::domain::{Catalog, Generation, Monotonic, Presence, Received, Ticker};
use crate::stream::{Alert, Announcement};
use crate::venue::{BookSample, FeedCommand};

/// Debts of channels are looked at so often.
const JUDGE_EVERY_MS: u64 = 1_000;
/// Once the streams were ready, a market that opened later has so long to get its snapshot before that changes.
const SETTLE_MS: u64 = 5_000;
/// Levels named in one message.
const LEVELS_TOLD_MAX: usize = 5;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverseerConfig {
    pub demand: DemandConfig,
    /// How often books are sampled, in milliseconds; never when zero.
    pub truth_every_ms: u64,
}

/// What the shell has to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OverseerOutput {
    pub commands: Vec<FeedCommand>,
    /// The venue must be asked whether it knows these markets.
    pub look_up: Vec<Ticker>,
    /// These books must be read by REST.
    pub read: Option<Vec<Ticker>>,
    pub alerts: Vec<Alert>,
}

/// See the module.
#[derive(Debug)]
pub struct Overseer {
    demand: Demand,
    liveness: Liveness,
    truth: Truth,
    catalog_version: u64,
    generation: Generation,
    /// The streams were ready once on this connection.
    was_ready: bool,
    judged: Option<Monotonic>,
    counters: Arc<BookCounters>,
    standing: Arc<BookStanding>,
}

impl Overseer {
    pub fn new(config: OverseerConfig, counters: Arc<BookCounters>, standing: Arc<BookStanding>) -> Overseer {
        Overseer {
            demand: Demand::new(config.demand),
            liveness: Liveness::default(),
            truth: Truth::new(config.truth_every_ms),
            catalog_version: 0,
            generation: Generation::default(),
            was_ready: false,
            judged: None,
            counters,
            standing,
        }
    }

    /// Clients began or ceased to be subscribed to a market.
    pub fn clients(&mut self, ticker: &Ticker, has_clients: bool, now: Monotonic) {
        self.demand.clients(ticker, has_clients, now);
    }

    /// Somebody reads a market's book once.
    pub fn ask(&mut self, ticker: &Ticker, now: Monotonic) {
        self.demand.ask(ticker, now);
    }

    /// Takes over in which markets the account has working orders or a position.
    pub fn account(&mut self, tickers: &BTreeSet<Ticker>, now: Monotonic) {
        self.demand.account(tickers, now);
    }

    /// Takes in what the keeper announces.
    pub fn note(&mut self, announcement: &Announcement) {
        match announcement {
            Announcement::Quote { quote, received } => self.liveness.quote(quote, received.monotonic),
            Announcement::Trade { trade, received, backfilled: false } => {
                self.liveness.trade(&trade.ticker, received.monotonic)
            }
            _ => self.truth.note(announcement),
        }
    }

    /// Takes the answer to a read in.
    pub fn sampled(&mut self, samples: Result<Vec<BookSample>, String>, now: Monotonic) {
        self.truth.answered(samples, now);
    }

    /// Looks at everything. Call several times a second.
    pub fn look(
        &mut self,
        now: Received,
        keeper: &mut Keeper,
        catalog: &Catalog,
        out: &mut KeeperOutput,
    ) -> OverseerOutput {
        let mut todo = OverseerOutput::default();
        if keeper.generation() != self.generation {
            self.generation = keeper.generation();
            self.liveness.reset();
            self.was_ready = false;
        }
        self.follow(now, keeper, catalog, out, &mut todo);
        self.sample(now, keeper, out, &mut todo);
        if self.judged.is_none_or(|at| now.monotonic.millis_since(at) >= JUDGE_EVERY_MS) {
            self.judged = Some(now.monotonic);
            self.judge(now, keeper, catalog, out, &mut todo);
        }
        self.tell(now.monotonic, keeper, catalog);
        todo
    }

    fn follow(
        &mut self,
        now: Received,
        keeper: &mut Keeper,
        catalog: &Catalog,
        out: &mut KeeperOutput,
        todo: &mut OverseerOutput,
    ) {
        let version = catalog.version();
        // Before the lists are read nothing is known of any market, and most would be looked up in vain.
        if version == 0 || (version == self.catalog_version && !self.demand.is_due(now.monotonic)) {
            return;
        }
        if version != self.catalog_version && self.demand.follows_all() {
            self.demand.tradable(catalog.tradable());
        }
        self.catalog_version = version;
        let step = self.demand.step(now.monotonic, |ticker| catalog.presence(ticker.as_str()));
        step.follow.iter().for_each(|ticker| keeper.follow(ticker));
        for (ticker, reason) in &step.drop {
            keeper.drop_book(ticker, reason, now, out);
            self.liveness.forget(ticker);
        }
        if !step.drop.is_empty() {
            let tickers = step.drop.into_iter().map(|(ticker, _)| ticker).collect();
            todo.commands.push(FeedCommand::Forget { tickers });
        }
        if !step.follow.is_empty() {
            todo.commands.push(FeedCommand::Want { tickers: step.follow });
        }
        todo.look_up = step.look_up;
        self.counters.books_wanted.store(self.demand.followed() as u64, Relaxed);
        self.counters.wants_refused.store(self.demand.refused(), Relaxed);
    }

    fn sample(
        &mut self,
        now: Received,
        keeper: &mut Keeper,
        out: &mut KeeperOutput,
        todo: &mut OverseerOutput,
    ) {
        let step = self.truth.step(now.monotonic, keeper);
        todo.read = step.read;
        for (ticker, finding) in step.findings {
            match finding {
                Finding::Agrees => {
                    BookCounters::bump(&self.counters.truth_agrees);
                    self.liveness.book_is_right(&ticker);
                }
                Finding::Undecided => BookCounters::bump(&self.counters.truth_undecided),
                Finding::Differs(levels) => {
                    BookCounters::bump(&self.counters.truth_differs);
                    let message = format!("{ticker} is not what the exchange shows: {}", words(&levels));
                    keeper.suspect_book(&ticker, &message, now, out);
                    todo.alerts.push(Alert { code: "OUT-BOOK-002", message });
                }
            }
        }
    }

    fn judge(
        &mut self,
        now: Received,
        keeper: &mut Keeper,
        catalog: &Catalog,
        out: &mut KeeperOutput,
        todo: &mut OverseerOutput,
    ) {
        let heard = |ticker: &Ticker| keeper.live_since_frame(ticker);
        let is_active = |ticker: &Ticker| catalog.is_active(ticker.as_str());
        for verdict in self.liveness.judge(now.monotonic, heard, is_active) {
            match verdict {
                DataVerdict::Doubt { class: DataClass::Book, ticker } => self.truth.doubt(&ticker),
                DataVerdict::Doubt { .. } => {}
                DataVerdict::Alarm { class, ticker, reason } => {
                    BookCounters::bump(self.alarms(class));
                    let message = format!("{ticker}: {reason}");
                    if class == DataClass::Book {
                        keeper.suspect_book(&ticker, &message, now, out);
                    }
                    todo.alerts.push(Alert { code: "OUT-DATA-001", message });
                }
                DataVerdict::Over { class, ticker } => {
                    let message = format!("{ticker}: {} data flows again", class.as_str());
                    todo.alerts.push(Alert { code: "OUT-DATA-002", message });
                }
            }
        }
    }

    fn tell(&mut self, now: Monotonic, keeper: &Keeper, catalog: &Catalog) {
        let is_catalog_read = self.catalog_version > 0;
        let mut missing = Vec::new();
        for (ticker, followed_at) in self.demand.required() {
            let is_new = followed_at.is_none_or(|at| now.millis_since(at) < SETTLE_MS);
            if matches!(keeper.trust(ticker), None | Some(Trust::Stale))
                && catalog.presence(ticker.as_str()) == Presence::Tradable
                && !(self.was_ready && is_new)
            {
                missing.push(ticker.clone());
            }
        }
        self.was_ready |= is_catalog_read && missing.is_empty();
        let alarms = self.liveness.alarms();
        let alarms = alarms.map(|(class, ticker)| format!("{ticker} ({})", class.as_str())).collect();
        let generations = keeper.generations();
        self.standing.set(Standing { generations, is_catalog_read, missing, alarms });
    }

    fn alarms(&self, class: DataClass) -> &AtomicU64 {
        match class {
            DataClass::Book => &self.counters.alarms_book,
            DataClass::Trade => &self.counters.alarms_trade,
            DataClass::Ticker => &self.counters.alarms_ticker,
        }
    }
}

/// Names the levels that differ, the first few of them.
fn words(levels: &[LevelDifference]) -> String {
    let word = |level: &LevelDifference| {
        let streamed = level.streamed.last().map_or_else(String::new, ToString::to_string);
        format!("{} {} holds {streamed} here and {} there", level.leg.as_str(), level.price, level.read)
    };
    let mut told: Vec<String> = levels.iter().take(LEVELS_TOLD_MAX).map(word).collect();
    if levels.len() > LEVELS_TOLD_MAX {
        told.push(format!("and {} more levels", levels.len() - LEVELS_TOLD_MAX));
    }
    told.join("; ")
}

#[cfg(test)]
mod tests;
