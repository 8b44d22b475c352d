//! One leg's bids by price.

use crate::domain::{Count, Price, SignedCount};

/// Bids of one leg, ascending by price: the best is last, where most changes happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ladder {
    levels: Vec<(Price, Count)>,
}

/// A change that cannot be true of a right book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("level {price} holds {held} and cannot change by {change}")]
pub struct LevelError {
    pub price: Price,
    pub held: Count,
    pub change: SignedCount,
}

impl Ladder {
    /// Makes a ladder of `levels`, in any order. Zero counts are left out; a price that comes twice is an error.
    pub fn of(levels: &[(Price, Count)]) -> Result<Ladder, LevelError> {
        let mut levels: Vec<_> = levels.iter().filter(|(_, count)| !count.is_zero()).copied().collect();
        levels.sort_unstable_by_key(|(price, _)| *price);
        let twice = levels.windows(2).find_map(|pair| match pair {
            [(a, held), (b, other)] if a == b => Some((*a, *held, *other)),
            _ => None,
        });
        match twice {
            None => Ok(Ladder { levels }),
            Some((price, held, other)) => Err(LevelError { price, held, change: other.signed() }),
        }
    }

    /// Changes one level and returns its new count; a level at zero is removed.
    pub fn change(&mut self, price: Price, change: SignedCount) -> Result<Count, LevelError> {
        match self.levels.binary_search_by_key(&price, |(price, _)| *price) {
            Ok(at) => self.change_held(at, price, change),
            Err(at) => {
                let error = LevelError { price, held: Count::ZERO, change };
                let count = Count::ZERO.checked_add_signed(change).ok_or(error)?;
                if !count.is_zero() {
                    self.levels.insert(at, (price, count));
                }
                Ok(count)
            }
        }
    }

    fn change_held(&mut self, at: usize, price: Price, change: SignedCount) -> Result<Count, LevelError> {
        let Some((_, held)) = self.levels.get_mut(at) else { return Ok(Count::ZERO) };
        let count = held.checked_add_signed(change).ok_or(LevelError { price, held: *held, change })?;
        if count.is_zero() {
            self.levels.remove(at);
        } else {
            *held = count;
        }
        Ok(count)
    }

    /// Sets one level's count; zero removes it.
    pub fn set(&mut self, price: Price, count: Count) {
        match (self.levels.binary_search_by_key(&price, |(price, _)| *price), count.is_zero()) {
            (Ok(at), true) => drop(self.levels.remove(at)),
            (Ok(at), false) => {
                if let Some(level) = self.levels.get_mut(at) {
                    level.1 = count;
                }
            }
            (Err(_), true) => {}
            (Err(at), false) => self.levels.insert(at, (price, count)),
        }
    }

    /// Returns what must be set to make this ladder `other`: each price that differs, with its count there.
    pub fn differences(&self, other: &Ladder) -> Vec<(Price, Count)> {
        let (mut ours, mut theirs) = (self.levels.iter().peekable(), other.levels.iter().peekable());
        let mut differing = Vec::new();
        loop {
            match (ours.peek().copied(), theirs.peek().copied()) {
                (None, None) => return differing,
                (Some((price, _)), their) if their.is_none_or(|(there, _)| price < there) => {
                    differing.push((*price, Count::ZERO));
                    ours.next();
                }
                (Some((price, count)), Some((there, held))) if price == there => {
                    if count != held {
                        differing.push((*there, *held));
                    }
                    ours.next();
                    theirs.next();
                }
                (_, their) => {
                    differing.extend(their.copied());
                    theirs.next();
                }
            }
        }
    }

    /// Returns the levels, best (highest) first.
    pub fn best_first(&self) -> impl Iterator<Item = (Price, Count)> + '_ {
        self.levels.iter().rev().copied()
    }

    pub fn best(&self) -> Option<(Price, Count)> {
        self.levels.last().copied()
    }

    pub fn len(&self) -> usize {
        self.levels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Ladder;
    use crate::domain::{Count, Price, SignedCount};

    fn price(p: u16) -> Price {
        Price::from_ten_thousandths(p).unwrap()
    }

    proptest! {
        /// The ladder equals a plain ordered map under any changes; refused changes leave it untouched.
        #[test]
        fn equals_a_naive_map(changes in prop::collection::vec((1_u16..40, -30_i64..30), 0..400)) {
            let mut ladder = Ladder::default();
            let mut naive: BTreeMap<u16, i64> = BTreeMap::new();
            for (at, by) in changes {
                let held = naive.get(&at).copied().unwrap_or(0);
                let result = ladder.change(price(at * 100), SignedCount::from_hundredths(by).unwrap());
                if held + by < 0 {
                    prop_assert!(result.is_err());
                    continue;
                }
                prop_assert_eq!(result.unwrap().hundredths() as i64, held + by);
                if held + by == 0 { naive.remove(&at); } else { naive.insert(at, held + by); }
            }
            let seen: Vec<_> = ladder.best_first().map(|(p, c)| (p.ten_thousandths() / 100, c.hundredths() as i64)).collect();
            let want: Vec<_> = naive.into_iter().rev().collect();
            prop_assert_eq!(seen, want);
        }
    }

    fn ladder(levels: &BTreeMap<u16, u64>) -> Ladder {
        let rows: Vec<_> =
            levels.iter().map(|(p, c)| (price(*p), Count::from_hundredths(*c).unwrap())).collect();
        Ladder::of(&rows).unwrap()
    }

    proptest! {
        #[test]
        fn setting_the_differences_makes_it_the_other(
            ours in prop::collection::btree_map(1_u16..30, 1_u64..4, 0..20),
            theirs in prop::collection::btree_map(1_u16..30, 1_u64..4, 0..20),
        ) {
            let (mut ladder, other) = (ladder(&ours), ladder(&theirs));
            let differences = ladder.differences(&other);
            let differing = (1_u16..30).filter(|p| ours.get(p) != theirs.get(p)).count();
            prop_assert_eq!(differences.len(), differing);
            differences.into_iter().for_each(|(price, count)| ladder.set(price, count));
            prop_assert_eq!(ladder, other);
        }
    }

    #[test]
    fn a_snapshot_with_a_price_twice_is_refused() {
        let one = Count::from_hundredths(100).unwrap();
        assert!(Ladder::of(&[(price(100), one), (price(100), one)]).is_err());
    }
}
