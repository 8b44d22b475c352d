//! Inputs in, entries and effects out; after every step the journal alone must rebuild the state.

use super::command::{DeskAnswer, DeskCommand, DeskError};
use super::view::{OrderStatus, OrderView};
use super::{Desk, DeskConfig, DeskInput, DeskState, Effect, Step, WaiterId};
use crate::domain::{
    Market, MarketStatus, Monotonic, Now, OrderId, PriceGrid, PriceRange, SelfTradePrevention, Side,
    TimeInForce, VenueTime, WallTime,
};
use crate::journal::{HaltMode, NewOrder, StoredEntry};
use crate::risk::Limits;
use crate::stream::Announcement;
use crate::venue::{
    Accepted, PrivateItem, Refusal, ReportScope, VenueBalance, VenueFill, VenueOrder, VenueOrderStatus,
    VenueReport, VenueWrite, WriteKind, WriteOutcome, WriteReply,
};

mod resume;

/// A desk with a clock, its whole journal, and every effect it asked for.
struct Bench {
    desk: Desk,
    ms: i64,
    journal: Vec<StoredEntry>,
    replies: Vec<(WaiterId, DeskAnswer)>,
    writes: Vec<(OrderId, u64, VenueWrite)>,
    reports: Vec<ReportScope>,
    alerts: Vec<&'static str>,
}

const WINDOW_MS: u64 = 5_000;

fn config() -> DeskConfig {
    DeskConfig { limits: Limits::default(), acceptance_window_ms: WINDOW_MS, report_interval_ms: 30_000 }
}

impl Bench {
    /// A desk that has reconciled once.
    fn ready() -> Bench {
        let mut bench = Bench::cold(Vec::new());
        bench.input(DeskInput::Report(Ok(bench.report())));
        bench
    }

    /// A desk as it comes out of a replay of `journal`.
    fn cold(journal: Vec<StoredEntry>) -> Bench {
        let mut state = DeskState::default();
        journal.iter().for_each(|entry| state.apply(entry));
        let desk = Desk::new(state, config());
        let (ms, replies, writes, reports, alerts) = (1_000_000, vec![], vec![], vec![], vec![]);
        Bench { desk, ms, journal, replies, writes, reports, alerts }
    }

    fn input(&mut self, input: DeskInput) {
        let now = Now { wall: WallTime(self.ms * 1000), monotonic: Monotonic(self.ms as u64 * 1_000_000) };
        let Step { entries, after_commit, at_once } = self.desk.step(input, now, "test");
        for effect in &at_once {
            assert!(!matches!(effect, Effect::Send { .. }), "risk must wait for the commit");
        }
        self.journal.extend(entries);
        for effect in at_once.into_iter().chain(after_commit) {
            match effect {
                Effect::Reply { waiter, answer } => self.replies.push((waiter, answer)),
                Effect::Send { order_id, attempt, cleared } => {
                    self.writes.push((order_id, attempt, cleared.into_write()));
                }
                Effect::Cancel { order_id, attempt, write } => self.writes.push((order_id, attempt, write)),
                Effect::Report(scope) => self.reports.push(scope),
                Effect::Publish(Announcement::Alert(alert)) => self.alerts.push(alert.code),
                Effect::Publish(_) | Effect::Reconciled { .. } | Effect::HaltSwitch(_) => {}
            }
        }
        let mut replayed = DeskState::default();
        self.journal.iter().for_each(|entry| replayed.apply(entry));
        assert_eq!(&replayed, self.desk.state(), "the journal alone must rebuild the state");
        let seqs: Vec<u64> = self.journal.iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, (1..=self.journal.len() as u64).collect::<Vec<_>>(), "sequence without a hole");
    }

    fn report(&self) -> VenueReport {
        VenueReport {
            scope: ReportScope::default(),
            started: WallTime(self.ms * 1000),
            as_of: VenueTime(self.ms),
            orders: vec![],
            orders_not_found: vec![],
            fills: vec![],
            positions: vec![],
            settlements: vec![],
            balance: VenueBalance::default(),
        }
    }

    fn place(&mut self, n: u128, waiter: u64) -> OrderId {
        let order = order(n);
        let order_id = order.order_id;
        self.input(DeskInput::Command {
            command: DeskCommand::Place { order, market: market() },
            waiter: WaiterId(waiter),
        });
        order_id
    }

    fn answer(&mut self, order_id: OrderId, attempt: u64, kind: WriteKind, outcome: WriteOutcome) {
        self.input(DeskInput::Venue(WriteReply { order_id, attempt, kind, outcome }));
    }

    fn accept(&mut self, order_id: OrderId, remaining: &str) {
        let outcome = accepted("v1", "0.00", remaining, self.ms);
        self.answer(order_id, 1, WriteKind::Create, outcome);
    }

    fn view(&self, order_id: OrderId) -> OrderView {
        self.desk.state().orders.get(&order_id).unwrap().view()
    }

    fn last_reply(&self) -> &DeskAnswer {
        &self.replies.last().unwrap().1
    }
}

