//! Repeated, reordered, late and lost frames change nothing: whatever of the stream arrives in whatever order, with reads of
//! any age between, the desk ends as one that saw everything once and in order.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test: a failure is a panic that shows its case"
)]

mod shared;

use std::collections::BTreeMap;

use outrigger_engine::desk::command::DeskCommand;
use outrigger_engine::desk::view::{BalanceView, OrderView};
use outrigger_engine::desk::{Desk, DeskConfig, DeskInput, DeskState, Holding, WaiterId};
use outrigger_engine::domain::{
    Count, Money, Monotonic, Now, OrderId, Price, Side, SignedCount, Ticker, VenueTime, WallTime,
};
use outrigger_engine::journal::{Entry, NewOrder, StoredEntry};
use outrigger_engine::risk::Limits;
use outrigger_engine::venue::{
    Accepted, PrivateItem, ReportScope, VenueBalance, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition,
    VenueReport, WriteKind, WriteOutcome, WriteReply,
};
use proptest::prelude::*;
use shared::{contracts, intent, market};

const TICKER: &str = "KXA-1";
const START_MS: i64 = 1_000_000;

/// One thing that happens at the venue: order `of` fills by a contract, gets another price, or is cancelled.
#[derive(Debug, Clone)]
enum Event {
    Fill { of: usize },
    Reprice { of: usize },
    Cancel { of: usize },
}

/// What reaches the desk: a message of the stream about event number `n`, or a complete read as of then.
#[derive(Debug, Clone)]
enum Delivery {
    Fill(usize),
    Order(usize),
    Position(usize),
    Report(usize),
}

/// The account at the venue after some number of events.
#[derive(Clone)]
struct Venue {
    orders: Vec<VenueOrder>,
    fills: Vec<VenueFill>,
    position: SignedCount,
    /// Micro-dollars.
    cash: i64,
    touched: usize,
}

/// Orders 0 and 1 are the desk's, 2 was placed elsewhere.
fn order(n: usize) -> VenueOrder {
    VenueOrder {
        venue_order_id: format!("v{n}").as_str().into(),
        client_order_id: (n < 2).then(|| format!("c{n}").as_str().into()),
        ticker: TICKER.into(),
        side: if n == 1 { Side::Ask } else { Side::Bid },
        price: "0.5000".parse().unwrap(),
        status: VenueOrderStatus::Resting,
        initial_count: contracts(4),
        fill_count: Count::ZERO,
        remaining_count: contracts(4),
        exchange_index: 0,
        created_ms: Some(VenueTime(START_MS)),
        updated_ms: Some(VenueTime(START_MS)),
        reason: None,
    }
}

impl Venue {
    fn new() -> Venue {
        let orders = (0..3).map(order).collect();
        Venue { orders, fills: vec![], position: SignedCount::ZERO, cash: 0, touched: 0 }
    }

    fn after(&self, number: usize, event: &Event) -> Venue {
        let mut next = self.clone();
        let ms = VenueTime(START_MS + 10 * (number as i64 + 1));
        let of = match event {
            Event::Fill { of } | Event::Reprice { of } | Event::Cancel { of } => *of,
        };
        next.touched = of;
        let order = &mut next.orders[of];
        if order.status != VenueOrderStatus::Resting {
            return next;
        }
        order.updated_ms = Some(ms);
        match event {
            Event::Cancel { .. } => {
                (order.status, order.remaining_count) = (VenueOrderStatus::Canceled, Count::ZERO);
                return next;
            }
            Event::Reprice { .. } => {
                order.price = Price::from_ten_thousandths(100 * (number as u16 + 1)).unwrap();
                return next;
            }
            Event::Fill { .. } => {}
        }
        order.fill_count = order.fill_count.checked_add(contracts(1)).unwrap();
        order.remaining_count = order.remaining_count.checked_sub(contracts(1)).unwrap();
        if order.remaining_count.is_zero() {
            order.status = VenueOrderStatus::Executed;
        }
        let size = contracts(1).signed();
        next.position =
            self.position.checked_add(if order.side == Side::Bid { size } else { size.negated() }).unwrap();
        next.cash += if order.side == Side::Bid { -500_000 } else { 500_000 };
        next.fills.push(VenueFill {
            trade_id: format!("t{number}").as_str().into(),
            venue_order_id: order.venue_order_id.clone(),
            client_order_id: order.client_order_id.clone(),
            ticker: TICKER.into(),
            side: order.side,
            price: order.price,
            count: contracts(1),
            fee: "0.010000".parse().unwrap(),
            is_taker: false,
            ts_ms: ms,
            post_position: Some(next.position),
        });
        next
    }

