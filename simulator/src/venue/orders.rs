//! The orders that the exchange remembers, and the ids it gives them.
//!
//! An id is a UUID whose first 48 bits are the order's number, scrambled: it looks random, and it leads back to the
//! number without a table.

use std::sync::Arc;

use super::dice::Dice;
use super::order::Order;

const BITS: u64 = (1 << 48) - 1;
/// Odd, so multiplying by it modulo 2^48 can be undone.
const FACTOR: u64 = 0x5DEE_CE66_D9B1;
const INVERSE: u64 = inverse(FACTOR);

/// Slots of a page.
const PAGE: u64 = 1_024;

/// Orders that rest, and every order of a member, by number: numbers are handed out one after another, so they lead to a
/// slot. A page that holds nothing is given back.
#[derive(Debug)]
pub struct Orders {
    pages: Vec<Option<Box<Page>>>,
    key: u64,
}

#[derive(Debug)]
struct Page {
    held: usize,
    slots: [Option<Arc<Order>>; PAGE as usize],
}

impl Orders {
    pub(super) fn new(dice: &mut Dice) -> Orders {
        Orders { pages: Vec::new(), key: dice.bits() & BITS }
    }

    /// Makes the id of an order.
    pub(super) fn id_of(&self, number: u64, dice: &mut Dice) -> Arc<str> {
        let mut bytes = ((u128::from(dice.bits()) << 64) | u128::from(dice.bits())).to_be_bytes();
        let scrambled = scramble((number ^ self.key) & BITS).to_be_bytes();
        for (byte, scrambled) in bytes.iter_mut().zip(scrambled.into_iter().skip(2)) {
            *byte = scrambled;
        }
        let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
        Arc::from(&*uuid.hyphenated().encode_lower(&mut [0; uuid::fmt::Hyphenated::LENGTH]))
    }

    /// Finds an order by its id.
    pub fn with_id(&self, id: &str) -> Option<&Order> {
        let (high, low) = (id.get(..8)?, id.get(9..13)?);
        let part = |hex| u64::from_str_radix(hex, 16).ok();
        let number = unscramble((part(high)? << 16) | part(low)?) ^ self.key;
        self.get(&number).filter(|order| *order.order_id == *id)
    }

    pub fn get(&self, number: &u64) -> Option<&Order> {
        self.slot(*number).map(|order| &**order)
    }

    /// Lends an order for a change; what was announced of it before stays as it was.
    pub fn get_mut(&mut self, number: &u64) -> Option<&mut Order> {
        let (page, at) = place_of(*number);
        let page = self.pages.get_mut(page)?.as_deref_mut()?;
        page.slots.get_mut(at)?.as_mut().map(Arc::make_mut)
    }

    /// Shares an order as it is now.
    pub(super) fn share(&self, number: u64) -> Option<Arc<Order>> {
        self.slot(number).map(Arc::clone)
    }

    fn slot(&self, number: u64) -> Option<&Arc<Order>> {
        let (page, at) = place_of(number);
        self.pages.get(page)?.as_deref()?.slots.get(at)?.as_ref()
    }

    #[cfg(test)]
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        let pages = self.pages.iter_mut().flatten();
        pages.flat_map(|page| page.slots.iter_mut().flatten()).map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, number: u64, order: Order) {
        let (page, at) = place_of(number);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let Some(page) = self.pages.get_mut(page) else { return };
        let page =
            page.get_or_insert_with(|| Box::new(Page { held: 0, slots: [const { None }; PAGE as usize] }));
        if let Some(slot) = page.slots.get_mut(at) {
            page.held += usize::from(slot.is_none());
            *slot = Some(Arc::new(order));
        }
    }

    pub(super) fn remove(&mut self, number: &u64) {
        let (at_page, at) = place_of(*number);
        let Some(page) = self.pages.get_mut(at_page) else { return };
        let Some(held) = page else { return };
        let taken = held.slots.get_mut(at).and_then(Option::take);
        held.held -= usize::from(taken.is_some());
        if held.held == 0 {
            *page = None;
        }
    }
}

/// Returns the page of an order and its slot there.
fn place_of(number: u64) -> (usize, usize) {
    // A number too large for a page's index has no page.
    (usize::try_from(number / PAGE).unwrap_or(usize::MAX), (number % PAGE) as usize)
}

#[cfg(test)]
impl std::ops::Index<&u64> for Orders {
    type Output = Order;

    fn index(&self, number: &u64) -> &Order {
        self.get(number).unwrap()
    }
}

const fn scramble(number: u64) -> u64 {
    let mixed = number.wrapping_mul(FACTOR) & BITS;
    mixed ^ (mixed >> 24)
}

const fn unscramble(scrambled: u64) -> u64 {
    (scrambled ^ (scrambled >> 24)).wrapping_mul(INVERSE) & BITS
}

/// Newton's iteration: each round doubles the number of correct low bits.
const fn inverse(odd: u64) -> u64 {
    let mut guess = odd;
    let mut round = 0;
    while round < 6 {
        guess = guess.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(guess)));
        round += 1;
    }
    guess & BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_their_numbers_and_look_random() {
        for number in (0..100_000).chain([BITS, BITS / 2, 1 << 40]) {
            assert_eq!(unscramble(scramble(number)), number);
        }
        let mut dice = Dice::new(1);
        let orders = Orders::new(&mut dice);
        let (one, two) = (orders.id_of(1, &mut dice), orders.id_of(2, &mut dice));
        assert_ne!(one[..8], two[..8]);
        assert_eq!(uuid::Uuid::parse_str(&one).unwrap().get_version_num(), 4);
        assert!(orders.with_id(&one).is_none() && orders.with_id("no uuid é").is_none());
    }
}
