//! What the venue's stream delivers, already typed and exact.

use serde::{Deserialize, Serialize};

use super::feed_state::FeedState;
use super::notice::{Communication, EventNotice, OrderGroupNotice};
use crate::domain::{
    ClientOrderId, Count, Generation, Leg, Money, Monotonic, Price, PriceGrid, Received, Side, SignedCount,
    SubscriptionId, Ticker, TradeId, VenueOrderId, VenueTime,
};

/// A channel of the venue's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    OrderbookDelta,
    Ticker,
    Trade,
    Fill,
    UserOrders,
    MarketPositions,
    MarketLifecycle,
    /// Life cycles of combinations.
    MultivariateLifecycle,
    OrderGroups,
    /// Requests for quotes, and quotes.
    Communications,
}

/// Items of one read from the socket, in wire order. Batches keep thread hops rare.
pub type FeedBatch = Vec<FeedItem>;

/// One thing the market-data lane is told.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedItem {
    /// The connection's state changed; `Live` of a new generation retires all older ones.
    State { generation: Generation, state: FeedState, reason: String, at: Received },
    /// The venue acknowledged a subscription to a channel.
    Subscribed { generation: Generation, sid: SubscriptionId, channel: Channel },
    /// A frame on a subscription. `seq` is present on sequenced channels, acknowledgements included.
    Frame {
        generation: Generation,
        sid: SubscriptionId,
        seq: Option<u64>,
        received: Received,
        frame: MarketFrame,
    },
}

impl FeedItem {
    /// Returns whose connection it is about.
    pub const fn generation(&self) -> Generation {
        match self {
            FeedItem::State { generation, .. }
            | FeedItem::Subscribed { generation, .. }
            | FeedItem::Frame { generation, .. } => *generation,
        }
    }
}

/// The levels of one leg, in any order, without zero counts.
pub type BookLevels = Vec<(Price, Count)>;

/// A typed market-data frame.
#[derive(Debug, Clone, PartialEq)]
pub enum MarketFrame {
    /// Replaces a market's book. `yes` and `no` are bids at their own leg's price.
    Snapshot {
        ticker: Ticker,
        yes: BookLevels,
        no: BookLevels,
        clock: Option<i64>,
        /// When the request was sent that it answers; `None` if nobody asked.
        asked: Option<Monotonic>,
    },
    /// Changes one level by a signed count.
    Delta {
        ticker: Ticker,
        leg: Leg,
        price: Price,
        change: SignedCount,
        clock: Option<i64>,
        venue_time: Option<VenueTime>,
    },
    Trade(PublicTrade),
    Ticker(Quote),
    /// Boxed, being rare and large: every delta is moved at the size of the largest frame.
    Lifecycle(Box<LifecycleEvent>),
    Event(EventNotice),
    OrderGroup(OrderGroupNotice),
    Communication(Box<Communication>),
    /// An acknowledgement that only consumes a sequence number.
    Ack,
    /// A frame of this subscription that could not be read; its content is lost, so books of the sid are suspect.
    Unreadable {
        reason: String,
    },
}

/// A public print.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicTrade {
    pub trade_id: TradeId,
    pub ticker: Ticker,
    pub yes_price: Price,
    pub count: Count,
    pub taker_side: Side,
    pub ts_ms: VenueTime,
}

/// Where public trades are recorded. Must not block; a full recorder drops and counts.
pub trait TradeSink: Send + Sync {
    fn record(&self, trade: &PublicTrade, received: Received);

    /// Remembers since when trades may be missing, `None` once none is.
    fn remember_gap(&self, since: Option<VenueTime>);
}

/// The venue's own top-of-book summary, about once a second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub ticker: Ticker,
    pub last_price: Option<Price>,
    pub yes_bid: Option<Price>,
    pub yes_ask: Option<Price>,
    pub volume: Option<Count>,
    pub open_interest: Option<Count>,
    pub ts_ms: Option<VenueTime>,
}

