//! The command tree.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Flags, Sources};

const EXAMPLES: &str = "\
Start here:
  outrigger                          a simulated Kalshi exchange and the sidecar on it, at 127.0.0.1:7373
  outrigger watch TICKER             look at one of its markets
  outrigger run --env demo --key-id ID --key-file key.pem
                                     the same on Kalshi's demo exchange

`outrigger COMMAND --help` explains each command.";

#[derive(Debug, Parser)]
#[command(
    name = "outrigger",
    version,
    about = "A sidecar for trading on Kalshi: one signed connection, true books and orders, any number of local clients",
    after_help = EXAMPLES,
    subcommand_value_name = "COMMAND",
    disable_help_subcommand = false
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the sidecar (the default command)
    Run(RunArgs),
    /// Run the simulated exchange alone
    Exchange(ExchangeArgs),
    /// Print the effective configuration with secrets redacted, or every mistake in it
    CheckConfig(CheckConfigArgs),
    /// Watch markets of a running sidecar in the terminal
    Watch(WatchArgs),
    /// Make, list and revoke bearer tokens of the local API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Check the ledger: file, hash chain, tables against the journal; exit 1 on damage
    Verify(VerifyArgs),
    /// List the captures of the exchange's stream and check that they are whole; exit 1 on damage
    Captures(CapturesArgs),
    /// Copy the ledger to a new file, while the sidecar runs or not
    Backup(BackupArgs),
    /// Put a backup in the ledger's place; the ledger that was there is kept aside
    Restore(RestoreArgs),
    /// Move the ledger's schema forward or back, or show where it stands
    #[command(subcommand)]
    Migrate(MigrateCommand),
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Exchange: sim, demo, or live (real money) [default: sim]
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// Address of the local API; port 0 picks one [default: 127.0.0.1:7373]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Second loopback address that serves /metrics without a token
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// Where the ledger lives; one process per directory [default: the platform's data directory]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Exchange that is already running, e.g. http://127.0.0.1:7474
    #[arg(long, value_name = "URL", help_heading = "Exchange")]
    pub venue: Option<String>,
    /// Id of the account's API key
    #[arg(long, value_name = "ID", help_heading = "Exchange")]
    pub key_id: Option<String>,
    /// Private key of the account, PEM (RSA or Ed25519)
    #[arg(long, value_name = "FILE", help_heading = "Exchange")]
    pub key_file: Option<String>,
    /// Keep these markets' books at all times
    #[arg(long, value_name = "T,...", help_heading = "Exchange")]
    pub markets: Option<String>,
    /// Scenario of the simulated exchange inside [default: calm]
    #[arg(long, value_name = "NAME", help_heading = "Exchange")]
    pub scenario: Option<String>,
    /// Seed of the simulated exchange inside [default: 7]
    #[arg(long, value_name = "N", help_heading = "Exchange")]
    pub seed: Option<String>,
    /// Say that real money is meant; needed with --env live
    #[arg(long, help_heading = "Exchange")]
    pub acknowledge_live: bool,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", help_heading = "Logs")]
    pub log_level: Option<String>,
    /// auto, json or text [default: auto: text on a terminal, JSON otherwise]
    #[arg(long, value_name = "FORMAT", help_heading = "Logs")]
    pub log_format: Option<String>,
    /// Printed in the READY line
    #[arg(long, value_name = "TEXT", help_heading = "Host process")]
    pub nonce: Option<String>,
    /// Stop cleanly when this process ends
    #[arg(long, value_name = "PID", help_heading = "Host process")]
    pub parent_pid: Option<String>,
    /// Read one JSON line with key_id, private_key_pem and tokens from standard input
    #[arg(long, value_name = "stdin", value_parser = ["stdin"], help_heading = "Host process")]
    pub bootstrap: Option<String>,
}

impl RunArgs {
    pub(super) fn sources(&self) -> Sources {
        let mut flags = Flags::default();
        let given = [
            ("--env", &self.env),
            ("--listen", &self.listen),
            ("--metrics-listen", &self.metrics_listen),
            ("--data-dir", &self.data_dir),
            ("--venue", &self.venue),
            ("--key-id", &self.key_id),
            ("--key-file", &self.key_file),
            ("--markets", &self.markets),
            ("--scenario", &self.scenario),
            ("--seed", &self.seed),
            ("--log-level", &self.log_level),
            ("--log-format", &self.log_format),
            ("--nonce", &self.nonce),
            ("--parent-pid", &self.parent_pid),
        ];
        for (flag, value) in given {
            flags.set(flag, value.clone());
        }
        flags.set("--acknowledge-live", self.acknowledge_live.then(|| "true".to_owned()));
        Sources::gather(self.config.clone(), flags)
    }
}

