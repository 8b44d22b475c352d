//! The usage tiers: what each gives, and who gets one.

use super::{Bucket, Limits};

/// A tier: tokens per second of reads and writes, and the share of the exchange's volume that earns and keeps it, in
/// parts per hundred thousand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier {
    pub(super) name: &'static str,
    read: u32,
    write: u32,
    /// None where volume does not earn it.
    pub(super) volume: Option<(i64, i64)>,
}

const fn tier(name: &'static str, read: u32, write: u32, volume: Option<(i64, i64)>) -> Tier {
    Tier { name, read, write, volume }
}

const LOWEST: Tier = tier("basic", 200, 100, None);
pub(super) const ALL: [Tier; 7] = [
    LOWEST,
    tier("advanced", 300, 300, None),
    tier("expert", 600, 600, Some((75, 50))),
    tier("premier", 1_200, 1_200, Some((125, 100))),
    tier("paragon", 2_400, 2_400, Some((250, 200))),
    tier("prime", 4_800, 4_800, Some((500, 400))),
    tier("prestige", 12_000, 9_600, Some((1_000, 800))),
];
/// Where one can register public keys of one's own.
const OWN_KEYS: &str = "premier";
/// Seconds of tokens that a bucket holds above the first tier, as measured. In the first tier they are those that were
/// recorded last: two for reads, one for writes.
const BURST_S: u32 = 3;
const LOWEST_BURST_S: (u32, u32) = (2, 1);

/// Returns how high a tier stands; unknown names stand lowest.
pub(super) fn rank(name: &str) -> usize {
    ALL.iter().position(|tier| tier.name == name).unwrap_or(0)
}

/// Tells whether members of a tier can register public keys of their own.
pub(super) fn registers_keys(name: &str) -> bool {
    rank(name) >= rank(OWN_KEYS)
}

impl Tier {
    fn limits(&self) -> Limits {
        let is_lowest = self.name == LOWEST.name;
        let (read_s, write_s) = if is_lowest { LOWEST_BURST_S } else { (BURST_S, BURST_S) };
        let bucket = |rate: u32, burst_s: u32| Bucket { refill_rate: rate, bucket_capacity: rate * burst_s };
        let is_low = is_lowest || self.name == "advanced";
        Limits {
            usage_tier: self.name.to_owned(),
            read: bucket(self.read, read_s),
            write: bucket(self.write, write_s),
            balance_per_second: if is_low { 1 } else { 5 },
        }
    }
}

impl Limits {
    /// Returns what a tier gives; none if there is no such tier.
    pub fn of_tier(name: &str) -> Option<Limits> {
        ALL.iter().find(|tier| tier.name == name).map(Tier::limits)
    }

    /// Returns these limits without taking anything away that `others` give.
    pub(super) fn at_least(mut self, others: &Limits) -> Limits {
        let larger = |one: Bucket, other: Bucket| Bucket {
            refill_rate: one.refill_rate.max(other.refill_rate),
            bucket_capacity: one.bucket_capacity.max(other.bucket_capacity),
        };
        self.read = larger(self.read, others.read);
        self.write = larger(self.write, others.write);
        self.balance_per_second = self.balance_per_second.max(others.balance_per_second);
        self
    }

    /// Returns the names of the tiers, lowest first.
    pub(crate) fn tiers() -> Vec<&'static str> {
        ALL.iter().map(|tier| tier.name).collect()
    }

    /// Returns what everyone gets.
    pub fn lowest() -> Limits {
        LOWEST.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_rise() {
        let rates: Vec<u32> =
            ALL.iter().map(|tier| Limits::of_tier(tier.name).unwrap().write.refill_rate).collect();
        assert!(rates.is_sorted() && rates[0] == 100 && rates[6] == 9_600);
        assert_eq!(Limits::of_tier("basic").unwrap().read.bucket_capacity, 400);
        assert_eq!(Limits::of_tier("advanced").unwrap().write.bucket_capacity, 900);
        assert_eq!(Limits::of_tier("gold"), None);
        assert!(registers_keys("prime") && !registers_keys("expert"));
        let generous = Limits { balance_per_second: 9, ..Limits::lowest() };
        let raised = Limits::of_tier("advanced").unwrap().at_least(&generous);
        assert_eq!((raised.balance_per_second, raised.write.refill_rate), (9, 300));
    }
}
