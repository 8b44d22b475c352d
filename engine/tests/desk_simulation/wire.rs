//! Between the process and the exchange: what becomes of requests and their answers, how far reads lag, what the stream loses,
//! repeats and delays. Outcomes are judged as the connector judges them: only proof of refusal is refusal.

use outrigger_engine::domain::Count;
use outrigger_engine::venue::{
    Accepted, Refusal, ReportScope, VenueReport, VenueWrite, WriteKind, WriteOutcome,
};

use crate::gateway::{REFILL_MS, Turn, Write};
use crate::venue::{Sight, Verdict};
use crate::world::{ACCEPTED_MS, Call, Event, World, note};

/// How long the gateway waits for an answer.
const DEADLINE_MS: i64 = 300;
const TRIES_MAX: u32 = 4;
/// How far reads lag behind, at worst, while things go wrong; and else.
const LAG_MS: (i64, i64) = (3_000, 40);

/// What will become of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Comes,
    /// It is lost, or comes after the deadline.
    Lost,
    /// Something between says 502, whatever the venue did.
    BadGateway,
}

fn unknown(reason: &str) -> WriteOutcome {
    WriteOutcome::Unknown { reason: reason.to_owned() }
}

impl World {
    pub(crate) fn send_what_may_leave(&mut self) {
        while let Some(turn) = self.gateway.next(self.ms) {
            match turn {
                Turn::NotSent(write, reason) => {
                    let outcome = WriteOutcome::NotSent { reason: reason.to_owned() };
                    self.answer(&write, outcome);
                }
                Turn::Leaves(write) => {
                    self.look_at_wire(&write);
                    self.leave(write);
                }
            }
        }
    }

    /// The promises about what leaves: none after a halt, none without a durable intent, no cancel kept waiting by it.
    fn look_at_wire(&mut self, write: &Write) {
        note!(self, "leaves: {} {} {:?}", write.order_id, write.attempt, write.write);
        if write.write.kind() != WriteKind::Cancel {
            if self.told.is_halted {
                self.fail("I9", || format!("{:?} left after the halt was acknowledged", write.write));
            }
            let waits = self.gateway.oldest_cancel().map_or(0, |since| self.ms - since.max(write.since));
            if waits > REFILL_MS {
                self.fail("I8", || format!("a cancel has waited {waits} ms and {:?} leaves", write.write));
            }
        }
        if let VenueWrite::Create(create) = &write.write
            && !self.durable_ids.contains(create.client_order_id.as_str())
        {
            self.fail("I6", || format!("{} leaves and its intent is not durable", create.client_order_id));
        }
    }

    fn leave(&mut self, write: Write) {
        let call = self.number();
        let (signed, body) = (self.ms, write.write.clone());
        let roll = if self.faulty { self.dice.roll(100) } else { 99 };
        let travel = self.dice.between(1, 20);
        let mut fate = Fate::Comes;
        match roll {
            0..=3 => {
                self.gateway.refund(&write);
                let outcome = WriteOutcome::NotSent { reason: "not connected".to_owned() };
                self.after(travel, Event::Answer { call, outcome });
            }
            4..=6 if write.tries + 1 < TRIES_MAX => self.after(travel, Event::Again { call }),
            4..=6 => {
                let outcome = WriteOutcome::NotSent { reason: "the exchange's rate limit".to_owned() };
                self.after(travel, Event::Answer { call, outcome });
            }
            7..=13 => {
                let outcome = unknown("no answer");
                self.after(DEADLINE_MS, Event::Answer { call, outcome });
            }
            _ => {
                let is_late = (14..=22).contains(&roll);
                let travel = if is_late { self.dice.between(20, ACCEPTED_MS + 300) } else { travel };
                fate = match roll {
                    23..=33 => Fate::Lost,
                    34..=37 => Fate::BadGateway,
                    _ => Fate::Comes,
                };
                let may_repeat = matches!(body.kind(), WriteKind::Create | WriteKind::Cancel);
                if (38..=41).contains(&roll) && may_repeat {
                    // Something between repeats the request, and only the second one's answer comes back. Nothing that keeps
                    // to HTTP repeats a POST; that a create survives it is more than is needed.
                    let first = self.number();
                    self.after(travel / 2, Event::Arrives { call: first, write: body.clone(), signed });
                }
                self.after(travel, Event::Arrives { call, write: body, signed });
                let outcome = unknown("no answer in time");
                self.after(DEADLINE_MS, Event::Answer { call, outcome });
            }
        }
        self.calls.insert(call, Call { write, fate });
    }

