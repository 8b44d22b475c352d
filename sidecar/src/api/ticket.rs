//! Tickets for the stream: a page cannot set headers on a WebSocket, so it trades its token for a word it uses once.

use std::collections::HashMap;

use parking_lot::Mutex;
use ring::rand::{SecureRandom as _, SystemRandom};

use outrigger_engine::domain::Monotonic;

use super::ports::Principal;

/// How long a ticket may be used.
pub(crate) const TICKET_TTL_MS: u64 = 10_000;
/// Tickets that may be open at once.
const OPEN_MAX: usize = 1_000;

/// The open tickets. A ticket is looked up by its 256 random bits, so guessing one is hopeless and timing tells nothing.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    open: Mutex<HashMap<String, (Principal, Monotonic)>>,
}

impl Tickets {
    /// Returns a new ticket, or `None` when too many are open or the machine has no randomness.
    pub(crate) fn issue(&self, principal: Principal, now: Monotonic) -> Option<String> {
        let mut bits = [0_u8; 32];
        SystemRandom::new().fill(&mut bits).ok()?;
        let ticket = hex::encode(bits);
        let mut open = self.open.lock();
        open.retain(|_, (_, issued)| now.millis_since(*issued) < TICKET_TTL_MS);
        if open.len() >= OPEN_MAX {
            return None;
        }
        open.insert(ticket.clone(), (principal, now));
        Some(ticket)
    }

    /// Uses a ticket up and returns whose it is.
    pub(crate) fn redeem(&self, ticket: &str, now: Monotonic) -> Option<Principal> {
        let (principal, issued) = self.open.lock().remove(ticket)?;
        (now.millis_since(issued) < TICKET_TTL_MS).then_some(principal)
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::Monotonic;

    use super::{OPEN_MAX, Tickets};
    use crate::api::ports::{Principal, Scope};

    #[test]
    fn a_ticket_works_once_and_for_ten_seconds() {
        let tickets = Tickets::default();
        let who = Principal { name: "ui".into(), scope: Scope::Read };
        let at = |ms: u64| Monotonic(ms * 1_000_000);
        let first = tickets.issue(who.clone(), at(0)).unwrap();
        assert_eq!(tickets.redeem(&first, at(9_999)), Some(who.clone()));
        assert_eq!(tickets.redeem(&first, at(9_999)), None);
        let second = tickets.issue(who.clone(), at(0)).unwrap();
        assert_eq!(tickets.redeem(&second, at(10_000)), None);
        for _ in 0..OPEN_MAX {
            tickets.issue(who.clone(), at(0)).unwrap();
        }
        assert_eq!(tickets.issue(who.clone(), at(0)), None);
        assert!(tickets.issue(who, at(10_000)).is_some(), "the old ones are over");
    }
}
