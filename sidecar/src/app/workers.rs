//! The threads of the hot actors: one arbiter each for the desk, and for books with the announcer.
//!
//! A panic there would leave the process half alive, so it ends the process: the next start recovers by the normal path.

use std::cell::Cell;
use std::panic;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use actix::{Actor as _, Arbiter};
use outrigger_engine::actors::messages::DeskMessage;
use outrigger_engine::actors::{Announcer, AnnouncerLanes, AnnouncerPorts, BooksActor, DeskActor, DeskPorts};
use outrigger_engine::desk::Desk;
use tokio::sync::mpsc;

use crate::telemetry;

/// Threads by name without which the process must not go on.
const CRITICAL_NAMES: [&str; 2] = ["ledger-writer", "venue"];
const LOG_FLUSH_WITHIN: Duration = Duration::from_millis(500);

thread_local! {
    static IS_CRITICAL: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic on a critical thread flushes the log and aborts; elsewhere it is only logged.
pub(super) fn end_on_critical_panic() {
    let default = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        default(info);
        let thread = thread::current();
        let named = thread
            .name()
            .is_some_and(|name| CRITICAL_NAMES.iter().any(|critical| name.starts_with(critical)));
        if named || IS_CRITICAL.get() {
            tracing::error!(thread = thread.name(), panic = %info, "a critical thread panicked, the process ends");
            telemetry::flush(LOG_FLUSH_WITHIN);
            std::process::abort();
        }
        telemetry::metrics::PANICS.fetch_add(1, Ordering::Relaxed);
        tracing::error!(thread = thread.name(), panic = %info, "a thread panicked");
    }));
}

pub(super) fn start_desk(desk: Desk, lane: mpsc::Receiver<DeskMessage>, ports: DeskPorts) {
    Arbiter::new().spawn_fn(move || {
        IS_CRITICAL.set(true);
        DeskActor::new(desk, lane, ports).start();
    });
}

/// Books and announcer share a thread: what one applies the other tells without a hop between cores.
pub(super) fn start_market(
    books: impl FnOnce() -> BooksActor + Send + 'static,
    announcer_lanes: AnnouncerLanes,
    announcer_ports: AnnouncerPorts,
) {
    Arbiter::new().spawn_fn(move || {
        IS_CRITICAL.set(true);
        Announcer::new(announcer_lanes, announcer_ports).start();
        books().start();
    });
}
