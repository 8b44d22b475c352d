//! Commands on their way: each is answered, or sent once more, or the connection is given up.

use std::collections::BTreeMap;

use outrigger_engine::domain::Ticker;
use outrigger_engine::venue::Channel;

use super::channels::is_optional;
use crate::kalshi::normalize::channel_name;
use crate::kalshi::wire::command::{Action, Command, CommandFrame};

/// A command without an answer is sent once more after this long; after `ANSWER_WITHIN_MS` the connection is of no use.
pub(super) const REPEAT_AFTER_MS: u64 = 5_000;
pub(super) const ANSWER_WITHIN_MS: u64 = 10_000;

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Subscribe(Channel),
    /// Changes or ends a subscription.
    Change(Channel),
    /// Changes nothing: asked to hear an answer.
    Ask,
}

#[derive(Debug)]
struct Pending {
    purpose: Purpose,
    sent_ms: u64,
    /// Sent once more as it stands: the venue takes a repeated command for what is already so.
    frame: String,
    is_repeated: bool,
}

/// What is overdue.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    pub(super) repeat: Vec<String>,
    /// Names a command that was asked twice in vain.
    pub(super) unanswered: Option<String>,
}

/// The commands of one connection that wait for their answers.
#[derive(Debug, Default)]
pub(super) struct Commands {
    pending: BTreeMap<u64, Pending>,
    last_id: u64,
}

impl Commands {
    /// Numbers a command that is answered by what it brings.
    pub(super) fn number(&mut self, command: Command<'_>) -> String {
        self.last_id += 1;
        CommandFrame { id: self.last_id, command }.text()
    }

    /// Numbers a command whose answer is waited for.
    pub(super) fn send(&mut self, purpose: Purpose, command: Command<'_>, now_ms: u64) -> String {
        let frame = self.number(command);
        let pending = Pending { purpose, sent_ms: now_ms, frame: frame.clone(), is_repeated: false };
        self.pending.insert(self.last_id, pending);
        frame
    }

    /// An answer came. Returns what for, `None` if none was awaited.
    pub(super) fn answered(&mut self, id: Option<u64>) -> Option<Purpose> {
        id.and_then(|id| self.pending.remove(&id)).map(|pending| pending.purpose)
    }

    /// Returns what to do about missing answers.
    pub(super) fn overdue(&mut self, now_ms: u64) -> Overdue {
        let mut overdue = Overdue::default();
        // An optional channel that is not answered is left alone for the life of the connection.
        self.pending.retain(|_, pending| {
            !pending.purpose.is_optional() || now_ms.saturating_sub(pending.sent_ms) <= ANSWER_WITHIN_MS
        });
        for pending in self.pending.values_mut().filter(|pending| !pending.purpose.is_optional()) {
            let waited_ms = now_ms.saturating_sub(pending.sent_ms);
            if waited_ms > ANSWER_WITHIN_MS {
                overdue.unanswered = Some(pending.purpose.name());
            } else if waited_ms >= REPEAT_AFTER_MS && !pending.is_repeated {
                pending.is_repeated = true;
                overdue.repeat.push(pending.frame.clone());
            }
        }
        overdue
    }

    /// Names a command that had to be repeated and has no answer yet.
    pub(super) fn complaint(&self) -> Option<String> {
        let repeated = self.pending.values().find(|pending| pending.is_repeated)?;
        Some(format!("no answer yet to {}", repeated.purpose.name()))
    }

    /// Tells whether no answer is awaited that counts.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.values().all(|pending| pending.purpose.is_optional())
    }

    /// Returns the number that the last command was given.
    pub(super) const fn last_id(&self) -> u64 {
        self.last_id
    }

    /// Tells whether an acknowledgement is still to come that names a sid.
    pub(super) fn awaits_sid(&self) -> bool {
        self.pending.values().any(|pending| matches!(pending.purpose, Purpose::Subscribe(_)))
    }
}

impl Purpose {
    /// Tells whether nothing depends on the answer.
    const fn is_optional(self) -> bool {
        match self {
            Purpose::Subscribe(channel) | Purpose::Change(channel) => is_optional(channel),
            Purpose::Ask => false,
        }
    }

    fn name(self) -> String {
        match self {
            Purpose::Subscribe(channel) => format!("the subscription of channel {}", channel_name(channel)),
            Purpose::Change(channel) => format!("a change of channel {}", channel_name(channel)),
            Purpose::Ask => "the question whether it still listens".to_owned(),
        }
    }
}

/// A change of one subscription.
pub(super) fn update_command(sid: u64, action: Action, tickers: &[Ticker]) -> Command<'_> {
    let market_tickers = tickers.iter().map(Ticker::as_str).collect();
    Command::UpdateSubscription { sids: [sid], action, market_tickers }
}
