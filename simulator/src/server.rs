//! Starts the exchange: accounts, markets, clock, and one port for REST and WebSocket.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, Next, from_fn};
use actix_web::{App, HttpRequest, HttpServer, rt};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::auth::{KeyError, KeyRing};
use crate::doors::Doors;
use crate::faults::control::Control;
use crate::faults::rest::interpose;
use crate::faults::{FaultError, TlsError};
use crate::heart::{Heart, Pulse};
use crate::host::Exchange;
use crate::http::{Bucket, HttpState, Limits};
use crate::replay::{CatalogMarket, Recording, ReplayError};
use crate::routes::Routes;
use crate::scenario::Scenario;
use crate::socket::{Feed, SocketState};
use crate::tape::Tape;
use crate::time::{Clock, Pace, wall_us};
use crate::venue::Venue;
use crate::venue::dice::Dice;
use crate::venue::fees::{FeeKind, FeeSchedule};
use crate::venue::grid::{DECI_CENT, LINEAR_CENT, TAPERED_DECI_CENT};
use crate::venue::market::{Listing, Outcome};

const WORKERS: usize = 2;
const SHARDS: i64 = 4;
const SHUTDOWN_S: u64 = 2;
/// Markets of a recording stay open this long.
const RECORDED_OPEN_US: i64 = 30 * 24 * 60 * 60 * 1_000_000;

#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error(
        "the exchange cannot listen on {address}: {source}; choose another port with --listen (port 0 picks a free one)"
    )]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("a member's key is unusable")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("the tape {path} cannot be written")]
    Tape { path: String, source: std::io::Error },
    #[error(transparent)]
    Fault(#[from] FaultError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the exchange's threads could not start")]
    Thread(#[source] std::io::Error),
}

/// A running exchange. Dropping it leaves it running; `stop` ends it.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    tls: Vec<SocketAddr>,
    server: ServerHandle,
    sockets: CancellationToken,
    stop: Arc<AtomicBool>,
    pulse: Arc<Pulse>,
    tape: Option<Arc<Tape>>,
    threads: Vec<JoinHandle<()>>,
    front: Option<JoinHandle<()>>,
    front_end: CancellationToken,
}

impl Running {
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns the addresses with TLS, in the order of [`Options::tls`].
    pub fn tls_addrs(&self) -> &[SocketAddr] {
        &self.tls
    }

    /// Moves the time of a stepped exchange on by `ms`.
    pub fn step(&self, ms: u32) {
        self.pulse.step(ms);
    }

    /// Closes sockets, finishes requests, ends the threads; bounded by a few seconds.
    pub fn stop(self) {
        self.stop.store(true, Relaxed);
        self.sockets.cancel();
        // The command is queued at once; the future only tells when it is done, which joining the thread does too.
        drop(self.server.stop(true));
        self.wait();
    }

    /// Blocks until the exchange has ended.
    pub fn wait(self) {
        for thread in self.threads {
            let _ = thread.join();
        }
        // After the server, so that it carried everything the exchange had to say.
        self.front_end.cancel();
        self.front.map(JoinHandle::join);
        if let Some(tape) = &self.tape {
            tape.flush();
        }
    }
}

