//! A price per contract, in ten-thousandths of a dollar.

use super::decimal::{DecimalError, decimal_string};

/// A price from 0.0000 to 1.0000 dollars, an integer of 1e-4 dollar.
///
/// Which leg (YES or NO) it is a price of stands with whoever holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(u16);

impl Price {
    /// One dollar, what a winning contract pays.
    pub const ONE: Price = Price(10_000);
    pub const ZERO: Price = Price(0);

    /// Makes a price of `value` ten-thousandths of a dollar; `None` above one dollar.
    pub const fn from_ten_thousandths(value: u16) -> Option<Price> {
        if value <= Self::ONE.0 { Some(Price(value)) } else { None }
    }

    pub const fn ten_thousandths(self) -> u16 {
        self.0
    }

    /// Returns the same trade's price on the other leg: one dollar minus this price.
    pub const fn complement(self) -> Price {
        Price(Self::ONE.0 - self.0)
    }

    pub(crate) fn from_scaled(value: i64) -> Result<Price, DecimalError> {
        u16::try_from(value).ok().and_then(Self::from_ten_thousandths).ok_or(DecimalError::OutOfRange)
    }

    pub(crate) fn to_scaled(self) -> i64 {
        i64::from(self.0)
    }
}

decimal_string!(Price, 4);
