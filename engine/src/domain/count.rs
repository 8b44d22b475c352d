//! Contract counts, in hundredths of a contract.

use super::decimal::{DecimalError, decimal_string};

/// A number of contracts that cannot be negative, an integer of 1e-2 contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Count(u64);

impl Count {
    pub const ZERO: Count = Count(0);
    /// One million million contracts: far above any venue figure, far below overflow in sums.
    pub const MAX: Count = Count(100_000_000_000_000);

    pub const fn from_hundredths(value: u64) -> Option<Count> {
        if value <= Self::MAX.0 { Some(Count(value)) } else { None }
    }

    pub const fn hundredths(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub fn checked_add(self, other: Count) -> Option<Count> {
        self.0.checked_add(other.0).and_then(Self::from_hundredths)
    }

    pub fn checked_sub(self, other: Count) -> Option<Count> {
        self.0.checked_sub(other.0).map(Count)
    }

    /// Returns the difference, or zero when `other` is larger.
    pub const fn saturating_sub(self, other: Count) -> Count {
        Count(self.0.saturating_sub(other.0))
    }

    /// Returns this count changed by `delta`; `None` when the result would be negative or absurd.
    pub fn checked_add_signed(self, delta: SignedCount) -> Option<Count> {
        self.0.checked_add_signed(delta.0).and_then(Self::from_hundredths)
    }

    pub fn signed(self) -> SignedCount {
        // MAX fits i64 with room to spare, so the conversion cannot lose anything.
        SignedCount(i64::try_from(self.0).unwrap_or(i64::MAX))
    }

    pub(crate) fn from_scaled(value: i64) -> Result<Count, DecimalError> {
        u64::try_from(value).ok().and_then(Self::from_hundredths).ok_or(DecimalError::OutOfRange)
    }

    pub(crate) fn to_scaled(self) -> i64 {
        self.signed().0
    }
}

decimal_string!(Count, 2);

/// A change in contracts, or a position: positive is YES, negative is NO. An integer of 1e-2 contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SignedCount(i64);

impl SignedCount {
    pub const ZERO: SignedCount = SignedCount(0);

    pub const fn from_hundredths(value: i64) -> Option<SignedCount> {
        if value.unsigned_abs() <= Count::MAX.0 { Some(SignedCount(value)) } else { None }
    }

    pub const fn hundredths(self) -> i64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub fn checked_add(self, other: SignedCount) -> Option<SignedCount> {
        self.0.checked_add(other.0).and_then(Self::from_hundredths)
    }

    pub const fn negated(self) -> SignedCount {
        SignedCount(-self.0)
    }

    pub const fn magnitude(self) -> Count {
        Count(self.0.unsigned_abs())
    }

    pub(crate) fn from_scaled(value: i64) -> Result<SignedCount, DecimalError> {
        Self::from_hundredths(value).ok_or(DecimalError::OutOfRange)
    }

    pub(crate) fn to_scaled(self) -> i64 {
        self.0
    }
}

decimal_string!(SignedCount, 2);