/// Starts the exchange on threads of its own; returns once the port is open.
pub fn spawn(options: Options) -> Result<Running, SpawnError> {
    let keys = KeyRing::new(options.keys.iter().map(|key| (key.id.as_str(), key.public_pem.as_str())))?;
    let recording =
        options.replay.as_ref().map(|replay| Recording::open(&replay.file, replay.speed)).transpose()?;
    let mut doors = Doors::open(&options)?;

    let tape = options.tape.clone().or_else(tape_of_environment).map(open_tape).transpose()?;
    let planned_us = options.scenario.start.map(Timestamp::as_microsecond);
    let now_us = options.start_us.or(planned_us).unwrap_or_else(wall_us);
    // Started here: what it takes to build the exchange must not make its clock late.
    let clock = Clock::new(options.pace, now_us);
    // Ids follow the start as well as the seed: an exchange started anew never repeats ids that a member remembers.
    let mut venue = Venue::new(Dice::new(options.seed).bits() ^ Dice::new(now_us.cast_unsigned()).bits());
    let region_us = options.scenario.region_expires_s.map(|after_s| after_s.saturating_mul(1_000_000));
    venue.region_expires_us = region_us.map(|after_us| now_us.saturating_add(after_us));
    venue.history_after_us = options.scenario.history_after_s.saturating_mul(1_000_000);
    for _ in 0..keys.account_count() {
        venue.open_member(starting_cash(&options.scenario), now_us);
    }
    let heart = match &recording {
        Some(recording) => {
            recording.catalog().markets().iter().for_each(|market| list_recorded(&mut venue, market, now_us));
            venue.advance(now_us);
            None
        }
        None => {
            let mut heart = Heart::new(&mut venue, &options.scenario, options.seed, now_us);
            heart.beat(&mut venue, now_us);
            options.scenario.fee_changes.iter().for_each(|plan| plan.schedule(&mut venue, now_us));
            Some(heart)
        }
    };
    let read_lag_us = options.scenario.read_lag_ms.saturating_mul(1_000);
    let exchange = Arc::new(Exchange::with_clock(venue, clock, read_lag_us));
    let keys = Arc::new(keys);
    let rest = HttpState::new(
        Arc::clone(&exchange),
        Arc::clone(&keys),
        recording.clone(),
        limits(&options.scenario),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let sockets = CancellationToken::new();
    let feed = match recording {
        Some(recording) => Feed::replay(recording),
        None => Feed::live(Arc::clone(&exchange)),
    };
    let clock = Arc::clone(exchange.clock());
    let socket = SocketState { keys, feed, clock, tape: tape.clone(), stop: sockets.clone() };
    let front_end = CancellationToken::new();
    let front = doors.start_front(sockets.clone(), front_end.clone()).map_err(SpawnError::Thread)?;
    let Doors { faults, server, addr, tls, .. } = doors;
    let pulse = Arc::new(Pulse::new(Arc::clone(&exchange), heart, faults.clone()));
    let control = faults.clone().filter(|_| options.control);
    let control = control.map(|faults| Control { pulse: Arc::clone(&pulse), faults });
    let (server, serving) =
        serve(server, Routes { exchange, socket, rest, tape: tape.clone(), faults, control })?;
    let mut threads = vec![serving];
    threads.extend(Arc::clone(&pulse).start(Arc::clone(&stop)).map_err(SpawnError::Thread)?);
    Ok(Running { addr, tls, server, sockets, stop, pulse, tape, threads, front, front_end })
}

/// A directory in which every exchange of a test run leaves its tape.
const TAPES_VARIABLE: &str = "OUTRIGGER_EXCHANGE_TAPES";

pub(crate) fn tape_of_environment() -> Option<PathBuf> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let directory = PathBuf::from(std::env::var_os(TAPES_VARIABLE)?);
    let number = STARTED.fetch_add(1, Relaxed);
    Some(directory.join(format!("{}-{}-{number}.jsonl", std::process::id(), wall_us())))
}

fn open_tape(path: PathBuf) -> Result<Arc<Tape>, SpawnError> {
    let told = |source| SpawnError::Tape { path: path.display().to_string(), source };
    Tape::create(&path).map(Arc::new).map_err(told)
}

fn serve(listener: TcpListener, routes: Routes) -> Result<(ServerHandle, JoinHandle<()>), SpawnError> {
    let (started, handle) = mpsc::channel();
    let run = move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                let routes = routes.clone();
                App::new()
                    .wrap(Condition::new(routes.tape.is_some(), from_fn(record)))
                    // Outside the tape, which holds what the exchange meant to say.
                    .wrap(Condition::new(routes.faults.is_some(), from_fn(interpose)))
                    .configure(|config| routes.configure(config))
            })
            .workers(WORKERS)
            // Small frames must leave at once: else each waits for the acknowledgement of the one before.
            .tcp_nodelay(true)
            // A connection that has said its last ends at once: who closes a WebSocket waits for that.
            .client_disconnect_timeout(Duration::ZERO)
            .shutdown_timeout(SHUTDOWN_S)
            .disable_signals()
            .listen(listener);
            match server.map(HttpServer::run) {
                Ok(server) => {
                    let _ = started.send(Ok(server.handle()));
                    if let Err(error) = server.await {
                        tracing::error!(%error, "the exchange's server ended");
                    }
                }
                Err(error) => drop(started.send(Err(error))),
            }
        });
    };
    let thread = thread::Builder::new().name("exchange".to_owned()).spawn(run).map_err(SpawnError::Thread)?;
    let gone = |_| SpawnError::Thread(std::io::Error::other("the server's thread ended at once"));
    let handle = handle.recv().map_err(gone)?.map_err(SpawnError::Thread)?;
    Ok((handle, thread))
}

