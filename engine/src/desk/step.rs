//! The desk's inputs, outputs and dispatcher.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::command::{DeskAnswer, DeskCommand};
use super::continuity::{Continuity, DeskCounters};
use super::report::PositionDoubt;
use super::schedule::Schedule;
use super::state::DeskState;
use super::waiting::Waiting;
use crate::domain::{Now, OrderId, Ticker, VenueTime};
use crate::journal::{Entry, StoredEntry};
use crate::planted::{Bug, has};
use crate::risk::{Cleared, Limits};
use crate::stream::Announcement;
use crate::venue::{PrivateItem, ReportScope, VenueReport, VenueWrite, WriteReply};

/// Names a local client that awaits an answer; the shell keeps the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaiterId(pub u64);

/// Everything that can happen to the desk.
#[derive(Debug, Clone, PartialEq)]
pub enum DeskInput {
    Command {
        command: DeskCommand,
        waiter: WaiterId,
    },
    Venue(WriteReply),
    Report(Result<VenueReport, String>),
    Private(PrivateItem),
    /// After replay: what was in flight when the process ended has no answer any more.
    Recover,
    /// Time passed.
    Tick,
}

/// Something the shell must do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Reply {
        waiter: WaiterId,
        answer: DeskAnswer,
    },
    /// A write that adds risk: it has passed the gate.
    Send {
        order_id: OrderId,
        attempt: u64,
        cleared: Cleared,
    },
    /// A cancel. It only takes risk away, so it needs no gate.
    Cancel {
        order_id: OrderId,
        attempt: u64,
        write: VenueWrite,
    },
    Report(ReportScope),
    Publish(Announcement),
    /// A complete report as of this venue time was reconciled. The first one opens trading.
    Reconciled {
        as_of: VenueTime,
    },
    /// The halt takes effect; set the switch before anything else.
    HaltSwitch(crate::journal::HaltMode),
}

/// What one input led to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Step {
    pub entries: Vec<StoredEntry>,
    /// To be done once `entries` are durable.
    pub after_commit: Vec<Effect>,
    /// To be done now.
    pub at_once: Vec<Effect>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskConfig {
    pub limits: Limits,
    /// How long after it was sent an order could still be accepted: the venue's clock window plus travel.
    pub acceptance_window_ms: u64,
    /// How often the account is read back regardless.
    pub report_interval_ms: u64,
}

/// The decider. Single owner of orders, money and the halt.
#[derive(Debug, Clone)]
pub struct Desk {
    pub(super) state: DeskState,
    pub(super) config: DeskConfig,
    pub(super) waiting: Waiting,
    pub(super) schedule: Schedule,
    /// Complete reads that did not know an UNKNOWN order although they should.
    pub(super) absences: BTreeMap<OrderId, u32>,
    pub(super) position_doubts: BTreeMap<Ticker, PositionDoubt>,
    pub(super) continuity: Continuity,
    pub(super) ready: bool,
    pub(super) cause: String,
}

impl Desk {
    /// Makes a desk from a replayed state. Trading stays closed until the first report is reconciled (I10).
    pub fn new(state: DeskState, config: DeskConfig) -> Desk {
        Desk {
            state,
            config,
            waiting: Waiting::default(),
            schedule: Schedule::default(),
            absences: BTreeMap::new(),
            position_doubts: BTreeMap::new(),
            continuity: Continuity::default(),
            ready: false,
            cause: String::new(),
        }
    }

    pub fn state(&self) -> &DeskState {
        &self.state
    }

    pub fn counters(&self) -> Arc<DeskCounters> {
        Arc::clone(&self.continuity.counters)
    }

    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Counts writes whose end is still expected.
    pub fn writes_in_flight(&self) -> usize {
        let in_flight = |order: &&crate::order::OrderRecord| {
            order.status == super::view::OrderStatus::Pending
                || order.changes.iter().any(|change| change.unanswered_since.is_none())
        };
        self.state.open_orders().filter(in_flight).count()
    }

    /// Decides what follows from `input`. `cause` goes into the journal beside each entry.
    pub fn step(&mut self, input: DeskInput, now: Now, cause: &str) -> Step {
        cause.clone_into(&mut self.cause);
        let mut step = Step::default();
        match input {
            DeskInput::Command { command, waiter } => self.command(command, waiter, now, &mut step),
            DeskInput::Venue(reply) => self.venue_reply(reply, now, &mut step),
            DeskInput::Report(Ok(report)) => self.reconcile(report, now, &mut step),
            DeskInput::Report(Err(_)) => self.schedule.failed(now.monotonic),
            DeskInput::Private(item) => self.private(item, now, &mut step),
            DeskInput::Recover => self.recover(now, &mut step),
            DeskInput::Tick => self.tick(now, &mut step),
        }
        step
    }

    fn command(&mut self, command: DeskCommand, waiter: WaiterId, now: Now, step: &mut Step) {
        let result = match command {
            DeskCommand::Place { order, market } => self.place(order, &market, waiter, now, step),
            DeskCommand::Cancel { order_id } => self.cancel(order_id, waiter, now, step),
            DeskCommand::CancelAll => self.cancel_all(waiter, now, step),
            DeskCommand::Amend { order_id, price, count, market } => {
                self.amend((order_id, price, count), &market, waiter, now, step)
            }
            DeskCommand::SetHalt { mode, reason } => {
                self.record(Entry::HaltSet { mode, reason }, now, step);
                if has(Bug::HaltNotDurable) {
                    step.entries.clear();
                    self.state.seq = self.state.seq.saturating_sub(1);
                }
                step.at_once.push(Effect::HaltSwitch(mode));
                step.after_commit.push(Effect::Reply { waiter, answer: DeskAnswer::Halt { mode } });
                Ok(())
            }
        };
        if let Err(error) = result {
            // It may rest on entries that are not durable yet.
            step.after_commit.push(Effect::Reply { waiter, answer: DeskAnswer::Rejected(error) });
        }
    }

    /// Adds an entry to the step and applies it: the one place where state changes.
    pub(super) fn record(&mut self, entry: Entry, now: Now, step: &mut Step) {
        let seq = self.state.seq.saturating_add(1);
        let stored = StoredEntry { seq, at: now.wall, cause: self.cause.clone(), entry };
        self.state.apply(&stored);
        step.entries.push(stored);
    }

    /// Publishes the order as it now stands, once the step is durable.
    pub(super) fn publish_order(&self, order_id: OrderId, step: &mut Step) {
        if let Some(order) = self.state.orders.get(&order_id) {
            step.after_commit.push(Effect::Publish(Announcement::Order(order.view())));
            let position = self.state.position_view(&order.ticker);
            step.after_commit.push(Effect::Publish(Announcement::Position(position)));
        }
    }
}
