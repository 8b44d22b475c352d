//! Values every other module speaks in: exact numbers with a unit, distinct ids, three kinds of time, markets.
//!
//! Never a float, never a unit left to the reader's guess.

pub mod catalog;
pub mod count;
mod decimal;
pub mod ids;
pub mod market;
pub mod money;
pub mod price;
pub mod side;
pub mod time;
mod time_watch;

pub use catalog::{Catalog, Presence};
pub use count::{Count, SignedCount};
pub use decimal::DecimalError;
pub use ids::{
    ClientOrderId, Generation, IdempotencyKey, OrderId, SubscriptionId, Ticker, TradeId, VenueOrderId,
};
pub use market::{Market, MarketStatus, PriceGrid, PriceRange};
pub use money::Money;
pub use price::Price;
pub use side::{Leg, SelfTradePrevention, Side, TimeInForce};
pub use time::{Clock, Monotonic, Now, Received, VenueTime, WallTime};
pub use time_watch::{TimeBreak, TimeWatch};
