//! Price grids: which prices an order may have.

use super::units::{DOLLAR, Price};

/// A named grid. Ranges are `(start, end, step)`, ascending, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    pub name: &'static str,
    pub ranges: &'static [(Price, Price, Price)],
}

pub const LINEAR_CENT: Grid = Grid { name: "linear_cent", ranges: &[(0, DOLLAR, 100)] };
pub const DECI_CENT: Grid = Grid { name: "deci_cent", ranges: &[(0, DOLLAR, 10)] };
pub const TAPERED_DECI_CENT: Grid =
    Grid { name: "tapered_deci_cent", ranges: &[(0, 1_000, 10), (1_000, 9_000, 100), (9_000, DOLLAR, 10)] };

/// The grid of combos.
pub const CENTER_DECI_EDGE_CENTI: Grid = Grid {
    name: "center_deci_edge_centi_cent",
    ranges: &[(0, 100, 1), (100, 9_900, 10), (9_900, DOLLAR, 1)],
};

impl Grid {
    pub fn allows(&self, price: Price) -> bool {
        let on = |&(start, end, step): &(Price, Price, Price)| {
            price >= start && price <= end && (price - start) % step == 0
        };
        price > 0 && price < DOLLAR && self.ranges.iter().any(on)
    }

    /// Returns the step at `price`, looking downwards.
    pub fn step_at(&self, price: Price) -> Price {
        self.ranges.iter().find(|(_, end, _)| price <= *end).map_or(100, |(_, _, step)| *step)
    }

    /// Returns the nearest allowed price at or below `price`, at least the lowest one.
    pub fn floor(&self, price: Price) -> Price {
        let price = price.clamp(1, DOLLAR - 1);
        let down = (1..=price).rev().find(|candidate| self.allows(*candidate));
        down.unwrap_or_else(|| self.lowest())
    }

    pub fn lowest(&self) -> Price {
        (1..DOLLAR).find(|candidate| self.allows(*candidate)).unwrap_or(100)
    }
}
