//! The local stream's core: topics, offsets, windows for resume, frames encoded once.
//!
//! Pure apart from the outbox's lock and wake-up: no sockets, no clock, no JSON parsing. Invariants: offsets of a topic are
//! gapless (I11); a client sees every event of a stream topic in order or is closed; a client never sees a torn book;
//! a client that does not read holds bounded memory and slows nobody (I12).

mod announcement;
mod frame;
mod hub;
mod limits;
mod outbox;
mod request;
mod source;
mod topic;
mod window;

pub use announcement::{Alert, Announcement, HealthView};
pub use frame::FrameKind;
pub use hub::{Hub, HubFull};
pub use limits::{HubLimits, StreamStats};
pub use outbox::{Ending, Outbox, OutboxLimits, Taken};
pub use request::{AuditEvent, ClientId, ClientRequest, Position, Resume};
pub use source::SnapshotSource;
pub use topic::{Mode, Topic, TopicError, TopicFilter, TopicKind};
pub use window::WindowLimits;
