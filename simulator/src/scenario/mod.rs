//! What the exchange trades and what happens to it: series of markets, the population, the terms members get, a schedule,
//! faults. Named, or read from a file; the named ones are such files too.

mod calendar;
mod collection;
mod fees;
pub(crate) mod pattern;
mod read;
pub mod schedule;
mod series;
mod span;
mod terms;

use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use crate::faults::FaultSpec;

pub use calendar::Calendar;
pub use collection::CollectionPlan;
pub use fees::FeePlan;
pub use schedule::Entry;
pub use series::SeriesPlan;
pub use span::Span;
pub use terms::{MarketVerb, ResultWord, Terms};

/// The scenarios that have a name.
const NAMED: [(&str, &str); 7] = [
    ("calm", include_str!("../../scenarios/calm.toml")),
    ("busy", include_str!("../../scenarios/busy.toml")),
    ("still", include_str!("../../scenarios/still.toml")),
    ("news-shock", include_str!("../../scenarios/news-shock.toml")),
    ("settlement-day", include_str!("../../scenarios/settlement-day.toml")),
    ("maintenance-night", include_str!("../../scenarios/maintenance-night.toml")),
    ("hostile", include_str!("../../scenarios/hostile.toml")),
];

/// A scenario. The file form is TOML with the same names; what a file leaves out is as in `calm`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default = "Scenario::bare")]
pub struct Scenario {
    /// When it starts; now where nothing is said.
    pub start: Option<Timestamp>,
    /// Dollars each member starts with, on every shard.
    pub member_dollars: i64,
    /// Acts of the population per second, the whole exchange together.
    pub acts_per_second: u32,
    /// Contracts the population quotes on each side of a market, in all levels together.
    pub depth_contracts: i64,
    /// Milliseconds by which reads of the account lag behind writes.
    pub read_lag_ms: i64,
    /// Milliseconds after a cancel-all in which a member's new orders are cancelled too.
    pub cancel_all_tail_ms: i64,
    /// The tier that members have.
    pub usage_tier: String,
    /// Token buckets of a member, tokens per second and capacity; those of the tier where nothing is said.
    pub read_tokens_per_second: Option<u32>,
    pub read_tokens_max: Option<u32>,
    pub write_tokens_per_second: Option<u32>,
    pub write_tokens_max: Option<u32>,
    /// Balance reads per second; they have a bucket of their own.
    pub balance_reads_per_second: Option<u32>,
    /// Seconds after which members would have to say again where they are; never where nothing is said.
    pub region_expires_s: Option<i64>,
    /// Seconds after which finished things move to the archive.
    pub history_after_s: i64,
    /// Whether trading pauses on Thursdays from 03:00 to 05:00 Eastern time.
    pub thursday_pause: bool,
    pub series: Vec<SeriesPlan>,
    /// What happens, and when.
    pub schedule: Vec<Entry>,
    /// What goes wrong.
    pub faults: Vec<FaultSpec>,
    pub collections: Vec<CollectionPlan>,
    pub fee_changes: Vec<FeePlan>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("no scenario named {name:?}; there are {}", Scenario::names().join(", "))]
    Unknown { name: String },
    #[error("cannot read scenario {path}")]
    Unreadable { path: String, source: std::io::Error },
    #[error("scenario {path}: {reason}")]
    Malformed { path: String, reason: String },
}

impl Default for Scenario {
    /// `calm`: a living exchange that a person can follow.
    fn default() -> Scenario {
        Scenario::named("calm").unwrap_or_else(|_| Scenario::bare())
    }
}

