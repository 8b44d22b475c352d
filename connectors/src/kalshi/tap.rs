//! What passes on the venue's socket, shown as it is to whoever records it.
//!
//! Never shown: the handshake, so no key id and no signature. Whoever looks must not make the socket wait.

use outrigger_engine::domain::{Generation, Now};

/// One thing that passed on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing<'a> {
    /// The exchange took the connection.
    Opened,
    /// A text or binary frame came, as it was on the wire.
    Received(&'a [u8]),
    /// A command was handed to the socket.
    Sent(&'a str),
    /// The connection is over, and why.
    Closed(&'a str),
}

/// Is shown everything in the order in which it passed on each connection.
pub trait FrameSink: Send + Sync {
    /// Takes note of what passed on connection `generation` at `at`. Returns at once, whatever the disk does.
    fn passing(&self, generation: Generation, at: Now, what: Passing<'_>);
}
