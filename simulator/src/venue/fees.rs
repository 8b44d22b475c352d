//! Fees to the last 1e-6 dollar: the trade fee, the rounding of the balance, and the rebate of what rounding took.

use super::units::{Count, DOLLAR, Micros, Price};

/// Fee terms of a series. `multiplier` is in thousandths (1000 is 1.0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeSchedule {
    pub kind: FeeKind,
    pub multiplier: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeKind {
    Quadratic,
    QuadraticWithMakerFees,
    /// Makers pay half of what takers pay; the terms of combos.
    QuadraticWithComboMakerFees,
    /// A cent per contract at any price, for takers. The exchange does not publish its table through the interface.
    Flat,
}

impl FeeKind {
    pub const fn name(self) -> &'static str {
        match self {
            FeeKind::Quadratic => "quadratic",
            FeeKind::QuadraticWithMakerFees => "quadratic_with_maker_fees",
            FeeKind::QuadraticWithComboMakerFees => "quadratic_with_combo_maker_fees",
            FeeKind::Flat => "flat",
        }
    }
}

/// Balances move in steps of 1e-4 dollar.
const BALANCE_STEP: Micros = 100;
/// Rounding comes back in whole cents.
const REBATE_STEP: Micros = 10_000;

/// Returns `k * M * C * P * (1 - P)`, rounded up to 1e-4 dollar, in micros. k is 0.07 for takers.
pub fn trade_fee(schedule: FeeSchedule, is_taker: bool, price: Price, count: Count) -> Micros {
    if schedule.kind == FeeKind::Flat {
        // Units: a cent times 1e-3 (M) times 1e-2 (C) is 1e-7 dollar; 1e-4 dollar is 1e3 of them.
        let product = if is_taker { schedule.multiplier.saturating_mul(count) } else { 0 };
        return (product.div_euclid(1_000) + i64::from(product.rem_euclid(1_000) > 0)) * BALANCE_STEP;
    }
    // k in 1e-4.
    let k: i64 = match (is_taker, schedule.kind) {
        (true, _) => 700,
        (false, FeeKind::Quadratic | FeeKind::Flat) => 0,
        (false, FeeKind::QuadraticWithMakerFees) => 175,
        (false, FeeKind::QuadraticWithComboMakerFees) => 350,
    };
    // Units: 1e-4 (k) * 1e-3 (M) * 1e-2 (C) * 1e-4 * 1e-4 (P) = 1e-17 dollar; 1e-4 dollar is 1e13 of them.
    const STEP: i64 = 10_000_000_000_000;
    let terms = (k * schedule.multiplier, price * (DOLLAR - price));
    // Nearly every product fits into 64 bits, where the division is several times as fast.
    if let Some(product) = terms.0.checked_mul(count).and_then(|part| part.checked_mul(terms.1)) {
        return (product.div_euclid(STEP) + i64::from(product.rem_euclid(STEP) > 0)) * BALANCE_STEP;
    }
    let product = i128::from(terms.0) * i128::from(count) * i128::from(terms.1);
    let steps = product.div_euclid(STEP.into()) + i128::from(product.rem_euclid(STEP.into()) > 0);
    Micros::try_from(steps).unwrap_or(Micros::MAX / BALANCE_STEP) * BALANCE_STEP
}

/// Returns the net fee of a fill whose cash flow before fees is `revenue`, and updates the order's rounding account.
///
/// The balance change is floored to 1e-4 dollar; what that takes is the rounding fee. Once an order has paid a whole
/// cent of rounding it is given back. Never negative.
pub fn net_fee(revenue: Micros, trade_fee: Micros, rounding_account: &mut Micros) -> Micros {
    let change = revenue - trade_fee;
    let rounding = change.rem_euclid(BALANCE_STEP);
    *rounding_account += rounding;
    let gross = trade_fee + rounding;
    let rebate = (*rounding_account / REBATE_STEP * REBATE_STEP).min(gross / REBATE_STEP * REBATE_STEP);
    *rounding_account -= rebate;
    gross - rebate
}

#[cfg(test)]
mod tests {
    use super::{FeeKind, FeeSchedule, net_fee, trade_fee};

    const PLAIN: FeeSchedule = FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1000 };

    #[test]
    fn the_recorded_fills_pay_their_recorded_fees() {
        assert_eq!(trade_fee(PLAIN, true, 5_200, 100), 17_500);
        assert_eq!(trade_fee(PLAIN, true, 9_900, 100), 700);
    }

    #[test]
    fn makers_pay_only_where_the_series_says_so() {
        assert_eq!(trade_fee(PLAIN, false, 5_000, 100), 0);
        let with_makers = FeeSchedule { kind: FeeKind::QuadraticWithMakerFees, multiplier: 1000 };
        assert_eq!(trade_fee(with_makers, false, 5_000, 100), 4_400);
        let of_combos = FeeSchedule { kind: FeeKind::QuadraticWithComboMakerFees, multiplier: 1000 };
        assert_eq!(trade_fee(of_combos, false, 5_000, 100), 8_800);
        assert_eq!(trade_fee(of_combos, true, 5_000, 100), 17_500);
    }

    #[test]
    fn a_flat_fee_does_not_depend_on_the_price() {
        let flat = FeeSchedule { kind: FeeKind::Flat, multiplier: 500 };
        assert_eq!((trade_fee(flat, true, 100, 200), trade_fee(flat, true, 5_000, 200)), (10_000, 10_000));
        assert_eq!((trade_fee(flat, true, 5_000, 1), trade_fee(flat, false, 5_000, 200)), (100, 0));
    }

    #[test]
    fn rounding_is_collected_and_comes_back_in_cents() {
        let mut account = 0;
        // 0.01 contract at 0.0010 costs 10 micros; the balance moves by 100, so 90 are rounding.
        let paid: i64 = (0..1_000).map(|_| net_fee(-10, 0, &mut account)).sum();
        assert_eq!(paid, 90_000, "a rebate never makes a fee negative");
        assert_eq!(account, 90_000);
        let fee = net_fee(-5_000_000, 25_000, &mut account);
        assert_eq!((fee, account), (5_000, 70_000), "whole cents come back as far as the fee reaches");
    }
}
