//! How the stream as a whole stands, of how its two strands do.

use super::{KeeperOutput, Merge, Strand};
use crate::domain::Generation;
use crate::stream::{Announcement, HealthView};
use crate::venue::FeedState;

impl Merge {
    /// Tells how a strand stands, and the whole if that is another than before.
    pub(super) fn health(
        &mut self,
        by: usize,
        of_one: HealthView,
        strands: &[Strand],
        out: &mut KeeperOutput,
    ) {
        let generation = of_one.generation;
        if !strands.iter().any(Strand::is_admitted) {
            self.unbroken = Generation(generation);
        }
        let component = format!("stream-{}", by + 1);
        out.announcements.push(Announcement::Health(HealthView { component, ..of_one }));
        let standings = strands.iter().map(|strand| {
            strand.standing.as_ref().map_or((FeedState::Connecting, "not started"), |(s, r)| (*s, r.as_str()))
        });
        let (state, reason) = FeedState::of_all(standings);
        if self.told.as_ref().is_none_or(|(known, words)| (*known, words) != (state, &reason)) {
            self.told = Some((state, reason.clone()));
            let (component, generation) = ("stream".to_owned(), self.unbroken.0);
            out.announcements.push(Announcement::Health(HealthView { component, state, reason, generation }));
        }
    }

    /// Returns the connection since whose beginning one strand at least was connected.
    pub(in crate::book::keeper) const fn unbroken(&self) -> Generation {
        self.unbroken
    }
}
