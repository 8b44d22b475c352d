//! One order's life as a state: what can happen next, and what comes of it.

use std::hash::{Hash, Hasher};

use outrigger_engine::desk::command::DeskCommand;
use outrigger_engine::desk::view::OrderStatus;
use outrigger_engine::desk::{Desk, DeskConfig, DeskInput, DeskState, Effect, WaiterId};
use outrigger_engine::domain::{Count, Monotonic, Now, OrderId, Side, VenueTime, WallTime};
use outrigger_engine::order::OrderRecord;
use outrigger_engine::risk::Limits;
use outrigger_engine::venue::{
    Accepted, PrivateItem, Refusal, ReportScope, VenueBalance, VenueFill, VenueOrder, VenueOrderStatus,
    VenuePosition, VenueReport, VenueWrite, WriteOutcome, WriteReply,
};

use crate::shared::{contracts, intent, market};

const TICKER: &str = "KXA-1";
const START_MS: i64 = 1_000_000;
const WINDOW_MS: i64 = 500;
const CRASHES_MAX: u8 = 1;

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Cancel,
    Amend,
    /// The request of this attempt reaches the venue, which does this much with it.
    Arrives(u64, Takes),
    /// It will never arrive.
    Dies(u64),
    Answered(u64),
    /// No answer came in time; one that comes later is not heard.
    GivenUp(u64),
    /// The market takes a contract; the venue ends the order for its own reasons.
    Trades,
    VenueEnds,
    /// News of the stream, of any age, any number of times.
    OrderNews(usize),
    FillNews(usize),
    /// A complete read that shows the order as it was.
    Report(usize),
    Crash,
}

/// What the venue does with a create or an amend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Takes {
    All,
    /// A contract trades at once.
    Crossing,
    /// Nothing trades, and it is cancelled at once.
    Ended,
    Refused,
}

/// A request on its way.
#[derive(Debug, Clone, PartialEq)]
struct Flight {
    attempt: u64,
    write: VenueWrite,
    /// It may still arrive.
    is_out: bool,
    answer: Option<WriteOutcome>,
    /// The desk has its answer, or knows that none will come.
    is_over: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Life {
    desk: Desk,
    pub(crate) venue: Option<VenueOrder>,
    /// Every version of the order at the venue, and its fills.
    versions: Vec<VenueOrder>,
    fills: Vec<VenueFill>,
    flights: Vec<Flight>,
    /// Versions there were when the last request came to its end: a conclusive report shows no earlier one.
    certain: usize,
    /// Conclusive reports that did not show the order.
    absences: u8,
    crashes: u8,
    has_amended: bool,
    has_cancelled: bool,
    pub(crate) creates_sent: u32,
    pub(crate) fills_went_away: bool,
}

/// What makes two lives the same: everything that decides what comes next, and nothing that is only told.
impl PartialEq for Life {
    fn eq(&self, other: &Life) -> bool {
        self.key() == other.key()
    }
}

impl Hash for Life {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

fn order_id() -> OrderId {
    intent(1, TICKER, Side::Bid, Count::ZERO).order_id
}

impl Life {
    /// The desk is reconciled and has just been asked to place the order.
    pub(crate) fn new() -> Life {
        let config = DeskConfig {
            limits: Limits::default(),
            acceptance_window_ms: WINDOW_MS as u64,
            report_interval_ms: 2_000,
        };
        let mut life = Life {
            desk: Desk::new(DeskState::default(), config),
            venue: None,
            versions: vec![],
            fills: vec![],
            flights: vec![],
            certain: 0,
            absences: 0,
            crashes: 0,
            has_amended: false,
            has_cancelled: false,
            creates_sent: 0,
            fills_went_away: false,
        };
        life.report(0, false);
        let order = intent(1, TICKER, Side::Bid, contracts(2));
        life.command(DeskCommand::Place { order, market: market(TICKER) });
        life
    }

    fn key(&self) -> String {
        let o = self.order();
        let ours =
            (o.status, o.price, o.count, o.fills_recorded, o.fills_reported, &o.changes, o.count_at_most);
        let more = (o.venue_order_id.is_some(), o.venue_updated, o.is_concluded, o.unknown_since, o.attempts);
        let theirs = (&self.versions, self.fills.len(), &self.flights, self.certain, self.absences);
        let done =
            (self.crashes, self.has_amended, self.has_cancelled, self.creates_sent, self.fills_went_away);
        format!("{ours:?}{more:?}{theirs:?}{done:?}")
    }

