//! Thin shells around the pure cores: they receive, call, and perform the effects. No decisions here.

pub mod messages;