/// Records the replies that are whole; those that stream, as a WebSocket's, record themselves.
async fn record(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let tape = request.app_data::<Option<Arc<Tape>>>().and_then(Clone::clone);
    let method = request.method().to_string();
    let path = request.uri().to_string();
    let reply = next.call(request).await?;
    let status = reply.status().as_u16();
    let stepped = request_exchange(reply.request());
    let (request, reply) = reply.into_parts();
    let (reply, body) = reply.into_parts();
    let body = match (body.try_into_bytes(), tape) {
        (Ok(bytes), Some(tape)) => {
            // Frames that a call caused come first, so that the same calls make the same tape.
            if let Some(exchange) = stepped {
                exchange.settled().await;
            }
            tape.reply(&method, &path, status, &bytes);
            BoxBody::new(bytes)
        }
        (Ok(bytes), None) => BoxBody::new(bytes),
        (Err(body), _) => body.boxed(),
    };
    Ok(ServiceResponse::new(request, reply.set_body(body)))
}

/// Returns the exchange behind a request, if its time only moves in steps.
fn request_exchange(request: &HttpRequest) -> Option<Arc<Exchange>> {
    let exchange = Arc::clone(request.app_data::<Arc<Exchange>>()?);
    Some(exchange).filter(|exchange| exchange.clock().pace() == Pace::Stepped)
}

fn starting_cash(scenario: &Scenario) -> BTreeMap<i64, i64> {
    (0..SHARDS).map(|shard| (shard, scenario.member_dollars.saturating_mul(1_000_000))).collect()
}

/// Returns the limits of the scenario's tier, changed where the scenario says so.
fn limits(scenario: &Scenario) -> Limits {
    let tier = Limits::of_tier(&scenario.usage_tier).unwrap_or_else(Limits::lowest);
    let bucket = |bucket: Bucket, rate: Option<u32>, max: Option<u32>| Bucket {
        refill_rate: rate.unwrap_or(bucket.refill_rate),
        bucket_capacity: max.unwrap_or(bucket.bucket_capacity),
    };
    Limits {
        usage_tier: scenario.usage_tier.clone(),
        read: bucket(tier.read, scenario.read_tokens_per_second, scenario.read_tokens_max),
        write: bucket(tier.write, scenario.write_tokens_per_second, scenario.write_tokens_max),
        balance_per_second: scenario.balance_reads_per_second.unwrap_or(tier.balance_per_second),
    }
}

/// Lists a market that a recording names, open as long as anyone will look.
fn list_recorded(venue: &mut Venue, market: &CatalogMarket, now_us: i64) {
    let series = market.ticker.split('-').next().unwrap_or_default();
    let event = market.ticker.rsplit_once('-').map_or(market.ticker.as_str(), |(event, _)| event);
    let grid = match (market.sub_cent, market.sub_cent_in_the_middle) {
        (_, true) => DECI_CENT,
        (true, false) => TAPERED_DECI_CENT,
        (false, false) => LINEAR_CENT,
    };
    let listing = Listing {
        ticker: market.ticker.clone(),
        event_ticker: event.to_owned(),
        series_ticker: series.to_owned(),
        event_title: format!("Recorded: {event}"),
        title: format!("Recorded: {}", market.ticker),
        yes_sub_title: String::new(),
        exchange_index: 0,
        grid,
        fees: FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 },
        open_us: now_us,
        close_us: now_us + RECORDED_OPEN_US,
        settlement_timer_s: 60,
        can_close_early: true,
        outcome: Outcome { result: "no", value: 0 },
        first_price: 5_000,
    };
    if market.market_id.is_empty() {
        venue.list(listing, now_us);
    } else {
        venue.list_as(listing, &market.market_id, now_us);
    }
}

#[cfg(test)]
mod tests {
    use super::limits;
    use crate::scenario::Scenario;

    #[test]
    fn a_scenario_that_names_a_tier_gets_its_buckets_but_for_what_it_changes() {
        let named =
            Scenario { usage_tier: "premier".to_owned(), write_tokens_max: Some(5), ..Scenario::default() };
        let limits = limits(&named);
        assert_eq!((limits.read.refill_rate, limits.read.bucket_capacity), (1_200, 3_600));
        assert_eq!((limits.write.refill_rate, limits.write.bucket_capacity), (1_200, 5));
    }
}