    pub(crate) fn order(&self) -> &OrderRecord {
        &self.desk.state().orders[&order_id()]
    }

    pub(crate) fn status(&self) -> OrderStatus {
        self.order().status
    }

    pub(crate) fn holding(&self) -> Count {
        self.desk.state().holdings.get(TICKER).map(|held| held.net.magnitude()).unwrap_or_default()
    }

    pub(crate) fn may_arrive(&self, attempt: u64) -> bool {
        self.flights.iter().any(|flight| flight.attempt == attempt && flight.is_out)
    }

    /// Returns everything that can happen now.
    pub(crate) fn steps(&self, steps: &mut Vec<Step>) {
        let is_resting = self.venue.as_ref().is_some_and(|order| order.status == VenueOrderStatus::Resting);
        if !self.has_cancelled && !self.status().is_final() {
            steps.push(Step::Cancel);
        }
        if !self.has_amended && self.status() == OrderStatus::Resting && self.order().changes.is_empty() {
            steps.push(Step::Amend);
        }
        for flight in &self.flights {
            if flight.is_out {
                let takes: &[Takes] = match flight.write {
                    VenueWrite::Create(_) | VenueWrite::Amend { .. } => {
                        &[Takes::All, Takes::Crossing, Takes::Ended, Takes::Refused]
                    }
                    VenueWrite::Cancel(_) | VenueWrite::Decrease { .. } => &[Takes::All],
                };
                steps.extend(takes.iter().map(|takes| Step::Arrives(flight.attempt, *takes)));
                steps.push(Step::Dies(flight.attempt));
            }
            if !flight.is_over {
                steps.push(Step::GivenUp(flight.attempt));
                steps.extend(flight.answer.as_ref().map(|_| Step::Answered(flight.attempt)));
            }
        }
        if is_resting {
            steps.extend([Step::Trades, Step::VenueEnds]);
        }
        steps.extend((0..self.versions.len()).map(Step::OrderNews));
        steps.extend((0..self.fills.len()).map(Step::FillNews));
        // Version 0 of a report is the time before the order.
        steps.extend((0..=self.versions.len()).map(Step::Report));
        if self.crashes < CRASHES_MAX {
            steps.push(Step::Crash);
        }
    }

    pub(crate) fn take(&mut self, step: Step) {
        let before = self.order().fills_recorded;
        let is_open = self.flights.iter().any(|flight| flight.is_out);
        match step {
            Step::Cancel => {
                self.has_cancelled = true;
                self.command(DeskCommand::Cancel { order_id: order_id() });
            }
            Step::Amend => {
                self.has_amended = true;
                let (price, count) = (Some("0.6000".parse().unwrap()), Some(contracts(3)));
                self.command(DeskCommand::Amend {
                    order_id: order_id(),
                    price,
                    count,
                    market: market(TICKER),
                });
            }
            Step::Arrives(attempt, takes) => self.arrives(attempt, takes),
            Step::Dies(attempt) => self.flight(attempt).is_out = false,
            Step::Answered(attempt) => {
                if let Some(answer) = self.flight(attempt).answer.clone() {
                    self.answer(attempt, answer);
                }
            }
            Step::GivenUp(attempt) => {
                self.answer(attempt, WriteOutcome::Unknown { reason: "no answer".into() });
            }
            Step::Trades => self.trade(),
            Step::VenueEnds => self.end("ExpiryCancel"),
            Step::OrderNews(at) => {
                self.input(DeskInput::Private(PrivateItem::Order(self.versions[at].clone())))
            }
            Step::FillNews(at) => self.input(DeskInput::Private(PrivateItem::Fill(self.fills[at].clone()))),
            Step::Report(version) => {
                let is_conclusive =
                    self.flights.iter().all(|flight| !flight.is_out) && version >= self.certain;
                if is_conclusive && version == 0 && self.status() == OrderStatus::Unknown {
                    self.absences = self.absences.saturating_add(1);
                }
                self.report(version, is_conclusive);
            }
            Step::Crash => self.crash(),
        }
        self.flights.retain(|flight| flight.is_out || !flight.is_over);
        if is_open || self.flights.iter().any(|flight| flight.is_out) {
            self.certain = self.versions.len();
        }
        self.fills_went_away |= self.order().fills_recorded < before;
    }

    fn flight(&mut self, attempt: u64) -> &mut Flight {
        self.flights.iter_mut().find(|flight| flight.attempt == attempt).unwrap()
    }

