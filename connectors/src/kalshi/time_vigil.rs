//! Looks at the clocks once a second, whatever else is busy, and tells the sessions when time broke.

use std::time::Duration;

use outrigger_engine::domain::{Clock, TimeBreak, TimeWatch};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until `stop`. Whoever listens sees the last break, and that there was one.
pub(super) async fn keep(clock: Clock, breaks: watch::Sender<Option<TimeBreak>>, stop: CancellationToken) {
    let mut time = TimeWatch::default();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        if let Some(found) = time.look(clock()) {
            tracing::warn!(event = "time_broke", reason = %found, "everything known from before is suspect until it is read again");
            breaks.send_replace(Some(found));
        }
    }
}
