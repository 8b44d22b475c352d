//! What owners of facts tell the announcer. Already durable (account facts) or already applied (market facts).

use serde::Serialize;

use crate::book::{BookView, Trust};
use crate::desk::view::{BalanceView, FillView, OrderView, PositionView, SettlementView};
use crate::domain::{Count, Leg, Price, Received, Ticker, VenueTime};
use crate::venue::{
    Communication, EventNotice, FeedState, LifecycleEvent, OrderGroupNotice, PublicTrade, Quote,
};

/// One fact for the stream, with when it reached us where it came from the venue.
#[derive(Debug, Clone, PartialEq)]
pub enum Announcement {
    /// The whole book: after a snapshot, or because the announcer asked for it on behalf of a new subscriber.
    BookSnapshot {
        view: BookView,
        received: Received,
        /// True when it only answers the announcer's request: the levels are those already announced.
        requested: bool,
    },
    /// One level's new size; zero means the level is gone. Follows the last snapshot or delta without a hole.
    BookDelta {
        ticker: Ticker,
        leg: Leg,
        price: Price,
        count: Count,
        seq: u64,
        venue_time: Option<VenueTime>,
        received: Received,
    },
    /// The book's trust changed without its levels changing.
    BookTrust {
        ticker: Ticker,
        trust: Trust,
        reason: String,
        received: Received,
    },
    Trade {
        trade: PublicTrade,
        received: Received,
        /// Read back after a break: the stream did not bring it, and newer ones may have been told before.
        backfilled: bool,
    },
    Quote {
        quote: Quote,
        received: Received,
    },
    Lifecycle {
        event: LifecycleEvent,
        received: Received,
    },
    Event {
        notice: EventNotice,
        received: Received,
    },
    OrderGroup {
        notice: OrderGroupNotice,
        received: Received,
    },
    Communication {
        message: Box<Communication>,
        received: Received,
    },
    Order(OrderView),
    Fill(FillView),
    Position(PositionView),
    Balance(BalanceView),
    Settlement(SettlementView),
    Health(HealthView),
    Alert(Alert),
}

/// The venue connection as clients see it on topic `health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthView {
    pub component: String,
    pub state: FeedState,
    pub reason: String,
    pub generation: u64,
}

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    pub code: &'static str,
    pub message: String,
}
