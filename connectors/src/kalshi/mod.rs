//! The connector to Kalshi: the only code that knows the venue's JSON, headers and addresses.

mod credential;
mod normalize;
mod sign;
mod skew;
mod urls;
mod wire;

pub use credential::{Credential, CredentialError};
pub use urls::{UrlError, VenueUrls};
