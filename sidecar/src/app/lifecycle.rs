//! When to stop, and how: signals, a parent that died, then one ordered path with a deadline per step.

use std::process::ExitCode;
use std::time::Duration;

use outrigger_engine::actors::messages::DeskMessage;
use tokio::sync::{mpsc, oneshot};

/// How long orders on their way to the exchange are waited for.
const DRAIN_WITHIN: Duration = Duration::from_secs(15);
const PARENT_POLL: Duration = Duration::from_millis(500);

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Signal,
    ParentGone,
    Failed,
}

impl Ending {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Ending::Signal => "signal",
            Ending::ParentGone => "the parent process ended",
            Ending::Failed => "failure",
        }
    }

    pub(super) fn exit_code(self) -> ExitCode {
        match self {
            Ending::Signal | Ending::ParentGone => ExitCode::SUCCESS,
            Ending::Failed => ExitCode::FAILURE,
        }
    }
}

/// Waits for SIGINT, SIGTERM, or the end of the parent.
pub(super) async fn asked_to_stop(parent: Option<u32>) -> Ending {
    tokio::select! {
        biased;
        () = signalled() => Ending::Signal,
        () = parent_gone(parent) => Ending::ParentGone,
    }
}

async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::error!("signals cannot be watched; only SIGKILL will stop this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn parent_gone(parent: Option<u32>) {
    let pid = parent.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return std::future::pending().await };
    while rustix::process::test_kill_process(pid).is_ok() {
        tokio::time::sleep(PARENT_POLL).await;
    }
}

/// Lets the desk finish: no new commands, everything journalled durable, no write on its way.
pub(super) async fn drain(desk: mpsc::Sender<DeskMessage>) {
    let (done, drained) = oneshot::channel();
    let finished = async {
        desk.send(DeskMessage::Drain(done)).await.ok();
        drained.await.ok();
    };
    if tokio::time::timeout(DRAIN_WITHIN, finished).await.is_err() {
        tracing::warn!("orders were still on their way; the next start reads back what became of them");
    }
}
