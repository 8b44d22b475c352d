//! Where a connection to the venue's stream stands, and what moves it: one total table.

use serde::{Deserialize, Serialize};

/// Where one connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// The name is resolved and the network asked for a connection.
    Connecting,
    /// The venue is reached; TLS and the signed upgrade are under way.
    Authenticating,
    /// Admitted; required subscriptions are not all acknowledged yet.
    Subscribing,
    /// Acknowledged; the first snapshots of wanted books are on their way.
    Snapshotting,
    /// Everything required is there.
    Live,
    /// Connected, but something required is not right. Books keep the trust they have.
    Degraded,
    /// No connection; the next attempt waits for its time.
    BackingOff,
    Stopped,
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedEvent {
    /// An attempt begins.
    Attempt,
    /// The network is connected.
    Reached,
    /// The venue accepted the signed upgrade.
    Admitted,
    /// Commands wait for their answers, none of them too long.
    Asked,
    /// Every command is answered; first snapshots of books are awaited.
    Acknowledged,
    /// Nothing required is missing.
    Sound,
    /// Something required is not right.
    Impaired,
    /// The attempt failed or the connection ended.
    Lost,
    /// The process stops.
    Stop,
}

impl FeedState {
    pub const ALL: [FeedState; 8] = [
        FeedState::Connecting,
        FeedState::Authenticating,
        FeedState::Subscribing,
        FeedState::Snapshotting,
        FeedState::Live,
        FeedState::Degraded,
        FeedState::BackingOff,
        FeedState::Stopped,
    ];

