//! The shell of the desk: journals each step, and performs its effects no earlier than they may be.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::messages::DeskMessage;
use crate::desk::command::{DeskAnswer, DeskCommand, DeskError};
use crate::desk::read_model::{HaltView, ReadModel};
use crate::desk::{Desk, DeskInput, Effect, Held, WaiterId};
use crate::domain::{Clock, Monotonic, OrderId};
use crate::journal::{HaltMode, Journal, JournalBatch, JournalReport, LedgerStanding, LedgerTurn};
use crate::risk::HaltSwitch;
use crate::stream::{Alert, Announcement};
use crate::venue::{VenueRequest, VenueWrite, WriteKind, WriteOutcome, WriteReply};

const TICK_EVERY: Duration = Duration::from_millis(100);
/// Entries handed to the ledger and not yet durable; beyond this, orders are refused and nothing is lost. What takes risk away is
/// refused later, well before the ledger's queue is full.
const UNCOMMITTED_MAX: u64 = 4_096;
const UNCOMMITTED_MAX_REDUCING: u64 = 8_192;
/// While the ledger stalls, whoever waits for more than this is told so.
const ANSWER_WITHIN_MS: u64 = 2_000;

/// Where the desk's effects go.
pub struct DeskPorts {
    pub journal: Box<dyn Journal>,
    pub gateway: mpsc::Sender<VenueRequest>,
    pub announcer: mpsc::Sender<Announcement>,
    pub read_model: Arc<ReadModel>,
    pub halt: Arc<HaltSwitch>,
    pub clock: Clock,
}

/// A local client that awaits an answer.
struct Waiter {
    reply: oneshot::Sender<DeskAnswer>,
    /// The entry after which its write leaves; `None` if it left at once, or is another's.
    leaves_after: Option<u64>,
    since: Monotonic,
}

/// Owns orders, money and the halt.
pub struct DeskActor {
    desk: Desk,
    ports: DeskPorts,
    lane: Option<mpsc::Receiver<DeskMessage>>,
    held: Held,
    ledger: LedgerStanding,
    /// Whoever sent a write that is held up to here was told that it did not leave; it never does.
    told_unsent: u64,
    replies: HashMap<WaiterId, Waiter>,
    next_waiter: u64,
    draining: Option<oneshot::Sender<()>>,
    unsent: Vec<Announcement>,
}

impl DeskActor {
    /// `desk` comes from a replay; everything in it is durable. Everything that happens comes by `lane`.
    pub fn new(desk: Desk, lane: mpsc::Receiver<DeskMessage>, ports: DeskPorts) -> DeskActor {
        let (held, ledger) = (Held::new(desk.state().seq), LedgerStanding::new(desk.state().seq));
        DeskActor {
            desk,
            ports,
            lane: Some(lane),
            held,
            ledger,
            told_unsent: 0,
            replies: HashMap::new(),
            next_waiter: 0,
            draining: None,
            unsent: Vec::new(),
        }
    }

    fn input(&mut self, input: DeskInput, cause: &str) {
        let now = (self.ports.clock)();
        let step = self.desk.step(input, now, cause);
        let (entries, at_once) = self.held.take(step, self.desk.state().seq);
        if !entries.is_empty() {
            let orders = self.desk.state().views_of(&entries);
            self.ledger.submitted(self.desk.state().seq, now.monotonic);
            if self.ports.journal.submit(JournalBatch { entries, orders }).is_err() {
                let reason = "its queue takes no more".to_owned();
                self.ledger_turns(JournalReport::Failed { reason });
            }
        }
        for effect in at_once {
            self.perform(effect);
        }
        self.release();
    }

