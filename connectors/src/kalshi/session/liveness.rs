//! Whether the peer still speaks: three counts of ticks since something whole came, since a ping got its pong, and since the
//! last text.
//!
//! Pure. Counted in ticks, a second apart, rather than in time, because ticks only pass while this side reads: what waits
//! unread behind a full lane is no silence of the peer. A quiet market is no silence either, as long as pings and questions
//! are answered.

/// A peer of whom nothing whole came for so long is gone, or trickles.
const SILENT_TICKS: u32 = 18;
const PING_EVERY_TICKS: u32 = 5;
/// A pong that takes longer stands behind bytes that are as late as it is.
const PONG_WITHIN_TICKS: u32 = 12;
/// Without a text for so long, a question must show that the peer still talks.
const ASK_AFTER_TICKS: u32 = 10;

/// What to do about the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    Fine,
    /// Send a ping with this number.
    Ping(u64),
    /// The connection is of no use; why.
    Dead(&'static str),
}

/// The counts of one connection.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    silent: u32,
    textless: u32,
    since_ping: u32,
    /// Ticks the oldest ping without a pong waits.
    unanswered: Option<u32>,
    pings: u64,
}

impl Liveness {
    /// A whole message came, of whatever kind.
    pub(super) fn heard(&mut self) {
        self.silent = 0;
    }

    pub(super) fn heard_text(&mut self) {
        self.textless = 0;
    }

    /// A pong came. It answers the newest ping it can: one of an older ping says nothing about now.
    pub(super) fn ponged(&mut self, number: &[u8]) {
        if number == self.pings.to_be_bytes() {
            self.unanswered = None;
        }
    }

    /// Counts a tick.
    pub(super) fn tick(&mut self) -> Check {
        self.silent += 1;
        self.textless += 1;
        self.since_ping += 1;
        if let Some(waited) = &mut self.unanswered {
            *waited += 1;
        }
        if self.silent >= SILENT_TICKS {
            return Check::Dead("nothing whole was heard from the exchange for 18 s");
        }
        if self.unanswered.is_some_and(|waited| waited >= PONG_WITHIN_TICKS) {
            return Check::Dead("the exchange did not answer a ping for 12 s: what it sends is late or lost");
        }
        if self.unanswered.is_none() && self.since_ping >= PING_EVERY_TICKS {
            self.since_ping = 0;
            self.unanswered = Some(0);
            self.pings += 1;
            return Check::Ping(self.pings);
        }
        Check::Fine
    }

    /// Tells whether the peer has said nothing for so long that it should be asked something.
    pub(super) fn must_ask(&self) -> bool {
        self.textless >= ASK_AFTER_TICKS
    }
}

#[cfg(test)]
mod tests {
    use super::{Check, Liveness};

    /// Ticks until the connection is called dead, at most `limit`; `peer` acts after each tick.
    fn ticks_until_dead(limit: u32, mut peer: impl FnMut(u32, &mut Liveness, Option<u64>)) -> Option<u32> {
        let mut liveness = Liveness::default();
        (1..=limit).find(|tick| {
            let ping = match liveness.tick() {
                Check::Dead(_) => return true,
                Check::Ping(number) => Some(number),
                Check::Fine => None,
            };
            peer(*tick, &mut liveness, ping);
            false
        })
    }

    #[test]
    fn a_peer_that_says_nothing_is_found_before_25_s() {
        let found = ticks_until_dead(100, |_, _, _| {}).unwrap();
        assert!((15..=20).contains(&found), "{found}");
    }

    #[test]
    fn a_peer_whose_frames_come_but_never_a_pong_is_found_before_25_s() {
        let found = ticks_until_dead(100, |_, liveness, _| liveness.heard()).unwrap();
        assert!((15..=20).contains(&found), "{found}");
    }

    #[test]
    fn a_pong_that_is_later_each_time_is_found() {
        let mut owed = Vec::new();
        let found = ticks_until_dead(1_000, |tick, liveness, ping| {
            liveness.heard();
            owed.extend(ping.map(|number| (tick * 3, number)));
            owed.retain(|(due, number)| {
                if *due <= tick {
                    liveness.ponged(&number.to_be_bytes());
                }
                *due > tick
            });
        });
        assert!(found.is_some_and(|tick| tick <= 40), "{found:?}");
    }

    #[test]
    fn a_quiet_peer_that_answers_pings_lives_for_ever_and_is_asked_something() {
        let mut asked = 0;
        let found = ticks_until_dead(3_600, |_, liveness, ping| {
            if let Some(number) = ping {
                liveness.heard();
                liveness.ponged(&number.to_be_bytes());
            }
            if liveness.must_ask() {
                asked += 1;
                liveness.heard_text();
            }
        });
        assert_eq!((found, asked), (None, 360));
    }

    #[test]
    fn an_old_pong_proves_nothing() {
        let found = ticks_until_dead(100, |_, liveness, _| {
            liveness.heard();
            liveness.ponged(&0_u64.to_be_bytes());
            liveness.ponged(b"heartbeat");
        });
        assert!(found.is_some());
    }
}
