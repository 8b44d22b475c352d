//! The local stream's WebSocket: what is said (protocol), and who says it (session).

mod document;
mod protocol;
mod session;

pub(crate) use document::asyncapi;
pub(crate) use session::upgrade;
