//! A million random histories of the matching core beside a book so plain that it can be read at a glance.
//!
//! Every history trades one market among three members with little or much money and ends in its settlement. After each
//! command: every match is the one the plain book expects (best price first, first come first), its fees are those of the
//! formula written down here a second time, the book does not cross, and no micro-dollar has come or gone. One history in
//! ten thousand is long and of crumbs, so that large orders collect rounding until whole cents of it come back.
//! `OUTRIGGER_HISTORIES` sets how many, `OUTRIGGER_FIRST_HISTORY` where to begin: a failure names its number.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells its figures"
)]

mod plain;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::thread;

use outrigger_simulator::venue::dice::Dice;
use outrigger_simulator::venue::event::Side;
use outrigger_simulator::venue::fees::{FeeKind, FeeSchedule};
use outrigger_simulator::venue::grid::{DECI_CENT, Grid, LINEAR_CENT, TAPERED_DECI_CENT};
use outrigger_simulator::venue::market::{Listing, Outcome};
use outrigger_simulator::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};
use outrigger_simulator::venue::{Amendment, Reduction, Venue};

use plain::PlainBook;

const HISTORIES: u64 = 1_000_000;
/// Every so many histories one is of crumbs.
const CRUMBS_EVERY: u64 = 10_000;
/// What a large order among crumbs wants, in 1e-2 contracts.
const LARGE: i64 = 100_000;
const TICKER: &str = "KXH-1";
const MEMBERS: usize = 3;
const START_US: i64 = 1_790_000_000_000_000;
const CLOSE_US: i64 = START_US + 60_000_000;

#[test]
fn a_million_histories_conserve_money_and_keep_the_queue() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
    };
    let (first, count) = (number("OUTRIGGER_FIRST_HISTORY", 0), number("OUTRIGGER_HISTORIES", HISTORIES));
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let told = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    let mine = (first..first + count).skip(worker as usize).step_by(threads as usize);
                    mine.map(|number| History::new(number).run()).fold(Told::default(), Told::add)
                })
            })
            .collect();
        let ended = workers.into_iter().map(|worker| worker.join().expect("a history failed"));
        ended.fold(Told::default(), Told::add)
    });
    let Told { commands, matches, rebates } = told;
    println!("{count} histories, {commands} commands, {matches} matches, {rebates} rebates of rounding");
    assert!(matches > count, "histories that do not trade prove nothing");
    assert!(
        rebates > 0 || count < 20 * CRUMBS_EVERY,
        "rounding that never comes back proves nothing of rebates"
    );
}

/// What histories did.
#[derive(Default)]
struct Told {
    commands: u64,
    matches: u64,
    rebates: u64,
}

impl Told {
    fn add(self, other: Told) -> Told {
        Told {
            commands: self.commands + other.commands,
            matches: self.matches + other.matches,
            rebates: self.rebates + other.rebates,
        }
    }
}

struct History {
    number: u64,
    dice: Dice,
    venue: Venue,
    plain: PlainBook,
    total: i64,
    /// The grid's step.
    tick: i64,
    /// Hundredths of contracts trade with a few large orders.
    is_of_crumbs: bool,
    commands: u64,
}

impl History {
    fn new(number: u64) -> History {
        let mut dice = Dice::new(number);
        let is_of_crumbs = number.is_multiple_of(CRUMBS_EVERY);
        let grids = [LINEAR_CENT, DECI_CENT, TAPERED_DECI_CENT];
        // Whole cents need no rounding.
        let grid = if is_of_crumbs { DECI_CENT } else { grids[dice.between(0, 2) as usize] };
        let kinds = [
            FeeKind::Quadratic,
            FeeKind::QuadraticWithMakerFees,
            FeeKind::QuadraticWithComboMakerFees,
            FeeKind::Flat,
        ];
        let fees =
            FeeSchedule { kind: kinds[dice.between(0, 3) as usize], multiplier: dice.between(0, 2_000) };
        let mut venue = Venue::new(number);
        // Some members cannot pay for all they ask.
        let cash = match is_of_crumbs {
            true => 1_000_000_000_000,
            false => [2_000_000, 20_000_000, 1_000_000_000][dice.between(0, 2) as usize],
        };
        for _ in 0..MEMBERS {
            venue.open_account(false, BTreeMap::from([(0, cash)]));
        }
        venue.list(listing(&mut dice, grid, fees), START_US);
        venue.advance(START_US);
        venue.drain_events();
        let tick = if grid == DECI_CENT { 10 } else { 100 };
        let total = cash * MEMBERS as i64;
        History { number, dice, venue, plain: PlainBook::new(fees), total, tick, is_of_crumbs, commands: 0 }
    }

    fn run(mut self) -> Told {
        let commands = if self.is_of_crumbs { 5_000 } else { self.dice.between(8, 32) };
        for step in 0..commands {
            self.command(START_US + step * 1_000);
            let events: Vec<_> = self.venue.drain_events().collect();
            self.plain.see(&events, &format!("history {}, command {step}", self.number));
            self.check(step);
            self.commands += 1;
        }
        self.settle();
        Told { commands: self.commands, matches: self.plain.matches, rebates: self.plain.rebates }
    }

