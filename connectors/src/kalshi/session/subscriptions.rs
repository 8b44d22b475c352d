//! The subscriptions of one connection as a plain state machine: what is wanted, what was asked, what is live.
//!
//! Never here: sockets, clocks, JSON of frames that come in. Invariants: at most one live sid per channel; every command
//! gets its answer, or the connection is given up; a resubscription is never a storm.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::domain::Ticker;
use outrigger_engine::venue::Channel;

use super::channels::{is_optional, is_sequenced, is_unfiltered};
use super::commands::{Commands, Purpose, update_command};
use super::snapshots::Snapshots;
use crate::kalshi::normalize::{ALL_CHANNELS, channel_name};
use crate::kalshi::wire::command::{Action, Command};

/// Tickers named by one command.
const TICKERS_PER_COMMAND: usize = 500;
/// A channel the venue refused or ended is asked for again after so long.
const RETRY_MS: u64 = 5_000;
/// Optional channels are asked for when the others have been, and after a refusal only now and then.
const OPTIONAL_AFTER_MS: u64 = 2_000;
const OPTIONAL_RETRY_MS: u64 = 60_000;
/// Code 10: channel error. Code 25: subscription buffer overflow. Both end the subscription.
const ENDING_CODES: [i64; 2] = [10, 25];

/// What the connection must do after an input.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::kalshi) struct Todo {
    /// Frames to send, in order.
    pub(super) send: Vec<String>,
    /// Subscriptions whose frames are lost from here on.
    pub(super) lost: Vec<u64>,
    /// The connection is of no use any more.
    pub(super) give_up: Option<String>,
    /// With `give_up`: the venue's code, if it was a refusal.
    pub(super) refused: Option<i64>,
    /// With `give_up`: a command was asked twice and not answered.
    pub(super) is_unanswered: bool,
}

#[derive(Debug)]
enum ChannelState {
    /// Not asked: nothing is wanted on it.
    Idle,
    Asked {
        tickers: BTreeSet<Ticker>,
    },
    Live {
        sid: u64,
        tickers: BTreeSet<Ticker>,
    },
    /// Refused or ended; asked for again at `retry_at_ms`.
    Down {
        retry_at_ms: u64,
        why: String,
    },
}

/// All subscriptions.
#[derive(Debug)]
pub(in crate::kalshi) struct Subscriptions {
    wanted: BTreeSet<Ticker>,
    channels: BTreeMap<Channel, ChannelState>,
    by_sid: BTreeMap<u64, Channel>,
    retired: BTreeSet<u64>,
    commands: Commands,
    snapshots: Snapshots,
}

impl Subscriptions {
    pub(in crate::kalshi) fn new() -> Subscriptions {
        Subscriptions {
            wanted: BTreeSet::new(),
            channels: BTreeMap::new(),
            by_sid: BTreeMap::new(),
            retired: BTreeSet::new(),
            commands: Commands::default(),
            snapshots: Snapshots::default(),
        }
    }

    /// Starts over on a new connection: what is wanted stays, everything else is asked again.
    pub(super) fn connect(&mut self, now_ms: u64) -> Todo {
        self.by_sid.clear();
        self.retired.clear();
        self.commands = Commands::default();
        self.snapshots.clear();
        self.channels = ALL_CHANNELS.into_iter().map(|channel| (channel, ChannelState::Idle)).collect();
        let mut todo = Todo::default();
        for channel in ALL_CHANNELS {
            if is_optional(channel) {
                let retry_at_ms = now_ms.saturating_add(OPTIONAL_AFTER_MS);
                let why = "not asked for yet".to_owned();
                self.channels.insert(channel, ChannelState::Down { retry_at_ms, why });
            } else {
                self.subscribe(channel, now_ms, &mut todo);
            }
        }
        todo
    }

    /// Adds markets. Live channels get them at once, others when they come up.
    pub(super) fn want(&mut self, tickers: Vec<Ticker>, now_ms: u64) -> Todo {
        self.wanted.extend(tickers);
        let mut todo = Todo::default();
        self.catch_up(now_ms, &mut todo);
        todo
    }

    /// Adds markets while there is no connection.
    pub(in crate::kalshi) fn remember(&mut self, tickers: Vec<Ticker>) {
        self.wanted.extend(tickers);
    }

    /// Removes markets while there is no connection.
    pub(in crate::kalshi) fn dismiss(&mut self, tickers: &[Ticker]) {
        for ticker in tickers {
            self.wanted.remove(ticker);
        }
    }

    /// Removes markets nobody needs any more.
    pub(super) fn forget(&mut self, gone: &[Ticker], now_ms: u64) -> Todo {
        let mut todo = Todo::default();
        for ticker in gone {
            self.wanted.remove(ticker);
            self.snapshots.forget(ticker);
        }
        self.catch_up(now_ms, &mut todo);
        todo
    }

