//! A simulated Kalshi exchange that speaks the venue's own wire protocol on a port of its own.
//!
//! `venue` decides (pure), `population` and `scenario` make it live, `http` and `socket` serve it, `replay` serves a
//! recording in its place. Shares no code with what connects to it.

pub mod auth;
mod doors;
pub mod faults;
mod heart;
pub mod host;
pub mod http;
mod keygen;
mod listener;
pub mod population;
pub mod replay;
mod routes;
pub mod scenario;
mod script;
mod server;
pub mod socket;
pub mod tape;
pub mod time;
pub mod venue;
mod view;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

pub use faults::{FaultError, FaultSpec, Tls, TlsError, TlsMode};
pub use scenario::{Scenario, ScenarioError};
pub use server::{Running, SpawnError, spawn};
pub use time::Pace;

/// What to simulate, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 picks a free one.
    pub listen: SocketAddr,
    pub seed: u64,
    pub scenario: Scenario,
    /// Serve this recording instead of a living market.
    pub replay: Option<Replay>,
    pub keys: Vec<KeyEntry>,
    /// How the exchange's time runs.
    pub pace: Pace,
    /// Its time at the start, in microseconds since the Unix epoch; none is the wall's.
    pub start_us: Option<i64>,
    /// Records everything the exchange says.
    pub tape: Option<PathBuf>,
    /// Faults next to those of the scenario.
    pub faults: Vec<FaultSpec>,
    /// Opens the routes under `/control/` to clients of this machine.
    pub control: bool,
    /// More ports, with TLS, in front of the same exchange.
    pub tls: Vec<Tls>,
    /// Where the certificate of the CA behind `tls` is written.
    pub tls_ca: Option<PathBuf>,
}

/// A member's key: RSA or Ed25519, as SPKI PEM. Ids that name the same public key share one account.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    pub id: String,
    pub public_pem: String,
}

/// A recording and its speed: a multiple of recorded time, 0 as fast as it is read.
#[derive(Debug, Clone)]
pub struct Replay {
    pub file: PathBuf,
    pub speed: f64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7474)),
            seed: 7,
            scenario: Scenario::default(),
            replay: None,
            keys: Vec::new(),
            pace: Pace::Real,
            start_us: None,
            tape: None,
            faults: Vec::new(),
            control: false,
            tls: Vec::new(),
            tls_ca: None,
        }
    }
}
