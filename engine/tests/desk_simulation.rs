//! The desk against a small venue that loses answers, lags its reads, repeats and drops fills, while the process crashes
//! at any point and loses what was not committed. Seeded: a failure prints its seed.
//!
//! Checked after every step: one intent at most one order (I1), fills counted once (I3), nothing called rejected that the
//! venue knows (I4), no order of ours at the venue without an intent (I6), none leaves after a halt (I9). At the end the
//! desk equals the venue (I5).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test: a failure is a panic that names its seed"
)]

use std::collections::{BTreeMap, VecDeque};

use outrigger_engine::desk::command::DeskCommand;
use outrigger_engine::desk::view::OrderStatus;
use outrigger_engine::desk::{Desk, DeskConfig, DeskInput, DeskState, Effect, WaiterId};
use outrigger_engine::domain::{
    Count, Market, MarketStatus, Monotonic, Now, OrderId, PriceGrid, PriceRange, Side, SignedCount,
    VenueTime, WallTime,
};
use outrigger_engine::journal::{HaltMode, NewOrder, StoredEntry};
use outrigger_engine::risk::Limits;
use outrigger_engine::venue::{
    Accepted, PrivateItem, ReportScope, VenueBalance, VenueFill, VenueOrder, VenueOrderStatus, VenuePosition,
    VenueReport, VenueWrite, WriteKind, WriteOutcome, WriteReply,
};

const WINDOW_MS: i64 = 500;
const TICKER: &str = "KXA-1";

/// A small deterministic generator (xorshift), so that a seed means the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

fn count(n: u64) -> Count {
    Count::from_hundredths(n * 100).unwrap()
}

/// The exchange: orders by id, fills, and a copy of its past for lagging reads.
#[derive(Clone, Default)]
struct Venue {
    orders: BTreeMap<String, VenueOrder>,
    fills: Vec<VenueFill>,
}

impl Venue {
    fn create(&mut self, client_id: &str, side: Side, size: Count, ms: i64) -> Result<VenueOrder, ()> {
        let id = format!("v-{client_id}");
        if self.orders.contains_key(&id) {
            return Err(());
        }
        let order = VenueOrder {
            venue_order_id: id.as_str().into(),
            client_order_id: Some(client_id.into()),
            ticker: TICKER.into(),
            side,
            price: "0.5000".parse().unwrap(),
            status: VenueOrderStatus::Resting,
            initial_count: size,
            fill_count: Count::ZERO,
            remaining_count: size,
            exchange_index: 0,
            created_ms: Some(VenueTime(ms)),
            updated_ms: Some(VenueTime(ms)),
            reason: None,
        };
        self.orders.insert(id, order.clone());
        Ok(order)
    }

    fn cancel(&mut self, id: &str, ms: i64) -> Option<VenueOrder> {
        let order = self.orders.get_mut(id).filter(|order| order.status == VenueOrderStatus::Resting)?;
        order.status = VenueOrderStatus::Canceled;
        order.remaining_count = Count::ZERO;
        order.updated_ms = Some(VenueTime(ms));
        Some(order.clone())
    }

    fn fill(&mut self, dice: &mut Dice, ms: i64) -> Option<VenueFill> {
        let resting: Vec<_> =
            self.orders.values_mut().filter(|o| o.status == VenueOrderStatus::Resting).collect();
        let many = resting.len() as u64;
        let order = resting.into_iter().nth(dice.roll(many.max(1)) as usize)?;
        let size = count(1).min(order.remaining_count);
        order.fill_count = order.fill_count.checked_add(size).unwrap();
        order.remaining_count = order.remaining_count.checked_sub(size).unwrap();
        order.updated_ms = Some(VenueTime(ms));
        if order.remaining_count.is_zero() {
            order.status = VenueOrderStatus::Executed;
        }
        let fill = VenueFill {
            trade_id: format!("t{}", self.fills.len()).as_str().into(),
            venue_order_id: order.venue_order_id.clone(),
            client_order_id: order.client_order_id.clone(),
            ticker: TICKER.into(),
            side: order.side,
            price: order.price,
            count: size,
            fee: "0.010000".parse().unwrap(),
            is_taker: false,
            ts_ms: VenueTime(ms),
            post_position: None,
        };
        self.fills.push(fill.clone());
        let fill = VenueFill { post_position: Some(self.position()), ..fill };
        Some(fill)
    }

