//! The port to the exchange: what a feed delivers, what a gateway is asked, what it answers.
//!
//! Connectors implement it; nothing here knows JSON, sockets or signatures.

mod feed;
mod feed_state;
mod gateway;
mod notice;
mod report;
mod sample;

pub use feed::{
    BookLevels, Channel, FeedBatch, FeedCommand, FeedItem, LifecycleEvent, MarketFrame, PrivateItem,
    PublicTrade, Quote, TradeSink, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition,
};
pub use feed_state::{FeedEvent, FeedState};
pub use gateway::{
    Accepted, CancelTarget, CreateOrder, Refusal, VenueRequest, VenueWrite, WriteKind, WriteOutcome,
    WriteReply,
};
pub use notice::{
    BatchTerms, ComboLeg, Communication, CommunicationKind, EventChange, EventNotice, OrderGroupNotice,
    QuoteTerms,
};
pub use report::{ReportScope, SettlementRow, TradesReport, TradesScope, VenueBalance, VenueReport};
pub use sample::BookSample;
