//! Starts the built binary on ports of its own choosing, waits for its READY line, and ends it by its process id.
//!
//! Builds nothing: a missing binary is an error that says how to build it. Nothing outlives the test that started it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// How long a process may take until its port is open, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Lines of its log that go into an error.
const LOG_LINES_SHOWN: usize = 25;

/// Returns the binary under test: `OUTRIGGER_BIN`, or the one beside this test in the target directory.
pub fn binary() -> anyhow::Result<PathBuf> {
    let path = match std::env::var_os("OUTRIGGER_BIN") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe()?;
            let profile = test.parent().and_then(Path::parent).context("the test's target directory")?;
            profile.join(format!("outrigger{}", std::env::consts::EXE_SUFFIX))
        }
    };
    ensure!(
        path.is_file(),
        "no binary at {}: build it with `cargo build -p outrigger`, or run `make test`",
        path.display()
    );
    Ok(path)
}

/// A process of ours with an open port. Killed when dropped.
pub struct Running {
    child: Child,
    pub addr: SocketAddr,
    /// The rest of the READY line: port and nonce.
    pub ready_line: String,
    log: PathBuf,
    stdout: mpsc::Receiver<String>,
}

impl Running {
    /// Starts `outrigger ARGS` and waits for READY. Its log goes to `log`.
    pub fn start(args: &[String], log: &Path) -> anyhow::Result<Running> {
        let mut command = Command::new(binary()?);
        command.args(args);
        Running::start_command(command, log)
    }

    /// Starts a prepared command and waits for READY.
    pub fn start_command(mut command: Command, log: &Path) -> anyhow::Result<Running> {
        let written = File::options().create(true).append(true).open(log)?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(written).spawn()?;
        let stdout = child.stdout.take().context("its standard output")?;
        let (lines, received) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let mut running = Running {
            child,
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            ready_line: String::new(),
            log: log.to_owned(),
            stdout: received,
        };
        running.await_ready()?;
        Ok(running)
    }

    fn await_ready(&mut self) -> anyhow::Result<()> {
        let Ok(line) = self.stdout.recv_timeout(READY_WITHIN) else {
            let status = self.child.try_wait()?;
            bail!("not ready ({status:?}); its log ends\n{}", self.log_tail());
        };
        let rest = line.strip_prefix("READY ").with_context(|| format!("want a READY line, got {line:?}"))?;
        let (port, _) = rest.split_once(' ').with_context(|| format!("no nonce in {line:?}"))?;
        self.addr.set_port(port.parse().with_context(|| format!("the port in {line:?}"))?);
        self.ready_line = rest.to_owned();
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, as a power cut would end the process.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop (SIGTERM) and waits. Returns how it ended and what else it had printed on standard output.
    pub fn stop(mut self, within: Duration) -> anyhow::Result<(ExitStatus, Vec<String>)> {
        let sent = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status()?;
        ensure!(sent.success(), "SIGTERM was not sent");
        let until = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, self.stdout.iter().collect()));
            }
            ensure!(
                Instant::now() < until,
                "still running after {within:?}; its log ends\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Returns the end of its log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then both report an error that says nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end, with a deadline.
pub fn run(mut command: Command, within: Duration) -> anyhow::Result<Ended> {
    let scratch = tempfile::tempdir()?;
    let (out, err) = (scratch.path().join("out"), scratch.path().join("err"));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(File::create(&out)?)
        .stderr(File::create(&err)?)
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let until = Instant::now() + within;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            bail!("{command:?} still ran after {within:?}\n{}", std::fs::read_to_string(&err)?);
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ok(Ended {
        code: status.code(),
        stdout: std::fs::read_to_string(out)?,
        stderr: std::fs::read_to_string(err)?,
    })
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}
