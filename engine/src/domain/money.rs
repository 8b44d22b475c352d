//! Amounts of money, in millionths of a dollar.

use super::count::Count;
use super::decimal::{DecimalError, decimal_string};
use super::price::Price;

/// A signed amount of US dollars, an integer of 1e-6 dollar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    pub const ZERO: Money = Money(0);

    pub const fn from_micros(value: i64) -> Money {
        Money(value)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// Returns what `count` contracts at `price` each cost. Exact: 1e-4 times 1e-2 is 1e-6.
    pub fn notional(price: Price, count: Count) -> Option<Money> {
        let micros = u64::from(price.ten_thousandths()).checked_mul(count.hundredths())?;
        i64::try_from(micros).ok().map(Money)
    }

    pub(crate) fn from_scaled(value: i64) -> Result<Money, DecimalError> {
        Ok(Money(value))
    }

    pub(crate) fn to_scaled(self) -> i64 {
        self.0
    }
}

decimal_string!(Money, 6);

#[cfg(test)]
mod tests {
    use super::Money;

    #[test]
    fn notional_is_exact_and_prints_six_decimals() {
        let cost = Money::notional("0.5600".parse().unwrap(), "10.05".parse().unwrap()).unwrap();
        assert_eq!(cost.to_string(), "5.628000");
        assert_eq!("-0.017500".parse::<Money>().unwrap().micros(), -17_500);
    }
}
