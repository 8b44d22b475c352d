//! What most scripts do: a tree of values, fields by name, ordered maps.

use super::Contender;
use crate::book::{Books, Levels, PlainBooks, scaled};

#[derive(Default)]
pub(super) struct Value(PlainBooks);

impl Contender for Value {
    fn connect(&mut self, _: &[String]) {}

    fn decode(&mut self, frame: &str) -> bool {
        std::hint::black_box(serde_json::from_str::<serde_json::Value>(frame)).is_ok()
    }

    fn feed(&mut self, frame: &str) -> bool {
        let Ok(frame) = serde_json::from_str::<serde_json::Value>(frame) else { return false };
        let msg = &frame["msg"];
        match frame["type"].as_str() {
            Some("orderbook_delta") => self.delta(msg).is_some(),
            Some("orderbook_snapshot") => self.snapshot(msg).is_some(),
            _ => true,
        }
    }

    fn books(&self) -> Books {
        self.0.books()
    }
}

impl Value {
    fn delta(&mut self, msg: &serde_json::Value) -> Option<()> {
        let price = scaled(msg["price_dollars"].as_str()?, 4)?;
        let by = scaled(msg["delta_fp"].as_str()?, 2)?;
        self.0.change(msg["market_ticker"].as_str()?, msg["side"].as_str()?, price, by)
    }

    fn snapshot(&mut self, msg: &serde_json::Value) -> Option<()> {
        let levels = |name: &str| -> Option<Levels> {
            let list = msg[name].as_array().into_iter().flatten();
            list.map(|level| Some((scaled(level[0].as_str()?, 4)?, scaled(level[1].as_str()?, 2)?))).collect()
        };
        self.0.replace(msg["market_ticker"].as_str()?, levels("yes_dollars_fp")?, levels("no_dollars_fp")?);
        Some(())
    }
}
