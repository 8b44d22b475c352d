//! What the exchange trades: series of markets, the population, and the terms members get. Named, or read from a file.

mod calendar;
mod collection;
mod fees;
mod series;
mod span;
mod terms;

use std::path::Path;

use serde::Deserialize;

use crate::faults::{self, FaultSpec};

pub use calendar::Calendar;
pub use collection::CollectionPlan;
pub use fees::FeePlan;
pub use series::SeriesPlan;
pub use span::Span;
pub use terms::{MarketVerb, ResultWord, Terms};

/// A scenario. The file form is TOML with the same names; what a file leaves out is as in `calm`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Dollars each member starts with, on every shard.
    pub member_dollars: i64,
    /// Acts of the population per second, the whole exchange together.
    pub acts_per_second: u32,
    /// Contracts the population quotes on each side of a market, in all levels together.
    pub depth_contracts: i64,
    /// Milliseconds by which reads of the account lag behind writes.
    pub read_lag_ms: i64,
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
    pub series: Vec<SeriesPlan>,
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
        Scenario {
            member_dollars: 10_000,
            acts_per_second: 150,
            depth_contracts: 4_000,
            read_lag_ms: 0,
            usage_tier: "advanced".to_owned(),
            read_tokens_per_second: None,
            read_tokens_max: None,
            write_tokens_per_second: None,
            write_tokens_max: None,
            balance_reads_per_second: Some(5),
            region_expires_s: None,
            history_after_s: 14 * 24 * 60 * 60,
            series: series::calm(),
            faults: Vec::new(),
            collections: vec![CollectionPlan::calm()],
            fee_changes: Vec::new(),
        }
    }
}

impl Scenario {
    pub fn names() -> &'static [&'static str] {
        &["calm", "busy", "still"]
    }

    pub fn named(name: &str) -> Result<Scenario, ScenarioError> {
        let calm = Scenario::default();
        match name {
            "calm" => Ok(calm),
            "busy" => Ok(Scenario { acts_per_second: 2_000, ..calm }),
            // Quotes once and then does nothing: for tests that must see only their own orders move.
            "still" => Ok(Scenario { acts_per_second: 0, ..calm }),
            _ => Err(ScenarioError::Unknown { name: name.to_owned() }),
        }
    }

    pub fn from_file(path: &Path) -> Result<Scenario, ScenarioError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::Unreadable { path: shown.clone(), source })?;
        let malformed = |reason| ScenarioError::Malformed { path: shown.clone(), reason };
        let scenario: Scenario = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        faults::check(&scenario.faults).map_err(|error| malformed(error.to_string()))?;
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    #[test]
    fn fees_change_for_the_event_that_closes_last() {
        use crate::venue::market::Status;
        let text = "[[fee_changes]]\nseries_ticker = 'KXSIMRATE'\nevent_only = true\nafter_s = 5\nfee_type = 'flat'\n";
        let scenario: Scenario = toml::from_str(text).unwrap();
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
