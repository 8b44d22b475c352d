//! Ways from a frame's text to a book.

mod barter;
mod kalshi_pmx;
mod nautilus;
mod ours;
mod typed;
mod value;

use crate::book::Books;

/// One way. Each is fed the same frames, one at a time, in their order.
pub trait Contender {
    /// A new connection begins, for these markets: numbers start over, and books come anew as snapshots.
    fn connect(&mut self, tickers: &[String]);

    /// Turns the text into its own form of the message and drops it. Returns whether it could be read.
    fn decode(&mut self, frame: &str) -> bool;

    /// Turns the text into its own form of the message and applies it. Returns whether both went well.
    fn feed(&mut self, frame: &str) -> bool;

    fn books(&self) -> Books;
}

/// A way's name and how to begin it.
pub struct Entrant {
    pub name: &'static str,
    pub begin: fn() -> Box<dyn Contender>,
}

/// All of them; the first is Outrigger.
pub const ENTRANTS: [Entrant; 7] = [
    Entrant { name: "outrigger", begin: || Box::new(ours::Ours::new()) },
    Entrant { name: "sonic-rs typed + BTreeMap", begin: || Box::new(typed::Typed::new(typed::sonic)) },
    Entrant { name: "serde_json typed + BTreeMap", begin: || Box::new(typed::Typed::new(typed::serde)) },
    Entrant { name: "serde_json::Value + BTreeMap", begin: || Box::<value::Value>::default() },
    Entrant { name: "serde_json typed + barter-data", begin: || Box::<barter::Barter>::default() },
    Entrant { name: "serde_json typed + nautilus-model", begin: || Box::<nautilus::Nautilus>::default() },
    Entrant { name: "kalshi-pmx, its decode and its book", begin: || Box::<kalshi_pmx::Pmx>::default() },
];
