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
use crate::domain::{Clock, OrderId};
use crate::journal::{HaltMode, Journal, JournalBatch, JournalReport};
use crate::risk::HaltSwitch;
use crate::stream::{Alert, Announcement};
use crate::venue::{VenueRequest, VenueWrite, WriteOutcome, WriteReply};

const TICK_EVERY: Duration = Duration::from_millis(100);
/// Entries handed to the ledger and not yet durable; beyond this, commands are refused and nothing is lost.
const UNCOMMITTED_MAX: u64 = 4_096;

/// Where the desk's effects go.
pub struct DeskPorts {
    pub journal: Box<dyn Journal>,
    pub gateway: mpsc::Sender<VenueRequest>,
    pub announcer: mpsc::Sender<Announcement>,
    pub read_model: Arc<ReadModel>,
    pub halt: Arc<HaltSwitch>,
    pub clock: Clock,
}

/// Owns orders, money and the halt.
pub struct DeskActor {
    desk: Desk,
    ports: DeskPorts,
    lane: Option<mpsc::Receiver<DeskMessage>>,
    held: Held,
    replies: HashMap<WaiterId, oneshot::Sender<DeskAnswer>>,
    next_waiter: u64,
    ledger_failure: Option<String>,
    draining: Option<oneshot::Sender<()>>,
    unsent: Vec<Announcement>,
}

impl DeskActor {
    /// `desk` comes from a replay; everything in it is durable. Everything that happens comes by `lane`.
    pub fn new(desk: Desk, lane: mpsc::Receiver<DeskMessage>, ports: DeskPorts) -> DeskActor {
        let held = Held::new(desk.state().seq);
        DeskActor {
            desk,
            ports,
            lane: Some(lane),
            held,
            replies: HashMap::new(),
            next_waiter: 0,
            ledger_failure: None,
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
            if self.ports.journal.submit(JournalBatch { entries, orders }).is_err() {
                self.ledger_failed("its queue takes no more");
            }
        }
        for effect in at_once {
            self.perform(effect);
        }
        self.release();
    }

    /// Performs the effects whose entries are durable, in the order of their steps.
    fn release(&mut self) {
        while let Some(effects) = self.held.release() {
            for effect in effects {
                self.perform(effect);
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Reply { waiter, answer } => {
                if let Some(reply) = self.replies.remove(&waiter) {
                    // The client may have gone; the order is the desk's, not the client's.
                    let _ = reply.send(answer);
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
                self.ports.halt.set(mode);
                let reason = self.desk.state().halt_reason.clone();
                *self.ports.read_model.halt.write() = HaltView { mode, reason };
            }
        }
    }

    fn send(&mut self, order_id: OrderId, attempt: u64, write: VenueWrite) {
        let kind = write.kind();
        if self.ports.gateway.try_send(VenueRequest::Write { order_id, attempt, write }).is_err() {
            let outcome = WriteOutcome::NotSent { reason: "the gateway's queue is full".into() };
            self.input(DeskInput::Venue(WriteReply { order_id, attempt, kind, outcome }), "gateway");
        }
    }

    fn command(&mut self, command: DeskCommand, cause: &str, reply: oneshot::Sender<DeskAnswer>) {
        let refusal = if let Some(reason) = &self.ledger_failure {
            Some(DeskError::LedgerUnavailable { reason: reason.clone() })
        } else if self.held.uncommitted(self.desk.state().seq) > UNCOMMITTED_MAX {
            Some(DeskError::LedgerUnavailable { reason: "too many entries wait for the disk".into() })
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
        self.replies.insert(waiter, reply);
        self.input(DeskInput::Command { command, waiter }, cause);
    }

    /// Without a ledger nothing may be promised: orders stop, whoever waits is told, cancels still leave.
    fn ledger_failed(&mut self, reason: &str) {
        tracing::error!(reason, "the ledger failed, trading stops");
        self.ports.halt.set(HaltMode::Halted);
        self.ledger_failure = Some(reason.to_owned());
        let message = format!("the ledger failed: {reason}; trading stopped");
        self.unsent.push(Announcement::Alert(Alert { code: "OUT-LEDGER-001", message }));
        for (_, reply) in self.replies.drain() {
            let _ =
                reply.send(DeskAnswer::Rejected(DeskError::LedgerUnavailable { reason: reason.to_owned() }));
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
        let is_durable = self.held.uncommitted(self.desk.state().seq) == 0;
        let drained = self.held.is_empty() && in_flight == 0 && is_durable;
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
            DeskMessage::Journal(JournalReport::Committed { up_to }) => {
                self.held.committed(up_to);
                self.release();
            }
            DeskMessage::Journal(JournalReport::Failed { reason }) => self.ledger_failed(&reason),
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
