//! `outrigger exchange`: the simulated exchange alone.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use outrigger_simulator::{
    FaultSpec, KeyEntry, Options, Pace, Replay, Running, Scenario, SpawnError, TlsMode, spawn,
};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::ExchangeArgs;
use super::output::{self, Usage};
use crate::config::{Log, log_from_flags};
use crate::telemetry;

pub(super) fn run(args: ExchangeArgs) -> anyhow::Result<ExitCode> {
    let (options, log) = read(&args)?;
    telemetry::init(&log);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("start a runtime")?;
    runtime.block_on(async {
        // Before READY, so that whoever waits for it may stop us from then on.
        let stop = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let members = options.keys.len();
        let modes: Vec<TlsMode> = options.tls.iter().map(|tls| tls.mode).collect();
        let running = start(options)?;
        output::ready(running.addr().port(), args.nonce.as_deref().unwrap_or("-"))?;
        tracing::info!(event = "exchange_open", address = %running.addr(), members, "the simulated exchange is open");
        for (address, mode) in running.tls_addrs().iter().zip(modes) {
            tracing::info!(event = "exchange_tls_open", %address, ?mode, "the exchange is open with TLS");
        }
        if members == 0 {
            tracing::warn!(event = "exchange_without_members", "no --key was given, so nobody can sign in");
        }
        asked_to_stop(stop).await;
        tracing::info!(event = "exchange_stop", "stopping");
        tokio::task::spawn_blocking(move || running.stop()).await.context("stop the exchange")?;
        Ok(ExitCode::SUCCESS)
    })
}

fn start(options: Options) -> anyhow::Result<Running> {
    match spawn(options) {
        Ok(running) => Ok(running),
        // The user can put these right on the command line.
        Err(error @ SpawnError::Listen { .. }) => Err(Usage(error.to_string()).into()),
        Err(
            error @ (SpawnError::Key(_)
            | SpawnError::Replay(_)
            | SpawnError::Tape { .. }
            | SpawnError::Fault(_)
            | SpawnError::Tls(_)),
        ) => Err(Usage(format!("{:#}", anyhow::Error::from(error))).into()),
        Err(error) => Err(error.into()),
    }
}

