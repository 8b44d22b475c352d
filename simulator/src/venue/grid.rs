//! Price grids: which prices an order may have. Every label that the exchange's documents list has one.
//!
//! Invariant: the ranges of a grid follow each other from 0 to 1 dollar without a gap, every step divides its range, and
//! whole cents are on every grid.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};

use super::units::{DOLLAR, Price};

type Ranges = &'static [(Price, Price, Price)];

/// A named grid. Ranges are `(start, end, step)`, ascending, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    pub name: &'static str,
    pub ranges: Ranges,
}

const WHOLE: Price = 100;
const HALF: Price = 50;
const QUINT: Price = 20;
const DECI: Price = 10;
const CENTI: Price = 1;

const fn plain(name: &'static str, ranges: Ranges) -> Grid {
    Grid { name, ranges }
}

pub const LINEAR_CENT: Grid = plain("linear_cent", &[(0, DOLLAR, WHOLE)]);
pub const DECI_CENT: Grid = plain("deci_cent", &[(0, DOLLAR, DECI)]);
pub const TAPERED_DECI_CENT: Grid = Grid {
    name: "tapered_deci_cent",
    ranges: &[(0, 1_000, DECI), (1_000, 9_000, WHOLE), (9_000, DOLLAR, DECI)],
};

/// The grid of combos. Its edges are narrower than those of the other grids with a centre.
pub const CENTER_DECI_EDGE_CENTI: Grid = Grid {
    name: "center_deci_edge_centi_cent",
    ranges: &[(0, 100, CENTI), (100, 9_900, DECI), (9_900, DOLLAR, CENTI)],
};

/// Finer towards both ends. The exchange names this label without its ranges; these are the simulator's choice.
pub const BANDED_CENTI_CENT: Grid = Grid {
    name: "banded_centi_cent",
    ranges: &[
        (0, 100, CENTI),
        (100, 1_000, DECI),
        (1_000, 9_000, WHOLE),
        (9_000, 9_900, DECI),
        (9_900, DOLLAR, CENTI),
    ],
};

/// Every grid there is.
pub const GRIDS: [Grid; 13] = [
    LINEAR_CENT,
    DECI_CENT,
    TAPERED_DECI_CENT,
    Grid {
        name: "center_whole_edge_half_cent",
        ranges: &[(0, 1_000, HALF), (1_000, 9_000, WHOLE), (9_000, DOLLAR, HALF)],
    },
    Grid {
        name: "center_whole_edge_quint_cent",
        ranges: &[(0, 1_000, QUINT), (1_000, 9_000, WHOLE), (9_000, DOLLAR, QUINT)],
    },
    plain("center_half_edge_half_cent", &[(0, DOLLAR, HALF)]),
    Grid {
        name: "center_half_edge_quint_cent",
        ranges: &[(0, 1_000, QUINT), (1_000, 9_000, HALF), (9_000, DOLLAR, QUINT)],
    },
    Grid {
        name: "center_half_edge_deci_cent",
        ranges: &[(0, 1_000, DECI), (1_000, 9_000, HALF), (9_000, DOLLAR, DECI)],
    },
    plain("center_quint_edge_quint_cent", &[(0, DOLLAR, QUINT)]),
    Grid {
        name: "center_quint_edge_deci_cent",
        ranges: &[(0, 1_000, DECI), (1_000, 9_000, QUINT), (9_000, DOLLAR, DECI)],
    },
    plain("center_centi_edge_centi_cent", &[(0, DOLLAR, CENTI)]),
    CENTER_DECI_EDGE_CENTI,
    BANDED_CENTI_CENT,
];

impl Grid {
    pub fn named(name: &str) -> Option<Grid> {
        GRIDS.into_iter().find(|grid| grid.name == name)
    }

    /// Reads a label; the error names those there are.
    pub fn parse(name: &str) -> Result<Grid, String> {
        let known = || GRIDS.map(|grid| grid.name).join(", ");
        Grid::named(name).ok_or_else(|| format!("no grid \"{name}\"; there are {}", known()))
    }

    pub fn allows(&self, price: Price) -> bool {
        let on = |&(start, end, step): &(Price, Price, Price)| {
            price >= start && price <= end && (price - start) % step == 0
        };
        price > 0 && price < DOLLAR && self.ranges.iter().any(on)
    }

    /// Returns the step at `price`, looking downwards.
    pub fn step_at(&self, price: Price) -> Price {
        self.ranges.iter().find(|(_, end, _)| price <= *end).map_or(WHOLE, |(_, _, step)| *step)
    }

    /// Returns the nearest allowed price at or below `price`, at least the lowest one.
    pub fn floor(&self, price: Price) -> Price {
        let price = price.clamp(1, DOLLAR - 1);
        let range = self.ranges.iter().find(|(_, end, _)| price <= *end);
        range.map_or(WHOLE, |(start, _, step)| start + (price - start) / step * step).max(self.lowest())
    }

    pub fn lowest(&self) -> Price {
        self.ranges.first().map_or(WHOLE, |(_, _, step)| *step)
    }
}

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Grid, D::Error> {
        Grid::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CENTER_DECI_EDGE_CENTI, DOLLAR, GRIDS, Grid};

    #[test]
    fn ranges_follow_each_other_and_steps_fit_them() {
        for grid in GRIDS {
            let ends = grid.ranges.iter().try_fold(0, |from, (start, end, step)| {
                (*start == from && end > start && (end - start) % step == 0).then_some(*end)
            });
            assert_eq!(ends, Some(DOLLAR), "{}", grid.name);
        }
    }

    #[test]
    fn labels_are_read_and_unknown_ones_name_the_choices() {
        for grid in GRIDS {
            assert_eq!(Grid::parse(grid.name), Ok(grid));
        }
        let told = Grid::parse("cubic_cent").unwrap_err();
        assert!(told.contains("cubic_cent") && told.contains("banded_centi_cent"), "{told}");
    }

    #[test]
    fn the_edges_of_combos_are_a_cent_wide() {
        let grid = CENTER_DECI_EDGE_CENTI;
        let allowed = [1, 99, 100, 110, 9_890, 9_900, 9_901, 9_999];
        assert!(allowed.into_iter().all(|price| grid.allows(price)));
        assert!(![0, 101, 9_899, DOLLAR].into_iter().any(|price| grid.allows(price)));
    }

    proptest! {
        #[test]
        fn whole_cents_are_on_every_grid(cents in 1_i64..100) {
            prop_assert!(GRIDS.iter().all(|grid| grid.allows(cents * 100)));
        }

        #[test]
        fn the_floor_is_the_next_allowed_price_below(at in 0..GRIDS.len(), price in -5_i64..10_005) {
            let grid = GRIDS[at];
            let down = (1..=price.clamp(1, DOLLAR - 1)).rev().find(|candidate| grid.allows(*candidate));
            let lowest = (1..DOLLAR).find(|candidate| grid.allows(*candidate)).unwrap();
            prop_assert_eq!(grid.lowest(), lowest);
            prop_assert_eq!(grid.floor(price), down.unwrap_or(lowest));
        }
    }
}