    fn position(&self) -> SignedCount {
        self.fills.iter().fold(SignedCount::ZERO, |sum, fill| {
            let size = fill.count.signed();
            sum.checked_add(if fill.side == Side::Bid { size } else { size.negated() }).unwrap()
        })
    }

    /// What the venue lists for `scope`, and nothing else.
    fn report(&self, scope: ReportScope, started: i64, as_of: i64) -> VenueReport {
        let since = scope.since.map_or(i64::MIN, |since| since.0);
        let is_listed = |order: &&VenueOrder| {
            order.status == VenueOrderStatus::Resting
                || order.created_ms.is_some_and(|created| created.0 >= since)
                || scope.orders.contains(&order.venue_order_id)
        };
        let orders = self.orders.values().filter(is_listed).cloned().collect();
        let orders_not_found =
            scope.orders.iter().filter(|id| !self.orders.contains_key(id.as_str())).cloned().collect();
        let is_read =
            |fill: &&VenueFill| fill.ts_ms.0 >= since || scope.fills_of.contains(&fill.venue_order_id);
        let fills = self.fills.iter().rev().filter(is_read);
        let fills = fills
            .map(|fill| VenueFill { client_order_id: None, post_position: None, ..fill.clone() })
            .collect();
        let position = VenuePosition {
            ticker: TICKER.into(),
            position: self.position(),
            realized_pnl: None,
            fees_paid: None,
            exposure: None,
        };
        VenueReport {
            scope,
            started: WallTime(started * 1000),
            as_of: VenueTime(as_of),
            orders,
            orders_not_found,
            fills,
            positions: vec![position],
            settlements: vec![],
            balance: VenueBalance::default(),
        }
    }
}

/// A world of one desk, one disk and one venue.
struct World {
    dice: Dice,
    ms: i64,
    venue: Venue,
    past: Venue,
    past_ms: i64,
    desk: Desk,
    disk: Vec<StoredEntry>,
    volatile: Vec<StoredEntry>,
    held: VecDeque<(u64, Vec<Effect>)>,
    wire: Vec<(OrderId, u64, VenueWrite)>,
    scopes: Vec<ReportScope>,
    halted: bool,
    faulty: bool,
    placed: u64,
}

fn desk(disk: &[StoredEntry]) -> Desk {
    let mut state = DeskState::default();
    disk.iter().for_each(|entry| state.apply(entry));
    let limits = Limits { max_open_orders: 1_000_000, ..Limits::default() };
    let (acceptance_window_ms, report_interval_ms) = (WINDOW_MS as u64, 2_000);
    Desk::new(state, DeskConfig { limits, acceptance_window_ms, report_interval_ms })
}

impl World {
    fn new(seed: u64) -> World {
        World {
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            ms: 1_000_000,
            venue: Venue::default(),
            past: Venue::default(),
            past_ms: 1_000_000,
            desk: desk(&[]),
            disk: vec![],
            volatile: vec![],
            held: VecDeque::new(),
            wire: vec![],
            scopes: vec![],
            halted: false,
            faulty: true,
            placed: 0,
        }
    }

