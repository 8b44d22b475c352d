//! How many contracts a bid is for, when the RFQ names a cost instead of a count.
//!
//! Whoever accepts a bid sells to it, so the requester pays a dollar less the bid for each contract.

use crate::venue::fees::{FeeSchedule, trade_fee};
use crate::venue::place::COUNT_MAX;
use crate::venue::units::{Count, DOLLAR, Micros, Price};

use super::model::Size;

/// Returns the contracts that a bid is for; none if there is no bid, or the cost does not buy a hundredth of a contract.
pub(super) fn offered(size: Size, bid: Price, fees: FeeSchedule) -> Option<Count> {
    if bid <= 0 {
        return None;
    }
    let count = match size {
        Size::Contracts(count) => count,
        Size::TargetCost { cost, excludes_fees } => affordable(cost, excludes_fees, bid, fees),
    };
    (count > 0).then_some(count)
}

/// Returns the largest count whose cost, fees included where they are, is at most `target`.
fn affordable(target: Micros, excludes_fees: bool, bid: Price, fees: FeeSchedule) -> Count {
    let price = DOLLAR - bid;
    let fits = |count: Count| {
        let fee = if excludes_fees { 0 } else { trade_fee(fees, true, price, count) };
        price * count + fee <= target
    };
    let (mut low, mut high) = (0, COUNT_MAX);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::fees::FeeKind;

    const FEES: FeeSchedule = FeeSchedule { kind: FeeKind::Quadratic, multiplier: 1_000 };

    #[test]
    fn a_target_cost_buys_at_the_other_side_of_the_bid() {
        let five = |excludes_fees| Size::TargetCost { cost: 5_000_000, excludes_fees };
        assert_eq!(offered(five(true), 2_000, FEES), Some(625), "5 dollars at 0.80");
        assert_eq!(offered(five(true), 7_500, FEES), Some(2_000), "5 dollars at 0.25");
        let with_fees = offered(five(false), 7_500, FEES).unwrap();
        let cost = |count| 2_500 * count + trade_fee(FEES, true, 2_500, count);
        assert!(cost(with_fees) <= 5_000_000 && cost(with_fees + 1) > 5_000_000, "{with_fees}");
    }

    #[test]
    fn no_bid_and_too_small_a_cost_offer_nothing() {
        assert_eq!(offered(Size::Contracts(700), 0, FEES), None);
        assert_eq!(offered(Size::Contracts(700), 1, FEES), Some(700));
        assert_eq!(offered(Size::TargetCost { cost: 100, excludes_fees: false }, 100, FEES), None);
    }
}
