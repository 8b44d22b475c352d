//! Runs the budget: whoever needs tokens asks, and gets a permit at the moment they exist.
//!
//! All state is behind one lock, taken for one step at a time: the order of asking decides, not the order of tasks. A timer
//! sleeps until the instant at which the core says the next grant or refusal is due; nothing polls.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use outrigger_engine::domain::{Clock, Monotonic};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::core::{Ask, Core};
use super::figures::{BucketFigures, BudgetFigures, Key, Tally};
use super::terms::{Buckets, Charge, Client, Denied, Lane, NoBudget, Rates};

/// What a new order usually costs.
const ORDER_TOKENS: u32 = 10;

/// Asks for tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Budget(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    clock: Clock,
    /// Told when the timer must look again.
    changed: Arc<Notify>,
}

struct State {
    core: Core<Ticket>,
    tally: Tally,
    /// When the core wants to be asked again.
    wake: Option<Monotonic>,
}

/// Who waits, and for what.
#[derive(Debug)]
struct Ticket {
    reply: oneshot::Sender<Result<Permit, NoBudget>>,
    charge: Charge,
    key: Key,
    asked: Monotonic,
}

/// A place in line, taken in the order of asking. If it is dropped, what it is granted goes back at once.
#[derive(Debug)]
pub(crate) struct Grant {
    reply: oneshot::Receiver<Result<Permit, NoBudget>>,
    #[cfg(test)]
    pub(super) place: u64,
}

/// The right to send one request. Only the budget makes one, and it is used up by sending; dropped unused, its tokens go back.
#[must_use = "a permit that is dropped gives its tokens back"]
pub(crate) struct Permit {
    budget: Arc<Shared>,
    charge: Charge,
    key: Key,
    granted_at: Monotonic,
    state: Leaving,
}

/// What is known of the request a permit was granted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    Held,
    /// At least in part, or about to.
    Left,
    NeverLeft,
    /// The budget was told already.
    Told,
}

/// What was a permit: the request is on its way.
#[derive(Debug)]
pub(crate) struct Spent(Permit);

impl Budget {
    /// Starts the budget on the runtime it is called in.
    pub(crate) fn start(rates: Rates, clock: Clock) -> Budget {
        let core = Core::new(rates, clock().monotonic);
        let state = Mutex::new(State { core, tally: Tally::default(), wake: None });
        let changed = Arc::new(Notify::new());
        let shared = Arc::new(Shared { state, clock, changed: Arc::clone(&changed) });
        tokio::spawn(keep_time(Arc::downgrade(&shared), changed));
        Budget(shared)
    }

    /// Takes a place in line; `patience_ms` is how long the request may wait.
    pub(crate) fn ask(&self, lane: Lane, client: Client, charge: Charge, patience_ms: u64) -> Grant {
        let (reply, receiver) = oneshot::channel();
        let key = (lane, client.class());
        let place = self.0.step(|state, now| {
            let deadline = Monotonic(now.0.saturating_add(patience_ms.saturating_mul(1_000_000)));
            let ticket = Ticket { reply, charge, key, asked: now };
            state.core.ask(Ask { lane, client, charge, deadline, ticket })
        });
        #[cfg(not(test))]
        let _ = place;
        Grant {
            reply: receiver,
            #[cfg(test)]
            place,
        }
    }

    pub(crate) fn set_rates(&self, rates: &Rates) {
        self.0.step(|state, now| state.core.set_rates(rates, now));
    }

    /// Returns after how many milliseconds there is room for one more order, behind all that wait.
    pub(crate) fn room_for_order_ms(&self) -> u64 {
        let now = (self.0.clock)().monotonic;
        let charge = Charge { buckets: Buckets::UNSCOPED, tokens: ORDER_TOKENS };
        self.0.state.lock().core.room_ms(Lane::Order, charge, now)
    }

    /// Returns how the budget stands now.
    pub(crate) fn figures(&self) -> BudgetFigures {
        let now = (self.0.clock)().monotonic;
        let mut state = self.0.state.lock();
        let levels = state.core.levels(now);
        let buckets = levels.into_iter().map(|(id, level)| {
            let (spent, throttled) = state.tally.bucket(id);
            let (bucket, percent) = (id.as_str(), level.percent);
            let (capacity, refill) = (level.terms.capacity, level.terms.refill);
            BucketFigures { bucket, left: level.tokens, capacity, refill, percent, spent, throttled }
        });
        let buckets = buckets.collect();
        BudgetFigures { buckets, lanes: state.tally.lanes(|lane| state.core.waiting(lane)) }
    }
}

