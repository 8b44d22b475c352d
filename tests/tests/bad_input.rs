//! Bad input answers clearly and loses nothing (done-when 5), and what a person meets first reads well.
#![allow(clippy::indexing_slicing, reason = "JSON values give null for what is absent")]

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use outrigger_tests::pair::{Exchange, Sidecar};
use outrigger_tests::process::{self, Ended};
use outrigger_tests::wait;
use reqwest::Method;
use serde_json::{Value, json};

const WITHIN: Duration = Duration::from_secs(60);

/// Returns a sidecar with the simulated exchange inside, ready to trade.
async fn ready(data: &tempfile::TempDir) -> anyhow::Result<Sidecar> {
    let sidecar = Sidecar::alone(data.path(), &["--log-format", "json"])?;
    sidecar.api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    Ok(sidecar)
}

fn outrigger(args: &[&str]) -> anyhow::Result<Ended> {
    let mut command = Command::new(process::binary()?);
    command.args(args);
    process::run(command, WITHIN)
}

/// Checks a problem: status, media shape, and that its text names what it is about.
fn is_problem(answer: &outrigger_tests::api::Answer, status: u16, names: &[&str]) -> anyhow::Result<()> {
    let body = &answer.body;
    ensure!(answer.status == status, "want {status}, got {} {body}", answer.status);
    let code = body["code"].as_str().unwrap_or_default();
    ensure!(code.starts_with("OUT-"), "no stable code in {body}");
    let page = outrigger_tests::workspace::root().join(format!("docs/errors/{code}.md"));
    ensure!(page.is_file(), "no page for {code}");
    for name in names {
        ensure!(body.to_string().contains(name), "{name:?} is not named in {body}");
    }
    Ok(())
}

