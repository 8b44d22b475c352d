//! Who may name what: the layers of the repository as rules on paths.
//!
//! A rule holds in product code under its folder. An exception is a place with a reason, never a line.

use super::Complaint;
use super::paths::{is_under, named};
use super::tree::Rust;

/// Paths that code under a folder must not name.
pub struct Rule {
    pub within: &'static [&'static str],
    /// Places the rule does not hold, each with its reason.
    pub except: &'static [(&'static str, &'static str)],
    pub banned: &'static [&'static str],
    pub because: &'static str,
}

const NETWORK: &[&str] = &[
    "std::net",
    "tokio::net",
    "reqwest",
    "tokio_tungstenite",
    "actix_web",
    "actix_http",
    "actix_web_actors",
    "hyper",
    "rustls",
    "ring",
    "rsa",
];
const SQL: &[&str] = &["rusqlite", "rusqlite_migration"];
const OS: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "tokio::fs",
    "tokio::process",
    "tokio::signal",
    "rustix",
    "etcetera",
];
const CLOCKS: &[&str] = &[
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "tokio::time::Instant",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "Timestamp::now",
    "Zoned::now",
];
const RANDOMNESS: &[&str] = &[
    "rand",
    "getrandom",
    "uuid::Uuid::new_v4",
    "uuid::Uuid::now_v7",
    "Uuid::new_v4",
    "Uuid::now_v7",
    "std::collections::hash_map::RandomState",
];
const RUNTIME: &[&str] =
    &["actix", "actix_rt", "tokio::time", "tokio::task", "tokio::spawn", "tokio::runtime", "std::thread"];
const OURS: &[&str] = &["outrigger", "outrigger_engine", "outrigger_connectors", "outrigger_simulator"];

pub const RULES: &[Rule] = &[
    Rule {
        within: &["engine/src/"],
        except: &[],
        banned: NETWORK,
        because: "the engine has no network: connectors dial out",
    },
    Rule {
        within: &["engine/src/"],
        except: &[],
        banned: SQL,
        because: "the engine has no SQL: the store is the sidecar's",
    },
    Rule {
        within: &["engine/src/"],
        except: &[],
        banned: OS,
        because: "the engine sees no files, environment or processes",
    },
    Rule { within: &["engine/src/"], except: &[], banned: CLOCKS, because: "the engine is handed the time" },
    Rule {
        within: &["engine/src/"],
        except: &[],
        banned: RANDOMNESS,
        because: "the engine is handed its ids and seeds",
    },
    Rule {
        within: &["engine/src/"],
        except: &[("engine/src/actors/", "the shells that run the cores")],
        banned: RUNTIME,
        because: "only engine/src/actors may run things: cores are plain functions",
    },
    Rule {
        within: &["engine/src/"],
        except: &[],
        banned: &["outrigger", "outrigger_connectors", "outrigger_simulator"],
        because: "dependencies point one way: sidecar -> connectors -> engine",
    },
    Rule {
        within: &["connectors/src/"],
        except: &[],
        banned: &[
            "rusqlite",
            "rusqlite_migration",
            "actix",
            "actix_web",
            "actix_http",
            "actix_web_actors",
            "outrigger",
            "outrigger_simulator",
        ],
        because: "connectors dial out: no store, no server, nothing of the sidecar or the simulator",
    },
    Rule {
        within: &["simulator/src/"],
        except: &[],
        banned: OURS,
        because: "the simulator shares no code, so that a misread field cannot agree with itself",
    },
    Rule {
        within: &["simulator/src/"],
        except: &[],
        banned: &["rusqlite", "actix_web_actors", "reqwest", "tokio_tungstenite"],
        because: "the simulator serves: no store, no client, and actix-web-actors is reserved to one file of the sidecar",
    },
    Rule {
        within: &["simulator/src/venue/"],
        except: &[],
        banned: &[
            "std::net",
            "std::fs",
            "std::env",
            "std::thread",
            "std::time::Instant",
            "std::time::SystemTime",
            "Instant::now",
            "SystemTime::now",
            "tokio",
            "actix",
            "actix_web",
            "actix_http",
        ],
        because: "the matching core is pure: now is passed in",
    },
    Rule {
        within: &[
            "connectors/src/kalshi/wire/",
            "connectors/src/kalshi/normalize/",
            "connectors/src/kalshi/budget/",
            "sidecar/src/api/",
            "sidecar/src/config/",
            "sidecar/src/store/",
            "simulator/src/auth/",
            "simulator/src/population/",
            "simulator/src/scenario/",
        ],
        except: &[
            ("sidecar/src/store/writer.rs", "says when a job was queued, and stops within a time"),
            ("sidecar/src/store/line.rs", "times commits and waits between attempts"),
            ("sidecar/src/store/stats.rs", "compares the times it is handed"),
        ],
        banned: CLOCKS,
        because: "time is handed in: only shells read a clock",
    },
    Rule {
        within: &["sidecar/src/"],
        except: &[("sidecar/src/api/ws/session.rs", "the one WebSocket session actor")],
        banned: &["actix_web_actors"],
        because: "deprecated upstream: it lives in one file, the protocol is plain code",
    },
    Rule {
        within: &["sidecar/src/"],
        except: &[("sidecar/src/store/", "the store")],
        banned: SQL,
        because: "database rows never leave the store",
    },
    Rule {
        within: &["sidecar/src/api/"],
        except: &[],
        banned: &["reqwest", "std::fs", "std::env", "std::process"],
        because: "handlers speak to the owners of facts, never to the exchange, the disk or the environment",
    },
    Rule {
        within: &["engine/src/", "connectors/src/", "sidecar/src/", "simulator/src/"],
        except: &[],
        banned: &[
            "std::sync::mpsc::channel",
            "mpsc::unbounded_channel",
            "tokio::sync::mpsc::unbounded_channel",
            "futures_channel::mpsc::unbounded",
            "futures_util::channel",
        ],
        because: "every lane has a size and a policy for full",
    },
    Rule {
        within: &["engine/src/", "connectors/src/", "sidecar/src/", "simulator/src/"],
        except: &[],
        banned: &["todo", "unimplemented", "dbg"],
        because: "unfinished code does not land",
    },
];