    /// A request reaches the venue.
    pub(crate) fn arrives(&mut self, call: u64, write: &VenueWrite, signed: i64) {
        let back = if self.faulty && self.dice.chance(10) {
            self.dice.between(20, 400)
        } else {
            self.dice.between(1, 20)
        };
        if self.venue_ms() - signed > ACCEPTED_MS {
            note!(self, "arrives too late: {write:?}");
            if let Some(known) = self.calls.get(&call)
                && known.fate == Fate::Comes
            {
                let is_last = known.write.tries + 1 >= TRIES_MAX;
                let refusal = || refused(401, "header_timestamp_expired");
                let event =
                    if is_last { Event::Answer { call, outcome: refusal() } } else { Event::Again { call } };
                self.after(back, event);
            }
            return;
        }
        if let VenueWrite::Create(create) = write {
            self.create_arrives(create.client_order_id.as_str());
        }
        let outcome = self.execute(write);
        note!(self, "the venue: {write:?} -> {outcome:?}");
        match self.calls.get(&call).map(|call| call.fate) {
            Some(Fate::Comes) => self.after(back, Event::Answer { call, outcome }),
            Some(Fate::BadGateway) => {
                let outcome = unknown("502");
                self.after(back, Event::Answer { call, outcome });
            }
            Some(Fate::Lost) | None => {}
        }
    }

    /// The venue's answer to a write, judged by the connector's rules.
    fn execute(&mut self, write: &VenueWrite) -> WriteOutcome {
        let (now, dice, venue) = (self.ms + self.skew, &mut self.dice, &mut self.venue);
        let verdict = match write {
            VenueWrite::Create(create) => venue.create(create, dice, now),
            VenueWrite::Cancel(target) => venue.cancel(target.venue_order_id.as_str(), now),
            VenueWrite::Amend { target, price, count, .. } => {
                venue.amend(target.venue_order_id.as_str(), (*price, *count), dice, now)
            }
            VenueWrite::Decrease { target, reduce_to } => {
                venue.decrease(target.venue_order_id.as_str(), *reduce_to, now)
            }
        };
        let accepted = |order: &outrigger_engine::venue::VenueOrder, fills, rests| {
            let (venue_order_id, ts_ms) = (order.venue_order_id.clone(), order.updated_ms);
            WriteOutcome::Accepted(Accepted {
                venue_order_id,
                fill_count: fills,
                remaining_count: rests,
                ts_ms,
            })
        };
        match verdict {
            Verdict::Done(order) => {
                let rests = Some(order.remaining_count);
                match write.kind() {
                    WriteKind::Create => accepted(&order, Some(order.fill_count), rests),
                    WriteKind::Decrease => accepted(&order, None, rests),
                    // What a cancel took away is not read.
                    WriteKind::Cancel | WriteKind::Amend => accepted(&order, None, None),
                }
            }
            Verdict::Amended(order, filled, is_resized) => {
                let says = !filled.is_zero() || is_resized;
                let (fills, rests) =
                    if says { (Some(filled), Some(order.remaining_count)) } else { (None::<Count>, None) };
                accepted(&order, fills, rests)
            }
            Verdict::Refused(code) => refused(409, code),
            Verdict::Exists => unknown("order_already_exists"),
            Verdict::NotFound => unknown("404 not_found"),
        }
    }

    /// Reads the account: each part sees up to a moment of its own, none less than the report says.
    pub(crate) fn read(&mut self, scope: ReportScope) -> (i64, Result<VenueReport, String>) {
        let started = self.ms;
        if self.faulty && self.dice.chance(15) {
            return (self.dice.between(1, 2_000), Err("timeout".to_owned()));
        }
        let lag_max = if self.faulty && self.dice.chance(20) { LAG_MS.0 } else { LAG_MS.1 };
        let as_of = self.venue_ms() - self.dice.between(0, lag_max);
        let now = self.venue_ms();
        let mut sees = || self.dice.between(as_of, now.max(as_of));
        let sight = Sight {
            started,
            as_of,
            lists: sees(),
            singles: sees(),
            fills: sees(),
            positions: sees(),
            settlements: sees(),
            balance: sees(),
        };
        let report = self.venue.report(scope, &sight);
        let takes = if self.faulty { self.dice.between(1, 800) } else { self.dice.between(1, 60) };
        (takes, Ok(report))
    }

    /// What the venue had to tell goes out on the stream, if it gets through.
    pub(crate) fn tell_news(&mut self) {
        for item in std::mem::take(&mut self.venue.news) {
            if !self.stream_is_up || (self.faulty && self.dice.chance(12)) {
                continue;
            }
            let copies = if self.faulty && self.dice.chance(12) { 2 } else { 1 };
            for _ in 0..copies {
                let delay = match if self.faulty { self.dice.roll(10) } else { 0 } {
                    0..=6 => self.dice.between(1, 20),
                    7 | 8 => self.dice.between(1, 500),
                    _ => self.dice.between(1, 5_000),
                };
                self.after(delay, Event::News { stream: self.stream, item: Box::new(item.clone()) });
            }
        }
    }
}

fn refused(http_status: u16, code: &str) -> WriteOutcome {
    WriteOutcome::Refused(Refusal { http_status, code: code.to_owned(), message: String::new() })
}
