//! An exchange and a sidecar connected to it, each a process of its own with its own files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::api::Api;
use crate::exchange::client;
use crate::keys::Key;
use crate::process::Running;

/// The exchange's side: outlives the sidecars that are killed beside it.
pub struct Exchange {
    pub running: Running,
    pub key: Key,
    pub folder: TempDir,
}

impl Exchange {
    /// Starts `outrigger exchange` with more `flags` and one account.
    pub fn start(flags: &[&str]) -> anyhow::Result<Exchange> {
        let folder = tempfile::tempdir()?;
        let key = Key::make(folder.path(), "test-account")?;
        let mut args = words(&["exchange", "--listen", "127.0.0.1:0", "--key", &key.flag()]);
        args.extend(words(flags));
        let running = Running::start(&args, &folder.path().join("exchange.log"))?;
        Ok(Exchange { running, key, folder })
    }

    pub fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    /// Sends to a route of `--control`. Returns the answer's body.
    pub async fn control(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut request = client()?.request(method, format!("http://{}/control{path}", self.addr()));
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = request.send().await?;
        let (status, text) = (reply.status(), reply.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Starts a sidecar of this exchange on `data_dir`, on a port the system picks.
    pub fn sidecar(&self, data_dir: &Path, flags: &[&str]) -> anyhow::Result<Sidecar> {
        self.sidecar_at(self.addr(), data_dir, flags)
    }

    /// Starts a sidecar that reaches this exchange at another address.
    pub fn sidecar_at(&self, addr: SocketAddr, data_dir: &Path, flags: &[&str]) -> anyhow::Result<Sidecar> {
        let venue = format!("http://{addr}");
        let key_file = self.key.private_file.display().to_string();
        let directory = data_dir.display().to_string();
        let mut args = words(&["run", "--env", "sim", "--venue", &venue, "--key-id", &self.key.id]);
        args.extend(words(&["--key-file", &key_file, "--listen", "127.0.0.1:0", "--data-dir", &directory]));
        args.extend(words(&["--log-format", "json"]));
        args.extend(words(flags));
        let running = Running::start(&args, &self.folder.path().join("sidecar.log"))?;
        let api = Api::admin(running.addr, data_dir)?;
        Ok(Sidecar { running, api, data_dir: data_dir.to_owned() })
    }
}

/// A running sidecar and a client of it.
pub struct Sidecar {
    pub running: Running,
    pub api: Api,
    pub data_dir: PathBuf,
}

impl Sidecar {
    /// Starts a sidecar with the simulated exchange inside.
    pub fn alone(data_dir: &Path, flags: &[&str]) -> anyhow::Result<Sidecar> {
        let directory = data_dir.display().to_string();
        let mut args = words(&["run", "--listen", "127.0.0.1:0", "--data-dir", &directory]);
        args.extend(words(flags));
        let running = Running::start(&args, &data_dir.join("sidecar.log"))?;
        let api = Api::admin(running.addr, data_dir)?;
        Ok(Sidecar { running, api, data_dir: data_dir.to_owned() })
    }
}

/// Returns owned words for a command line.
pub fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}