    /// A subscription was acknowledged.
    pub(super) fn subscribed(&mut self, id: Option<u64>, sid: u64, channel: Channel, now_ms: u64) -> Todo {
        self.commands.answered(id);
        let mut todo = Todo::default();
        let before = self.channels.insert(channel, ChannelState::Idle);
        let tickers = match before {
            Some(ChannelState::Asked { tickers }) => tickers,
            Some(ChannelState::Live { sid: old, tickers }) => {
                if old != sid {
                    self.by_sid.remove(&old);
                    self.retired.insert(old);
                }
                tickers
            }
            Some(ChannelState::Idle | ChannelState::Down { .. }) | None => BTreeSet::new(),
        };
        if channel == Channel::OrderbookDelta {
            self.snapshots.expect(tickers.iter(), now_ms);
        }
        self.channels.insert(channel, ChannelState::Live { sid, tickers });
        self.by_sid.insert(sid, channel);
        self.catch_up(now_ms, &mut todo);
        todo
    }

    /// A command was answered with `ok` or `unsubscribed`.
    pub(super) fn acknowledged(&mut self, id: Option<u64>) {
        self.commands.answered(id);
    }

    /// A command was refused, or a subscription ended.
    pub(super) fn refused(
        &mut self,
        id: Option<u64>,
        sid: Option<u64>,
        code: i64,
        words: &str,
        now_ms: u64,
    ) -> Todo {
        let mut todo = Todo::default();
        match self.commands.answered(id) {
            Some(Purpose::Subscribe(channel)) => {
                let why =
                    format!("the exchange refused channel {}: {words} (code {code})", channel_name(channel));
                if is_unfiltered(channel) && !is_optional(channel) {
                    (todo.give_up, todo.refused) = (Some(why), Some(code));
                } else {
                    let wait_ms = if is_optional(channel) { OPTIONAL_RETRY_MS } else { RETRY_MS };
                    let retry_at_ms = now_ms.saturating_add(wait_ms);
                    self.channels.insert(channel, ChannelState::Down { retry_at_ms, why });
                }
            }
            // The markets of a refused change stay marked as asked: asking again on this connection would not help.
            Some(Purpose::Change(_) | Purpose::Ask) => {}
            None if ENDING_CODES.contains(&code) => match sid
                .and_then(|sid| Some((sid, self.channel_of(sid)?)))
            {
                Some((sid, channel)) if !is_unfiltered(channel) || is_optional(channel) => {
                    let why = format!(
                        "the exchange ended channel {}: {words} (code {code})",
                        channel_name(channel)
                    );
                    self.retire(sid, channel, now_ms.saturating_add(RETRY_MS), why, &mut todo);
                }
                _ => {
                    todo.give_up = Some(format!("the exchange ended a subscription: code {code} {words}"));
                    todo.refused = Some(code);
                }
            },
            None => {}
        }
        todo
    }

    /// A snapshot came.
    pub(super) fn snapshot_came(&mut self, ticker: &Ticker) {
        self.snapshots.came(ticker);
    }

    /// Looks after what is overdue. Call about once a second.
    pub(super) fn tick(&mut self, now_ms: u64) -> Todo {
        let mut todo = Todo::default();
        let overdue = self.commands.overdue(now_ms);
        if let Some(what) = overdue.unanswered {
            todo.give_up = Some(format!("no answer to {what}, asked twice"));
            todo.is_unanswered = true;
            return todo;
        }
        todo.send.extend(overdue.repeat);
        self.look_after_snapshots(now_ms, &mut todo);
        let due = ALL_CHANNELS.into_iter().filter(|channel| {
            matches!(self.channels.get(channel), Some(ChannelState::Down { retry_at_ms, .. }) if *retry_at_ms <= now_ms)
        });
        for channel in due.collect::<Vec<_>>() {
            self.subscribe(channel, now_ms, &mut todo);
        }
        todo
    }

    /// Asks something that changes nothing, unless an answer is awaited anyway. The deadline of every command holds for it.
    pub(super) fn ask(&mut self, now_ms: u64) -> Todo {
        let mut todo = Todo::default();
        if self.commands.is_settled() {
            todo.send.push(self.commands.send(Purpose::Ask, Command::ListSubscriptions, now_ms));
        }
        todo
    }

    /// Says what required is not right: a channel that is down, a command that had to be repeated.
    pub(super) fn complaint(&self) -> Option<String> {
        let down = self.channels.iter().find_map(|(channel, state)| match state {
            ChannelState::Down { why, .. } if !is_optional(*channel) => Some(why.clone()),
            _ => None,
        });
        down.or_else(|| self.commands.complaint())
    }

    /// Tells whether first snapshots of books are still on their way.
    pub(super) fn awaits_snapshots(&self) -> bool {
        self.snapshots.awaits_firsts()
    }

