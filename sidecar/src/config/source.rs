//! Where values come from. Gathered by the shell, so that reading a configuration is a pure function.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Values of flags, by flag name; a flag not given is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags(pub BTreeMap<&'static str, String>);

impl Flags {
    pub fn set(&mut self, flag: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.0.insert(flag, value);
        }
    }
}

/// Everything a configuration is made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Path and text of the file, or why it could not be read.
    pub file: Option<(PathBuf, Result<String, String>)>,
    /// Variables that start with `OUTRIGGER_`.
    pub environment: BTreeMap<String, String>,
    pub flags: Flags,
    /// The platform's directory for application data; `None` when there is no home.
    pub platform_data_dir: Option<PathBuf>,
}

impl Sources {
    /// Gathers from the real file system and environment.
    pub fn gather(config_file: Option<PathBuf>, flags: Flags) -> Sources {
        use etcetera::BaseStrategy as _;
        let environment: BTreeMap<String, String> =
            std::env::vars().filter(|(name, _)| name.starts_with("OUTRIGGER_")).collect();
        let path = config_file.or_else(|| environment.get("OUTRIGGER_CONFIG").map(PathBuf::from));
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
            (path, text)
        };
        let platform_data_dir =
            etcetera::base_strategy::choose_native_strategy().ok().map(|strategy| strategy.data_dir());
        Sources { file: path.map(read), environment, flags, platform_data_dir }
    }
}