    fn position(&self) -> VenuePosition {
        let (realized_pnl, fees_paid, exposure) = (None, None, None);
        VenuePosition { ticker: TICKER.into(), position: self.position, realized_pnl, fees_paid, exposure }
    }

    fn report(&self, number: usize, started: WallTime) -> VenueReport {
        VenueReport {
            scope: ReportScope::default(),
            started,
            as_of: VenueTime(START_MS + 10 * number as i64),
            orders: self.orders.clone(),
            orders_not_found: vec![],
            fills: self.fills.iter().rev().cloned().collect(),
            positions: vec![self.position()],
            settlements: vec![],
            balance: VenueBalance { cash: Money::from_micros(self.cash), ..VenueBalance::default() },
        }
    }
}

/// A desk, its journal, and a clock that moves on with every input.
struct World {
    desk: Desk,
    journal: Vec<StoredEntry>,
    ms: i64,
}

/// What must be the same whatever arrived.
type Ending = (BTreeMap<OrderId, OrderView>, BTreeMap<Ticker, Holding>, Option<BalanceView>, Vec<String>);

impl World {
    /// A desk that has reconciled and whose two orders rest.
    fn new() -> World {
        let config =
            DeskConfig { limits: Limits::default(), acceptance_window_ms: 500, report_interval_ms: 2_000 };
        let desk = Desk::new(DeskState::default(), config);
        let mut world = World { desk, journal: vec![], ms: START_MS };
        let nothing = Venue { orders: vec![], ..Venue::new() };
        world.report(&nothing, 0);
        for n in 0..2 {
            let command = DeskCommand::Place { order: placed(n), market: market(TICKER) };
            world.input(DeskInput::Command { command, waiter: WaiterId(n as u64) });
            let accepted = Accepted {
                venue_order_id: format!("v{n}").as_str().into(),
                fill_count: Some(Count::ZERO),
                remaining_count: Some(contracts(4)),
                ts_ms: Some(VenueTime(START_MS)),
            };
            let (order_id, outcome) = (placed(n).order_id, WriteOutcome::Accepted(accepted));
            world.input(DeskInput::Venue(WriteReply {
                order_id,
                attempt: 1,
                kind: WriteKind::Create,
                outcome,
            }));
        }
        world
    }

    fn input(&mut self, input: DeskInput) {
        self.ms += 50;
        let now = Now { wall: WallTime(self.ms * 1000), monotonic: Monotonic(self.ms as u64 * 1_000_000) };
        self.journal.extend(self.desk.step(input, now, "test").entries);
    }

    fn report(&mut self, venue: &Venue, number: usize) {
        let report = venue.report(number, WallTime(self.ms * 1000));
        self.input(DeskInput::Report(Ok(report)));
    }

    fn deliver(&mut self, history: &[Venue], delivery: &Delivery) {
        let at = |n: usize| 1 + n % (history.len() - 1);
        match *delivery {
            Delivery::Fill(n) => {
                let told = history[at(n)].fills.len() > history[at(n) - 1].fills.len();
                if let Some(fill) = history[at(n)].fills.last().filter(|_| told) {
                    self.input(DeskInput::Private(PrivateItem::Fill(fill.clone())));
                }
            }
            Delivery::Order(n) => {
                let venue = &history[at(n)];
                let order = venue.orders[venue.touched].clone();
                self.input(DeskInput::Private(PrivateItem::Order(order)));
            }
            Delivery::Position(n) => {
                self.input(DeskInput::Private(PrivateItem::Position(history[at(n)].position())));
            }
            Delivery::Report(n) => self.report(&history[at(n)], at(n)),
        }
        self.input(DeskInput::Tick);
    }

