//! The connector to Kalshi: the only code that knows the venue's JSON, headers and addresses.

mod budget;
mod catalog;
mod config;
mod connect;
mod credential;
mod feed;
mod gateway;
mod normalize;
mod outcome;
mod session;
mod sign;
mod skew;
mod status;
mod tap;
mod urls;
mod wire;

pub use budget::BudgetStats;
pub use config::{VenueConfig, VenuePorts};
pub use connect::{StartError, VenueTasks, start};
pub use credential::{Credential, CredentialError};
pub use status::{FeedStanding, Problem, TokenLevel, VenueStatus};
pub use tap::{FrameSink, Passing};
pub use urls::{UrlError, VenueUrls};
