//! Dials out: the exchange connector. It alone knows venue JSON, signatures and addresses.
//!
//! Never here: decisions about orders or money, SQL, the local API.

mod kalshi;
mod net;

pub use kalshi::{
    BudgetStats, ChannelReading, Credential, CredentialError, Distribution, FeedStanding, FrameReader,
    FrameSink, Passing, Problem, StartError, StreamFigures, TokenLevel, UrlError, VenueConfig, VenuePorts,
    VenueStatus, VenueTasks, VenueUrls, start,
};