    fn input(&mut self, input: DeskInput) {
        let now = Now { wall: WallTime(self.ms * 1000), monotonic: Monotonic(self.ms as u64 * 1_000_000) };
        let step = self.desk.step(input, now, "sim");
        self.volatile.extend(step.entries);
        for effect in step.at_once {
            self.perform(effect);
        }
        self.held.push_back((self.desk.state().seq, step.after_commit));
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Send { order_id, attempt, cleared } => {
                self.wire.push((order_id, attempt, cleared.into_write()))
            }
            Effect::Cancel { order_id, attempt, write } => self.wire.push((order_id, attempt, write)),
            Effect::Report(scope) => self.scopes.push(scope),
            Effect::Reply { .. } | Effect::Publish(_) | Effect::Reconciled { .. } | Effect::HaltSwitch(_) => {
            }
        }
    }

    fn commit(&mut self) {
        self.disk.append(&mut self.volatile);
        let durable = self.disk.last().map_or(0, |entry| entry.seq);
        while self.held.front().is_some_and(|(seq, _)| *seq <= durable) {
            for effect in self.held.pop_front().unwrap().1 {
                self.perform(effect);
            }
        }
    }

    /// The process dies: memory, queues and what was not committed are gone; requests on the wire may still arrive.
    fn crash(&mut self) {
        self.volatile.clear();
        self.held.clear();
        self.scopes.clear();
        let in_flight = std::mem::take(&mut self.wire);
        for (_, _, write) in in_flight {
            if self.dice.chance(50) {
                self.at_venue(&write);
            }
        }
        self.desk = desk(&self.disk);
        self.input(DeskInput::Recover);
    }

    /// The venue executes a write; returns its honest answer.
    fn at_venue(&mut self, write: &VenueWrite) -> WriteOutcome {
        let accepted = |order: VenueOrder| {
            WriteOutcome::Accepted(Accepted {
                venue_order_id: order.venue_order_id,
                fill_count: Some(order.fill_count),
                remaining_count: Some(order.remaining_count),
                ts_ms: order.updated_ms,
            })
        };
        let unknown = |reason: &str| WriteOutcome::Unknown { reason: reason.into() };
        match write {
            VenueWrite::Create(create) => {
                assert!(!self.halted, "an order left after the halt was acknowledged (I9)");
                let made =
                    self.venue.create(create.client_order_id.as_str(), create.side, create.count, self.ms);
                made.map_or_else(|()| unknown("order_already_exists"), accepted)
            }
            VenueWrite::Cancel(target) => self
                .venue
                .cancel(target.venue_order_id.as_str(), self.ms)
                .map_or_else(|| unknown("not_found"), accepted),
            VenueWrite::Amend { .. } | VenueWrite::Decrease { .. } => unknown("not played here"),
        }
    }

    fn step(&mut self) {
        // Now and then much time passes, so that what is old lies before what reads reach back to.
        self.ms += if self.dice.chance(2) { 90_000 } else { self.dice.roll(120) as i64 };
        if self.dice.chance(30) || !self.faulty {
            (self.past, self.past_ms) = (self.venue.clone(), self.ms);
        }
        match self.dice.roll(12) {
            0 | 1 if self.faulty => self.place(),
            2 if self.faulty => self.cancel_one(),
            3 | 4 => self.deliver(),
            5 => self.read_back(),
            6 if self.faulty => self.trade(),
            7 if self.faulty && self.dice.chance(15) => self.crash(),
            8 if self.faulty && self.dice.chance(3) => self.halt(),
            9 | 10 => self.commit(),
            _ => self.input(DeskInput::Tick),
        }
        self.check();
    }

    fn place(&mut self) {
        self.placed += 1;
        let n = if self.dice.chance(20) { 1 + self.dice.roll(self.placed) } else { self.placed };
        let side = if n % 2 == 0 { Side::Bid } else { Side::Ask };
        let command = DeskCommand::Place { order: intent(n, side), market: market() };
        self.input(DeskInput::Command { command, waiter: WaiterId(self.placed) });
    }

    fn cancel_one(&mut self) {
        let orders: Vec<OrderId> = self.desk.state().open_orders().map(|order| order.order_id).collect();
        let at = self.dice.roll(orders.len().max(1) as u64) as usize;
        if let Some(order_id) = orders.get(at).copied() {
            self.input(DeskInput::Command { command: DeskCommand::Cancel { order_id }, waiter: WaiterId(0) });
        }
    }

    fn deliver(&mut self) {
        if self.wire.is_empty() {
            return;
        }
        let at = self.dice.roll(self.wire.len() as u64) as usize;
        let (order_id, attempt, write) = self.wire.remove(at);
        let kind = write.kind();
        let fate = if self.faulty { self.dice.roll(10) } else { 9 };
        let silence = || WriteOutcome::Unknown { reason: "no answer".into() };
        let outcome = match fate {
            0 => silence(),
            1 | 2 => {
                self.at_venue(&write);
                silence()
            }
            3 => WriteOutcome::NotSent { reason: "no budget".into() },
            _ => self.at_venue(&write),
        };
        self.input(DeskInput::Venue(WriteReply { order_id, attempt, kind, outcome }));
    }

    fn read_back(&mut self) {
        let Some(scope) = self.scopes.pop() else { return };
        if self.faulty && self.dice.chance(20) {
            self.input(DeskInput::Report(Err("timeout".into())));
            return;
        }
        let report = self.past.report(scope, self.ms, self.past_ms);
        self.input(DeskInput::Report(Ok(report)));
    }

    fn trade(&mut self) {
        let Some(fill) = self.venue.fill(&mut self.dice, self.ms) else { return };
        for _ in 0..self.dice.roll(3) {
            self.input(DeskInput::Private(PrivateItem::Fill(fill.clone())));
        }
        let order = self.venue.orders.get(fill.venue_order_id.as_str()).cloned();
        if let Some(order) = order.filter(|_| self.dice.chance(50)) {
            self.input(DeskInput::Private(PrivateItem::Order(order)));
        }
    }

    /// A halt is acknowledged once durable; what waited for the wire is refused there by the switch.
    fn halt(&mut self) {
        let command = DeskCommand::SetHalt { mode: HaltMode::Halted, reason: "test".into() };
        self.input(DeskInput::Command { command, waiter: WaiterId(0) });
        self.commit();
        let (creates, rest) =
            std::mem::take(&mut self.wire).into_iter().partition(|(_, _, w)| w.kind() == WriteKind::Create);
        self.wire = rest;
        self.halted = true;
        let creates: Vec<(OrderId, u64, VenueWrite)> = creates;
        for (order_id, attempt, write) in creates {
            let outcome = WriteOutcome::NotSent { reason: "halted".into() };
            self.input(DeskInput::Venue(WriteReply { order_id, attempt, kind: write.kind(), outcome }));
        }
    }

    fn check(&self) {
        let state = self.desk.state();
        let intents = self.disk.iter().chain(&self.volatile).filter_map(|entry| entry.entry.order_id());
        let known: std::collections::BTreeSet<OrderId> = intents.collect();
        for order in self.venue.orders.values() {
            let ours = state.orders.values().find(|o| o.client_order_id == order.client_order_id);
            let ours = ours.unwrap_or_else(|| panic!("orphan {:?} (I6)", order.client_order_id));
            assert!(known.contains(&ours.order_id));
            assert_ne!(ours.status, OrderStatus::Rejected, "rejected, but the venue has {order:?} (I4)");
        }
        let fees = state.holdings.values().map(|holding| holding.fees.micros()).sum::<i64>();
        assert!(fees <= self.venue.fills.len() as i64 * 10_000, "a fill counted twice (I3)");
    }

    /// Faults end; within bounded time the desk must equal the venue.
    fn heal_and_compare(&mut self) {
        self.faulty = false;
        for _ in 0..1_500 {
            self.step();
            self.commit();
        }
        let state = self.desk.state();
        assert_eq!(
            state.holdings.get(TICKER).map(|h| h.net).unwrap_or_default(),
            self.venue.position(),
            "(I5)"
        );
        for ours in state.orders.values() {
            let client_id = ours.client_order_id.as_ref().unwrap();
            let theirs = self.venue.orders.values().find(|o| o.client_order_id.as_ref() == Some(client_id));
            let expected = match theirs.map(|order| order.status) {
                None => OrderStatus::Rejected,
                Some(VenueOrderStatus::Resting) => OrderStatus::Resting,
                Some(VenueOrderStatus::Executed) => OrderStatus::Executed,
                Some(VenueOrderStatus::Canceled) => OrderStatus::Canceled,
            };
            let same = ours.status == expected;
            assert!(same, "ours {ours:?}\ntheirs {theirs:?} (I5)");
            assert_eq!(
                ours.fills_recorded,
                theirs.map_or(Count::ZERO, |order| order.fill_count),
                "{ours:?} (I3)"
            );
        }
    }
}

