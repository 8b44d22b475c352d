//! The process itself: environment, data directory, its host process.

use std::path::PathBuf;

use super::keys::Env;
use super::reader::{Reader, whole};

/// What ties this process to the one that started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Printed in the READY line, so that a host process knows its own child.
    pub nonce: String,
    /// When this process ends, so does the sidecar.
    pub parent_pid: Option<u32>,
}

/// Returns the environment. Real money is never a default, a file's or a variable's doing alone.
pub(super) fn env(reader: &mut Reader<'_>) -> Env {
    let env = reader.value("env", Env::Sim, |text| text.parse().map_err(str::to_owned));
    if env == Env::Live {
        if reader.place("env") != "--env" {
            reader.wrong("env", "live is only taken from the flag: --env live");
        }
        if reader.text("acknowledge_live").as_deref() != Some("true") {
            reader.wrong("env", "live trades real money; add --acknowledge-live to say that you mean it");
        }
    }
    env
}

/// Returns the data directory; each environment has its own by default.
pub(super) fn data_dir(reader: &mut Reader<'_>, env: Env) -> PathBuf {
    let platform = reader.sources.platform_data_dir.as_ref();
    let default = platform.map(|dir| dir.join("outrigger").join(env.as_str()));
    let given = reader.text("data_dir").map(PathBuf::from);
    if given.as_ref().is_some_and(|dir| dir.as_os_str().is_empty()) {
        reader.wrong("data_dir", "is empty");
    }
    let Some(data_dir) = given.or(default) else {
        reader.wrong("data_dir", "there is no home directory; name a directory with --data-dir");
        return PathBuf::new();
    };
    reader.show("data_dir", data_dir.display());
    data_dir
}

pub(super) fn read(reader: &mut Reader<'_>) -> Process {
    let nonce = reader.value("nonce", "-".to_owned(), |text| {
        let plain = !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if plain { Ok(text.to_owned()) } else { Err("1 to 128 visible ASCII characters".to_owned()) }
    });
    let parent_pid = reader.given("parent_pid", whole(2, i32::MAX.unsigned_abs().into()));
    let parent_pid = parent_pid.and_then(|pid| u32::try_from(pid).ok());
    reader.show("parent_pid", parent_pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()));
    Process { nonce, parent_pid }
}
