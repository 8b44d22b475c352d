//! `docs/CONFIG.md`, written from the keys and their defaults.

use std::fmt::Write as _;

use super::keys::KEYS;
use super::{Sources, load};

/// Returns the document.
pub fn document() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         A value comes from the TOML file (`--config FILE`), then the environment, then the flags; the later one wins. Every\n\
         mistake is told at once, with its place and the nearest name, and nothing starts: exit code 2. `outrigger check-config`\n\
         prints what is in effect and where each value came from. Prices, counts and amounts are strings. The keys without a\n\
         place in the file are said at each start. Private keys never stand in a value: a file is named, or `--bootstrap stdin`\n\
         reads one JSON line `{\"key_id\",\"private_key_pem\",\"tokens\":[{\"name\",\"scope\",\"token\"}]}` from a host process.\n\n\
         This page is written from the code and compared by a test; `UPDATE_DOCS=1 cargo test -p outrigger config` writes it anew.\n\n\
         | key | flag | variable | default | meaning |\n|---|---|---|---|---|\n",
    );
    let sources = Sources { platform_data_dir: Some("(platform data)".into()), ..Sources::default() };
    let shown = load(&sources, None).map(|config| config.shown).unwrap_or_default();
    for key in KEYS {
        let name = if key.in_file { format!("`{}`", key.path) } else { "-".to_owned() };
        let flag = key.flag.map_or_else(|| "-".to_owned(), |flag| format!("`{flag}`"));
        let default =
            shown.iter().find(|shown| shown.key == key.path).map_or("-", |shown| shown.value.as_str());
        let _ = writeln!(text, "| {name} | {flag} | `{}` | {default} | {} |", key.variable(), key.about);
    }
    text
}