fn accepted(id: &str, filled: &str, remaining: &str, ms: i64) -> WriteOutcome {
    WriteOutcome::Accepted(Accepted {
        venue_order_id: id.into(),
        fill_count: Some(filled.parse().unwrap()),
        remaining_count: Some(remaining.parse().unwrap()),
        ts_ms: Some(VenueTime(ms)),
    })
}

fn market() -> Market {
    let grid = PriceRange {
        start: "0.0000".parse().unwrap(),
        end: "1.0000".parse().unwrap(),
        step: "0.0100".parse().unwrap(),
    };
    Market {
        ticker: "KXA-1".into(),
        event_ticker: "KXA".into(),
        title: String::new(),
        status: MarketStatus::Active,
        grid: PriceGrid::new(vec![grid]),
        exchange_index: 0,
        open_time: None,
        close_time: None,
        result: String::new(),
    }
}

fn order(n: u128) -> NewOrder {
    NewOrder {
        order_id: OrderId(uuid::Uuid::from_u128(n)),
        client_order_id: format!("c{n}").as_str().into(),
        idempotency_key: format!("k{n}").as_str().into(),
        fingerprint: "body".into(),
        client: "test".into(),
        ticker: "KXA-1".into(),
        side: Side::Bid,
        price: "0.5600".parse().unwrap(),
        count: "10.00".parse().unwrap(),
        time_in_force: TimeInForce::GoodTillCanceled,
        self_trade_prevention: SelfTradePrevention::TakerAtCross,
        post_only: false,
        reduce_only: false,
        cancel_order_on_pause: false,
        expiration_time: None,
        exchange_index: 0,
    }
}

fn fill(trade: &str, count: &str) -> VenueFill {
    VenueFill {
        trade_id: trade.into(),
        venue_order_id: "v1".into(),
        client_order_id: Some("c1".into()),
        ticker: "KXA-1".into(),
        side: Side::Bid,
        price: "0.5500".parse().unwrap(),
        count: count.parse().unwrap(),
        fee: "0.017500".parse().unwrap(),
        is_taker: false,
        ts_ms: VenueTime(1_000_100),
        post_position: None,
    }
}

fn venue_order(status: VenueOrderStatus, filled: &str, remaining: &str, updated: i64) -> VenueOrder {
    VenueOrder {
        venue_order_id: "v1".into(),
        client_order_id: Some("c1".into()),
        ticker: "KXA-1".into(),
        side: Side::Bid,
        price: "0.5600".parse().unwrap(),
        status,
        initial_count: "10.00".parse().unwrap(),
        fill_count: filled.parse().unwrap(),
        remaining_count: remaining.parse().unwrap(),
        exchange_index: 0,
        created_ms: Some(VenueTime(1_000_000)),
        updated_ms: Some(VenueTime(updated)),
        reason: None,
    }
}

#[test]
fn an_order_is_journalled_then_sent_then_answered() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 7);
    assert_eq!(bench.writes.len(), 1);
    assert!(bench.replies.is_empty());
    assert_eq!(bench.view(id).status, OrderStatus::Pending);
    bench.accept(id, "10.00");
    let (waiter, DeskAnswer::Order { order, replayed: false }) = bench.replies.last().unwrap() else {
        panic!()
    };
    assert_eq!((*waiter, order.status), (WaiterId(7), OrderStatus::Resting));
}

