//! `docs/METRICS.md`, written from the declarations.

use std::fmt::Write as _;

use super::budget::BUDGET;
use super::handles::LABELLED;
use super::ledger::LEDGER;
use super::readings::READINGS;
use super::stream::STREAM;

/// Returns the document.
pub fn document() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         `GET /metrics` (a `read` token, or none on `--metrics-listen`) answers OpenMetrics text. This page is written from the\n\
         declarations in `sidecar/src/telemetry/metrics` and compared by a test; `UPDATE_DOCS=1 cargo test -p outrigger metrics`\n\
         writes it anew.\n\n\
         | name | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    let families = READINGS.iter().map(|(family, _)| family).chain(&LABELLED);
    for family in families.chain(&BUDGET).chain(&STREAM).chain(&LEDGER) {
        let labels = if family.labels.is_empty() { "-".to_owned() } else { family.labels.join(", ") };
        let _ = writeln!(
            text,
            "| `{}` | {} | {labels} | {} |",
            family.full_name(),
            family.kind_name(),
            family.help
        );
    }
    text
}
