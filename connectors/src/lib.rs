//! Dials out: the exchange connector. It alone knows venue JSON, signatures and addresses.
//!
//! Never here: decisions about orders or money, SQL, the local API.
#![expect(dead_code, unused_imports, reason = "the session and the gateway that use these parts follow")]

mod kalshi;

pub use kalshi::{BudgetStats, Credential, CredentialError, RestStatus, UrlError, VenueUrls};
