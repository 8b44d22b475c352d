//! Dials out: the exchange connector. It alone knows venue JSON, signatures and addresses.
//!
//! Never here: decisions about orders or money, SQL, the local API.

mod kalshi;
mod net;

pub use kalshi::{
    BreakerFigures, BucketFigures, BudgetFigures, ChannelReading, Credential, CredentialError, Deadlines,
    Distribution, FeedStanding, FrameReader, FrameSink, LaneFigures, NewQuote, NewRfq, OperationError,
    Operations, OrderGroup, OrderGroupDetail, Passing, Problem, QueuePosition, QuoteTerms, RfqTerms,
    ShardTransfer, StartError, StreamFigures, SubaccountBalance, SubaccountTransfer, UrlError, VenueConfig,
    VenuePorts, VenueStatus, VenueTasks, VenueUrls, start,
};
