//! What distinguishes the channels of the venue's stream.

use outrigger_engine::venue::Channel;

/// Tells whether a channel takes no tickers: the account's own messages, all markets' life cycles, quotes on request.
pub(super) const fn is_unfiltered(channel: Channel) -> bool {
    match channel {
        Channel::Fill | Channel::UserOrders | Channel::MarketPositions | Channel::MarketLifecycle => true,
        Channel::MultivariateLifecycle | Channel::OrderGroups | Channel::Communications => true,
        Channel::OrderbookDelta | Channel::Ticker | Channel::Trade => false,
    }
}

/// Tells whether a connection is of use without the channel. These are asked for after all others, and never wait for.
pub(super) const fn is_optional(channel: Channel) -> bool {
    matches!(channel, Channel::MultivariateLifecycle | Channel::OrderGroups | Channel::Communications)
}

/// Tells whether a channel carries the account's own messages, which can only be read back.
pub(super) const fn is_private(channel: Channel) -> bool {
    matches!(channel, Channel::Fill | Channel::UserOrders | Channel::MarketPositions)
}

/// Tells whether a channel numbers its messages.
pub(super) const fn is_sequenced(channel: Channel) -> bool {
    match channel {
        Channel::OrderbookDelta | Channel::Trade | Channel::MarketLifecycle => true,
        Channel::MultivariateLifecycle | Channel::OrderGroups | Channel::Communications => true,
        Channel::Ticker | Channel::Fill | Channel::UserOrders | Channel::MarketPositions => false,
    }
}