#[test]
fn nothing_is_traded_before_the_first_reconciled_report() {
    let mut bench = Bench::cold(vec![]);
    bench.place(1, 1);
    assert!(matches!(bench.last_reply(), DeskAnswer::Rejected(DeskError::NotReady { .. })));
    assert!(bench.journal.is_empty() && bench.writes.is_empty());
}

#[test]
fn the_same_key_gets_the_recorded_answer_and_sends_nothing() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    bench.input(DeskInput::Private(PrivateItem::Fill(fill("t1", "10.00"))));
    assert_eq!(bench.view(id).status, OrderStatus::Executed);
    bench.place(1, 2);
    let DeskAnswer::Order { order, replayed: true } = bench.last_reply() else {
        panic!("{:?}", bench.last_reply())
    };
    assert_eq!(order.status, OrderStatus::Resting, "the answer as it was first given");
    assert_eq!(bench.writes.len(), 1);
    let mut other = order_with_body("other");
    other.order_id = OrderId(uuid::Uuid::from_u128(9));
    let command = DeskCommand::Place { order: other, market: market() };
    bench.input(DeskInput::Command { command, waiter: WaiterId(3) });
    assert!(matches!(bench.last_reply(), DeskAnswer::Rejected(DeskError::IdempotencyConflict { .. })));
}

fn order_with_body(body: &str) -> NewOrder {
    NewOrder { fingerprint: body.into(), ..order(1) }
}

#[test]
fn a_repeat_while_the_answer_is_awaited_joins_the_wait() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.place(1, 2);
    assert!(bench.replies.is_empty());
    bench.accept(id, "10.00");
    assert_eq!(bench.replies.len(), 2);
    assert_eq!(bench.writes.len(), 1, "one intent, one order");
}

#[test]
fn silence_is_unknown_until_two_late_complete_reads_do_not_know_the_order() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.answer(id, 1, WriteKind::Create, WriteOutcome::Unknown { reason: "timeout".into() });
    let DeskAnswer::Order { order, .. } = bench.last_reply() else { panic!() };
    assert_eq!(order.status, OrderStatus::Unknown);
    assert_eq!(order.remaining.to_string(), "10.00", "counted at full risk");
    for _ in 0..5 {
        bench.ms += 900;
        bench.input(DeskInput::Report(Ok(bench.report())));
        assert_eq!(bench.view(id).status, OrderStatus::Unknown, "it could still be accepted");
    }
    bench.ms += 2_000;
    bench.input(DeskInput::Report(Ok(bench.report())));
    assert_eq!(bench.view(id).status, OrderStatus::Unknown, "one read is not enough");
    let lagging = VenueReport { as_of: VenueTime(1_000_000), ..bench.report() };
    bench.input(DeskInput::Report(Ok(lagging)));
    assert_eq!(bench.view(id).status, OrderStatus::Unknown, "a read of old data proves nothing");
    bench.input(DeskInput::Report(Ok(bench.report())));
    assert_eq!(bench.view(id).status, OrderStatus::Rejected);
}

#[test]
fn an_unknown_order_the_venue_lists_is_found_by_its_client_id() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.answer(id, 1, WriteKind::Create, WriteOutcome::Unknown { reason: "reset".into() });
    let orders = vec![venue_order(VenueOrderStatus::Resting, "4.00", "6.00", 1_000_050)];
    bench.input(DeskInput::Report(Ok(VenueReport { orders, ..bench.report() })));
    let view = bench.view(id);
    assert_eq!((view.status, view.filled.to_string().as_str()), (OrderStatus::Resting, "4.00"));
    assert_eq!(view.venue_order_id.unwrap().as_str(), "v1");
}

#[test]
fn a_crash_between_intent_and_answer_comes_back_as_unknown_and_never_sends_again() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    let mut after = Bench::cold(bench.journal);
    after.input(DeskInput::Recover);
    assert_eq!(after.view(id).status, OrderStatus::Unknown);
    after.input(DeskInput::Tick);
    assert_eq!(after.reports.len(), 1);
    after.place(1, 5);
    let DeskAnswer::Order { order, replayed: true } = after.last_reply() else {
        panic!("{:?}", after.last_reply())
    };
    assert_eq!(order.status, OrderStatus::Unknown);
    assert!(after.writes.is_empty());
}

