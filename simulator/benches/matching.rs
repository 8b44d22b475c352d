//! Commands per second of the pure core, on one core: `cargo bench -p outrigger-simulator --bench matching`.
//!
//! Four members with collateral, fees and private events trade 20 markets: six of ten commands place inside or near the
//! spread, three cancel, one decreases; events are taken after every command as a server would.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints its figures and may fail"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use outrigger_simulator::venue::dice::Dice;
use outrigger_simulator::venue::event::Side;
use outrigger_simulator::venue::fees::{FeeKind, FeeSchedule};
use outrigger_simulator::venue::grid::LINEAR_CENT;
use outrigger_simulator::venue::market::{Listing, Outcome};
use outrigger_simulator::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};
use outrigger_simulator::venue::{Reduction, Venue};

const START_US: i64 = 1_790_000_000_000_000;
const MARKETS: i64 = 20;
const MEMBERS: usize = 4;
/// Orders a member keeps resting, in all markets together.
const RESTING_MAX: usize = 200;
const COMMANDS: u64 = 1_000_000;
const ROUNDS: usize = 7;

fn listing(number: i64) -> Listing {
    Listing {
        ticker: format!("KXBENCH-26-T{number}"),
        event_ticker: "KXBENCH-26".to_owned(),
        series_ticker: "KXBENCH".to_owned(),
        event_title: "bench".to_owned(),
        title: "bench".to_owned(),
        yes_sub_title: String::new(),
        exchange_index: 0,
        grid: LINEAR_CENT,
        fees: FeeSchedule { kind: FeeKind::QuadraticWithMakerFees, multiplier: 1_000 },
        open_us: START_US,
        close_us: i64::MAX / 2,
        settlement_timer_s: 60,
        can_close_early: true,
        outcome: Outcome { result: "no", value: 0 },
        first_price: 5_000,
    }
}

fn order(dice: &mut Dice, tickers: &[String]) -> NewOrder {
    let side = if dice.chance(50) { Side::Bid } else { Side::Ask };
    let at = dice.between(0, MARKETS - 1) as usize;
    NewOrder {
        ticker: tickers[at].clone(),
        client_order_id: None,
        side,
        price: (50 + dice.between(-12, 12) + if side == Side::Bid { -6 } else { 6 }) * 100,
        count: dice.between(1, 20) * 100,
        time_in_force: TimeInForce::GoodTillCanceled,
        self_trade_prevention: SelfTradePrevention::Maker,
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        subaccount: 0,
        order_group_id: None,
        exchange_index: Some(0),
    }
}

struct Bench {
    venue: Venue,
    resting: Vec<Vec<Arc<str>>>,
    dice: Dice,
    trades: u64,
    events: usize,
}

impl Bench {
    fn new() -> Bench {
        let mut venue = Venue::new(7);
        for _ in 0..MEMBERS {
            venue.open_account(false, BTreeMap::from([(0, 1_000_000_000_000_000)]));
        }
        for number in 0..MARKETS {
            venue.list(listing(number), START_US);
        }
        venue.advance(START_US);
        Bench { venue, resting: vec![Vec::new(); MEMBERS], dice: Dice::new(3), trades: 0, events: 0 }
    }

    fn command(&mut self, order: &NewOrder, now_us: i64) {
        let member = self.dice.between(0, MEMBERS as i64 - 1) as usize;
        let kind = self.dice.between(0, 9);
        let resting = &mut self.resting[member];
        if resting.len() > RESTING_MAX || (kind >= 6 && !resting.is_empty()) {
            let at = self.dice.between(0, resting.len() as i64 - 1) as usize;
            if kind == 9 {
                drop(self.venue.decrease(member, &resting[at], Reduction::By(100), None, now_us));
            } else {
                let id = resting.swap_remove(at);
                drop(self.venue.cancel(member, &id, None, now_us));
            }
        } else if let Ok(placed) = self.venue.place(member, order, now_us) {
            self.trades += u64::from(placed.filled > 0);
            if placed.remaining > 0 {
                resting.push(placed.order_id);
            }
        }
        self.events += self.venue.drain_events().count();
    }
}

/// Time this thread has spent on a core, so that other work on the machine does not count.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn main() {
    let tickers: Vec<String> = (0..MARKETS).map(|number| listing(number).ticker).collect();
    let mut dice = Dice::new(11);
    let orders: Vec<NewOrder> = (0..100_000).map(|_| order(&mut dice, &tickers)).collect();
    let mut rates: Vec<f64> = Vec::new();
    for round in 0..=ROUNDS {
        let mut bench = Bench::new();
        let started_ns = cpu_ns();
        for (now_us, order) in (START_US..).zip(orders.iter().cycle()).take(COMMANDS as usize) {
            bench.command(order, now_us);
        }
        let rate = COMMANDS as f64 / ((cpu_ns() - started_ns) as f64 / 1e9);
        if round == 0 {
            println!("{} trades, {} events in {COMMANDS} commands", bench.trades, bench.events);
        } else {
            rates.push(rate);
        }
    }
    rates.sort_by(f64::total_cmp);
    println!(
        "commands per second of one core, {ROUNDS} rounds: min {:.0}, median {:.0}, max {:.0}",
        rates[0],
        rates[ROUNDS / 2],
        rates[ROUNDS - 1]
    );
}
