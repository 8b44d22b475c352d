//! The exchange's published specifications as a judge: every reply and every frame on a tape is held to them.
//!
//! Stricter than the documents: what a schema does not name is a misspelling of ours, and decimal strings have the digits
//! that the exchange's replies have. Replies that refuse are held to the shapes of refusals that were recorded.

mod refusals;
mod report;
mod rest;
mod schema;
mod stream;
mod table;
mod tape;

use anyhow::Context as _;

pub use report::Report;
pub use rest::Rest;
pub use stream::Stream;
use table::Operations;

/// Both documents, ready to judge, and what of them the simulated exchange serves.
#[derive(Debug)]
pub struct Contract {
    pub rest: Rest,
    pub stream: Stream,
    operations: Operations,
}

impl Contract {
    /// Reads the specifications beside the project; `None` where they are not at hand.
    pub fn load() -> anyhow::Result<Option<Contract>> {
        let Some(shared) = crate::workspace::shared() else { return Ok(None) };
        let read = |name: &str| {
            let path = shared.join("kalshi").join(name);
            let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            yaml_serde::from_str::<serde_json::Value>(&text)
                .with_context(|| format!("parse {}", path.display()))
        };
        Ok(Some(Contract {
            rest: Rest::new(&read("openapi.yaml")?)?,
            stream: Stream::new(&read("asyncapi.yaml")?)?,
            operations: table::read()?,
        }))
    }
}
