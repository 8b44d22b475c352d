//! The binary as a user calls it: what it prints, where, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test ends where its ground gives way")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const PUBLIC_PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outrigger"));
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OUTRIGGER_")) {
        command.env_remove(name);
    }
    command
}

fn call(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An exchange that ends with the test.
struct Exchange {
    child: Child,
    ready: String,
}

impl Exchange {
    fn start(arguments: &[&str]) -> Exchange {
        let mut child = command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
        Exchange { child, ready }
    }

    fn port(&self) -> &str {
        self.ready.split(' ').nth(1).unwrap()
    }

    /// Asks it to stop and returns how it ended.
    fn stop(mut self) -> Option<i32> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_names_every_command_and_each_explains_itself() {
    let help = out(&call(&["help"]));
    for name in
        ["run", "exchange", "check-config", "watch", "token", "verify", "backup", "restore", "migrate"]
    {
        assert!(help.contains(&format!("\n  {name} ")), "{name} is not in\n{help}");
        let own = call(&[name, "--help"]);
        assert_eq!(code(&own), 0);
        assert!(out(&own).contains("Usage: outrigger"), "{name}");
    }
}

#[test]
fn check_config_prints_what_is_in_effect_or_every_mistake() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("o.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\n").unwrap();
    let right = call(&["check-config", "--config", text(&file), "--json"]);
    assert_eq!(code(&right), 0, "{}", err(&right));
    assert!(out(&right).contains("o.toml:1:1 listen"), "{}", out(&right));
    std::fs::write(&file, "lissen = 1\n").unwrap();
    let wrong = call(&["check-config", "--config", text(&file), "--log-level", "loud"]);
    assert_eq!(code(&wrong), 2);
    assert!(out(&wrong).is_empty());
    assert!(
        err(&wrong).contains("did you mean listen?") && err(&wrong).contains("--log-level"),
        "{}",
        err(&wrong)
    );
}

#[test]
fn tokens_backups_and_schemas_are_handled_from_outside() {
    let directory = TempDir::new().unwrap();
    let (data, copy) = (directory.path().join("data"), directory.path().join("copy.sqlite"));
    let data = ["--data-dir", text(&data)];
    let tool = |first: &[&str]| call(&[first, &data].concat());
    let token = tool(&["token", "new", "--name", "ui", "--scope", "trade"]);
    assert_eq!((code(&token), out(&token).trim().len()), (0, 64), "{}", err(&token));
    let again = tool(&["token", "new", "--name", "ui", "--scope", "trade"]);
    assert_eq!(code(&again), 2, "names are used once");
    assert_eq!(code(&tool(&["backup", text(&copy)])), 0);
    assert_eq!(code(&tool(&["backup", text(&copy)])), 1, "no copy is overwritten");
    assert_eq!(code(&tool(&["token", "revoke", "ui"])), 0);
    assert_eq!(code(&tool(&["token", "revoke", "ui"])), 1, "it was revoked before");
    assert!(!out(&tool(&["token", "list", "--json"])).contains(out(&token).trim()));
    assert_eq!(code(&tool(&["migrate", "down"])), 2, "going back has to be meant");
    assert_eq!(out(&tool(&["migrate", "down", "--yes"])), "schema 1 of 2 (1 to go)\n");
    assert_eq!(out(&tool(&["migrate", "up"])), "schema 2 of 2 (newest)\n");
    assert_eq!(code(&tool(&["verify"])), 0);
    let restored = tool(&["restore", text(&copy)]);
    assert_eq!(code(&restored), 0, "{}", err(&restored));
    std::fs::write(directory.path().join("data/ledger.sqlite"), "not a database, but long enough to look at")
        .unwrap();
    let damaged = tool(&["verify", "--json"]);
    assert_eq!(code(&damaged), 1);
    assert!(out(&damaged).contains("\"sound\": false"), "{}", out(&damaged));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(&["check-config"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(err(&output), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_exchange_says_it_is_ready_and_stops_when_asked() {
    let key = format!("member={PUBLIC_PEM}");
    let exchange = Exchange::start(&["exchange", "--listen", "127.0.0.1:0", "--key", &key, "--nonce", "n-1"]);
    assert!(
        exchange.ready.starts_with("READY ") && exchange.ready.ends_with(" n-1\n"),
        "{:?}",
        exchange.ready
    );
    let address = format!("127.0.0.1:{}", exchange.port());
    let busy = call(&["exchange", "--listen", &address]);
    assert_eq!(code(&busy), 2);
    assert!(err(&busy).contains("--listen") && err(&busy).contains(&address), "{}", err(&busy));
    assert_eq!(exchange.stop(), Some(0));
}

#[test]
fn the_exchange_tells_every_mistake_at_once() {
    let output = call(&["exchange", "--listen", "x", "--scenario", "none", "--speed", "2", "--key", "a"]);
    assert_eq!(code(&output), 2);
    for part in ["--listen", "--scenario", "--speed", "--key"] {
        assert!(err(&output).contains(part), "{part}: {}", err(&output));
    }
}

#[test]
fn watching_without_a_sidecar_or_a_token_says_what_to_do() {
    let directory = TempDir::new().unwrap();
    let missing = call(&["watch", "KXA-1", "--once", "--data-dir", text(directory.path())]);
    assert_eq!(code(&missing), 1);
    assert!(err(&missing).contains("start the sidecar once"), "{}", err(&missing));
    std::fs::write(directory.path().join("admin.token"), "0123456789abcdef").unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let data = ["--data-dir", text(directory.path())];
    let alone = call(&[&["watch", "KXA-1", "--once", "--connect", &closed], &data[..]].concat());
    assert_eq!(code(&alone), 1);
    assert!(
        err(&alone).contains("no sidecar answers at") && err(&alone).contains(&closed),
        "{}",
        err(&alone)
    );
}