/// Returns an open market of the sidecar.
async fn a_market(sidecar: &Sidecar) -> anyhow::Result<Value> {
    wait::until("an open market", WITHIN, || async {
        let markets = sidecar.api.list("/v1/markets?status=active", "markets").await?;
        markets.into_iter().next().context("no market yet")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_refuses_clearly_and_keeps_its_state() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let sidecar = ready(&data).await?;
    let api = &sidecar.api;
    let http = outrigger_tests::exchange::client()?;
    let url = |path: &str| format!("http://{}{path}", api.addr);

    for path in ["/v1/markets", "/v1/orders", "/v1/halt", "/metrics", "/no/such/route"] {
        let reply = http.get(url(path)).send().await?;
        ensure!(reply.status() == 401, "{path} without a token: {}", reply.status());
        ensure!(reply.headers().contains_key("www-authenticate"), "{path}: no WWW-Authenticate");
        let reply = http.get(url(path)).bearer_auth("wrong").send().await?;
        ensure!(reply.status() == 401, "{path} with a wrong token: {}", reply.status());
    }
    let foreign = http.get(url("/v1/markets")).bearer_auth(api.token()).header("Host", "evil.example:7373");
    ensure!(foreign.send().await?.status() == 421, "a foreign Host");
    let page = http.get(url("/v1/markets")).bearer_auth(api.token()).header("Origin", "https://evil.example");
    ensure!(page.send().await?.status() == 403, "a foreign Origin");

    let market = a_market(&sidecar).await?;
    let ticker = market["ticker"].as_str().context("ticker")?;
    let order = |price: &str| json!({"ticker": ticker, "side": "bid", "price": price, "count": "1.00"});
    let post = |key: Option<&'static str>, body: Value| async move {
        api.send(Method::POST, "/v1/orders", key, Some(&body)).await
    };
    let step = market["price_ranges"][0]["step"].as_str().context("the grid's step")?.to_owned();
    is_problem(&post(Some("k1"), order("0.50005")).await?, 400, &["price"])?;
    is_problem(&post(Some("k2"), order("0.5055")).await?, 400, &["grid", "0.5055", &step])?;
    is_problem(&post(None, order("0.0100")).await?, 400, &["Idempotency-Key"])?;
    let mut unknown = order("0.0100");
    unknown["ticker"] = Value::from("KXNOSUCH-1");
    is_problem(&post(Some("k3"), unknown).await?, 404, &["KXNOSUCH-1"])?;
    let mistakes = json!({"ticker": ticker, "side": "buy", "price": 0.5, "cuont": "1.00"});
    is_problem(&post(Some("k4"), mistakes).await?, 400, &["side", "price", "cuont", "count"])?;
    is_problem(&api.send(Method::GET, "/v1/markets/KXNOSUCH-1", None, None).await?, 404, &["KXNOSUCH-1"])?;
    is_problem(
        &api.send(Method::GET, "/v1/markets/KXNOSUCH-1/book", None, None).await?,
        404,
        &["KXNOSUCH-1"],
    )?;
    is_problem(
        &api.send(Method::GET, "/v1/orders/no-such-order", None, None).await?,
        404,
        &["no-such-order"],
    )?;
    is_problem(&api.send(Method::PUT, "/v1/markets", None, Some(&json!({}))).await?, 405, &["GET"])?;

    let placed = post(Some("k5"), order("0.0100")).await?;
    ensure!(placed.status == 201, "{} {}", placed.status, placed.body);
    let again = post(Some("k5"), order("0.0100")).await?;
    ensure!(again.replayed && again.body == placed.body, "a repeat: {} {}", again.status, again.body);
    is_problem(&post(Some("k5"), order("0.0200")).await?, 422, &["Idempotency-Key"])?;
    let orders = api.list("/v1/orders", "orders").await?;
    ensure!(orders.len() == 1, "refused orders left traces: {orders:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_cleanly_and_says_one_line_on_standard_output() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let sidecar = Sidecar::alone(data.path(), &["--nonce", "n-17"])?;
    ensure!(sidecar.running.ready_line.ends_with(" n-17"), "{}", sidecar.running.ready_line);
    sidecar.api.ready(WITHIN).await?;
    let (status, more) = sidecar.running.stop(Duration::from_secs(30))?;
    ensure!(status.success(), "{status}");
    ensure!(more.is_empty(), "more on standard output: {more:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_ledger_refuses_to_start_and_says_what_to_do() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let sidecar = ready(&data).await?;
    sidecar.running.stop(Duration::from_secs(30))?;
    let folder = data.path().display().to_string();
    ensure!(outrigger(&["verify", "--data-dir", &folder])?.code == Some(0), "verify of a whole ledger");

    let path = data.path().join("ledger.sqlite");
    let mut bytes = std::fs::read(&path)?;
    let middle = bytes.len() / 2;
    bytes[100..middle].fill(0xA5);
    std::fs::write(&path, &bytes)?;
    let before = std::fs::read(&path)?;
    let verified = outrigger(&["verify", "--data-dir", &folder])?;
    ensure!(verified.code == Some(1), "verify of a damaged ledger: {verified:?}");
    let started =
        outrigger(&["run", "--listen", "127.0.0.1:0", "--data-dir", &folder, "--log-format", "json"])?;
    ensure!(started.code.is_some_and(|code| code != 0), "{started:?}");
    ensure!(!started.stdout.contains("READY"), "ready on a damaged ledger: {started:?}");
    ensure!(started.stderr.contains("restore"), "no advice: {}", started.stderr);
    ensure!(std::fs::read(&path)? == before, "the damaged ledger was changed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_port_and_a_busy_directory_name_the_setting() -> anyhow::Result<()> {
    let (data, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let sidecar = Sidecar::alone(data.path(), &[])?;
    let listen = sidecar.running.addr.to_string();
    let second = other.path().display().to_string();
    let ended = outrigger(&["run", "--listen", &listen, "--data-dir", &second])?;
    ensure!(ended.code.is_some_and(|code| code != 0) && ended.stdout.is_empty(), "{ended:?}");
    ensure!(ended.stderr.contains("--listen") && ended.stderr.contains(&listen), "{}", ended.stderr);
    let first = data.path().display().to_string();
    let ended = outrigger(&["run", "--listen", "127.0.0.1:0", "--data-dir", &first])?;
    ensure!(ended.code.is_some_and(|code| code != 0) && ended.stdout.is_empty(), "{ended:?}");
    ensure!(ended.stderr.contains(&sidecar.running.pid().to_string()), "no pid: {}", ended.stderr);
    let ended = outrigger(&["exchange", "--listen", &listen])?;
    ensure!(ended.code.is_some_and(|code| code != 0) && ended.stderr.contains("--listen"), "{ended:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_logs() -> anyhow::Result<()> {
    let exchange = Exchange::start(&[])?;
    let data = tempfile::tempdir()?;
    let sidecar = exchange.sidecar(data.path(), &["--log-level", "trace"])?;
    sidecar.api.ready(WITHIN).await.with_context(|| sidecar.running.log_tail())?;
    let ticker = a_market(&sidecar).await?["ticker"].as_str().context("ticker")?.to_owned();
    let order = json!({"ticker": ticker, "side": "bid", "price": "0.0100", "count": "1.00"});
    let placed = sidecar.api.send(Method::POST, "/v1/orders", Some("a"), Some(&order)).await?;
    ensure!(placed.status == 201, "{} {}", placed.status, placed.body);
    let token = sidecar.api.token().to_owned();
    sidecar.running.stop(Duration::from_secs(30))?;
    let pem = std::fs::read_to_string(&exchange.key.private_file)?;
    let private = pem.lines().nth(1).context("the key's body")?;
    let log = std::fs::read_to_string(exchange.folder.path().join("sidecar.log"))?;
    ensure!(log.lines().count() > 10, "nothing was logged");
    // Every Ed25519 signature is 88 characters of base64 that end in `==`.
    let is_signature = |word: &str| word.len() == 88 && word.ends_with("==");
    let signature = log.split(['"', ' ', ',', ':']).find(|word| is_signature(word));
    ensure!(!log.contains(&token), "the token is in the log");
    ensure!(!log.contains(private), "the private key is in the log");
    ensure!(signature.is_none(), "a signature is in the log: {signature:?}");
    Ok(())
}

#[test]
fn help_and_configuration_read_well() -> anyhow::Result<()> {
    let help = outrigger(&["help"])?;
    ensure!(help.code == Some(0), "{help:?}");
    for command in
        ["run", "exchange", "check-config", "watch", "token", "verify", "backup", "restore", "migrate"]
    {
        ensure!(help.stdout.contains(command), "help does not name {command}");
        let own = outrigger(&[command, "--help"])?;
        ensure!(own.code == Some(0) && own.stdout.contains("Usage"), "{command} --help: {own:?}");
    }
    let effective = outrigger(&["check-config", "--json", "--listen", "127.0.0.1:7399"])?;
    ensure!(effective.code == Some(0), "{effective:?}");
    let shown: Value = serde_json::from_str(&effective.stdout)?;
    ensure!(shown.to_string().contains("127.0.0.1:7399"), "{shown}");
    Ok(())
}

#[test]
fn every_configuration_mistake_is_told_at_once() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("outrigger.toml");
    std::fs::write(
        &file,
        "lisen = \"127.0.0.1:1\"\n[limits]\nmax_order_count = \"many\"\n[log]\nlevel = \"loud\"\n",
    )?;
    let told = outrigger(&["check-config", "--config", &file.display().to_string(), "--env", "paper"])?;
    ensure!(told.code == Some(2), "{told:?}");
    for word in ["lisen", "listen", "max_order_count", "level", "paper", "outrigger.toml"] {
        ensure!(told.stderr.contains(word), "{word} is not named in {}", told.stderr);
    }
    let typo = outrigger(&["wach"])?;
    ensure!(typo.code == Some(2) && typo.stderr.contains("watch"), "{typo:?}");
    Ok(())
}