#[test]
fn a_fill_counts_once_however_it_comes() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.input(DeskInput::Private(PrivateItem::Fill(fill("t1", "4.00"))));
    bench.accept(id, "6.00");
    bench.input(DeskInput::Private(PrivateItem::Fill(fill("t1", "4.00"))));
    let by_rest = VenueFill { client_order_id: None, ..fill("t1", "4.00") };
    bench.input(DeskInput::Report(Ok(VenueReport { fills: vec![by_rest], ..bench.report() })));
    assert_eq!(bench.view(id).filled.to_string(), "4.00");
    let holding = bench.desk.state().holdings.get("KXA-1").unwrap();
    assert_eq!((holding.net.to_string(), holding.fees.to_string()), ("4.00".into(), "0.017500".into()));
}

#[test]
fn fills_after_a_cancel_are_counted_and_stale_reads_undo_nothing() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    bench.ms += 500;
    bench.input(DeskInput::Command { command: DeskCommand::Cancel { order_id: id }, waiter: WaiterId(2) });
    let (_, attempt, VenueWrite::Cancel(_)) = bench.writes.last().unwrap().clone() else { panic!() };
    bench.answer(id, attempt, WriteKind::Cancel, accepted("v1", "0.00", "0.00", bench.ms));
    assert_eq!(bench.view(id).status, OrderStatus::Canceled);
    let orders = vec![venue_order(VenueOrderStatus::Resting, "0.00", "10.00", 1_000_000)];
    bench.input(DeskInput::Report(Ok(VenueReport { orders, ..bench.report() })));
    assert_eq!(bench.view(id).status, OrderStatus::Canceled, "the read was older than the cancel");
    bench.input(DeskInput::Private(PrivateItem::Fill(fill("t1", "3.00"))));
    let view = bench.view(id);
    assert_eq!((view.status, view.filled.to_string().as_str()), (OrderStatus::Canceled, "3.00"));
}

#[test]
fn a_cancel_asked_for_before_the_venue_answered_is_sent_when_it_does() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.input(DeskInput::Command { command: DeskCommand::Cancel { order_id: id }, waiter: WaiterId(2) });
    assert_eq!(bench.writes.len(), 1);
    bench.accept(id, "10.00");
    assert!(matches!(bench.writes.last(), Some((_, 2, VenueWrite::Cancel(_)))));
    assert_eq!(bench.writes.len(), 2);
}

#[test]
fn a_cancel_without_an_answer_is_settled_by_a_late_read() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    bench.input(DeskInput::Command { command: DeskCommand::Cancel { order_id: id }, waiter: WaiterId(2) });
    bench.answer(id, 2, WriteKind::Cancel, WriteOutcome::Unknown { reason: "404 not_found".into() });
    assert_eq!(bench.view(id).status, OrderStatus::Resting, "not found is no proof of a cancel");
    assert_eq!(bench.replies.len(), 1, "the client waits for the truth");
    bench.ms += 10_000;
    let orders = vec![venue_order(VenueOrderStatus::Executed, "10.00", "0.00", bench.ms)];
    bench.input(DeskInput::Report(Ok(VenueReport { orders, ..bench.report() })));
    assert_eq!(bench.view(id).status, OrderStatus::Executed);
    assert_eq!(bench.replies.len(), 2);
}

#[test]
fn a_lower_count_is_a_decrease_and_another_price_an_amend() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    let amend = |price: Option<&str>, count: Option<&str>| DeskInput::Command {
        command: DeskCommand::Amend {
            order_id: id,
            price: price.map(|p| p.parse().unwrap()),
            count: count.map(|c| c.parse().unwrap()),
            market: market(),
        },
        waiter: WaiterId(4),
    };
    bench.input(amend(None, Some("7.00")));
    assert!(matches!(bench.writes.last(), Some((_, 2, VenueWrite::Decrease { .. }))));
    bench.input(amend(Some("0.5000"), None));
    assert!(matches!(bench.last_reply(), DeskAnswer::Rejected(DeskError::ChangeInFlight { .. })));
    bench.answer(id, 2, WriteKind::Decrease, accepted("v1", "0.00", "7.00", bench.ms));
    assert_eq!(bench.view(id).count.to_string(), "7.00");
    bench.input(amend(Some("0.5000"), None));
    bench.answer(id, 3, WriteKind::Amend, accepted("v1", "0.00", "7.00", bench.ms));
    assert_eq!(
        (bench.view(id).price.to_string(), bench.view(id).remaining.to_string()),
        ("0.5000".into(), "7.00".into())
    );
}