async fn asked_to_stop((mut terminate, mut interrupt): (Signal, Signal)) {
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Reads all flags; tells every mistake at once.
fn read(args: &ExchangeArgs) -> anyhow::Result<(Options, Log)> {
    let mut wrong = Vec::new();
    let mut options = Options::default();
    if let Some(listen) = &args.listen {
        match listen.parse::<SocketAddr>() {
            Ok(address) => options.listen = address,
            Err(_) => wrong.push(format!("--listen: \"{listen}\" is not an address such as 127.0.0.1:7474")),
        }
    }
    if let Some(seed) = args.seed {
        options.seed = seed;
    }
    match args.scenario.as_deref().map(scenario).transpose() {
        Ok(scenario) => options.scenario = scenario.unwrap_or_default(),
        Err(error) => wrong.push(format!("--scenario: {error:#}")),
    }
    match replay(args) {
        Ok(replay) => options.replay = replay,
        Err(error) => wrong.push(format!("{error:#}")),
    }
    match args.time.as_deref().map(pace).transpose() {
        Ok(pace) => options.pace = pace.unwrap_or_default(),
        Err(error) => wrong.push(format!("--time: {error:#}")),
    }
    match args.start.as_deref().map(str::parse::<jiff::Timestamp>).transpose() {
        Ok(start) => options.start_us = start.map(jiff::Timestamp::as_microsecond),
        Err(error) => wrong.push(format!("--start: a time such as 2026-01-08T07:30:00Z is needed: {error}")),
    }
    options.tape.clone_from(&args.tape);
    for text in &args.keys {
        match key(text) {
            Ok(key) => options.keys.push(key),
            Err(error) => wrong.push(format!("--key: {error:#}")),
        }
    }
    read_faults(args, &mut options, &mut wrong);
    let log = log_from_flags(args.log_level.as_deref(), args.log_format.as_deref(), &mut wrong);
    if !wrong.is_empty() {
        bail!(Usage(wrong.join("\n  ")));
    }
    Ok((options, log))
}

/// `real`, `stepped`, or a multiple such as `60x`.
fn pace(text: &str) -> anyhow::Result<Pace> {
    let times = || text.strip_suffix('x')?.parse().ok().filter(|times| (1..=100_000).contains(times));
    match (text, times()) {
        ("real", _) => Ok(Pace::Real),
        ("stepped", _) => Ok(Pace::Stepped),
        (_, Some(times)) => Ok(Pace::Times(times)),
        _ => bail!("\"{text}\" is not real, stepped or a multiple from 1x to 100000x"),
    }
}

/// What goes wrong, and the ports and routes that are there for it.
fn read_faults(args: &ExchangeArgs, options: &mut Options, wrong: &mut Vec<String>) {
    match args.faults.as_deref().map(FaultSpec::from_file).transpose() {
        Ok(faults) => options.faults = faults.unwrap_or_default(),
        Err(error) => wrong.push(format!("--faults: {:#}", anyhow::Error::from(error))),
    }
    for text in &args.tls {
        match text.parse() {
            Ok(tls) => options.tls.push(tls),
            Err(error) => wrong.push(format!("--tls: {error}")),
        }
    }
    options.control = args.control;
    options.tls_ca.clone_from(&args.tls_ca);
}

/// A scenario's name, or a file that describes one.
fn scenario(text: &str) -> anyhow::Result<Scenario> {
    if Scenario::names().contains(&text) || !Path::new(text).exists() {
        Ok(Scenario::named(text)?)
    } else {
        Ok(Scenario::from_file(Path::new(text))?)
    }
}

fn replay(args: &ExchangeArgs) -> anyhow::Result<Option<Replay>> {
    let Some(file) = args.replay.clone() else {
        if args.speed.is_some() {
            bail!("--speed: only a recording has one; add --replay FILE");
        }
        return Ok(None);
    };
    let speed = args.speed.unwrap_or(1.0);
    if !speed.is_finite() || speed < 0.0 {
        bail!("--speed: a multiple of recorded time is needed, or 0 for as fast as it is read");
    }
    if !file.is_file() {
        bail!("--replay: {} is not a file", file.display());
    }
    Ok(Some(Replay { file, speed }))
}

/// `ID=PUBLIC_PEM`, where the PEM is a file's path or the text itself.
fn key(text: &str) -> anyhow::Result<KeyEntry> {
    let Some((id, pem)) = text.split_once('=').filter(|(id, pem)| !id.is_empty() && !pem.is_empty()) else {
        bail!("\"{text}\" is not ID=PUBLIC_PEM, with a file's path or the PEM itself");
    };
    let public_pem = if pem.contains("-----BEGIN") {
        pem.to_owned()
    } else {
        std::fs::read_to_string(pem).with_context(|| format!("read the public key of {id} from {pem}"))?
    };
    if public_pem.contains("PRIVATE KEY") {
        bail!("{id}: this is a private key; the exchange is given the public one");
    }
    Ok(KeyEntry { id: id.to_owned(), public_pem })
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn a_key_is_an_id_and_a_public_pem_or_its_file() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("a=b.pem");
        std::fs::write(&file, "-----BEGIN PUBLIC KEY-----\n").unwrap();
        let from_file = key(&format!("id-1={}", file.display())).unwrap();
        assert_eq!(
            (from_file.id.as_str(), from_file.public_pem.as_str()),
            ("id-1", "-----BEGIN PUBLIC KEY-----\n")
        );
        assert!(
            key("id=-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----")
                .unwrap()
                .public_pem
                .contains("AA==")
        );
        for (text, expected) in [
            ("id", "is not ID=PUBLIC_PEM"),
            ("=x", "is not ID=PUBLIC_PEM"),
            ("id=/no/such/file", "read the public key of id"),
            ("id=-----BEGIN PRIVATE KEY-----", "private key"),
        ] {
            let told = format!("{:#}", key(text).unwrap_err());
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