/// A market's life-cycle event (`market_lifecycle_v2`, `multivariate_market_lifecycle`). Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleEvent {
    pub ticker: Ticker,
    /// The venue's `event_type`, e.g. `created`, `activated`, `determined`, `settled`.
    pub event_type: String,
    /// Of a combination of markets.
    pub is_combo: bool,
    pub result: Option<String>,
    pub settlement_value: Option<Price>,
    pub open_ts: Option<i64>,
    pub close_ts: Option<i64>,
    pub determination_ts: Option<i64>,
    pub settled_ts: Option<i64>,
    /// Whether an open market is paused, where the event is about that.
    pub is_deactivated: Option<bool>,
    /// The shard that trades the market, told when it is created.
    pub exchange_index: Option<i64>,
    /// The prices orders may have, told when the market is created and when they change.
    pub grid: Option<PriceGrid>,
}

impl LifecycleEvent {
    /// Makes an event that tells nothing but its type.
    pub fn new(ticker: Ticker, event_type: impl Into<String>) -> LifecycleEvent {
        LifecycleEvent {
            ticker,
            event_type: event_type.into(),
            is_combo: false,
            result: None,
            settlement_value: None,
            open_ts: None,
            close_ts: None,
            determination_ts: None,
            settled_ts: None,
            is_deactivated: None,
            exchange_index: None,
            grid: None,
        }
    }

    /// Tells whether the market's price grid is another one from now on.
    pub fn changes_grid(&self) -> bool {
        self.event_type == "price_level_structure_updated"
    }
}

/// One thing the account lane is told. These channels carry no sequence: a loss is invisible, so reports back them up.
#[derive(Debug, Clone, PartialEq)]
pub enum PrivateItem {
    Fill(VenueFill),
    Order(VenueOrder),
    Position(VenuePosition),
    /// The stream (re)connected or broke; whatever happened meanwhile must be read back.
    StreamState {
        generation: Generation,
        state: FeedState,
    },
    /// A market's outcome may have changed positions and cash.
    Lifecycle(LifecycleEvent),
}

/// A fill as the venue reports it, on the stream or by REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueFill {
    pub trade_id: TradeId,
    pub venue_order_id: VenueOrderId,
    /// Only on the stream; REST fills do not carry it.
    pub client_order_id: Option<ClientOrderId>,
    pub ticker: Ticker,
    /// `bid` adds to the signed position, `ask` subtracts.
    pub side: Side,
    /// The YES price of the match.
    pub price: Price,
    pub count: Count,
    pub fee: Money,
    pub is_taker: bool,
    pub ts_ms: VenueTime,
    /// Position after the fill, where the venue says it: a continuity check.
    pub post_position: Option<SignedCount>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VenueOrderStatus {
    Resting,
    Canceled,
    Executed,
}

/// An order as the venue reports it, on the stream or by REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenueOrder {
    pub venue_order_id: VenueOrderId,
    pub client_order_id: Option<ClientOrderId>,
    pub ticker: Ticker,
    pub side: Side,
    /// The limit, as a YES price.
    pub price: Price,
    pub status: VenueOrderStatus,
    pub initial_count: Count,
    pub fill_count: Count,
    pub remaining_count: Count,
    pub exchange_index: i64,
    pub created_ms: Option<VenueTime>,
    pub updated_ms: Option<VenueTime>,
    /// The venue's `last_update_reason`, where it says one.
    pub reason: Option<String>,
}

/// A position as the venue reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VenuePosition {
    pub ticker: Ticker,
    pub position: SignedCount,
    pub realized_pnl: Option<Money>,
    pub fees_paid: Option<Money>,
    pub exposure: Option<Money>,
}

/// What the feed can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedCommand {
    /// Subscribe the market's book and trades, now and after every reconnect.
    Want { tickers: Vec<Ticker> },
    /// Nobody needs these any more.
    Forget { tickers: Vec<Ticker> },
    /// Ask for fresh snapshots on a live subscription.
    Snapshot { generation: Generation, sid: SubscriptionId, tickers: Vec<Ticker> },
    /// Make a subscription anew that snapshots cannot heal, because `reason`.
    Resubscribe { generation: Generation, sid: SubscriptionId, reason: String },
    /// Give the connection up and make a new one, because `reason`.
    Reconnect { generation: Generation, reason: String },
}