impl Scenario {
    pub fn names() -> &'static [&'static str] {
        const NAMES: [&str; NAMED.len()] =
            ["calm", "busy", "still", "news-shock", "settlement-day", "maintenance-night", "hostile"];
        &NAMES
    }

    pub fn named(name: &str) -> Result<Scenario, ScenarioError> {
        let known = NAMED.iter().find(|(known, _)| *known == name);
        let (_, text) = known.ok_or_else(|| ScenarioError::Unknown { name: name.to_owned() })?;
        read::scenario(text).map_err(|reason| ScenarioError::Malformed { path: name.to_owned(), reason })
    }

    pub fn from_file(path: &Path) -> Result<Scenario, ScenarioError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Unreadable { path: shown.clone(), source })?;
        read::scenario(&text).map_err(|reason| ScenarioError::Malformed { path: shown, reason })
    }

    /// Whether sockets are ended by something that was planned.
    pub(crate) fn ends_sockets(&self) -> bool {
        self.thursday_pause || self.schedule.iter().any(|entry| entry.verb == schedule::Verb::Disconnect)
    }

    /// What holds where a file is silent, save for markets.
    fn bare() -> Scenario {
        Scenario {
            start: None,
            member_dollars: 10_000,
            acts_per_second: 150,
            depth_contracts: 4_000,
            read_lag_ms: 0,
            cancel_all_tail_ms: 0,
            usage_tier: "advanced".to_owned(),
            read_tokens_per_second: None,
            read_tokens_max: None,
            write_tokens_per_second: None,
            write_tokens_max: None,
            balance_reads_per_second: Some(5),
            region_expires_s: None,
            history_after_s: 14 * 24 * 60 * 60,
            thursday_pause: false,
            series: Vec::new(),
            schedule: Vec::new(),
            faults: Vec::new(),
            collections: Vec::new(),
            fee_changes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod named_tests;
#[cfg(test)]
mod tests {
    use super::Scenario;

    #[test]
    fn fees_change_for_the_event_that_closes_last() {
        use crate::venue::market::Status;
        let text = "[[fee_changes]]\nseries_ticker = 'KXSIMRATE'\nevent_only = true\nafter_s = 5\nfee_type = 'flat'\n";
        let scenario = super::read::scenario(text).unwrap();
        let mut venue = crate::venue::Venue::new(1);
        let now_us = 1_790_000_000_000_000;
        let mut calendar = super::Calendar::new(scenario.series.clone(), now_us);
        for listing in calendar.due(now_us, &mut crate::venue::dice::Dice::new(1)) {
            venue.list(listing, now_us);
        }
        scenario.fee_changes[0].schedule(&mut venue, now_us);
        scenario.collections[0].open(&mut venue, now_us);
        venue.advance(now_us + 4_999_999);
        let flat = |venue: &crate::venue::Venue| {
            let fees = venue.markets.values().filter(|market| market.fees().kind.name() == "flat");
            fees.filter(|market| market.status == Status::Active).count()
        };
        assert_eq!(flat(&venue), 0);
        venue.advance(now_us + 5_000_000);
        assert_eq!(flat(&venue), 5);
        let collection = venue.collections.by_ticker.get("KXSIMCOMBO-R").unwrap();
        assert_eq!(venue.associated_events(collection).len(), 4);
    }

    #[test]
    fn a_file_changes_what_it_names_and_names_its_mistakes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.toml");
        std::fs::write(&path, "acts_per_second = 5\n").unwrap();
        assert_eq!(Scenario::from_file(&path).unwrap().acts_per_second, 5);
        std::fs::write(&path, "acts_per_secnd = 5\n").unwrap();
        assert!(Scenario::from_file(&path).unwrap_err().to_string().contains("acts_per_secnd"));
        std::fs::write(&path, "[[faults]]\nroute = \"GET /markets\"\nfault = \"drop\"\n").unwrap();
        assert_eq!(Scenario::from_file(&path).unwrap().faults.len(), 1);
        std::fs::write(&path, "[[faults]]\nroute = \"GET /markets\"\nfault = \"dorp\"\n").unwrap();
        assert!(Scenario::from_file(&path).unwrap_err().to_string().contains("fault 1: a route has no"));
    }
}