    fn command(&mut self, now_us: i64) {
        let member = self.dice.between(0, MEMBERS as i64 - 1) as usize;
        let own = self.plain.resting_of(member);
        let picked =
            (!own.is_empty()).then(|| own[self.dice.between(0, own.len() as i64 - 1) as usize].clone());
        // Large orders must live long enough.
        let kind = self.dice.between(if self.is_of_crumbs { 4 } else { 0 }, 9);
        match (kind, picked) {
            (0, Some(order)) => {
                let canceled = self.venue.cancel(member, &order.id, None, now_us).expect("a resting order");
                assert_eq!(canceled.reduced_by, order.remaining);
                self.plain.cancel(&order.id);
            }
            (1, Some(order)) => {
                let by = self.dice.between(1, 400);
                self.venue
                    .decrease(member, &order.id, Reduction::By(by), None, now_us)
                    .expect("a resting order");
                self.plain.shrink(&order.id, (order.remaining - by).max(0));
            }
            (2, Some(order)) => {
                let (price, count) = (self.price(), order.filled + self.dice.between(1, 600));
                let amendment = Amendment {
                    ticker: TICKER.to_owned(),
                    side: order.side,
                    price,
                    count,
                    client_order_id: None,
                    updated_client_order_id: None,
                    expiration_time: None,
                };
                if self.venue.amend(member, &order.id, &amendment, None, now_us).is_ok() {
                    self.plain.amend(&order.id, price, count);
                }
            }
            (kind, _) => self.place(member, kind, now_us),
        }
    }

    fn place(&mut self, member: usize, kind: i64, now_us: i64) {
        let side = if self.dice.chance(50) { Side::Bid } else { Side::Ask };
        let (price, count) = self.terms(side);
        // A large order takes its member's crumbs out of the way, a crumb never a large order.
        let clears_own = if self.is_of_crumbs { count == LARGE } else { self.dice.chance(50) };
        let order = NewOrder {
            ticker: TICKER.to_owned(),
            client_order_id: None,
            side,
            price,
            count,
            time_in_force: match kind {
                3 => TimeInForce::ImmediateOrCancel,
                4 => TimeInForce::FillOrKill,
                _ => TimeInForce::GoodTillCanceled,
            },
            self_trade_prevention: match clears_own {
                true => SelfTradePrevention::Maker,
                false => SelfTradePrevention::TakerAtCross,
            },
            post_only: kind == 5,
            reduce_only: kind == 3 && self.dice.chance(30),
            cancel_order_on_pause: false,
            expiration_time: None,
            subaccount: 0,
            order_group_id: None,
            exchange_index: None,
        };
        let net = self.venue.accounts[member].position(TICKER).net;
        match self.venue.place(member, &order, now_us) {
            Ok(placed) => self.plain.place(member, &order, net, &placed),
            Err(refusal) => self.plain.refuse(&order, refusal.code),
        }
    }

    /// Returns price and count; the few large orders among crumbs rest before all others.
    fn terms(&mut self, side: Side) -> (i64, i64) {
        if !self.is_of_crumbs {
            return (self.price(), self.dice.between(1, 900));
        }
        match self.dice.between(0, 1_199) {
            0 => {}
            // A match whose fee is more than a cent, so that one can come back.
            1..=30 => return (self.price(), LARGE / 50),
            _ => return (self.price(), self.dice.between(1, 9)),
        }
        (if side == Side::Bid { 5_000 + 5 * self.tick } else { 5_000 - 5 * self.tick }, LARGE)
    }

    fn price(&mut self) -> i64 {
        5_000 + self.dice.between(-5, 5) * self.tick
    }

    fn check(&self, step: i64) {
        let place = || format!("history {}, command {step}", self.number);
        let accounts = &self.venue.accounts;
        let cash: i64 = accounts.iter().map(|account| account.cash_total()).sum();
        let nets: Vec<i64> = accounts.iter().map(|account| account.position(TICKER).net).collect();
        let long: i64 = nets.iter().map(|net| net.max(&0)).sum();
        assert_eq!(nets.iter().sum::<i64>(), 0, "{}: every YES has its NO", place());
        assert_eq!(cash + long * 10_000 + self.venue.fees_taken, self.total, "{}: money", place());
        assert_eq!(self.venue.fees_taken, self.plain.fees_taken, "{}: fees", place());
        assert!(accounts.iter().all(|account| account.cash_total() >= 0), "{}: nobody owes", place());
        let market = self.venue.market(TICKER).expect("the market");
        if let (Some((bid, _)), Some((ask, _))) = (market.best_bid(), market.best_ask()) {
            assert!(bid < ask, "{}: the book crosses", place());
        }
        self.plain.same_levels(market, &place);
    }

    fn settle(&mut self) {
        let place = || format!("history {}, settlement", self.number);
        for after_s in [0, 10, 30] {
            self.venue.advance(CLOSE_US + after_s * 1_000_000);
        }
        let accounts = &self.venue.accounts;
        assert!(accounts.iter().all(|account| account.position(TICKER).net == 0), "{}: positions", place());
        assert!(accounts.iter().all(|account| account.position(TICKER).cost == 0), "{}: costs", place());
        let cash: i64 = accounts.iter().map(|account| account.cash_total()).sum();
        assert_eq!(cash + self.venue.fees_taken, self.total, "{}: money", place());
    }
}

fn listing(dice: &mut Dice, grid: Grid, fees: FeeSchedule) -> Listing {
    let (result, value) =
        [("yes", 10_000), ("no", 0), ("scalar", dice.between(1, 9_999))][dice.between(0, 2) as usize];
    Listing {
        ticker: TICKER.to_owned(),
        event_ticker: "KXH".to_owned(),
        series_ticker: "KXH".to_owned(),
        event_title: String::new(),
        title: String::new(),
        yes_sub_title: String::new(),
        exchange_index: 0,
        grid,
        fees,
        open_us: START_US,
        close_us: CLOSE_US,
        settlement_timer_s: 10,
        can_close_early: false,
        outcome: Outcome { result, value },
        first_price: 5_000,
    }
}
