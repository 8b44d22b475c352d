//! Accounts: cash by shard, positions, and what resting orders have reserved.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::collateral::Claim;
use super::event::{Fill, Side};
use super::hash::{Map, Set};
use super::units::{Count, DOLLAR, Micros, PAYOUT, Price};

/// Counts accounts: members from 0 in the order of their keys, then the exchange's own population, then subaccounts as
/// they are opened. A member is known by the id of its primary account.
pub type AccountId = usize;

/// One market's holding of one account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Positive is YES, negative NO.
    pub net: Count,
    /// What the contracts held now cost.
    pub cost: Micros,
    pub realized_pnl: Micros,
    pub fees_paid: Micros,
    /// Contracts traded.
    pub volume: Count,
    /// Dollars traded.
    pub traded: Micros,
    pub updated_us: i64,
}

/// A paid-out position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    pub ticker: Arc<str>,
    pub event_ticker: Arc<str>,
    pub exchange_index: i64,
    pub result: &'static str,
    pub yes_count: Count,
    pub yes_cost: Micros,
    pub no_count: Count,
    pub no_cost: Micros,
    pub revenue: Micros,
    /// The part of a cent that a scalar payout loses.
    pub fee: Micros,
    /// Payout per YES contract.
    pub value: Price,
    pub settled_us: i64,
    pub subaccount: i64,
}

/// What rests of one account in one market.
#[derive(Debug, Clone, Default)]
pub(super) struct Commitment {
    /// What it could cost at worst.
    pub(super) tied: Micros,
    /// By the numbers of the orders, oldest first.
    pub(super) claims: Vec<(u64, Claim)>,
}

/// Money and positions of a member's primary account or of one of its subaccounts; orders, fills and settlements of all
/// of them, with the subaccount in each row, are kept with the primary account.
#[derive(Debug, Clone)]
pub struct Account {
    pub user_id: Arc<str>,
    /// The primary account: its own id, if it is one.
    pub member: AccountId,
    /// 0 is the primary account.
    pub subaccount: i64,
    /// Whether positions of one event may share collateral; no simulated event lets them.
    pub netting: bool,
    /// The population trades on credit; members do not.
    pub has_credit: bool,
    pub cash: BTreeMap<i64, Micros>,
    pub positions: Map<Arc<str>, Position>,
    /// Ids the member has ever used; single use for ever.
    pub client_order_ids: Set<Arc<str>>,
    /// Numbers of the member's orders, oldest first.
    pub orders: BTreeSet<u64>,
    /// What rests, by market, for members: kept so that a new order need not look at every other one.
    pub(super) resting: Map<Arc<str>, Commitment>,
    /// What all of it could cost at worst, by shard.
    pub(super) tied_on_shard: BTreeMap<i64, Micros>,
    pub fills: Vec<Fill>,
    pub settlements: Vec<Settlement>,
    pub updated_us: i64,
    /// What the account was opened with.
    pub first_deposit: Option<Deposit>,
}

/// Money that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposit {
    pub id: Arc<str>,
    pub amount: Micros,
    pub at_us: i64,
}

impl Account {
    /// Makes the account of a member, or of a `subaccount` of it.
    pub fn new(
        user_id: Arc<str>,
        member: AccountId,
        subaccount: i64,
        has_credit: bool,
        cash: BTreeMap<i64, Micros>,
    ) -> Account {
        Account {
            user_id,
            member,
            subaccount,
            netting: false,
            has_credit,
            cash,
            positions: Map::default(),
            client_order_ids: Set::default(),
            orders: BTreeSet::new(),
            resting: Map::default(),
            tied_on_shard: BTreeMap::new(),
            fills: Vec::new(),
            settlements: Vec::new(),
            updated_us: 0,
            first_deposit: None,
        }
    }

    pub fn position(&self, ticker: &str) -> Position {
        self.positions.get(ticker).copied().unwrap_or_default()
    }

    /// Returns what the orders of a market tie up.
    pub(super) fn tied_in(&self, ticker: &str) -> Micros {
        self.resting.get(ticker).map_or(0, |commitment| commitment.tied)
    }

