//! The strands of the feed: one, or two side by side that carry the same, so that the loss of one loses nothing.
//!
//! Each strand is a feed of its own with its own connections, subscriptions and waits; all share what the exchange allows the
//! account. Never here: what comes of two strands being merged.

use outrigger_engine::actors::messages::DeskMessage;
use outrigger_engine::domain::Generation;
use outrigger_engine::venue::{FeedCommand, FeedState, PrivateItem};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// How many strands there can be.
pub(super) const STRANDS_MAX: usize = 2;
/// Commands that wait for one strand. Full: what is wanted waits, the rest is asked for again by the books.
pub(super) const COMMAND_LANE: usize = 4_096;

/// One of the strands side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 0.
    pub(super) index: usize,
    pub(super) of: usize,
}

impl Place {
    /// Returns the number of the strand's connection `life`, from 0.
    pub(super) fn generation(self, life: u64) -> Generation {
        Generation::of(self.index, self.of, life)
    }

    /// Returns the name of its problems.
    pub(super) const fn part(self) -> &'static str {
        match (self.of, self.index) {
            (1, _) => "stream",
            (_, 0) => "stream-1",
            (_, _) => "stream-2",
        }
    }
}

/// Tells the desk how the account's messages come, over all strands.
#[derive(Debug)]
pub(super) struct Account {
    desk: mpsc::Sender<DeskMessage>,
    states: Mutex<Vec<FeedState>>,
}

impl Account {
    pub(super) fn new(strands: usize, desk: mpsc::Sender<DeskMessage>) -> Account {
        Account { desk, states: Mutex::new(vec![FeedState::Connecting; strands]) }
    }

    /// Takes a strand's state. Of two strands the desk is told what makes a difference: that messages come or no longer come,
    /// and that a strand broke, on whose way there may have been some from before the other one was there.
    pub(super) async fn entered(&self, place: Place, generation: Generation, state: FeedState) {
        // Held until it is sent, so that the last that is told is the last that is so.
        let mut states = self.states.lock().await;
        let before = whole(&states);
        let Some(held) = states.get_mut(place.index) else { return };
        let was = std::mem::replace(held, state);
        let now = whole(&states);
        let broke = was.hears_account() && !state.hears_account();
        if place.of == 1 || broke || before.hears_account() != now.hears_account() {
            let told = PrivateItem::StreamState { generation, state: now };
            // A closed lane means the process is stopping.
            let _ = self.desk.send(DeskMessage::Private(vec![told])).await;
        }
    }
}

fn whole(states: &[FeedState]) -> FeedState {
    FeedState::of_all(states.iter().map(|state| (*state, ""))).0
}

/// Passes each command to the strands it is for, until `stop`.
pub(super) async fn route(
    mut commands: mpsc::Receiver<FeedCommand>,
    strands: Vec<mpsc::Sender<FeedCommand>>,
    stop: CancellationToken,
) {
    while let Some(Some(command)) = stop.run_until_cancelled(commands.recv()).await {
        match command {
            FeedCommand::Want { .. } | FeedCommand::Forget { .. } => {
                for strand in &strands {
                    let _ = strand.send(command.clone()).await;
                }
            }
            FeedCommand::Snapshot { generation, .. }
            | FeedCommand::Resubscribe { generation, .. }
            | FeedCommand::Reconnect { generation, .. } => {
                if let Some(strand) = strands.get(generation.strand(strands.len())) {
                    let _ = strand.try_send(command);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::actors::messages::DeskMessage;
    use outrigger_engine::domain::{Generation, SubscriptionId};
    use outrigger_engine::venue::{FeedCommand, FeedState, PrivateItem};
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    use super::{Account, Place, route};

    #[tokio::test]
    async fn the_account_is_heard_as_long_as_one_strand_hears_it() {
        let (desk, mut lane) = mpsc::channel(64);
        let account = Account::new(2, desk);
        let mut told = Vec::new();
        for (index, state) in [
            (0, FeedState::Subscribing),
            (0, FeedState::Snapshotting),
            (0, FeedState::Live),
            (1, FeedState::Live),
            (0, FeedState::BackingOff),
            (0, FeedState::Connecting),
            (1, FeedState::BackingOff),
            (0, FeedState::Live),
        ] {
            account.entered(Place { index, of: 2 }, Generation(1), state).await;
            match lane.try_recv() {
                Ok(DeskMessage::Private(items)) => match items[..] {
                    [PrivateItem::StreamState { state, .. }] => told.push(Some(state.hears_account())),
                    _ => panic!("{items:?}"),
                },
                _ => told.push(None),
            }
        }
        let (heard, unheard) = (Some(true), Some(false));
        assert_eq!(told, [None, heard, None, None, heard, None, unheard, heard]);
    }

    #[tokio::test]
    async fn a_command_reaches_the_strand_it_names_and_wishes_reach_both() {
        let (commands, receiver) = mpsc::channel(8);
        let (first, mut first_lane) = mpsc::channel(8);
        let (second, mut second_lane) = mpsc::channel(8);
        let place = Place { index: 1, of: 2 };
        let tickers = vec!["A".into()];
        let ask = FeedCommand::Snapshot { generation: place.generation(3), sid: SubscriptionId(1), tickers };
        let want = FeedCommand::Want { tickers: vec!["A".into()] };
        commands.send(ask.clone()).await.unwrap();
        commands.send(want.clone()).await.unwrap();
        drop(commands);
        route(receiver, vec![first, second], CancellationToken::new()).await;
        assert_eq!((first_lane.recv().await, first_lane.recv().await), (Some(want.clone()), None));
        assert_eq!((second_lane.recv().await, second_lane.recv().await), (Some(ask), Some(want)));
    }
}
