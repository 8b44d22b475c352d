//! The channels of the WebSocket and what is fixed about each: name, numbering, filters, message types.

/// A channel that a client can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Channel {
    OrderbookDelta,
    Ticker,
    Trade,
    Fill,
    UserOrders,
    MarketPositions,
    MarketLifecycle,
    MultivariateLifecycle,
    OrderGroupUpdates,
    Communications,
}

const ALL: [Channel; 10] = [
    Channel::OrderbookDelta,
    Channel::Ticker,
    Channel::Trade,
    Channel::Fill,
    Channel::UserOrders,
    Channel::MarketPositions,
    Channel::MarketLifecycle,
    Channel::MultivariateLifecycle,
    Channel::OrderGroupUpdates,
    Channel::Communications,
];

impl Channel {
    /// Returns the name used in `channels` and in acknowledgements.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OrderbookDelta => "orderbook_delta",
            Self::Ticker => "ticker",
            Self::Trade => "trade",
            Self::Fill => "fill",
            Self::UserOrders => "user_orders",
            Self::MarketPositions => "market_positions",
            Self::MarketLifecycle => "market_lifecycle_v2",
            Self::MultivariateLifecycle => "multivariate_market_lifecycle",
            Self::OrderGroupUpdates => "order_group_updates",
            Self::Communications => "communications",
        }
    }

    /// Finds the channel of a name. The index feeds (CF Benchmarks, Pyth) are not simulated.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// Finds the channel that carries a message type. Types of no single channel (`ok`, `error`) have none.
    pub(crate) fn of_message_type(kind: &str) -> Option<Self> {
        Some(match kind {
            "orderbook_snapshot" | "orderbook_delta" => Self::OrderbookDelta,
            "ticker" => Self::Ticker,
            "trade" => Self::Trade,
            "fill" => Self::Fill,
            "user_order" => Self::UserOrders,
            "market_position" => Self::MarketPositions,
            "market_lifecycle_v2" | "event_lifecycle" | "event_fee_update" => Self::MarketLifecycle,
            "multivariate_market_lifecycle" => Self::MultivariateLifecycle,
            "order_group_updates" => Self::OrderGroupUpdates,
            "rfq_created"
            | "rfq_deleted"
            | "quote_created"
            | "quote_accepted"
            | "quote_executed"
            | "rfq_batch_created"
            | "rfq_batch_deleted"
            | "rfq_batch_best_quotes"
            | "rfq_batch_executed"
            | "batch_quote_created"
            | "batch_quote_accepted"
            | "batch_quote_executed" => Self::Communications,
            _ => return None,
        })
    }

    /// Tells whether messages of the channel carry `seq`.
    pub(crate) fn is_sequenced(self) -> bool {
        match self {
            Self::OrderbookDelta
            | Self::Trade
            | Self::MarketLifecycle
            | Self::MultivariateLifecycle
            | Self::OrderGroupUpdates
            | Self::Communications => true,
            Self::Ticker | Self::Fill | Self::UserOrders | Self::MarketPositions => false,
        }
    }

    /// Tells whether messages of the channel can be limited to some markets.
    pub(crate) fn is_filtered(self) -> bool {
        match self {
            Self::OrderbookDelta
            | Self::Ticker
            | Self::Trade
            | Self::Fill
            | Self::UserOrders
            | Self::MarketPositions => true,
            Self::MarketLifecycle
            | Self::MultivariateLifecycle
            | Self::OrderGroupUpdates
            | Self::Communications => false,
        }
    }

    /// Tells whether the channel accepts market ids next to tickers.
    pub(crate) fn accepts_market_ids(self) -> bool {
        self == Self::Ticker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_channel() {
        for channel in ALL {
            assert_eq!(Channel::named(channel.name()), Some(channel));
        }
        assert_eq!(Channel::named("orderbook_snapshot"), None);
        assert_eq!(Channel::of_message_type("user_order"), Some(Channel::UserOrders));
        assert_eq!(Channel::of_message_type("ok"), None);
    }
}
