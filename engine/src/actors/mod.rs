//! Thin shells around the pure cores: they receive, call, and perform the effects. No decisions here.
//!
//! Data enters each actor by one bounded lane added as a stream (mailbox limits do not bind), so order is the order of
//! sending. A full lane downstream freezes the sender (`ctx.wait`) until there is room: back-pressure, never a drop.

mod announcer;
mod books;
mod desk;
pub mod messages;
mod parked;

pub use announcer::{
    Announcer, AnnouncerHandle, AnnouncerLanes, AnnouncerPorts, ClientLink, announcer_lanes,
};
pub use books::{BooksActor, BooksPorts};
pub use desk::{DeskActor, DeskPorts};
