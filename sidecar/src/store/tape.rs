//! The tape: public trades as they were seen, kept for a while. A busy or broken tape delays no order and loses no money.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};

use outrigger_engine::domain::{Received, Side, VenueTime};
use outrigger_engine::venue::PublicTrade;

use super::error::StoreError;
use super::open::open_tape;

const QUEUE_TRADES: usize = 16_384;
const COMMIT_TRADES_MAX: usize = 4_096;
/// Commits between two looks for trades that are too old.
const COMMITS_PER_SWEEP: u64 = 256;
/// How far before the newest trade a process that died may have left some out: those that waited for the disk.
const TORN_MS: i64 = 10_000;

#[derive(Debug, Default)]
pub struct TapeStats {
    pub recorded: AtomicU64,
    /// Trades not recorded because the queue was full or the disk refused.
    pub dropped: AtomicU64,
}

/// The recording end.
pub struct Tape {
    queue: SyncSender<Job>,
    thread: JoinHandle<()>,
    stats: Arc<TapeStats>,
    missing_since: Option<VenueTime>,
}

enum Job {
    Trade(PublicTrade, Received),
    /// Since when trades may be missing, `None` once none is.
    Gap(Option<VenueTime>),
    Stop,
}

/// The reading end: trades of one market, newest first.
#[derive(Debug)]
pub struct TapedTrades {
    connection: Mutex<Connection>,
}

impl Tape {
    /// Starts the thread. Trades older than `retention`, counted back from the newest, are dropped.
    pub fn start(
        path: &Path,
        retention: Duration,
        stats: Arc<TapeStats>,
    ) -> Result<(Tape, TapedTrades), StoreError> {
        let connection = open_tape(path)?;
        let missing_since =
            reopen_gap(&connection).map_err(StoreError::sqlite("read where the tape ends".to_owned()))?;
        let reader = TapedTrades { connection: Mutex::new(open_tape(path)?) };
        let (queue, jobs) = sync_channel(QUEUE_TRADES);
        let counts = Arc::clone(&stats);
        let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let thread = thread::Builder::new()
            .name("tape-writer".to_owned())
            .spawn(move || record(connection, &jobs, retention_ms, &counts))
            .map_err(StoreError::io("start the tape's thread"))?;
        Ok((Tape { queue, thread, stats, missing_since }, reader))
    }

