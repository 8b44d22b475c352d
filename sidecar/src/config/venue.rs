//! Which exchange, which markets, and the account's key.

use std::path::{Path, PathBuf};

use outrigger_engine::domain::Ticker;
use secrecy::SecretString;

use super::bootstrap::Bootstrap;
use super::hosts;
use super::keys::Env;
use super::reader::{Reader, whole};

/// The exchange to connect to.
#[derive(Debug)]
pub enum Venue {
    /// A simulated one inside this process, with a key made in memory at each start.
    Inside { simulator: Simulator, markets: Vec<Ticker> },
    /// One that is running elsewhere.
    At {
        /// Base URL; `None` for Kalshi's own host of the environment.
        url: Option<String>,
        key_id: String,
        key: KeySource,
        markets: Vec<Ticker>,
    },
}

/// What the exchange inside plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulator {
    pub scenario: String,
    pub seed: u64,
}

/// Where the account's private key is.
#[derive(Debug, Clone)]
pub enum KeySource {
    File(PathBuf),
    /// Handed over on standard input; never on disk.
    Memory(SecretString),
}

impl Venue {
    /// Returns the markets whose books are kept whatever clients ask; empty for the default of the environment.
    pub fn markets(&self) -> &[Ticker] {
        match self {
            Venue::Inside { markets, .. } | Venue::At { markets, .. } => markets,
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, env: Env, bootstrap: Option<&Bootstrap>) -> Venue {
    let markets = markets(reader);
    let url = reader.text("venue.url");
    reader.show(
        "venue.url",
        url.as_deref().unwrap_or(if env == Env::Sim { "(inside)" } else { "(Kalshi's own)" }),
    );
    if let Some(objection) = url.as_deref().and_then(|url| hosts::objection(env, url)) {
        reader.wrong("venue.url", objection);
    }
    let simulator = simulator(reader);
    let given_id = reader.text("venue.key_id");
    let given_file = reader.text("venue.key_file").map(PathBuf::from);
    reader.show("venue.key_id", given_id.as_deref().unwrap_or("-"));
    reader.show(
        "venue.key_file",
        given_file.as_ref().map_or_else(|| "-".to_owned(), |file| file.display().to_string()),
    );
    if env == Env::Sim && url.is_none() {
        if given_id.is_some() || given_file.is_some() {
            reader.warn(
                "the exchange inside makes its own key at each start; --key-id and --key-file are not used",
            );
        }
        return Venue::Inside { simulator, markets };
    }
    let (key_id, key) = key(reader, given_id, given_file, bootstrap);
    Venue::At { url, key_id, key, markets }
}

fn markets(reader: &mut Reader<'_>) -> Vec<Ticker> {
    let tickers = reader.list("markets");
    for ticker in &tickers {
        let plain =
            ticker.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if !plain {
            reader.wrong("markets", format!("\"{ticker}\" is not a ticker"));
        }
    }
    tickers.iter().map(|ticker| Ticker::from(ticker.as_str())).collect()
}

fn simulator(reader: &mut Reader<'_>) -> Simulator {
    let scenario = reader.value("simulator.scenario", "calm".to_owned(), |text| Ok(text.to_owned()));
    // A fixed seed, so that two people who compare notes see the same market.
    let seed = reader.value("simulator.seed", 7, whole(0, u64::MAX));
    Simulator { scenario, seed }
}

fn key(
    reader: &mut Reader<'_>,
    given_id: Option<String>,
    given_file: Option<PathBuf>,
    bootstrap: Option<&Bootstrap>,
) -> (String, KeySource) {
    if let Some(bootstrap) = bootstrap {
        if given_id.is_some() || given_file.is_some() {
            reader.wrong("venue.key_id", "the key comes by --bootstrap; do not name another");
        }
        return (bootstrap.key_id.clone(), KeySource::Memory(bootstrap.private_key_pem.clone()));
    }
    if given_id.is_none() {
        reader
            .wrong("venue.key_id", "is missing: the id of the API key, as the exchange shows it (--key-id)");
    }
    match &given_file {
        None => reader.wrong("venue.key_file", "is missing: the PEM file of the API key (--key-file)"),
        Some(file) => check_key_file(reader, file),
    }
    (given_id.unwrap_or_default(), KeySource::File(given_file.unwrap_or_default()))
}

fn check_key_file(reader: &mut Reader<'_>, file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    match std::fs::metadata(file) {
        Err(error) => reader.wrong("venue.key_file", format!("cannot read {}: {error}", file.display())),
        Ok(meta) if !meta.is_file() => {
            reader.wrong("venue.key_file", format!("{} is not a file", file.display()))
        }
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            reader.warn(format!("others on this machine can read {}; chmod 600 it", file.display()));
        }
        Ok(_) => {}
    }
}