impl Grant {
    /// Waits until the tokens are there, or will not be in time.
    pub(crate) async fn wait(self) -> Result<Permit, NoBudget> {
        // The budget answers every ticket it was given.
        self.reply.await.unwrap_or(Err(NoBudget { why: Denied::Late, retry_after_ms: 1_000 }))
    }
}

impl Permit {
    /// Uses the permit up. Called right before the first byte leaves.
    pub(crate) fn spend(mut self) -> Spent {
        self.state = Leaving::Left;
        Spent(self)
    }

    #[cfg(test)]
    pub(crate) fn charge(&self) -> Charge {
        self.charge
    }

    fn tell(&self, state: &mut State, now: Monotonic) {
        match self.state {
            Leaving::Held | Leaving::NeverLeft => {
                state.tally.unspent(self.charge.buckets, self.charge.tokens);
                state.core.refund(self.charge, self.granted_at, now);
            }
            Leaving::Left => state.core.left(self.charge, now),
            Leaving::Told => {}
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.state != Leaving::Told {
            self.budget.step(|state, now| self.tell(state, now));
        }
    }
}

impl Spent {
    /// Nothing left this machine after all: the tokens go back exactly.
    pub(crate) fn never_left(mut self) {
        self.0.state = Leaving::NeverLeft;
    }

    /// The venue answered 429: the model was too generous.
    pub(crate) fn throttled(self) {
        let Permit { budget, charge, key, granted_at, .. } = &self.0;
        budget.step(|state, now| {
            state.tally.throttled(*key, charge.buckets);
            state.core.throttled(*charge, *granted_at, now);
        });
    }
}

impl Shared {
    /// Makes one change, then grants and refuses what follows from it.
    fn step<R>(self: &Arc<Shared>, change: impl FnOnce(&mut State, Monotonic) -> R) -> R {
        let (result, mut unwanted) = self.settle(change);
        // What was granted to nobody goes back, which may let others in, some of whom may be gone too.
        while !unwanted.is_empty() {
            let mut given_up = std::mem::take(&mut unwanted);
            let ((), more) = self.settle(|state, now| {
                for permit in &mut given_up {
                    permit.tell(state, now);
                    permit.state = Leaving::Told;
                }
            });
            unwanted = more;
        }
        result
    }

    /// Returns what `change` returned, and the permits nobody waits for any more.
    fn settle<R>(self: &Arc<Shared>, change: impl FnOnce(&mut State, Monotonic) -> R) -> (R, Vec<Permit>) {
        let mut state = self.state.lock();
        let now = (self.clock)().monotonic;
        let result = change(&mut state, now);
        let polled = state.core.poll(now);
        for ticket in &polled.granted {
            state.tally.granted(ticket.key, now.0.saturating_sub(ticket.asked.0) / 1_000);
            state.tally.spent(ticket.charge.buckets, ticket.charge.tokens);
        }
        for (ticket, refusal) in &polled.refused {
            state.tally.refused(ticket.key, refusal.why);
        }
        let wake = polled.next_ns.map(|next_ns| Monotonic(now.0.saturating_add(next_ns)));
        let is_changed = state.wake != wake;
        state.wake = wake;
        drop(state);
        if is_changed {
            self.changed.notify_one();
        }
        for (ticket, refusal) in polled.refused {
            let _ = ticket.reply.send(Err(refusal));
        }
        let mut unwanted = Vec::new();
        for Ticket { reply, charge, key, .. } in polled.granted {
            let permit =
                Permit { budget: Arc::clone(self), charge, key, granted_at: now, state: Leaving::Held };
            if let Err(Ok(permit)) = reply.send(Ok(permit)) {
                unwanted.push(permit);
            }
        }
        (result, unwanted)
    }
}

impl Drop for Shared {
    /// Ends the timer.
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

/// Wakes the core whenever it asked for it.
async fn keep_time(shared: Weak<Shared>, changed: Arc<Notify>) {
    loop {
        let pause = {
            let Some(shared) = shared.upgrade() else { return };
            let (wake, now) = (shared.state.lock().wake, (shared.clock)().monotonic);
            match wake.map(|wake| wake.0.saturating_sub(now.0)) {
                Some(0) => {
                    shared.step(|_, _| ());
                    continue;
                }
                pause => pause.map(Duration::from_nanos),
            }
        };
        match pause {
            // An end of the pause and a change mean the same: look at what is due now.
            Some(pause) => drop(tokio::time::timeout(pause, changed.notified()).await),
            None => changed.notified().await,
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Budget")
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("charge", &self.charge).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
