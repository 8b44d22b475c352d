//! The life of an order as one table. Total: every state meets every event; what cannot be true is a contradiction.
//!
//! No event but proof ends in `rejected` or `canceled` (I4): silence only leads to `unknown`.
//!
//! Everything at the venue that ends an order reads the same here, and its word for why is kept beside the status: its own
//! cancel or another program's, expiry, self-trade prevention, a post-only order that would have crossed, a market that
//! closes or resumes, cancel-all with its tail of a minute, an order group that triggers. As a create's answer it is
//! `AcceptedEnded`, in the venue's records `SeenCanceled`. Fills that happened before it count whenever they come.

use crate::desk::view::OrderStatus;
use crate::planted::{Bug, has};

/// Something that was learnt about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// The venue accepted it and something rests.
    AcceptedWorking,
    /// The venue accepted it and nothing rests: filled whole.
    AcceptedFilled,
    /// The venue accepted it and nothing rests, not all filled (immediate-or-cancel, self-trade prevention).
    AcceptedEnded,
    Refused,
    /// The write got no usable answer.
    NoAnswer,
    /// The write provably never left.
    NotSent,
    SeenResting,
    /// It rests, with all the fills known here: more is wanted than was known here.
    SeenGrown,
    SeenExecuted,
    SeenCanceled,
    /// A cancel was acknowledged.
    CancelAccepted,
    /// Fills recorded here add up to the whole count.
    FilledWhole,
    /// Complete reads, newer than the last moment it could have been accepted, do not know it.
    ProvenAbsent,
}

/// Two statements that cannot both be true. Shown, never averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {status:?} cannot be {event:?}")]
pub struct Contradiction {
    pub status: OrderStatus,
    pub event: OrderEvent,
}

/// Returns the status after `event`.
pub fn next(status: OrderStatus, event: OrderEvent) -> Result<OrderStatus, Contradiction> {
    use OrderEvent as E;
    use OrderStatus as S;
    let contradiction = Err(Contradiction { status, event });
    match (status, event) {
        // The answer to a create. After UNKNOWN it is a late answer, and still proof.
        (S::Pending | S::Unknown, E::AcceptedWorking) => Ok(S::Resting),
        (S::Pending | S::Unknown, E::AcceptedFilled) => Ok(S::Executed),
        (S::Pending | S::Unknown, E::AcceptedEnded) => Ok(S::Canceled),
        (S::Pending | S::Unknown, E::Refused) => Ok(S::Rejected),
        (S::Pending, E::NotSent) => Ok(S::Rejected),
        (S::Pending, E::NoAnswer) if has(Bug::TimeoutMeansRejected) => Ok(S::Rejected),
        (S::Pending, E::NoAnswer) => Ok(S::Unknown),

        // The stream can overtake the answer: what it said stands, the answer adds nothing.
        (S::Resting, E::AcceptedWorking) => Ok(S::Resting),
        (S::Resting, E::AcceptedFilled) => Ok(S::Executed),
        (S::Resting, E::AcceptedEnded) => Ok(S::Canceled),
        (S::Executed, E::AcceptedWorking | E::AcceptedFilled | E::AcceptedEnded) => Ok(S::Executed),
        (S::Canceled, E::AcceptedWorking | E::AcceptedEnded) => Ok(S::Canceled),
        (S::Canceled, E::AcceptedFilled) => Ok(S::Executed),
        (S::Resting | S::Executed | S::Canceled, E::NoAnswer) => Ok(status),
        (S::Unknown, E::NoAnswer) => Ok(S::Unknown),

        // The venue's own records. Reads lag, so "resting" never undoes an end.
        (S::Pending | S::Unknown | S::Resting, E::SeenResting | E::SeenGrown) => Ok(S::Resting),
        (S::Executed | S::Canceled, E::SeenResting) | (S::Canceled, E::SeenGrown) => Ok(status),
        // Fills that made the whole as it was known here: another program had made it larger.
        (S::Executed, E::SeenGrown) => Ok(S::Resting),
        (S::Pending | S::Unknown | S::Resting | S::Executed | S::Canceled, E::SeenExecuted) => {
            Ok(S::Executed)
        }
        // An end is told once and for good: one that was concluded from fills gives way to it.
        (S::Pending | S::Unknown | S::Resting | S::Executed | S::Canceled, E::SeenCanceled) => {
            Ok(S::Canceled)
        }
        (S::Resting | S::Unknown | S::Canceled, E::CancelAccepted) => Ok(S::Canceled),
        // A cancel that met the last fill: both true, the order is filled.
        (S::Executed, E::CancelAccepted) => Ok(S::Executed),

        // Fills may arrive in any order and after a cancel. They count, and the cancel stands: the venue, which alone knows how
        // much was wanted in the end, said so.
        (S::Pending | S::Unknown | S::Resting | S::Executed, E::FilledWhole) => Ok(S::Executed),
        (S::Canceled, E::FilledWhole) => Ok(S::Canceled),

        (S::Unknown, E::ProvenAbsent) => Ok(S::Rejected),
        // Absence proves nothing about an order the venue has already spoken of.
        (S::Pending | S::Resting | S::Executed | S::Canceled | S::Rejected, E::ProvenAbsent) => contradiction,

        (S::Rejected, E::Refused | E::NotSent | E::NoAnswer) => Ok(S::Rejected),
        // The order exists after all. Money may be at risk: what the venue shows wins, loudly.
        (S::Rejected, E::SeenResting | E::SeenGrown | E::AcceptedWorking) => contradiction,
        (S::Rejected, E::SeenExecuted | E::AcceptedFilled | E::FilledWhole) => contradiction,
        (S::Rejected, E::SeenCanceled | E::AcceptedEnded | E::CancelAccepted) => contradiction,
        (S::Resting | S::Executed | S::Canceled, E::Refused | E::NotSent) => contradiction,
        (S::Unknown, E::NotSent) => contradiction,
        (S::Pending, E::CancelAccepted) => contradiction,
    }
}

