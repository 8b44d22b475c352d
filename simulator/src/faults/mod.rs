//! Faults: what can go wrong between a client and the exchange, made to happen by rules.
//!
//! `rules` decides (pure, seeded); `rest` and `frame` carry out what it decided, `front` what only a byte stream can do
//! (resets, silence, single bytes, TLS). `control` changes rules while the exchange runs.
//! Nothing here changes what the venue decides; spans of rules are real time, whatever time the exchange shows.

pub(crate) mod control;
pub(crate) mod frame;
mod frame_text;
pub(crate) mod front;
mod link;
mod reply;
pub(crate) mod rest;
mod route;
mod rule;
mod rules;
mod spec;
pub(crate) mod stream;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::time::Instant;

use actix_web::{HttpMessage as _, HttpRequest};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::watch;

pub use spec::{FaultError, FaultSpec};
pub(crate) use tls::Authority;
pub use tls::{Tls, TlsError, TlsMode};

use link::Link;
use rest::Kept;
use rule::{Fault, Place, Rule};
use rules::{Rules, Shown};

/// The faults of one exchange, shared by everything that can go wrong.
#[derive(Clone, Debug)]
pub(crate) struct Faults(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    rules: Mutex<Rules>,
    /// False while no rule is about frames or commands: sockets then do not ask.
    streams: AtomicBool,
    begun: Instant,
    links: Mutex<HashMap<SocketAddr, Link>>,
    cuts: watch::Sender<Cut>,
    /// Until then upgrades are refused.
    refusing_until_us: AtomicI64,
    /// Counts answered requests, for those that let another go first.
    answered: watch::Sender<u64>,
    kept: Mutex<HashMap<String, Kept>>,
}

/// How all sockets end at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// A close frame.
    #[default]
    Close,
    /// The connection is closed without one.
    Drop,
    Reset,
}

/// By how much the clock of the exchange is off for one request.
#[derive(Debug, Clone, Copy)]
struct Skew(i64);

/// Checks rules that are not set yet.
pub(crate) fn check(specs: &[FaultSpec]) -> Result<(), FaultError> {
    specs.iter().enumerate().try_for_each(|(index, spec)| {
        check_one(spec).map_err(|reason| FaultError::Rule { number: index + 1, reason })
    })
}

pub(crate) fn check_one(spec: &FaultSpec) -> Result<(), String> {
    Rule::new(spec.clone()).map(drop)
}

/// Returns how far the clock that judges a request is off, in milliseconds.
pub(crate) fn skew_ms(request: &HttpRequest) -> i64 {
    request.extensions().get::<Skew>().map_or(0, |skew| skew.0)
}

impl Faults {
    pub(crate) fn new(specs: &[FaultSpec], seed: u64) -> Result<Faults, FaultError> {
        let faults = Faults(Arc::new(Shared {
            rules: Mutex::new(Rules::new(seed)),
            streams: AtomicBool::new(false),
            begun: Instant::now(),
            links: Mutex::new(HashMap::new()),
            cuts: watch::Sender::new(Cut::default()),
            refusing_until_us: AtomicI64::new(0),
            answered: watch::Sender::new(0),
            kept: Mutex::new(HashMap::new()),
        }));
        for (index, spec) in specs.iter().enumerate() {
            let named = |reason| FaultError::Rule { number: index + 1, reason };
            faults.add(spec.clone()).map_err(named)?;
        }
        Ok(faults)
    }

    /// Sets a rule and returns its id.
    fn add(&self, spec: FaultSpec) -> Result<u64, String> {
        let rule = Rule::new(spec)?;
        let now_us = self.now_us();
        let mut rules = self.0.rules.lock();
        let id = rules.add(rule, now_us);
        self.0.streams.store(rules.has_stream_rules(), Relaxed);
        Ok(id)
    }

    /// Removes one rule, or all, and returns how many; all also forgets kept replies and refused upgrades.
    fn remove(&self, id: Option<u64>) -> usize {
        if id.is_none() {
            self.0.kept.lock().clear();
            self.0.refusing_until_us.store(0, Relaxed);
        }
        let mut rules = self.0.rules.lock();
        let removed = rules.remove(id);
        self.0.streams.store(rules.has_stream_rules(), Relaxed);
        removed
    }

    fn shown(&self) -> Vec<Shown> {
        self.0.rules.lock().shown()
    }

    fn decide(&self, at: &Place<'_>) -> Option<Fault> {
        let now_us = self.now_us();
        self.0.rules.lock().decide(at, now_us)
    }

    fn concerns_streams(&self) -> bool {
        self.0.streams.load(Relaxed)
    }

    /// Ends every socket and refuses upgrades for so long; returns how many sockets there were.
    pub(crate) fn cut(&self, how: Cut, refuse_ms: i64) -> usize {
        let until_us = self.now_us().saturating_add(refuse_ms.saturating_mul(1_000));
        self.0.refusing_until_us.store(until_us, Relaxed);
        let sockets = self.0.cuts.receiver_count();
        self.0.cuts.send_replace(how);
        sockets
    }

    fn refuses_upgrades(&self) -> bool {
        self.now_us() < self.0.refusing_until_us.load(Relaxed)
    }

    /// Returns the connection a request came on, if it came through the front.
    fn link_of(&self, request: &HttpRequest) -> Option<Link> {
        self.0.links.lock().get(&request.peer_addr()?).cloned()
    }

    fn now_us(&self) -> i64 {
        i64::try_from(self.0.begun.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}
