//! The budget's words: who asks, in which lane, for what of which buckets, and the account's terms.

use std::sync::Arc;

/// Who goes first when tokens are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Lane {
    /// Cancels and everything else that only takes risk away.
    Cancel,
    Order,
    Reconcile,
    /// Reads a local client asked for.
    UserRead,
    Background,
}

impl Lane {
    pub(crate) const ALL: [Lane; 5] =
        [Lane::Cancel, Lane::Order, Lane::Reconcile, Lane::UserRead, Lane::Background];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Lane::Cancel => "cancel",
            Lane::Order => "order",
            Lane::Reconcile => "reconcile",
            Lane::UserRead => "user_read",
            Lane::Background => "background",
        }
    }
}

/// Shards told apart. Should there be more one day, the last bucket stands for the rest: slower than need be, never faster.
pub(crate) const SHARDS: u8 = 8;

/// One token bucket of the venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BucketId {
    Read,
    /// A shard's. Writes that belong to no shard share that of shard 0.
    Write(u8),
    /// `GET /portfolio/balance` has its own.
    Balance,
}

impl BucketId {
    pub(crate) fn all() -> impl Iterator<Item = BucketId> {
        [BucketId::Read, BucketId::Balance].into_iter().chain((0..SHARDS).map(BucketId::Write))
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            BucketId::Read => "read",
            BucketId::Balance => "balance",
            BucketId::Write(0) => "write",
            BucketId::Write(1) => "write_1",
            BucketId::Write(2) => "write_2",
            BucketId::Write(3) => "write_3",
            BucketId::Write(4) => "write_4",
            BucketId::Write(5) => "write_5",
            BucketId::Write(6) => "write_6",
            BucketId::Write(_) => "write_7",
        }
    }
}

/// The buckets one request takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Buckets {
    Read,
    Balance,
    Write(u8),
    /// A write that finds its shard by itself is charged to each of them.
    EveryWrite,
}

impl Buckets {
    /// Writes that belong to no shard: batches, groups without one, transfers.
    pub(crate) const UNSCOPED: Buckets = Buckets::Write(0);

    /// Returns the buckets of a single write that names `exchange_index`; a negative one names none.
    pub(crate) fn of_shard(exchange_index: i64) -> Buckets {
        if exchange_index < 0 {
            return Buckets::EveryWrite;
        }
        Buckets::Write(u8::try_from(exchange_index).unwrap_or(u8::MAX).min(SHARDS - 1))
    }

    pub(crate) fn each(self) -> impl Iterator<Item = BucketId> {
        BucketId::all().filter(move |id| self.has(*id))
    }

    pub(crate) fn has(self, id: BucketId) -> bool {
        match (self, id) {
            (Buckets::Read, BucketId::Read) | (Buckets::Balance, BucketId::Balance) => true,
            (Buckets::Write(one), BucketId::Write(other)) => one == other,
            (Buckets::EveryWrite, BucketId::Write(_)) => true,
            (Buckets::Read | Buckets::Balance | Buckets::Write(_) | Buckets::EveryWrite, _) => false,
        }
    }

    pub(super) fn meets(self, other: Buckets) -> bool {
        self.each().any(|id| other.has(id))
    }
}

/// What a request costs: `tokens` from each of `buckets`, all or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) buckets: Buckets,
    pub(crate) tokens: u32,
}

/// For whom a request is made. Clients that wait in the same lane for the same bucket take turns by their shares.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Client {
    name: Arc<str>,
    share: u32,
}

impl Client {
    /// The sidecar itself.
    pub(crate) fn own() -> Client {
        Client::named("")
    }

    pub(crate) fn named(name: &str) -> Client {
        Client { name: Arc::from(name), share: 1 }
    }

    #[cfg(test)]
    pub(crate) fn with_share(self, share: u32) -> Client {
        Client { share: share.max(1), ..self }
    }

    pub(super) fn share(&self) -> u32 {
        self.share
    }

    pub(crate) const CLASSES: [&'static str; 2] = ["own", "client"];

    /// Returns one of `CLASSES`: the sidecar's own work, or a local client's.
    pub(crate) fn class(&self) -> &'static str {
        if self.name.is_empty() { "own" } else { "client" }
    }
}

/// Tokens per second, and how many a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) refill: u32,
    pub(crate) capacity: u32,
}

/// Terms of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rates {
    pub(crate) read: Terms,
    pub(crate) write: Terms,
    pub(crate) balance: Terms,
}

impl Rates {
    /// The lowest tier, until the venue has said better.
    pub(crate) const LOWEST: Rates = Rates {
        read: Terms { refill: 200, capacity: 200 },
        write: Terms { refill: 100, capacity: 100 },
        balance: Terms { refill: 1, capacity: 1 },
    };

    pub(super) fn of(&self, id: BucketId) -> Terms {
        match id {
            BucketId::Read => self.read,
            BucketId::Write(_) => self.write,
            BucketId::Balance => self.balance,
        }
    }
}

/// Why there are no tokens. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("the exchange's rate limit leaves no room in time")]
    Late,
    #[error("it costs more than the exchange's rate limit ever lets through at once")]
    NeverFits,
    #[error("too many requests wait for the exchange's rate limit")]
    QueueFull,
}

impl Denied {
    pub(crate) const ALL: [Denied; 3] = [Denied::Late, Denied::NeverFits, Denied::QueueFull];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Denied::Late => "late",
            Denied::NeverFits => "never_fits",
            Denied::QueueFull => "queue_full",
        }
    }
}

/// A refusal by our own budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{why}; try again in {retry_after_ms} ms")]
pub(crate) struct NoBudget {
    pub(crate) why: Denied,
    /// When there is room, if nothing else is asked meanwhile.
    pub(crate) retry_after_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::{BucketId, Buckets};

    #[test]
    fn a_write_without_its_shard_is_charged_everywhere_and_unknown_shards_share_the_last_bucket() {
        assert_eq!(Buckets::of_shard(3), Buckets::Write(3));
        assert_eq!(Buckets::of_shard(-1), Buckets::EveryWrite);
        assert_eq!(Buckets::of_shard(900), Buckets::Write(7));
        assert_eq!(Buckets::EveryWrite.each().count(), 8);
        assert!(Buckets::EveryWrite.meets(Buckets::Write(5)) && !Buckets::EveryWrite.meets(Buckets::Read));
        let names: std::collections::BTreeSet<&str> = BucketId::all().map(BucketId::as_str).collect();
        assert_eq!(names.len(), 10);
    }
}