    /// Records a trade if there is room; a full queue costs history, counted.
    pub fn record(&self, trade: PublicTrade, received: Received) {
        if self.queue.try_send(Job::Trade(trade, received)).is_err() {
            self.stats.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Remembers since when trades may be missing. A full queue has dropped trades anyway, counted.
    pub fn remember_gap(&self, since: Option<VenueTime>) {
        if self.queue.try_send(Job::Gap(since)).is_err() {
            tracing::warn!("the tape's queue is full, it does not remember a break");
        }
    }

    /// Returns since when trades may be missing because no process recorded; `None` on a new tape.
    pub fn missing_since(&self) -> Option<VenueTime> {
        self.missing_since
    }

    pub fn stop(self) {
        if self.queue.send(Job::Stop).is_ok() {
            let _ = self.thread.join();
        }
    }
}

/// Notes, before anything is recorded, that trades since the last process are missing.
fn reopen_gap(connection: &Connection) -> rusqlite::Result<Option<VenueTime>> {
    let open: Option<i64> =
        connection.query_row("SELECT since_ms FROM trade_gap", [], |row| row.get(0)).optional()?;
    let newest: Option<i64> = connection.query_row("SELECT max(ts_ms) FROM trades", [], |row| row.get(0))?;
    let since = open.or_else(|| newest.map(|newest| newest.saturating_sub(TORN_MS))).map(VenueTime);
    write_gap(connection, since)?;
    Ok(since)
}

fn write_gap(connection: &Connection, since: Option<VenueTime>) -> rusqlite::Result<()> {
    match since {
        Some(since) => {
            let sql = "INSERT INTO trade_gap (id, since_ms) VALUES (1, ?1)
                       ON CONFLICT (id) DO UPDATE SET since_ms = ?1";
            connection.execute(sql, [since.0])?;
        }
        None => {
            connection.execute("DELETE FROM trade_gap", [])?;
        }
    }
    Ok(())
}

fn record(mut connection: Connection, jobs: &Receiver<Job>, retention_ms: i64, stats: &TapeStats) {
    let mut commits = 0_u64;
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        while batch.len() < COMMIT_TRADES_MAX && !matches!(batch.last(), Some(Job::Stop)) {
            match jobs.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        let trades = batch.iter().filter(|job| matches!(job, Job::Trade(..))).count() as u64;
        match write(&mut connection, &batch) {
            Ok(()) => stats.recorded.fetch_add(trades, Relaxed),
            Err(error) => {
                tracing::warn!(%error, trades, "the tape refused trades");
                stats.dropped.fetch_add(trades, Relaxed)
            }
        };
        if commits.is_multiple_of(COMMITS_PER_SWEEP) {
            let times =
                batch.iter().map(|job| if let Job::Trade(trade, _) = job { trade.ts_ms.0 } else { 0 });
            let newest = times.max().unwrap_or(0);
            let swept = connection
                .execute("DELETE FROM trades WHERE ts_ms < ?1", [newest.saturating_sub(retention_ms)]);
            if let Err(error) = swept {
                tracing::warn!(%error, "old trades could not be dropped from the tape");
            }
        }
        commits += 1;
        if matches!(batch.last(), Some(Job::Stop)) {
            return;
        }
    }
}

/// Writes jobs in their order, in one transaction: of a torn record only the end is missing.
fn write(connection: &mut Connection, jobs: &[Job]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let sql =
            "INSERT OR IGNORE INTO trades (trade_id, ticker, yes_price, count, taker_side, ts_ms, recv_us)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut statement = transaction.prepare_cached(sql)?;
        for job in jobs {
            let (trade, received) = match job {
                Job::Trade(trade, received) => (trade, received),
                Job::Gap(since) => {
                    write_gap(&transaction, *since)?;
                    continue;
                }
                Job::Stop => break,
            };
            let (price, count) = (trade.yes_price.to_string(), trade.count.to_string());
            statement.execute(params![
                trade.trade_id.as_str(),
                trade.ticker.as_str(),
                price,
                count,
                trade.taker_side.as_str(),
                trade.ts_ms.0,
                received.wall.0
            ])?;
        }
    }
    transaction.commit()
}

impl TapedTrades {
    /// Returns at most `limit` trades of `ticker`, newest first.
    pub fn of_market(&self, ticker: &str, limit: usize) -> Result<Vec<PublicTrade>, StoreError> {
        let connection = self.connection.lock();
        let read = || {
            let sql = "SELECT trade_id, yes_price, count, taker_side, ts_ms FROM trades
                       WHERE ticker = ?1 ORDER BY ts_ms DESC, trade_id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![ticker, limit], |row| trade(ticker, row))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(StoreError::sqlite(format!("read the trades of {ticker}")))
    }
}

fn trade(ticker: &str, row: &rusqlite::Row<'_>) -> rusqlite::Result<PublicTrade> {
    fn parsed<T: std::str::FromStr>(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<T> {
        let text: String = row.get(at)?;
        text.parse().map_err(|_| rusqlite::Error::InvalidColumnType(at, text, rusqlite::types::Type::Text))
    }
    let (trade_id, side): (String, String) = (row.get(0)?, row.get(3)?);
    Ok(PublicTrade {
        trade_id: trade_id.as_str().into(),
        ticker: ticker.into(),
        yes_price: parsed(row, 1)?,
        count: parsed(row, 2)?,
        taker_side: if side == "ask" { Side::Ask } else { Side::Bid },
        ts_ms: VenueTime(row.get(4)?),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    use outrigger_engine::domain::{Received, Side, VenueTime};
    use outrigger_engine::venue::PublicTrade;

    use super::{Tape, TapeStats};

    fn trade(id: &str, ts_ms: i64) -> PublicTrade {
        PublicTrade {
            trade_id: id.into(),
            ticker: "A".into(),
            yes_price: "0.5600".parse().unwrap(),
            count: "2.00".parse().unwrap(),
            taker_side: Side::Ask,
            ts_ms: VenueTime(ts_ms),
        }
    }

    #[test]
    fn trades_come_back_newest_first_once_each_and_old_ones_go() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("tape.sqlite");
        let record = |trades: &[PublicTrade]| {
            let stats = Arc::new(TapeStats::default());
            let (tape, reader) = Tape::start(&path, Duration::from_secs(10), Arc::clone(&stats)).unwrap();
            trades.iter().for_each(|trade| tape.record(trade.clone(), Received::default()));
            tape.stop();
            assert_eq!((stats.recorded.load(Relaxed), stats.dropped.load(Relaxed)), (trades.len() as u64, 0));
            reader.of_market("A", 10).unwrap()
        };
        let (old, one, two) = (trade("t0", 1_000), trade("t1", 9_000), trade("t2", 9_500));
        assert_eq!(
            record(&[one.clone(), old.clone(), two.clone(), one.clone()]),
            [two.clone(), one.clone(), old]
        );
        let three = trade("t3", 15_000);
        assert_eq!(record(std::slice::from_ref(&three)), [three, two, one]);
    }

    #[test]
    fn a_process_that_died_leaves_word_of_what_may_be_missing() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("tape.sqlite");
        let day = Duration::from_secs(86_400);
        let session = |what: &dyn Fn(&Tape)| {
            let (tape, _) = Tape::start(&path, day, Arc::default()).unwrap();
            let since = tape.missing_since().map(|since| since.0);
            what(&tape);
            tape.stop();
            since
        };
        assert_eq!(
            session(&|tape| tape.record(trade("t1", 50_000), Received::default())),
            None,
            "a new tape"
        );
        // It records what is new before it has read back what is old, and dies: the older mark stays.
        assert_eq!(session(&|tape| tape.record(trade("t9", 90_000), Received::default())), Some(40_000));
        assert_eq!(session(&|tape| tape.remember_gap(Some(VenueTime(70_000)))), Some(40_000));
        assert_eq!(session(&|tape| tape.remember_gap(None)), Some(70_000));
        assert_eq!(session(&|_| {}), Some(80_000), "read back: from the newest trade on");
    }
}
