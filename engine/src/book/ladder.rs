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

    #[test]
    fn a_snapshot_with_a_price_twice_is_refused() {
        let one = Count::from_hundredths(100).unwrap();
        assert!(Ladder::of(&[(price(100), one), (price(100), one)]).is_err());
    }
}