/// Returns the status to show when `event` contradicts `status`: the venue's evidence of life wins over a claim of death.
pub fn after_contradiction(contradiction: Contradiction) -> OrderStatus {
    use OrderEvent as E;
    match (contradiction.status, contradiction.event) {
        (OrderStatus::Rejected, E::SeenResting | E::SeenGrown | E::AcceptedWorking) => OrderStatus::Resting,
        (OrderStatus::Rejected, E::SeenExecuted | E::AcceptedFilled | E::FilledWhole) => {
            OrderStatus::Executed
        }
        (OrderStatus::Rejected, E::SeenCanceled | E::AcceptedEnded) => OrderStatus::Canceled,
        (status, _) => status,
    }
}

#[cfg(test)]
mod tests {
    use super::{OrderEvent as E, after_contradiction, next};
    use crate::desk::view::OrderStatus as S;

    const STATES: [S; 6] = [S::Pending, S::Resting, S::Executed, S::Canceled, S::Rejected, S::Unknown];
    const SILENCE: [E; 1] = [E::NoAnswer];
    const LIFE: [E; 4] = [E::SeenResting, E::SeenExecuted, E::AcceptedWorking, E::FilledWhole];

    #[test]
    fn silence_never_ends_an_order() {
        for status in STATES {
            for event in SILENCE {
                let after = next(status, event).unwrap_or_else(after_contradiction);
                assert!(after == status || after == S::Unknown, "{status:?} {event:?} -> {after:?}");
            }
        }
    }

    #[test]
    fn a_sign_of_life_never_leaves_an_order_rejected() {
        for event in LIFE {
            let after = next(S::Rejected, event).unwrap_or_else(after_contradiction);
            assert_ne!(after, S::Rejected, "{event:?}");
        }
    }

    #[test]
    fn only_the_venues_own_word_changes_an_executed_order() {
        for event in [E::SeenResting, E::CancelAccepted, E::NoAnswer, E::ProvenAbsent, E::Refused] {
            assert_eq!(
                next(S::Executed, event).unwrap_or_else(after_contradiction),
                S::Executed,
                "{event:?}"
            );
        }
    }

    #[test]
    fn only_an_unknown_order_can_be_proven_absent() {
        for status in STATES {
            assert_eq!(next(status, E::ProvenAbsent).is_ok(), status == S::Unknown, "{status:?}");
        }
    }
}