    /// Returns the name in logs, metrics and on topic `health`.
    pub const fn as_str(self) -> &'static str {
        match self {
            FeedState::Connecting => "connecting",
            FeedState::Authenticating => "authenticating",
            FeedState::Subscribing => "subscribing",
            FeedState::Snapshotting => "snapshotting",
            FeedState::Live => "live",
            FeedState::Degraded => "degraded",
            FeedState::BackingOff => "backing_off",
            FeedState::Stopped => "stopped",
        }
    }

    /// Tells whether frames of subscriptions can come.
    pub const fn is_admitted(self) -> bool {
        match self {
            FeedState::Subscribing | FeedState::Snapshotting | FeedState::Live | FeedState::Degraded => true,
            FeedState::Connecting
            | FeedState::Authenticating
            | FeedState::BackingOff
            | FeedState::Stopped => false,
        }
    }

    /// Tells whether the account's messages come, so that a read-back from now on leaves no hole.
    pub const fn hears_account(self) -> bool {
        self.is_admitted() && !matches!(self, FeedState::Subscribing)
    }

    /// Returns the state of connections side by side that carry the same, and the reason in words: live if all are, degraded if
    /// one at least is of use, and else as far as the furthest one.
    pub fn of_all<'a>(all: impl Iterator<Item = (FeedState, &'a str)>) -> (FeedState, String) {
        let all: Vec<(FeedState, &str)> = all.collect();
        let Some((furthest, reason)) = all.iter().max_by_key(|(state, _)| state.progress()) else {
            return (FeedState::Stopped, String::new());
        };
        let worst = all.iter().enumerate().min_by_key(|(_, (state, _))| state.progress());
        match worst {
            Some((index, (state, why))) if all.len() > 1 && *state != FeedState::Live => {
                let words = format!("connection {} of {} is {}: {why}", index + 1, all.len(), state.as_str());
                let is_of_use = furthest.progress() >= FeedState::Degraded.progress();
                (if is_of_use { FeedState::Degraded } else { *furthest }, words)
            }
            _ => (*furthest, (*reason).to_owned()),
        }
    }

    /// Orders the states by how much use they are.
    const fn progress(self) -> u8 {
        match self {
            FeedState::Stopped => 0,
            FeedState::BackingOff => 1,
            FeedState::Connecting => 2,
            FeedState::Authenticating => 3,
            FeedState::Subscribing => 4,
            FeedState::Snapshotting => 5,
            FeedState::Degraded => 6,
            FeedState::Live => 7,
        }
    }

    /// Returns the state after `event`, `None` where the event cannot happen.
    pub const fn after(self, event: FeedEvent) -> Option<FeedState> {
        use FeedEvent as E;
        use FeedState as S;
        match (self, event) {
            // The first attempt has nothing before it, every other one a wait.
            (S::Connecting | S::BackingOff, E::Attempt) => Some(S::Connecting),
            (S::Connecting, E::Reached) => Some(S::Authenticating),
            (S::Authenticating, E::Admitted) => Some(S::Subscribing),
            (S::Subscribing, E::Asked) => Some(S::Subscribing),
            (S::Subscribing, E::Acknowledged) => Some(S::Snapshotting),
            // Markets wanted later are asked for beside what is there, and change nothing about it.
            (S::Snapshotting | S::Live | S::Degraded, E::Asked | E::Acknowledged) => Some(self),
            (S::Subscribing | S::Snapshotting | S::Live | S::Degraded, E::Sound) => Some(S::Live),
            (S::Subscribing | S::Snapshotting | S::Live | S::Degraded, E::Impaired) => Some(S::Degraded),
            (
                S::Connecting | S::Authenticating | S::Subscribing | S::Snapshotting | S::Live | S::Degraded,
                E::Lost,
            ) => Some(S::BackingOff),
            (_, E::Stop) => Some(S::Stopped),
            (S::Connecting, E::Admitted | E::Asked | E::Acknowledged | E::Sound | E::Impaired)
            | (
                S::Authenticating,
                E::Attempt | E::Reached | E::Asked | E::Acknowledged | E::Sound | E::Impaired,
            )
            | (
                S::Subscribing | S::Snapshotting | S::Live | S::Degraded,
                E::Attempt | E::Reached | E::Admitted,
            )
            | (
                S::BackingOff,
                E::Reached | E::Admitted | E::Asked | E::Acknowledged | E::Sound | E::Impaired | E::Lost,
            )
            | (
                S::Stopped,
                E::Attempt
                | E::Reached
                | E::Admitted
                | E::Asked
                | E::Acknowledged
                | E::Sound
                | E::Impaired
                | E::Lost,
            ) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FeedEvent as E, FeedState as S};

    const EVENTS: [E; 9] = [
        E::Attempt,
        E::Reached,
        E::Admitted,
        E::Asked,
        E::Acknowledged,
        E::Sound,
        E::Impaired,
        E::Lost,
        E::Stop,
    ];

    /// One row for each state in the order of `ALL`, one column for each event in the order of `EVENTS`.
    const TABLE: [(&str, &str); 8] = [
        ("connecting", "connecting authenticating - - - - - backing_off stopped"),
        ("authenticating", "- - subscribing - - - - backing_off stopped"),
        ("subscribing", "- - - subscribing snapshotting live degraded backing_off stopped"),
        ("snapshotting", "- - - snapshotting snapshotting live degraded backing_off stopped"),
        ("live", "- - - live live live degraded backing_off stopped"),
        ("degraded", "- - - degraded degraded live degraded backing_off stopped"),
        ("backing_off", "connecting - - - - - - - stopped"),
        ("stopped", "- - - - - - - - stopped"),
    ];

    #[test]
    fn of_two_one_of_use_is_enough_to_be_degraded_and_one_alone_is_as_it_is() {
        let of = |states: &[S]| S::of_all(states.iter().map(|state| (*state, "why")));
        for state in S::ALL {
            assert_eq!(of(&[state]), (state, "why".to_owned()));
            let (with_live, words) = of(&[S::Live, state]);
            assert_eq!(with_live, if state == S::Live { S::Live } else { S::Degraded });
            assert!(state == S::Live || words == format!("connection 2 of 2 is {}: why", state.as_str()));
            assert_eq!(of(&[S::BackingOff, state]).0.hears_account(), state.hears_account(), "{state:?}");
        }
        assert_eq!(of(&[S::Snapshotting, S::BackingOff]).0, S::Snapshotting);
    }

    #[test]
    fn every_row_of_the_table() {
        for (state, (name, row)) in S::ALL.into_iter().zip(TABLE) {
            assert_eq!(state.as_str(), name);
            let after = EVENTS.map(|event| state.after(event).map_or("-", S::as_str));
            assert_eq!(after.join(" "), row, "{name}");
        }
    }

    #[test]
    fn names_are_those_of_the_documents() {
        for state in S::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