#[derive(Debug, Args)]
pub(super) struct ExchangeArgs {
    /// Address of REST and WebSocket; port 0 picks one [default: 127.0.0.1:7474]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// A scenario's name, or a file that describes one [default: calm]
    #[arg(long, value_name = "NAME|FILE")]
    pub scenario: Option<String>,
    /// The same seed gives the same market [default: 7]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Serve a recorded session or a capture instead of a living market
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// Multiple of recorded time; 0 as fast as it is read [default: 1]
    #[arg(long, value_name = "N")]
    pub speed: Option<f64>,
    /// How its time runs: real, a multiple such as 60x, or stepped (only by its control route) [default: real]
    #[arg(long, value_name = "PACE")]
    pub time: Option<String>,
    /// Its time at the start, e.g. 2026-01-08T07:30:00Z; with a seed and stepped time every run is the same [default: now]
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Record everything it says, one JSON line for each reply and frame
    #[arg(long, value_name = "FILE")]
    pub tape: Option<PathBuf>,
    /// A member's key id and public key, RSA or Ed25519, as a file or the PEM itself; repeatable
    #[arg(long = "key", value_name = "ID=PUBLIC_PEM")]
    pub keys: Vec<String>,
    /// File of [[faults]] tables: what goes wrong, where and when (docs/api/exchange-faults.md)
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Open the routes under /control/ to clients of this machine
    #[arg(long)]
    pub control: bool,
    /// One more port, with TLS: valid, expired, wrong-name, self-signed or aborted; repeatable
    #[arg(long = "tls", value_name = "ADDR=MODE")]
    pub tls: Vec<String>,
    /// Where the certificate of the CA behind --tls is written (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_ca: Option<PathBuf>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// auto, json or text [default: auto]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Printed in the READY line
    #[arg(long, value_name = "TEXT", env = "OUTRIGGER_NONCE", hide_env_values = true)]
    pub nonce: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CheckConfigArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which data directory a tool works on.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// Environment whose default data directory is meant [default: sim]
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Configuration file that names the data directory
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl PlaceArgs {
    pub(super) fn sources(&self) -> Sources {
        let mut flags = Flags::default();
        flags.set("--env", self.env.clone());
        flags.set("--data-dir", self.data_dir.clone());
        // Looking at the live ledger trades nothing.
        flags.set("--acknowledge-live", Some("true".to_owned()));
        Sources::gather(self.config.clone(), flags)
    }
}

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Markets to watch; Tab goes from one to the next
    #[arg(required = true, value_name = "TICKER")]
    pub tickers: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Address of the sidecar [default: 127.0.0.1:7373]
    #[arg(long, value_name = "ADDR")]
    pub connect: Option<String>,
    /// File with a token [default: admin.token in the data directory]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print one picture and end
    #[arg(long)]
    pub once: bool,
    /// Plain text, one picture a second, instead of the full screen
    #[arg(long)]
    pub plain: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, the only time it can be seen
    New(TokenNewArgs),
    /// List tokens, never the secrets
    List(ToolArgs),
    /// Revoke a token, at once and for good
    Revoke(TokenRevokeArgs),
}

#[derive(Debug, Args)]
pub(super) struct TokenNewArgs {
    /// Who it is for; names are used once
    #[arg(long)]
    pub name: String,
    /// What it allows: read, trade (and read), admin (all)
    #[arg(long, value_parser = ["read", "trade", "admin"])]
    pub scope: String,
    #[command(flatten)]
    pub tool: ToolArgs,
}

#[derive(Debug, Args)]
pub(super) struct TokenRevokeArgs {
    /// Name of the token
    pub name: String,
    #[command(flatten)]
    pub tool: ToolArgs,
}

/// What every tool that works on a ledger takes.
#[derive(Debug, Args)]
pub(super) struct ToolArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// Check this file, e.g. a backup, instead of the ledger in the data directory
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub tool: ToolArgs,
}

#[derive(Debug, Args)]
pub(super) struct CapturesArgs {
    /// Look at these files instead of the captures in the data directory
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// New file; one that exists is refused
    pub file: PathBuf,
    #[command(flatten)]
    pub tool: ToolArgs,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// Backup to restore
    pub file: PathBuf,
    #[command(flatten)]
    pub tool: ToolArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum MigrateCommand {
    /// Move to the newest schema
    Up(ToolArgs),
    /// Move one step back; the sidecar must not run
    Down(MigrateDownArgs),
    /// Show where the schema stands
    Status(ToolArgs),
}

#[derive(Debug, Args)]
pub(super) struct MigrateDownArgs {
    /// Say that going back is meant
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub tool: ToolArgs,
}
