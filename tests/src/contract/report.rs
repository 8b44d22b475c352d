//! What a test run's tapes showed: which operations and messages were seen, and every violation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use super::Contract;
use super::rest::Verdict;
use super::table::{Operations, Row};
use super::tape::{self, Line};

/// Violations that are shown; all are counted.
const SHOWN_MAX: usize = 40;

#[derive(Debug, Default)]
pub struct Report {
    /// Replies judged, by operation and status.
    replies: BTreeMap<String, BTreeMap<u16, u64>>,
    frames: BTreeMap<String, u64>,
    /// Replies of no operation.
    elsewhere: u64,
    violations_of_replies: usize,
    violations_of_frames: usize,
    shown: BTreeSet<String>,
}

impl Report {
    /// Judges every tape of a folder.
    pub fn of(contract: &Contract, folder: &Path) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let mut tapes: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
        tapes.sort_by_key(std::fs::DirEntry::path);
        for entry in tapes {
            tape::read(&entry.path(), |line| report.see(contract, line))?;
        }
        Ok(report)
    }

    fn see(&mut self, contract: &Contract, line: Line) {
        let (place, faults) = match line {
            Line::Reply { rest: reply } => {
                match contract.rest.judge(&reply.method, &reply.path, reply.status, &reply.body) {
                    Verdict::Elsewhere => {
                        self.elsewhere += 1;
                        return;
                    }
                    Verdict::Judged { operation, faults } => {
                        let seen = self.replies.entry(operation.id.clone()).or_default();
                        *seen.entry(reply.status).or_default() += 1;
                        self.violations_of_replies += faults.len();
                        (format!("{} {}", operation.id, reply.status), faults)
                    }
                }
            }
            Line::Frame { frame } => {
                let (name, faults) = contract.stream.judge(&frame);
                let name = name.unwrap_or("unknown").to_owned();
                *self.frames.entry(name.clone()).or_default() += 1;
                self.violations_of_frames += faults.len();
                (name, faults)
            }
        };
        for fault in faults {
            if self.shown.len() < SHOWN_MAX {
                self.shown.insert(format!("{place}: {fault}"));
            }
        }
    }

    /// Returns one line for people: how much was judged.
    pub fn summary(&self) -> String {
        let replies: u64 = self.replies.values().flat_map(BTreeMap::values).sum();
        let frames: u64 = self.frames.values().sum();
        format!(
            "contract: {replies} replies of {} operations and {frames} frames of {} messages judged, {} violations \
             ({} replies of no operation)",
            self.replies.len(),
            self.frames.len(),
            self.violations_of_replies + self.violations_of_frames,
            self.elsewhere
        )
    }

    /// Returns violations, and what should have been seen and was not.
    pub fn complaints(&self, contract: &Contract) -> Vec<String> {
        let mut complaints: Vec<String> = self.shown.iter().cloned().collect();
        let operations = &contract.operations;
        for operation in &contract.rest.operations {
            match operations.get(&operation.id) {
                None => complaints.push(format!("{}: not in the table of operations", operation.id)),
                Some(row) if row.call != format!("{} {}", operation.method, operation.path) => {
                    complaints.push(format!("{}: the table has another path", operation.id));
                }
                Some(row) if row.absent.is_none() && !self.is_exercised(&operation.id, row) => {
                    complaints.push(format!("{}: served, but no test got its reply", operation.id));
                }
                Some(_) => {}
            }
        }
        let is_known = |id: &&String| contract.rest.operations.iter().any(|operation| operation.id == **id);
        complaints.extend(
            operations.keys().filter(|id| !is_known(id)).map(|id| format!("{id}: no such operation")),
        );
        let unseen = contract.stream.names().into_iter().filter(|name| !self.frames.contains_key(*name));
        complaints.extend(unseen.map(|name| format!("{name}: no test got this message")));
        complaints
    }

    fn is_exercised(&self, id: &str, row: &Row) -> bool {
        let wanted = if row.refuses.is_some() { 400..=499 } else { 200..=299 };
        self.replies.get(id).is_some_and(|seen| seen.keys().any(|status| wanted.contains(status)))
    }

    /// Writes the table of `docs/api/venue-conformance.md`. It tells what was seen, not how often, so that it only
    /// changes when the exchange does.
    pub fn document(&self, contract: &Contract) -> String {
        let operations = &contract.operations;
        let mut text = String::from(HEAD);
        let served = operations.values().filter(|row| row.absent.is_none()).count();
        let exercised =
            operations.iter().filter(|(id, row)| row.absent.is_none() && self.is_exercised(id, row)).count();
        let names = contract.stream.names();
        let seen = names.iter().filter(|name| self.frames.contains_key(**name)).count();
        let _ = write!(
            text,
            "| | in the specification | served | exercised | violations |\n|---|---|---|---|---|\n\
             | REST operations | {} | {served} | {exercised} | {} |\n| WebSocket messages | {} | {} | {seen} | {} |\n",
            operations.len(),
            self.violations_of_replies,
            contract.stream.total(),
            names.len(),
            self.violations_of_frames,
        );
        rest_table(&mut text, self, operations);
        text.push_str("\n## WebSocket messages\n\n| message | exercised |\n|---|---|\n");
        for name in names {
            let _ = writeln!(
                text,
                "| `{name}` | {} |",
                if self.frames.contains_key(name) { "yes" } else { "**no**" }
            );
        }
        text.push_str(
            "\nNot served: the messages of the index feeds (CF Benchmarks, Pyth), which carry prices from outside the exchange.\n",
        );
        text
    }
}

const HEAD: &str = "# How the simulated exchange holds to Kalshi's specifications

Generated from the tapes of a whole test run (`make test`) by `tests/tests/venue_conformance.rs`, which fails when this page
is out of date. Every reply and every frame that a simulated exchange sent in any test is judged by the published OpenAPI and
AsyncAPI documents: schema, required fields, types, formats, and no member that they do not name.

";

fn rest_table(text: &mut String, report: &Report, operations: &Operations) {
    text.push_str("\n## REST operations\n\n| operation | call | served | exercised |\n|---|---|---|---|\n");
    for (id, row) in operations {
        let served = row.absent.as_ref().map_or_else(|| "yes".to_owned(), |why| format!("no: {why}"));
        let exercised = match (&row.absent, report.is_exercised(id, row), &row.refuses) {
            (Some(_), ..) => String::new(),
            (None, true, Some(why)) => format!("refused: {why}"),
            (None, true, None) => "yes".to_owned(),
            (None, false, _) => "**no**".to_owned(),
        };
        let _ = writeln!(text, "| {id} | `{}` | {served} | {exercised} |", row.call);
    }
}
