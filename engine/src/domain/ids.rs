//! Ids, each a type of its own so that none can stand in for another.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(text: impl Into<Arc<str>>) -> $name {
                $name(text.into())
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name(text.into())
            }
        }
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// A market's ticker, e.g. `KXBTC15M-26MAY110145-45`.
    Ticker
);
text_id!(
    /// The id we send with an order. Single use for ever at the venue, so one per intent.
    ClientOrderId
);
text_id!(
    /// The id the venue gave an order.
    VenueOrderId
);
text_id!(
    /// The venue's id of a match; a fill of ours carries the same one.
    TradeId
);
text_id!(
    /// What a local client sends with a write so that a repeat is recognised.
    IdempotencyKey
);

/// Our own id of an order intent, minted before anything is written or sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub Uuid);

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of a venue connection's life. Frames of a retired generation are never applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

impl Generation {
    /// Returns the number of a strand's connection `life`, from 0: all strands side by side share one row of numbers, so that
    /// each number is given once and tells the strand.
    pub fn of(strand: usize, strands: usize, life: u64) -> Generation {
        let (strand, strands) = (strand as u64, strands as u64);
        Generation(life.saturating_mul(strands).saturating_add(strand).saturating_add(1))
    }

    /// Returns the strand whose connection it is, from 0, of so many side by side.
    pub fn strand(self, strands: usize) -> usize {
        let strands = strands.max(1) as u64;
        usize::try_from(self.0.saturating_sub(1) % strands).unwrap_or(0)
    }
}

/// The venue's number for a subscription on one connection (`sid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub u64);
