//! The connector to Kalshi: the only code that knows the venue's JSON, headers and addresses.

mod budget;
mod credential;
mod gateway;
mod normalize;
mod outcome;
mod sign;
mod skew;
mod urls;
mod wire;

pub use budget::BudgetStats;
pub use credential::{Credential, CredentialError};
pub use gateway::RestStatus;
pub use urls::{UrlError, VenueUrls};