    fn ending(self) -> Ending {
        let state = self.desk.state();
        let mut fills = Vec::new();
        for entry in &self.journal {
            if let Entry::FillRecorded { order_id, fill } = &entry.entry {
                fills.push(format!("{} {order_id} {} {}", fill.trade_id, fill.count, fill.fee));
            }
        }
        fills.sort_unstable();
        let moment = WallTime(0);
        let view = |view: OrderView| OrderView { created_us: moment, updated_us: moment, ..view };
        let orders = state.orders.values().map(|order| (order.order_id, view(order.view()))).collect();
        let balance = state.balance.clone().map(|view| BalanceView { as_of_ms: VenueTime(0), ..view });
        (orders, state.holdings.clone(), balance, fills)
    }
}

fn placed(n: usize) -> NewOrder {
    intent(n as u64, TICKER, order(n).side, contracts(4))
}

fn events(orders: usize) -> impl Strategy<Value = Vec<Event>> {
    let event = (0..orders, 0_u8..10).prop_map(|(of, kind)| match kind {
        0 => Event::Cancel { of },
        1 | 2 => Event::Reprice { of },
        _ => Event::Fill { of },
    });
    proptest::collection::vec(event, 1..16)
}

fn deliveries() -> impl Strategy<Value = Vec<Delivery>> {
    let delivery = (0_usize..64, 0_u8..10).prop_map(|(n, kind)| match kind {
        0..=3 => Delivery::Fill(n),
        4..=6 => Delivery::Order(n),
        7 | 8 => Delivery::Position(n),
        _ => Delivery::Report(n),
    });
    proptest::collection::vec(delivery, 0..60)
}

fn history(events: &[Event]) -> Vec<Venue> {
    let mut history = vec![Venue::new()];
    for (number, event) in events.iter().enumerate() {
        let next = history.last().unwrap().after(number, event);
        history.push(next);
    }
    history
}

/// Everything once, as it happened.
fn in_order(events: usize) -> Vec<Delivery> {
    (0..events).flat_map(|n| [Delivery::Fill(n), Delivery::Order(n)]).collect()
}

fn delivered(history: &[Venue], deliveries: &[Delivery]) -> World {
    let mut world = World::new();
    deliveries.iter().for_each(|delivery| world.deliver(history, delivery));
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_arrives_or_is_lost_ends_the_same_once_it_is_read_back(
        events in events(3),
        deliveries in deliveries(),
    ) {
        let history = history(&events);
        let (last, number) = (history.last().unwrap(), history.len() - 1);
        let mut worlds = [in_order(events.len()), deliveries].map(|given| delivered(&history, &given));
        for world in &mut worlds {
            (0..4).for_each(|_| world.report(last, number));
        }
        let [expected, ending] = worlds.map(World::ending);
        prop_assert_eq!(expected.3.len(), last.fills.len(), "each fill once");
        prop_assert_eq!(expected.1.values().next().map(|held| held.net).unwrap_or_default(), last.position);
        prop_assert_eq!(ending, expected);
    }

    #[test]
    fn repeats_and_another_order_change_nothing_even_before_anything_is_read_back(
        events in events(2),
        (seed, repeats) in (any::<u64>(), 0_usize..20),
    ) {
        let history = history(&events);
        let mut shuffled = in_order(events.len());
        let mut dice = seed | 1;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) as usize % sides
        };
        for _ in 0..repeats {
            let again = shuffled[roll(shuffled.len())].clone();
            shuffled.push(again);
        }
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, roll(at + 1));
        }
        let [expected, ending] =
            [in_order(events.len()), shuffled].map(|given| delivered(&history, &given).ending());
        prop_assert_eq!(ending, expected);
    }
}