    /// Ties up `more` of the cash of a shard for the orders of a market.
    pub(super) fn tie(&mut self, ticker: &Arc<str>, shard: i64, more: Micros) {
        if more == 0 {
            return;
        }
        *self.tied_on_shard.entry(shard).or_insert(0) += more;
        let commitment = self.resting.entry(Arc::clone(ticker)).or_default();
        commitment.tied += more;
        if commitment.tied == 0 && commitment.claims.is_empty() {
            self.resting.remove(ticker);
        }
    }

    /// Notes what rests of an order, nothing if its count is zero; returns what rested of it before.
    pub(super) fn commit(&mut self, ticker: &Arc<str>, number: u64, claim: Claim) -> Claim {
        let none = Claim { count: 0, ..claim };
        let commitment = match self.resting.get_mut(ticker) {
            Some(commitment) => commitment,
            None if claim.count == 0 => return none,
            None => self.resting.entry(Arc::clone(ticker)).or_default(),
        };
        let claims = &mut commitment.claims;
        match (claims.binary_search_by_key(&number, |(number, _)| *number), claim.count) {
            (Ok(at), 0) => claims.remove(at).1,
            (Ok(at), _) => claims.get_mut(at).map_or(none, |(_, held)| std::mem::replace(held, claim)),
            (Err(_), 0) => none,
            (Err(at), _) => {
                claims.insert(at, (number, claim));
                none
            }
        }
    }

    pub fn cash_total(&self) -> Micros {
        self.cash.values().sum()
    }
}

/// What a match does to one side: the cash before fees, and the position after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Booked {
    pub revenue: Micros,
    pub after: Position,
}

/// Books a match of `count` at YES price `yes_price` for the account on `side`.
///
/// Buying costs the leg's price; a YES and a NO contract of one holder cancel out and return a dollar at once.
pub fn book(position: Position, side: Side, yes_price: Price, count: Count) -> Booked {
    let leg_price = if side == Side::Bid { yes_price } else { DOLLAR - yes_price };
    let held_against = match side {
        Side::Bid => (-position.net).max(0),
        Side::Ask => position.net.max(0),
    };
    let closed = count.min(held_against);
    let opened = count - closed;
    let cost_of_closed = if held_against == 0 { 0 } else { scale(position.cost, closed, held_against) };
    let returned = closed * PAYOUT;
    let paid = leg_price * count;
    let signed = if side == Side::Bid { count } else { -count };
    Booked {
        revenue: returned - paid,
        after: Position {
            net: position.net + signed,
            cost: position.cost - cost_of_closed + leg_price * opened,
            realized_pnl: position.realized_pnl + returned - leg_price * closed - cost_of_closed,
            volume: position.volume + count,
            traded: position.traded + yes_price * count,
            ..position
        },
    }
}

/// Returns `amount * part / whole`, without overflow.
fn scale(amount: Micros, part: Count, whole: Count) -> Micros {
    let product = i128::from(amount) * i128::from(part);
    Micros::try_from(product / i128::from(whole.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Position, book};
    use crate::venue::event::Side;

    #[test]
    fn buying_then_selling_returns_the_difference() {
        let bought = book(Position::default(), Side::Bid, 4_000, 1_000);
        assert_eq!((bought.revenue, bought.after.net, bought.after.cost), (-4_000_000, 1_000, 4_000_000));
        let sold = book(bought.after, Side::Ask, 5_500, 400);
        assert_eq!(sold.revenue, 5_500 * 400, "the NO leg costs 0.45, the pair returns a dollar");
        assert_eq!((sold.after.net, sold.after.cost), (600, 2_400_000));
        assert_eq!(sold.after.realized_pnl, 1_500 * 400);
    }

    #[test]
    fn an_ask_through_zero_closes_and_opens() {
        let held = Position { net: 300, cost: 300 * 2_000, ..Position::default() };
        let through = book(held, Side::Ask, 6_000, 500);
        assert_eq!((through.after.net, through.after.cost), (-200, 200 * 4_000));
        assert_eq!(through.revenue, 300 * 10_000 - 500 * 4_000);
    }
}