    /// Tells whether everything that was asked is answered, and no channel is down. Optional channels do not count.
    pub(super) fn is_settled(&self) -> bool {
        let is_asked = |(channel, state): (&Channel, &ChannelState)| {
            matches!(state, ChannelState::Asked { .. }) && !is_optional(*channel)
        };
        self.commands.is_settled() && !self.channels.iter().any(is_asked)
    }

    pub(super) fn channel_of(&self, sid: u64) -> Option<Channel> {
        self.by_sid.get(&sid).copied()
    }

    /// Tells whether frames of `sid` may still come although nobody wants them.
    pub(super) fn is_retired(&self, sid: u64) -> bool {
        self.retired.contains(&sid)
    }

    /// Tells whether a `subscribed` is still to come that an unknown sid could belong to.
    pub(super) fn awaits_sid(&self) -> bool {
        self.commands.awaits_sid()
    }

    /// Returns the live subscriptions whose messages are numbered.
    pub(super) fn sequenced_sids(&self) -> Vec<u64> {
        self.by_sid.iter().filter(|(_, channel)| is_sequenced(**channel)).map(|(sid, _)| *sid).collect()
    }

    fn retire(&mut self, sid: u64, channel: Channel, retry_at_ms: u64, why: String, todo: &mut Todo) {
        self.by_sid.remove(&sid);
        self.retired.insert(sid);
        self.channels.insert(channel, ChannelState::Down { retry_at_ms, why });
        todo.lost.push(sid);
    }

    /// Brings every channel that can take it to what is wanted.
    fn catch_up(&mut self, now_ms: u64, todo: &mut Todo) {
        for channel in ALL_CHANNELS.into_iter().filter(|channel| !is_unfiltered(*channel)) {
            match self.channels.get_mut(&channel) {
                Some(ChannelState::Idle) => self.subscribe(channel, now_ms, todo),
                Some(ChannelState::Live { sid, .. }) if self.wanted.is_empty() => {
                    // A subscription without markets could mean all of them, so it ends with the last one.
                    let sid = *sid;
                    let command = Command::Unsubscribe { sids: [sid] };
                    todo.send.push(self.commands.send(Purpose::Change(channel), command, now_ms));
                    self.by_sid.remove(&sid);
                    self.retired.insert(sid);
                    self.channels.insert(channel, ChannelState::Idle);
                }
                Some(ChannelState::Live { sid, tickers }) => {
                    let sid = *sid;
                    let missing: Vec<Ticker> = self.wanted.difference(tickers).cloned().collect();
                    let surplus: Vec<Ticker> = tickers.difference(&self.wanted).cloned().collect();
                    tickers.clone_from(&self.wanted);
                    for (action, changed) in [(Action::AddMarkets, missing), (Action::DeleteMarkets, surplus)]
                    {
                        for part in changed.chunks(TICKERS_PER_COMMAND) {
                            self.update(channel, sid, action, part, now_ms, todo);
                        }
                    }
                }
                Some(ChannelState::Asked { .. } | ChannelState::Down { .. }) | None => {}
            }
        }
    }

    /// Asks for a channel, with the first of the wanted markets; the rest follows its acknowledgement.
    fn subscribe(&mut self, channel: Channel, now_ms: u64, todo: &mut Todo) {
        let mut first: BTreeSet<Ticker> = BTreeSet::new();
        if !is_unfiltered(channel) {
            first.extend(self.wanted.iter().take(TICKERS_PER_COMMAND).cloned());
            if first.is_empty() {
                // Without tickers the venue would refuse, or send every market there is.
                self.channels.insert(channel, ChannelState::Idle);
                return;
            }
        }
        let tickers = (!first.is_empty()).then(|| first.iter().map(Ticker::as_str).collect());
        let command = Command::Subscribe {
            channels: [channel_name(channel)],
            market_tickers: tickers,
            use_yes_price: (channel == Channel::OrderbookDelta).then_some(false),
            send_initial_snapshot: (channel == Channel::Ticker).then_some(true),
            skip_ticker_ack: (!is_unfiltered(channel)).then_some(true),
            user_filter: (channel == Channel::Communications).then_some("self"),
        };
        todo.send.push(self.commands.send(Purpose::Subscribe(channel), command, now_ms));
        if channel == Channel::OrderbookDelta {
            self.snapshots.expect(first.iter(), now_ms);
        }
        self.channels.insert(channel, ChannelState::Asked { tickers: first });
    }

    fn update(
        &mut self,
        channel: Channel,
        sid: u64,
        action: Action,
        tickers: &[Ticker],
        now_ms: u64,
        todo: &mut Todo,
    ) {
        let command = update_command(sid, action, tickers);
        todo.send.push(self.commands.send(Purpose::Change(channel), command, now_ms));
        if channel == Channel::OrderbookDelta && action == Action::AddMarkets {
            self.snapshots.expect(tickers.iter(), now_ms);
        }
    }
}

mod healing;

#[cfg(test)]
mod tests;
