//! The exchange itself: a price-time matching core on integers, accounts with collateral and fees, market life cycles.
//!
//! Pure: commands and "now" go in, replies and events come out. Never a clock, randomness from outside, or I/O.
//! Invariants: no resting bid at or above a resting ask; cash plus open interest plus fees is constant; a level's size is
//! the sum of its orders; a `client_order_id` is used once per account, for ever.

pub mod account;
pub mod candles;
mod change;
mod collateral;
pub mod combo;
pub mod communications;
pub mod dice;
pub mod event;
mod fee_change;
pub mod fees;
pub mod grid;
pub mod groups;
pub mod hash;
pub mod history;
pub mod hours;
pub mod life;
mod lifecycle;
pub mod market;
pub mod markets;
mod matching;
pub mod order;
pub mod orders;
mod pause;
mod place;
pub mod refusal;
mod region;
pub mod steer;
mod subaccounts;
pub mod transfers;
pub mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use account::{Account, AccountId};
use combo::{Collections, Combo};
use dice::Dice;
use event::{Owner, Side, VenueEvent};
use groups::OrderGroup;
use market::{Listing, Market, Series};
use markets::Markets;
use order::Order;
use orders::Orders;
use refusal::Refusal;
use transfers::Moves;
use units::{Count, Micros, Price};

pub use change::{Amended, Amendment, Canceled, Reduction};
pub use fee_change::{FeeChange, FeeScope};
pub use place::Placed;

/// Trades a market remembers for its public list.
const TRADES_KEPT: usize = 2_000;

#[derive(Debug)]
pub struct Venue {
    dice: Dice,
    pub accounts: Vec<Account>,
    /// Accounts of subaccounts, by member and number.
    subaccounts: BTreeMap<(AccountId, i64), AccountId>,
    groups: BTreeMap<Arc<str>, OrderGroup>,
    /// Ids of groups by member.
    group_ids: BTreeSet<(AccountId, Arc<str>)>,
    /// Transfers by member.
    pub moves: BTreeMap<AccountId, Moves>,
    rebalanced_us: i64,
    /// For so long after a cancel-all, a member's new orders are cancelled too.
    pub cancel_all_tail_us: i64,
    /// When a member's last cancel-all ends, and the subaccount it was for.
    cancel_all_until: BTreeMap<AccountId, (i64, Option<i64>)>,
    pub markets: Markets,
    /// What is known of series beyond their markets, by ticker.
    pub series: BTreeMap<String, Series>,
    pub orders: Orders,
    next_number: u64,
    /// All fees ever taken.
    pub fees_taken: Micros,
    pub collections: Collections,
    /// When members' word about where they are runs out; never if none.
    pub region_expires_us: Option<i64>,
    /// How old a row of the archive is.
    pub history_after_us: i64,
    /// Past and coming, earliest first.
    pub fee_changes: Vec<FeeChange>,
    pub hours: hours::Hours,
    pub trading_paused: bool,
    pub exchange_paused: bool,
    /// RFQs, quotes, batches and block trades.
    pub communications: communications::Communications,
    /// When resting orders expire, and their numbers.
    expiring: BTreeSet<(i64, u64)>,
    events: Vec<VenueEvent>,
}

impl Venue {
    pub fn new(seed: u64) -> Venue {
        let mut dice = Dice::new(seed);
        Venue {
            orders: Orders::new(&mut dice),
            dice,
            accounts: Vec::new(),
            subaccounts: BTreeMap::new(),
            groups: BTreeMap::new(),
            group_ids: BTreeSet::new(),
            moves: BTreeMap::new(),
            rebalanced_us: 0,
            cancel_all_tail_us: 0,
            cancel_all_until: BTreeMap::new(),
            markets: Markets::default(),
            series: BTreeMap::new(),
            next_number: 1,
            fees_taken: 0,
            collections: Collections::default(),
            region_expires_us: None,
            history_after_us: history::HISTORY_AFTER_US,
            fee_changes: Vec::new(),
            hours: hours::Hours::default(),
            trading_paused: false,
            exchange_paused: false,
            communications: communications::Communications::default(),
            expiring: BTreeSet::new(),
            events: Vec::new(),
        }
    }

    /// Opens an account. `has_credit` is for the exchange's own population.
    pub fn open_account(&mut self, has_credit: bool, cash: BTreeMap<i64, Micros>) -> AccountId {
        let user_id = self.dice.uuid();
        let id = self.accounts.len();
        self.accounts.push(Account::new(user_id, id, 0, has_credit, cash));
        id
    }

    /// Lists a market; it opens by time.
    pub fn list(&mut self, listing: Listing, now_us: i64) {
        let market_id = self.dice.uuid();
        self.list_as(listing, &market_id, now_us);
    }