#[test]
fn a_refusal_is_told_in_the_venues_words_and_again_on_repeat() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    let refusal = Refusal { http_status: 400, code: "insufficient_balance".into(), message: "no".into() };
    bench.answer(id, 1, WriteKind::Create, WriteOutcome::Refused(refusal));
    bench.place(1, 2);
    assert_eq!(bench.replies.len(), 2);
    for (_, answer) in &bench.replies {
        assert!(matches!(answer, DeskAnswer::Rejected(DeskError::VenueRefused { http_status: 400, .. })));
    }
}

#[test]
fn what_was_never_sent_may_be_tried_again_with_the_same_key() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.answer(id, 1, WriteKind::Create, WriteOutcome::NotSent { reason: "no budget".into() });
    assert!(matches!(bench.last_reply(), DeskAnswer::Rejected(DeskError::NotSent { .. })));
    let mut again = order(1);
    again.order_id = OrderId(uuid::Uuid::from_u128(2));
    let command = DeskCommand::Place { order: again, market: market() };
    bench.input(DeskInput::Command { command, waiter: WaiterId(2) });
    assert_eq!(bench.writes.len(), 2);
}

#[test]
fn a_halt_is_durable_and_stops_orders_but_not_cancels() {
    let mut bench = Bench::ready();
    let id = bench.place(1, 1);
    bench.accept(id, "10.00");
    let halt = DeskCommand::SetHalt { mode: HaltMode::Halted, reason: "lunch".into() };
    bench.input(DeskInput::Command { command: halt, waiter: WaiterId(2) });
    let mut after = Bench::cold(bench.journal);
    after.input(DeskInput::Recover);
    after.input(DeskInput::Report(Ok(after.report())));
    after.place(2, 3);
    assert!(matches!(after.last_reply(), DeskAnswer::Rejected(DeskError::Halted { .. })));
    after.input(DeskInput::Command { command: DeskCommand::CancelAll, waiter: WaiterId(4) });
    assert!(matches!(after.writes.last(), Some((_, _, VenueWrite::Cancel(_)))));
}

#[test]
fn an_order_placed_elsewhere_is_adopted_with_a_stable_id() {
    let ids: Vec<OrderId> = (0..2)
        .map(|_| {
            let mut bench = Bench::ready();
            let foreign = VenueOrder {
                client_order_id: None,
                ..venue_order(VenueOrderStatus::Resting, "0.00", "10.00", 5)
            };
            bench.input(DeskInput::Private(PrivateItem::Order(foreign)));
            *bench.desk.state().orders.keys().next().unwrap()
        })
        .collect();
    assert_eq!(ids.first(), ids.last());
}

#[test]
fn cancel_all_answers_once_when_every_cancel_ended() {
    let mut bench = Bench::ready();
    let (one, two) = (bench.place(1, 1), bench.place(2, 2));
    bench.accept(one, "10.00");
    bench.answer(two, 1, WriteKind::Create, accepted("v2", "0.00", "10.00", bench.ms));
    bench.input(DeskInput::Command { command: DeskCommand::CancelAll, waiter: WaiterId(9) });
    bench.answer(one, 2, WriteKind::Cancel, accepted("v1", "0.00", "0.00", bench.ms));
    assert_eq!(bench.replies.len(), 2);
    bench.answer(two, 2, WriteKind::Cancel, accepted("v2", "0.00", "0.00", bench.ms));
    let DeskAnswer::Canceled { orders } = bench.last_reply() else { panic!("{:?}", bench.last_reply()) };
    assert!(orders.len() == 2 && orders.iter().all(|order| order.status == OrderStatus::Canceled));
}
