//! What is fed: recorded sessions where they are at hand, and frames made from a seed.

mod made;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Recorded sessions, below the folder of recordings: one market after the other, and several at once.
const RECORDED: [&str; 2] =
    ["ws_btc15m_sessions/20260513T215130Z.jsonl.zst", "ws_demo_multi_market_raw/session.jsonl.zst"];
/// Shorter sessions are fed several times in a round.
const FRAMES_PER_ROUND: usize = 100_000;

/// What came on one connection, in its order.
pub struct Connection {
    /// The markets whose books came on it.
    pub tickers: Vec<String>,
    pub frames: Vec<String>,
}

impl Connection {
    pub fn new(frames: Vec<String>) -> Connection {
        let books = frames.iter().filter(|frame| frame.contains(r#""orderbook_"#));
        let tickers: BTreeSet<&str> = books.filter_map(|frame| market_ticker(frame)).collect();
        Connection { tickers: tickers.into_iter().map(str::to_owned).collect(), frames }
    }
}

fn market_ticker(frame: &str) -> Option<&str> {
    Some(frame.split_once(r#""market_ticker":""#)?.1.split_once('"')?.0)
}

/// What is played to every contender.
pub struct Session {
    pub name: String,
    pub connections: Vec<Connection>,
    /// How often a round feeds it.
    pub times: usize,
}

impl Session {
    fn new(name: String, connections: Vec<Vec<String>>) -> Session {
        let frames: usize = connections.iter().map(Vec::len).sum();
        let connections = connections.into_iter().map(Connection::new).collect();
        Session { name, connections, times: FRAMES_PER_ROUND.div_ceil(frames.max(1)) }
    }

    /// Returns the frames of one round.
    pub fn frames(&self) -> usize {
        self.connections.iter().map(|connection| connection.frames.len()).sum::<usize>() * self.times
    }

    /// Returns the changes of levels among them, those of one time.
    pub fn deltas(&self) -> usize {
        let frames = self.connections.iter().flat_map(|connection| &connection.frames);
        frames.filter(|frame| is_delta(frame)).count()
    }
}

/// Tells whether a frame changes a level.
pub fn is_delta(frame: &str) -> bool {
    frame.starts_with(r#"{"type":"orderbook_delta""#)
}

/// Returns all sessions, and says on standard error which are absent.
pub fn sessions() -> anyhow::Result<Vec<Session>> {
    let shared = std::env::var_os("OUTRIGGER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let mut sessions = Vec::new();
    for name in RECORDED {
        let path = shared.join("kalshi/recordings").join(name);
        if path.exists() {
            let connections = recorded(&path).with_context(|| path.display().to_string())?;
            sessions.push(Session::new(format!("recorded {name}"), connections));
        } else {
            eprintln!("absent, so left out: {}", path.display());
        }
    }
    sessions.push(Session::new(made::name(), vec![made::connection()]));
    Ok(sessions)
}

/// A line that carries a frame and the number of its connection.
#[derive(Deserialize)]
struct Enveloped<'a> {
    conn: u64,
    #[serde(borrow)]
    frame: &'a RawValue,
}

fn recorded(path: &Path) -> anyhow::Result<Vec<Vec<String>>> {
    let mut decoder = zstd::Decoder::new(File::open(path)?)?;
    decoder.window_log_max(27)?;
    let plain: Box<dyn Read> = Box::new(decoder);
    let mut connections: Vec<Vec<String>> = Vec::new();
    let mut current = None;
    for line in BufReader::new(plain).lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let (conn, frame) = match serde_json::from_str::<Enveloped<'_>>(&line) {
            Ok(Enveloped { conn, frame }) => (conn, frame.get().to_owned()),
            Err(_) => (0, line),
        };
        if current != Some(conn) {
            connections.push(Vec::new());
            current = Some(conn);
        }
        if let Some(frames) = connections.last_mut() {
            frames.push(frame);
        }
    }
    Ok(connections)
}
