//! Winning books back: snapshots asked for, subscriptions made anew.

use outrigger_engine::domain::{Monotonic, Ticker};
use outrigger_engine::venue::Channel;

use super::{ChannelState, Subscriptions, TICKERS_PER_COMMAND, Todo};
use crate::kalshi::session::channels::is_private;
use crate::kalshi::session::commands::{Purpose, update_command};
use crate::kalshi::session::snapshots::Resort;
use crate::kalshi::wire::command::{Action, Command};

impl Subscriptions {
    /// Asks for snapshots of books on a live subscription. Asked on any other sid it is too late to matter.
    pub(in crate::kalshi::session) fn snapshot(
        &mut self,
        sid: u64,
        tickers: &[Ticker],
        now: Monotonic,
    ) -> Todo {
        let mut todo = Todo::default();
        if self.channel_of(sid) == Some(Channel::OrderbookDelta) {
            let due = self.snapshots.ask(tickers, now.0 / 1_000_000);
            self.get_snapshots(sid, &due, now, &mut todo);
        }
        todo
    }

    fn get_snapshots(&mut self, sid: u64, tickers: &[Ticker], now: Monotonic, todo: &mut Todo) {
        for part in tickers.chunks(TICKERS_PER_COMMAND) {
            // Answered by the snapshots themselves, so no acknowledgement is waited for.
            let command = update_command(sid, Action::GetSnapshot, part);
            todo.send.push(self.commands.number(command));
            self.snapshots.requested(self.commands.last_id(), now);
        }
    }

    /// Returns when the request was sent that a snapshot with this `id` answers.
    pub(in crate::kalshi::session) fn asked_at(&self, id: Option<u64>) -> Option<Monotonic> {
        self.snapshots.asked_at(id)
    }

    /// Makes a live subscription anew: what it carried cannot be placed any more.
    pub(in crate::kalshi::session) fn resubscribe(&mut self, sid: u64, now_ms: u64) -> Todo {
        let mut todo = Todo::default();
        match self.channel_of(sid) {
            Some(channel) if is_private(channel) => {}
            Some(channel) if self.snapshots.may_resubscribe(now_ms) => {
                self.renew(sid, channel, "its numbers make no sense", now_ms, &mut todo);
            }
            // Gone already, or it was its turn a moment ago: whoever needs it asks again.
            Some(_) | None => {}
        }
        todo
    }

    fn renew(&mut self, sid: u64, channel: Channel, why: &str, now_ms: u64, todo: &mut Todo) {
        let command = Command::Unsubscribe { sids: [sid] };
        todo.send.push(self.commands.send(Purpose::Change(channel), command, now_ms));
        self.retire(sid, channel, now_ms, why.to_owned(), todo);
        self.subscribe(channel, now_ms, todo);
    }

    pub(super) fn look_after_snapshots(&mut self, now_ms: u64, todo: &mut Todo) {
        let Some(ChannelState::Live { sid, .. }) = self.channels.get(&Channel::OrderbookDelta) else {
            return;
        };
        let sid = *sid;
        match self.snapshots.due(now_ms) {
            (due, None) => self.get_snapshots(sid, &due, Monotonic(now_ms.saturating_mul(1_000_000)), todo),
            (_, Some(Resort::Resubscribe)) => {
                self.renew(sid, Channel::OrderbookDelta, "its snapshots did not come", now_ms, todo);
            }
            (_, Some(Resort::Reconnect)) => {
                todo.give_up = Some("no snapshot came, not even on a new subscription".to_owned());
            }
        }
    }
}
