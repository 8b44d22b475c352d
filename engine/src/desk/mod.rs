//! The desk decides everything about orders, money and the halt.

pub mod command;
pub mod read_model;
pub mod view;