fn intent(n: u64, side: Side) -> NewOrder {
    NewOrder {
        order_id: OrderId(uuid::Uuid::from_u128(u128::from(n))),
        client_order_id: format!("c{n}").as_str().into(),
        idempotency_key: format!("k{n}").as_str().into(),
        fingerprint: "body".into(),
        client: "sim".into(),
        ticker: TICKER.into(),
        side,
        price: "0.5000".parse().unwrap(),
        count: count(3),
        time_in_force: Default::default(),
        self_trade_prevention: Default::default(),
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        exchange_index: 0,
    }
}

fn market() -> Market {
    let (start, end, step) = ("0.00".parse().unwrap(), "1.00".parse().unwrap(), "0.01".parse().unwrap());
    Market {
        ticker: TICKER.into(),
        event_ticker: "KXA".into(),
        title: String::new(),
        status: MarketStatus::Active,
        grid: PriceGrid::new(vec![PriceRange { start, end, step }]),
        exchange_index: 0,
        open_time: None,
        close_time: None,
        result: String::new(),
    }
}

#[test]
fn every_seed_keeps_the_promises() {
    let seeds = std::env::var("OUTRIGGER_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(300_u64);
    let first = std::env::var("OUTRIGGER_FIRST_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1_u64);
    for seed in first..first + seeds {
        let world = std::panic::AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            for _ in 0..300 {
                world.step();
            }
            world.heal_and_compare();
        });
        if let Err(panic) = std::panic::catch_unwind(world) {
            println!("seed {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
