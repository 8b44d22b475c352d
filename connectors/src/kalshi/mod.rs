//! The connector to Kalshi: the only code that knows the venue's JSON, headers and addresses.

mod breaker_figures;
mod budget;
mod catalog;
mod config;
mod connect;
mod course;
mod credential;
mod feed;
mod gateway;
mod histogram;
mod normalize;
mod outcome;
mod sampler;
mod session;
mod sign;
mod skew;
mod status;
mod strands;
mod stream_figures;
mod tap;
mod time_vigil;
mod urls;
mod wire;

pub use breaker_figures::BreakerFigures;
pub use budget::{BucketFigures, BudgetFigures, LaneFigures};
pub use config::{Deadlines, VenueConfig, VenuePorts};
pub use connect::{StartError, VenueTasks, start};
pub use credential::{Credential, CredentialError};
pub use gateway::{
    NewQuote, NewRfq, OperationError, Operations, OrderGroup, OrderGroupDetail, QueuePosition, QuoteTerms,
    RfqTerms, ShardTransfer, SubaccountBalance, SubaccountTransfer,
};
pub use histogram::Distribution;
pub use session::FrameReader;
pub use status::{FeedStanding, Problem, VenueStatus};
pub use stream_figures::{ChannelReading, StreamFigures};
pub use tap::{FrameSink, Passing};
pub use urls::{UrlError, VenueUrls};
