//! One client's connection as the rest of the exchange can misuse it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What becomes of a connection's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Pass,
    /// Bytes to the client leave one by one.
    Trickle(Duration),
    /// Nothing is read or written, and the connection stays.
    Frozen,
    Close,
    Reset,
}

impl Mode {
    /// Tells whether bytes still go both ways.
    pub(super) fn carries(self) -> bool {
        matches!(self, Self::Pass | Self::Trickle(_))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(super) client: SocketAddr,
    pub(super) mode: watch::Sender<Mode>,
    /// Cancelled when the client has nothing more to say, or cannot be heard any more.
    pub(super) ended: CancellationToken,
}

impl Link {
    pub(super) fn new(client: SocketAddr) -> Link {
        Link { client, mode: watch::Sender::new(Mode::Pass), ended: CancellationToken::new() }
    }

    /// Changes the connection for good: what ended it stays.
    pub(super) fn set(&self, mode: Mode) {
        self.mode.send_if_modified(|current| {
            let changes = current.carries() && *current != mode;
            if changes {
                *current = mode;
            }
            changes
        });
    }
}