    fn input(&mut self, input: DeskInput) {
        let now = Now { wall: WallTime(START_MS * 1000), monotonic: Monotonic(START_MS as u64 * 1_000_000) };
        let step = self.desk.step(input, now, "model");
        for effect in step.at_once.into_iter().chain(step.after_commit) {
            match effect {
                Effect::Send { attempt, cleared, .. } => self.send(attempt, cleared.into_write()),
                Effect::Cancel { attempt, write, .. } => self.send(attempt, write),
                _ => {}
            }
        }
    }

    /// A cancel may be sent again under its number; it stays one request here, which may arrive once more.
    fn send(&mut self, attempt: u64, write: VenueWrite) {
        self.creates_sent += u32::from(matches!(write, VenueWrite::Create(_)));
        self.flights.retain(|flight| flight.attempt != attempt);
        self.flights.push(Flight { attempt, write, is_out: true, answer: None, is_over: false });
        self.flights.sort_by_key(|flight| flight.attempt);
    }

    fn command(&mut self, command: DeskCommand) {
        self.input(DeskInput::Command { command, waiter: WaiterId(0) });
    }

    fn answer(&mut self, attempt: u64, outcome: WriteOutcome) {
        let flight = self.flight(attempt);
        flight.is_over = true;
        let kind = flight.write.kind();
        self.input(DeskInput::Venue(WriteReply { order_id: order_id(), attempt, kind, outcome }));
    }

    fn crash(&mut self) {
        self.crashes += 1;
        self.flights.iter_mut().for_each(|flight| (flight.is_over, flight.answer) = (true, None));
        let config = DeskConfig {
            limits: Limits::default(),
            acceptance_window_ms: WINDOW_MS as u64,
            report_interval_ms: 2_000,
        };
        self.desk = Desk::new(self.desk.state().clone(), config);
        self.absences = 0;
        self.input(DeskInput::Recover);
    }

    /// The order at the venue changes.
    fn change(&mut self, change: impl FnOnce(&mut VenueOrder)) {
        if let Some(order) = &mut self.venue {
            order.updated_ms = Some(VenueTime(START_MS + self.versions.len() as i64));
            change(order);
            self.versions.push(order.clone());
        }
    }

    fn trade(&mut self) {
        self.change(|order| {
            order.fill_count = order.fill_count.checked_add(contracts(1)).unwrap();
            order.remaining_count = order.remaining_count.saturating_sub(contracts(1));
            if order.remaining_count.is_zero() {
                order.status = VenueOrderStatus::Executed;
            }
        });
        if let Some(order) = &self.venue {
            self.fills.push(VenueFill {
                trade_id: format!("t{}", self.fills.len()).as_str().into(),
                venue_order_id: order.venue_order_id.clone(),
                client_order_id: order.client_order_id.clone(),
                ticker: order.ticker.clone(),
                side: order.side,
                price: order.price,
                count: contracts(1),
                fee: "0.010000".parse().unwrap(),
                is_taker: false,
                ts_ms: VenueTime(START_MS + self.versions.len() as i64),
                post_position: None,
            });
        }
    }

    fn end(&mut self, reason: &str) {
        self.change(|order| {
            (order.status, order.remaining_count) = (VenueOrderStatus::Canceled, Count::ZERO);
            order.reason = Some(reason.to_owned());
        });
    }

    fn arrives(&mut self, attempt: u64, takes: Takes) {
        let flight = self.flight(attempt);
        flight.is_out = false;
        let (write, is_heard) = (flight.write.clone(), !flight.is_over);
        let outcome = self.execute(&write, takes);
        if is_heard {
            self.flight(attempt).answer = Some(outcome);
        }
    }