    /// Performs the effects whose entries are durable, in the order of their steps.
    fn release(&mut self) {
        while let Some((seq, effects)) = self.held.release() {
            for effect in effects {
                match effect {
                    Effect::Send { order_id, attempt, cleared } if seq <= self.told_unsent => {
                        let reason = "the ledger did not record it in time";
                        self.not_sent(order_id, attempt, cleared.into_write().kind(), reason);
                    }
                    effect => self.perform(effect),
                }
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { waiter, answer } => {
                if let Some(waiter) = self.replies.remove(&waiter) {
                    // The client may have gone; the order is the desk's, not the client's.
                    let _ = waiter.reply.send(answer);
                }
            }
            Effect::Send { order_id, attempt, cleared } => self.send(order_id, attempt, cleared.into_write()),
            Effect::Cancel { order_id, attempt, write } => self.send(order_id, attempt, write),
            Effect::Report(scope) => {
                if self.ports.gateway.try_send(VenueRequest::Report(scope)).is_err() {
                    self.input(DeskInput::Report(Err("the gateway's queue is full".into())), "gateway");
                }
            }
            Effect::Publish(announcement) => {
                if let Announcement::Alert(alert) = &announcement {
                    tracing::warn!(code = alert.code, "{}", alert.message);
                }
                self.ports.read_model.publish(&announcement);
                self.unsent.push(announcement);
            }
            Effect::Reconciled { as_of } => {
                *self.ports.read_model.reconciled_as_of_ms.write() = Some(as_of.0);
            }
            Effect::HaltSwitch(mode) => {
                self.set_switch();
                let reason = self.desk.state().halt_reason.clone();
                *self.ports.read_model.halt.write() = HaltView { mode, reason };
            }
        }
    }

    fn send(&mut self, order_id: OrderId, attempt: u64, write: VenueWrite) {
        let kind = write.kind();
        if self.ports.gateway.try_send(VenueRequest::Write { order_id, attempt, write }).is_err() {
            self.not_sent(order_id, attempt, kind, "the gateway's queue is full");
        }
    }

    fn not_sent(&mut self, order_id: OrderId, attempt: u64, kind: WriteKind, reason: &str) {
        let outcome = WriteOutcome::NotSent { reason: reason.to_owned() };
        self.input(DeskInput::Venue(WriteReply { order_id, attempt, kind, outcome }), "gateway");
    }

    fn command(&mut self, command: DeskCommand, cause: &str, reply: oneshot::Sender<DeskAnswer>) {
        let adds_risk = matches!(command, DeskCommand::Place { .. } | DeskCommand::Amend { .. });
        let uncommitted_max = if adds_risk { UNCOMMITTED_MAX } else { UNCOMMITTED_MAX_REDUCING };
        let refusal =
            if let Some(reason) = self.ledger.trouble().filter(|_| adds_risk || self.ledger.is_lost()) {
                Some(DeskError::LedgerUnavailable { reason: format!("nothing was sent: {reason}") })
            } else if self.ledger.uncommitted() > uncommitted_max {
                let reason = "nothing was sent: too many entries wait for the disk".into();
                Some(DeskError::LedgerUnavailable { reason })
            } else if self.draining.is_some() {
                Some(DeskError::NotReady { reason: "stopping".into() })
            } else {
                None
            };
        if let Some(error) = refusal {
            let _ = reply.send(DeskAnswer::Rejected(error));
            return;
        }
        self.next_waiter += 1;
        let waiter = WaiterId(self.next_waiter);
        let (before, since) = (self.desk.state().seq, (self.ports.clock)().monotonic);
        self.replies.insert(waiter, Waiter { reply, leaves_after: None, since });
        self.input(DeskInput::Command { command, waiter }, cause);
        let after = self.desk.state().seq;
        if let Some(waiter) = self.replies.get_mut(&waiter).filter(|_| adds_risk && after > before) {
            waiter.leaves_after = Some(after);
        }
    }

    /// Without a ledger nothing may be promised: orders stop, cancels and the halt go on.
    fn ledger_turns(&mut self, report: JournalReport) {
        let turn = self.ledger.report(report, (self.ports.clock)().monotonic);
        self.held.committed(self.ledger.committed());
        self.take_turn(turn);
        self.release();
    }

    fn take_turn(&mut self, turn: LedgerTurn) {
        let message = match turn {
            LedgerTurn::Same => return,
            LedgerTurn::Stops(reason) => {
                tracing::error!(reason, "the ledger fails, trading stops");
                // Those whose write has not left are told so now, and it never leaves.
                self.told_unsent = self.desk.state().seq;
                let committed = self.ledger.committed();
                self.tell(&format!("nothing was sent: {reason}"), |waiter| {
                    waiter.leaves_after.is_some_and(|seq| seq > committed)
                });
                format!("the ledger fails: {reason}; trading stopped, cancels go on")
            }
            LedgerTurn::Opens => {
                tracing::info!("the ledger goes on, trading may too");
                "the ledger goes on; trading is as open as before".to_owned()
            }
        };
        self.set_switch();
        self.unsent.push(Announcement::Alert(Alert { code: "OUT-LEDGER-001", message }));
    }

    /// No order leaves while the ledger is in trouble, whatever the halt says.
    fn set_switch(&self) {
        let in_trouble = self.ledger.trouble().is_some();
        self.ports.halt.set(if in_trouble { HaltMode::Halted } else { self.desk.state().halt });
    }

    /// Gives up on waiters: the ledger cannot record what they wait for now.
    fn tell(&mut self, reason: &str, who: impl Fn(&Waiter) -> bool) {
        for (_, waiter) in self.replies.extract_if(|_, waiter| who(waiter)) {
            let reason = reason.to_owned();
            let _ = waiter.reply.send(DeskAnswer::Rejected(DeskError::LedgerUnavailable { reason }));
        }
    }

    fn watch_ledger(&mut self) {
        let now = (self.ports.clock)().monotonic;
        let turn = self.ledger.tick(now);
        self.take_turn(turn);
        if let Some(reason) = self.ledger.trouble() {
            let reason = format!("it may be done, and is not recorded yet: {reason}");
            self.tell(&reason, |waiter| now.millis_since(waiter.since) >= ANSWER_WITHIN_MS);
        }
    }

    fn announce(&mut self, ctx: &mut Context<Self>) {
        let mut waiting = std::mem::take(&mut self.unsent).into_iter();
        while let Some(announcement) = waiting.next() {
            if let Err(mpsc::error::TrySendError::Full(first)) = self.ports.announcer.try_send(announcement) {
                let lane = self.ports.announcer.clone();
                let rest = async move {
                    for announcement in std::iter::once(first).chain(waiting) {
                        if lane.send(announcement).await.is_err() {
                            return;
                        }
                    }
                };
                ctx.wait(rest.into_actor(self));
                return;
            }
        }
    }

    /// Answers a drain once everything is durable and no write is on its way.
    fn check_drained(&mut self) {
        let in_flight = self.desk.writes_in_flight();
        let drained =
            self.held.is_empty() && in_flight == 0 && self.ledger.committed() >= self.desk.state().seq;
        if drained && let Some(done) = self.draining.take() {
            let _ = done.send(());
        }
    }
}

impl Actor for DeskActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(lane) = self.lane.take() {
            ctx.add_stream(ReceiverStream::new(lane));
        }
        self.input(DeskInput::Recover, "start");
        ctx.run_interval(TICK_EVERY, |actor, ctx| {
            actor.input(DeskInput::Tick, "tick");
            actor.watch_ledger();
            actor.announce(ctx);
            actor.check_drained();
        });
    }
}

impl StreamHandler<DeskMessage> for DeskActor {
    fn handle(&mut self, message: DeskMessage, ctx: &mut Context<Self>) {
        match message {
            DeskMessage::Command { command, cause, reply } => self.command(command, &cause, reply),
            DeskMessage::Venue(reply) => self.input(DeskInput::Venue(reply), "venue"),
            DeskMessage::Report(report) => {
                if let Err(reason) = &report {
                    tracing::warn!(reason, "the account could not be read back, trying again");
                }
                self.input(DeskInput::Report(report), "report");
            }
            DeskMessage::Private(items) => {
                for item in items {
                    self.input(DeskInput::Private(item), "stream");
                }
            }
            DeskMessage::Journal(report) => self.ledger_turns(report),
            DeskMessage::Drain(done) => self.draining = Some(done),
        }
        self.announce(ctx);
        self.check_drained();
    }

    /// All senders are gone: the process is stopping.
    fn finished(&mut self, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
