//! Which shard a write goes to.

use crate::venue::Venue;

use super::error::ApiError;

/// Where a request wants to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Shard(i64),
    /// -1: the market's shard must be found.
    Required,
    /// Nothing was said.
    Omitted,
}

impl Route {
    pub(super) fn of(exchange_index: Option<i64>) -> Result<Self, ApiError> {
        match exchange_index {
            None => Ok(Self::Omitted),
            Some(-1) => Ok(Self::Required),
            Some(shard) if shard >= 0 => Ok(Self::Shard(shard)),
            Some(_) => Err(ApiError::bad_request("exchange_index must be -1 or more")),
        }
    }

    /// Returns the shard whose bucket pays; none if the router has to ask all of them.
    pub(super) fn charged(self) -> Option<i64> {
        match self {
            Self::Shard(shard) => Some(shard),
            Self::Required | Self::Omitted => None,
        }
    }

    /// Returns the shard that is searched for an order: the market's, if one is named, else the first.
    pub(super) fn searched(self, venue: &Venue, market_ticker: Option<&str>) -> Result<i64, ApiError> {
        let of_market =
            market_ticker.and_then(|ticker| venue.market(ticker)).map(|market| market.listing.exchange_index);
        match (self, market_ticker) {
            (Self::Shard(shard), _) => Ok(shard),
            (Self::Required, None) => Err(ApiError::bad_request("market_ticker is required to route")),
            (Self::Omitted, None) => Ok(0),
            (Self::Required | Self::Omitted, Some(_)) => {
                of_market.ok_or_else(|| ApiError::not_found("no such market"))
            }
        }
    }
}
