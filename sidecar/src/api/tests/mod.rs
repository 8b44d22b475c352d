//! The API over real sockets: a real hub and announcer, a desk and books played by small tasks.

mod http;
mod stream;
mod world;

use std::path::Path;

use serde_json::Value;

/// Compares a generated document with the committed one; `UPDATE_DOCUMENTS=1` writes it instead.
pub(super) fn compare_document(name: &str, generated: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api").join(name);
    let text = serde_json::to_string_pretty(generated).unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/api/{name} is not what the code says; run with UPDATE_DOCUMENTS=1");
}