    /// Lists a market whose id is already known, as a recording's is.
    pub fn list_as(&mut self, listing: Listing, market_id: &str, now_us: i64) {
        self.insert(listing, market_id, None, now_us);
    }

    fn insert(&mut self, listing: Listing, market_id: &str, combo: Option<Combo>, now_us: i64) {
        let is_first =
            !self.markets.values().any(|market| market.listing.event_ticker == listing.event_ticker);
        if is_first {
            self.events.push(lifecycle::event_created(&listing, combo.is_some()));
        }
        let mut market = Market::new(listing, market_id.into(), now_us);
        market.combo = combo;
        self.inherit_fees(&mut market);
        self.events.push(lifecycle::created(&market, now_us));
        self.markets.insert(Arc::clone(&market.ticker), market);
    }

    /// Returns what happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<VenueEvent> {
        self.drain_events().collect()
    }

    /// Hands out what happened since the last call, in order; keeps the room for what comes.
    pub fn drain_events(&mut self) -> std::vec::Drain<'_, VenueEvent> {
        self.events.drain(..)
    }

    pub fn market(&self, ticker: &str) -> Option<&Market> {
        self.markets.get(ticker)
    }

    /// Finds an order of a member, in any of its subaccounts, by the exchange's id.
    pub fn order_of(&self, account: AccountId, order_id: &str) -> Option<&Order> {
        self.orders.with_id(order_id).filter(|order| order.member == account)
    }

    /// Orders of a member in all its subaccounts, newest first.
    pub fn orders_of(&self, account: AccountId) -> Vec<&Order> {
        let Some(account) = self.accounts.get(account) else { return Vec::new() };
        account.orders.iter().rev().filter_map(|number| self.orders.get(number)).collect()
    }

    /// Contracts that are served before `order`: better prices first, then who came earlier at its own.
    pub fn queue_position(&self, order: &Order) -> Count {
        let Some(market) = self.markets.of(order) else { return 0 };
        let side = if order.side == Side::Bid { &market.bids } else { &market.asks };
        let queue = side.get(&order.price).into_iter().flatten();
        let ahead = queue.take_while(|number| **number != order.number);
        let ahead: Count =
            ahead.filter_map(|number| self.orders.get(number)).map(|order| order.remaining).sum();
        let better = |price: &Price| match order.side {
            Side::Bid => *price > order.price,
            Side::Ask => *price < order.price,
        };
        let sizes = if order.side == Side::Bid { &market.bid_sizes } else { &market.ask_sizes };
        ahead + sizes.iter().filter(|(price, _)| better(price)).map(|(_, size)| size).sum::<Count>()
    }

    fn market_mut(&mut self, ticker: &str) -> Result<&mut Market, Refusal> {
        self.markets.get_mut(ticker).ok_or_else(Refusal::market_not_found)
    }

    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// Changes the level of an order by `delta`, keeping sizes, clock and announcement together.
    fn change_level(&mut self, number: u64, delta: Count, now_us: i64) {
        let Some(order) = self.orders.get(&number) else { return };
        let Some(market) = self.markets.of_mut(order) else { return };
        let sizes = if order.side == Side::Bid { &mut market.bid_sizes } else { &mut market.ask_sizes };
        let size = sizes.entry(order.price).or_insert(0);
        *size += delta;
        if *size == 0 {
            sizes.remove(&order.price);
        }
        market.clock += 1;
        let leg = order.side.outcome();
        let price = if order.side == Side::Bid { order.price } else { units::DOLLAR - order.price };
        let has_owner = self.accounts.get(order.account).is_some_and(|account| !account.has_credit);
        let owner = has_owner.then(|| Owner {
            account: order.member,
            client_order_id: Arc::clone(&order.client_order_id),
            subaccount: order.subaccount,
        });
        self.events.push(VenueEvent::BookChange {
            ticker: Arc::clone(&market.ticker),
            market_id: Arc::clone(&market.market_id),
            clock: market.clock,
            leg,
            price,
            delta,
            ts_us: now_us,
            owner,
        });
    }

    /// Tells a member what became of the order, and forgets finished orders of the population.
    fn announce_order(&mut self, number: u64, reason: &'static str) {
        let Some(order) = self.orders.share(number) else { return };
        let account = order.member;
        if self.accounts.get(account).is_some_and(|account| account.has_credit) {
            if order.status != order::OrderStatus::Resting {
                self.orders.remove(&number);
                if let Some(account) = self.accounts.get_mut(account) {
                    account.orders.remove(&number);
                }
            }
            return;
        }
        self.events.push(VenueEvent::UserOrder { account, order, reason });
    }
}

#[cfg(test)]
mod member_tests;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod steer_tests;
#[cfg(test)]
pub(crate) mod tests;
