//! Configuration: file, then environment, then flags; the later one wins. Every mistake is reported at once.
//!
//! One file per area, each with its defaults and why. Secrets are never in what `check-config` prints.

mod api;
mod bootstrap;
mod document;
mod file;
mod hosts;
mod keys;
mod log;
mod mistake;
mod process;
mod reader;
mod risk;
mod source;
mod store;
mod streams;
mod venue;

use std::path::PathBuf;

pub use api::{Api, Listen};
pub use bootstrap::{Bootstrap, BootstrapToken};
pub use document::document;
pub use keys::Env;
pub use log::{Log, LogFormat, LogLevel, log_from_flags};
pub use mistake::{Mistake, Mistakes};
pub use process::Process;
pub use reader::Shown;
pub use risk::Risk;
pub use source::{Flags, Sources};
pub use store::Store;
pub use streams::Streams;
pub use venue::{KeySource, Simulator, Venue};

use reader::Reader;

/// The configuration in effect, checked.
#[derive(Debug)]
pub struct Effective {
    pub env: Env,
    pub listen: Listen,
    pub data_dir: PathBuf,
    pub venue: Venue,
    pub risk: Risk,
    pub streams: Streams,
    pub store: Store,
    pub log: Log,
    pub api: Api,
    pub process: Process,
    pub bootstrap: Option<Bootstrap>,
    /// Every key with its value and where it came from, secrets redacted.
    pub shown: Vec<Shown>,
    /// Oddities that stop nothing.
    pub warnings: Vec<String>,
}

/// Which ledger a tool works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub env: Env,
    pub data_dir: PathBuf,
    pub listen: Listen,
}

/// Reads and checks everything.
pub fn load(sources: &Sources, bootstrap: Option<Bootstrap>) -> Result<Effective, Mistakes> {
    let mut reader = Reader::new(sources);
    let env = process::env(&mut reader);
    let listen = api::listen(&mut reader);
    let data_dir = process::data_dir(&mut reader, env);
    let venue = venue::read(&mut reader, env, bootstrap.as_ref());
    let risk = risk::read(&mut reader, env);
    let streams = streams::read(&mut reader, env);
    let store = store::read(&mut reader, &data_dir);
    let log = log::read(&mut reader);
    let api = api::read(&mut reader);
    let process = process::read(&mut reader);
    let (shown, warnings) = reader.finish()?;
    Ok(Effective {
        env,
        listen,
        data_dir,
        venue,
        risk,
        streams,
        store,
        log,
        api,
        process,
        bootstrap,
        shown,
        warnings,
    })
}

/// Reads only what a tool needs to find a ledger and its sidecar, whatever else is wrong.
pub fn place(sources: &Sources) -> Result<Place, Mistakes> {
    let mut reader = Reader::only_named(sources);
    let env = process::env(&mut reader);
    let listen = api::listen(&mut reader);
    let data_dir = process::data_dir(&mut reader, env);
    reader.finish()?;
    Ok(Place { env, data_dir, listen })
}

/// Reads only what a tool needs to find the captures.
pub fn capture_dir(sources: &Sources) -> Result<PathBuf, Mistakes> {
    let mut reader = Reader::only_named(sources);
    let env = process::env(&mut reader);
    let data_dir = process::data_dir(&mut reader, env);
    let directory = store::capture_dir(&mut reader, &data_dir);
    reader.finish()?;
    Ok(directory)
}

#[cfg(test)]
mod tests;