    fn execute(&mut self, write: &VenueWrite, takes: Takes) -> WriteOutcome {
        let is_resting = self.venue.as_ref().is_some_and(|order| order.status == VenueOrderStatus::Resting);
        let is_create = matches!(write, VenueWrite::Create(_));
        if !is_create && !is_resting {
            return WriteOutcome::Unknown { reason: "404 not_found".into() };
        }
        if takes == Takes::Refused {
            let (code, message) = ("insufficient_balance".to_owned(), String::new());
            return WriteOutcome::Refused(Refusal { http_status: 409, code, message });
        }
        let before = self.venue.as_ref().map(|order| (order.fill_count, order.remaining_count));
        match write {
            VenueWrite::Create(create) => {
                let mut order = first_version();
                (order.side, order.price) = (create.side, create.price);
                self.venue = Some(order);
                self.change(|_| {});
            }
            VenueWrite::Amend { price, count, .. } => self.change(|order| {
                order.price = *price;
                order.remaining_count = count.saturating_sub(order.fill_count);
            }),
            VenueWrite::Cancel(_) | VenueWrite::Decrease { .. } => self.end(""),
        }
        let rests = |life: &Life| life.venue.as_ref().is_some_and(|o| o.status == VenueOrderStatus::Resting);
        if takes == Takes::Crossing && rests(self) {
            self.trade();
        }
        if takes == Takes::Ended && rests(self) {
            self.end("SelfTradeCancel");
        }
        let order = self.venue.clone().unwrap_or_else(first_version);
        let (fill_count, remaining_count) = match (write, before) {
            (VenueWrite::Create(_), _) => (Some(order.fill_count), Some(order.remaining_count)),
            (VenueWrite::Amend { .. }, Some((filled, rested))) if rested != order.remaining_count => {
                (Some(order.fill_count.saturating_sub(filled)), Some(order.remaining_count))
            }
            _ => (None, None),
        };
        let (venue_order_id, ts_ms) = (order.venue_order_id, order.updated_ms);
        WriteOutcome::Accepted(Accepted { venue_order_id, fill_count, remaining_count, ts_ms })
    }

    /// A complete read that shows the order's version `version - 1`, and the fills up to it.
    fn report(&mut self, version: usize, is_conclusive: bool) {
        let later = if is_conclusive { WINDOW_MS + 1 } else { 1 };
        let order = version.checked_sub(1).and_then(|at| self.versions.get(at)).cloned();
        let made = order.as_ref().map_or(0, |order| order.fill_count.hundredths() / 100) as usize;
        // Positions are not looked at here: they are what is held.
        let position = self.desk.state().holdings.get(TICKER).map(|held| held.net).unwrap_or_default();
        let position = VenuePosition {
            ticker: TICKER.into(),
            position,
            realized_pnl: None,
            fees_paid: None,
            exposure: None,
        };
        let report = VenueReport {
            scope: ReportScope::default(),
            started: WallTime((START_MS + later) * 1000),
            as_of: VenueTime(if is_conclusive { START_MS + later } else { START_MS }),
            orders: order.into_iter().collect(),
            orders_not_found: vec![],
            fills: self.fills[..made]
                .iter()
                .map(|f| VenueFill { client_order_id: None, ..f.clone() })
                .collect(),
            positions: vec![position],
            settlements: vec![],
            balance: VenueBalance::default(),
        };
        self.input(DeskInput::Report(Ok(report)));
    }

    /// Tells whether, once every request has come to its end, complete reads make the order what it is at the venue.
    pub(crate) fn is_healed_by_reading(&self) -> bool {
        let mut life = self.clone();
        // Reading back can make a cancel leave that waited for the venue's id, so it takes two rounds.
        for _ in 0..2 {
            for attempt in life.flights.iter().map(|flight| flight.attempt).collect::<Vec<_>>() {
                life.flight(attempt).is_out = false;
                let is_over = life.flight(attempt).is_over;
                if !is_over {
                    life.answer(attempt, WriteOutcome::Unknown { reason: "no answer".into() });
                }
            }
            for _ in 0..2 {
                life.report(life.versions.len(), true);
            }
        }
        let order = life.order();
        let (expected, fills) = match &life.venue {
            None => (OrderStatus::Rejected, Count::ZERO),
            Some(theirs) => {
                let status = match theirs.status {
                    VenueOrderStatus::Resting => OrderStatus::Resting,
                    VenueOrderStatus::Executed => OrderStatus::Executed,
                    VenueOrderStatus::Canceled => OrderStatus::Canceled,
                };
                (status, theirs.fill_count)
            }
        };
        let rest = life.venue.as_ref().map_or(Count::ZERO, |theirs| theirs.remaining_count);
        let is_settled = order.changes.is_empty() && !order.needs_reading();
        order.status == expected && order.fills_recorded == fills && order.at_risk() == rest && is_settled
    }
}

fn first_version() -> VenueOrder {
    VenueOrder {
        venue_order_id: "v1".into(),
        client_order_id: Some("c1".into()),
        ticker: TICKER.into(),
        side: Side::Bid,
        price: "0.5000".parse().unwrap(),
        status: VenueOrderStatus::Resting,
        initial_count: contracts(2),
        fill_count: Count::ZERO,
        remaining_count: contracts(2),
        exchange_index: 0,
        created_ms: Some(VenueTime(START_MS)),
        updated_ms: Some(VenueTime(START_MS)),
        reason: None,
    }
}
