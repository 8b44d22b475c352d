//! The local stream's core: topics, offsets, windows for resume, frames encoded once.

mod announcement;

pub use announcement::{Alert, Announcement, HealthView};