/// Returns what `files` name against `rules`.
pub fn check(files: &[Rust], rules: &[Rule]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| !file.is_test) {
        let rules: Vec<&Rule> = rules.iter().filter(|rule| rule.holds_in(&file.path)).collect();
        if rules.is_empty() {
            continue;
        }
        for (line, path) in named(&file.product) {
            for rule in &rules {
                if rule.banned.iter().any(|banned| is_under(&path, banned)) {
                    complaints.push(Complaint::new(&file.path, line, format!("{path}: {}", rule.because)));
                }
            }
        }
    }
    complaints.dedup();
    complaints
}

impl Rule {
    fn holds_in(&self, path: &str) -> bool {
        self.within.iter().any(|folder| path.starts_with(folder))
            && !self.except.iter().any(|(place, _)| path.starts_with(place))
    }
}

/// Returns exceptions that name no file any more.
pub fn dead_exceptions(files: &[Rust], rules: &[Rule]) -> Vec<Complaint> {
    let places = rules.iter().flat_map(|rule| rule.except);
    places
        .filter(|(place, _)| !files.iter().any(|file| file.path.starts_with(place)))
        .map(|(place, reason)| Complaint::new(place, 0, format!("an exception for nothing ({reason})")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{RULES, check};
    use crate::tidy::tree::{File, rust};

    /// Returns how often the rules complain about `text` at `path`.
    fn complaints(path: &str, text: &str) -> usize {
        check(&rust(&[File { path: path.to_owned(), text: text.to_owned() }]), RULES).len()
    }

    #[test]
    fn each_layer_rule_catches_a_planted_violation() {
        for (path, text) in [
            ("engine/src/desk/step.rs", "use reqwest::Client;"),
            ("engine/src/actors/desk.rs", "use tokio::net::TcpStream;"),
            ("engine/src/desk/step.rs", "use rusqlite::Connection;"),
            ("engine/src/desk/step.rs", "fn f() { std::env::var(\"X\"); }"),
            ("engine/src/actors/desk.rs", "use std::{fs, time::Duration};"),
            ("engine/src/actors/desk.rs", "fn f() { let now = std::time::Instant::now(); }"),
            ("engine/src/book/keeper.rs", "use std::time::{Duration, SystemTime};"),
            ("engine/src/order/record.rs", "fn f() { Uuid::new_v4(); }"),
            ("engine/src/desk/step.rs", "use actix::prelude::*;"),
            ("engine/src/desk/step.rs", "fn f() { tokio::spawn(g()); }"),
            ("engine/src/desk/step.rs", "use outrigger_connectors::x;"),
            ("connectors/src/kalshi/feed.rs", "use rusqlite::params;"),
            ("connectors/src/kalshi/feed.rs", "use actix_web::web;"),
            ("simulator/src/http/orders.rs", "use outrigger_engine::domain::Price;"),
            ("simulator/src/socket/mod.rs", "use actix_web_actors::ws;"),
            ("simulator/src/venue/book.rs", "fn f() { SystemTime::now(); }"),
            ("simulator/src/venue/book.rs", "use tokio::sync::mpsc;"),
            ("sidecar/src/api/ws/protocol.rs", "use actix_web_actors::ws;"),
            ("sidecar/src/api/http/orders.rs", "use rusqlite::Connection;"),
            ("sidecar/src/api/http/orders.rs", "fn f() { reqwest::get(u); }"),
            ("sidecar/src/app.rs", "fn f() { let (a, b) = std::sync::mpsc::channel(); }"),
            ("sidecar/src/api/http/orders.rs", "fn f() { jiff::Timestamp::now(); }"),
            ("connectors/src/kalshi/budget/core.rs", "use std::time::Instant;"),
            ("sidecar/src/app.rs", "fn f() { todo!() }"),
            ("simulator/src/host.rs", "fn f() { unimplemented!() }"),
        ] {
            assert_eq!(complaints(path, text), 1, "{path}: {text}");
        }
    }

    #[test]
    fn what_is_allowed_passes() {
        for (path, text) in [
            ("engine/src/actors/desk.rs", "use actix::prelude::*;"),
            ("engine/src/desk/step.rs", "use std::time::Duration; // not std::time::Instant"),
            ("engine/src/desk/step.rs", "#[cfg(test)]\nmod tests { use std::time::Instant; }"),
            ("engine/src/desk/tests.rs", "use std::time::Instant;"),
            ("sidecar/src/api/ws/session.rs", "use actix_web_actors::ws;"),
            ("sidecar/src/store/writer.rs", "use rusqlite::Connection;"),
            ("sidecar/src/app.rs", "use std::sync::mpsc::sync_channel;"),
        ] {
            assert_eq!(complaints(path, text), 0, "{path}: {text}");
        }
    }
}
