//! Books in the plainest form, to compare what the contenders end with, and the decimals all of them read alike.

use std::collections::{BTreeMap, HashMap};

/// Price in 1e-4 dollar to size in 1e-2 contract.
pub type Levels = BTreeMap<i64, i64>;

/// Bids of both legs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    pub yes: Levels,
    pub no: Levels,
}

/// Books by ticker. A book without levels is the same as none.
pub type Books = BTreeMap<String, Book>;

/// Books as a program without a library would keep them: a map of two ordered maps.
#[derive(Debug, Default)]
pub struct PlainBooks(HashMap<String, Book>);

impl PlainBooks {
    /// Replaces a book.
    pub fn replace(&mut self, ticker: &str, yes: Levels, no: Levels) {
        self.0.insert(ticker.to_owned(), Book { yes, no });
    }

    /// Changes one level; `None` if the book is not known or the level would be negative.
    pub fn change(&mut self, ticker: &str, side: &str, price: i64, by: i64) -> Option<()> {
        let book = self.0.get_mut(ticker)?;
        let levels = if side == "yes" { &mut book.yes } else { &mut book.no };
        let held = levels.entry(price).or_insert(0);
        *held += by;
        match *held {
            ..0 => return None,
            0 => drop(levels.remove(&price)),
            1.. => {}
        }
        Some(())
    }

    pub fn books(&self) -> Books {
        self.0.iter().map(|(ticker, book)| (ticker.clone(), book.clone())).collect()
    }
}

/// Reads a decimal string as an integer of `10^-places` units; `None` if that is not exact.
pub fn scaled(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut value: i64 = whole.parse().ok()?;
    let mut fraction = fraction.bytes();
    for _ in 0..places {
        let digit = fraction.next().unwrap_or(b'0').wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    fraction.all(|byte| byte == b'0').then_some(if negative { -value } else { value })
}

/// Reads levels as they are on the wire.
pub fn levels<S: AsRef<str>>(wire: &[(S, S)]) -> Option<Levels> {
    wire.iter().map(|(price, count)| Some((scaled(price.as_ref(), 4)?, scaled(count.as_ref(), 2)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::{PlainBooks, scaled};

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(scaled("0.5600", 4), Some(5_600));
        assert_eq!(scaled("-0.95", 2), Some(-95));
        assert_eq!(scaled("10", 2), Some(1_000));
        assert_eq!(scaled("1.0050", 2), None);
        assert_eq!(scaled("0.x", 2), None);
    }

    #[test]
    fn a_level_at_zero_goes_and_a_negative_one_is_refused() {
        let mut books = PlainBooks::default();
        assert_eq!(books.change("A", "yes", 1, 1), None);
        books.replace("A", [(100, 5)].into(), [].into());
        assert_eq!(books.change("A", "yes", 100, -5), Some(()));
        assert!(books.books()["A"].yes.is_empty());
        assert_eq!(books.change("A", "no", 100, -5), None);
    }
}
