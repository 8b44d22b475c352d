//! The true states of every book, from what the exchange meant to say: its own tape, behind which faults act.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::recording::{Book, read_levels, scaled};

/// A moment by the system's clock, Unix milliseconds. Exchange, sidecar and test share the machine and so the clock.
pub type Moment = i64;

/// When each state of each book was true: until the next change, or where nobody listened, until the next snapshot.
#[derive(Debug, Default)]
pub struct Truths {
    /// By market and state; ends are inclusive.
    spans: HashMap<(String, u64), Vec<(Moment, Moment)>>,
    pub states: usize,
}

/// What a client was shown as live, and from when to when.
#[derive(Debug, Clone)]
pub struct Shown {
    pub ticker: String,
    pub state: u64,
    pub seq: u64,
    pub from: Moment,
    pub to: Moment,
}

/// Returns a number that stands for the levels of a book.
#[must_use]
pub fn fingerprint(book: &Book) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&book.yes, &book.no).hash(&mut hasher);
    hasher.finish()
}

/// A book as one connection was told it, and since when it stands so.
struct Open {
    book: Book,
    since: Moment,
}

impl Truths {
    /// Reads the tape of an exchange that has ended.
    pub fn read(tape: &Path) -> anyhow::Result<Truths> {
        let text = std::fs::read_to_string(tape).with_context(|| tape.display().to_string())?;
        let mut truths = Truths::default();
        let mut open: BTreeMap<(u64, String), Open> = BTreeMap::new();
        for line in text.lines().filter(|line| line.contains("\"orderbook_")) {
            let line: Value = serde_json::from_str(line)?;
            let Some(socket) = line["socket"].as_u64() else { continue };
            truths.take(socket, &line["frame"], &mut open).with_context(|| line.to_string())?;
        }
        for ((_, ticker), last) in open {
            truths.stood(&ticker, &last, Moment::MAX);
        }
        Ok(truths)
    }

    fn take(
        &mut self,
        socket: u64,
        frame: &Value,
        open: &mut BTreeMap<(u64, String), Open>,
    ) -> anyhow::Result<()> {
        let message = &frame["msg"];
        if !frame["type"].as_str().is_some_and(|kind| kind.starts_with("orderbook_")) {
            return Ok(());
        }
        let ticker = message["market_ticker"].as_str().context("market_ticker")?.to_owned();
        let at = frame["sending_ts_ms"].as_i64().or(message["ts_ms"].as_i64()).context("a time")?;
        let key = (socket, ticker.clone());
        match frame["type"].as_str() {
            Some("orderbook_snapshot") => {
                let side = |name: &str| read_levels(&message[name]).context("levels");
                let book = Book { yes: side("yes_dollars_fp")?, no: side("no_dollars_fp")? };
                // Whoever listened before has heard nothing since: the old state may have stood until now.
                open.retain(|(other, of), last| {
                    let is_over = *of == ticker && *other <= socket;
                    if is_over {
                        self.stood(&ticker, last, at);
                    }
                    !is_over
                });
                open.insert(key, Open { book, since: at });
            }
            Some("orderbook_delta") => {
                let last = open.get_mut(&key).context("a change before a snapshot")?;
                let price = message["price_dollars"].as_str().and_then(|text| scaled(text, 4));
                let change = message["delta_fp"].as_str().and_then(|text| scaled(text, 2));
                let (price, change) = (price.context("price")?, change.context("change")?);
                let ended = Open { book: last.book.clone(), since: last.since };
                let levels = if message["side"] == "yes" { &mut last.book.yes } else { &mut last.book.no };
                let size = levels.entry(price).or_insert(0);
                *size += change;
                match *size {
                    0 => drop(levels.remove(&price)),
                    1.. => {}
                    _ => bail!("a level below nothing"),
                }
                last.since = at;
                self.stood(&ticker, &ended, at);
            }
            _ => {}
        }
        Ok(())
    }

    fn stood(&mut self, ticker: &str, state: &Open, until: Moment) {
        self.states += 1;
        let key = (ticker.to_owned(), fingerprint(&state.book));
        self.spans.entry(key).or_default().push((state.since, until));
    }

    /// Says why what was shown as live was not the exchange's book: never at all, or not within `late_ms` before its end.
    #[must_use]
    pub fn contradicts(&self, shown: &Shown, late_ms: i64) -> Option<String> {
        let Some(spans) = self.spans.get(&(shown.ticker.clone(), shown.state)) else {
            return Some("the exchange never had this book".to_owned());
        };
        let began = spans.iter().filter(|(from, _)| *from <= shown.to);
        match began.map(|(_, to)| *to).max() {
            None => Some("the exchange had this book only later".to_owned()),
            Some(to) if to < shown.to - late_ms => {
                Some(format!("it had not been the exchange's book for {} ms", shown.to - to))
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Shown, Truths, fingerprint};
    use crate::recording::Book;

    const TAPE: &str = r#"{"rest":{"method":"GET","path":"/x","status":200,"body":null}}
{"socket":1,"frame":{"type":"orderbook_snapshot","sid":1,"seq":1,"sending_ts_ms":1000,"msg":{"market_ticker":"A","yes_dollars_fp":[["0.4000","3.00"]]}}}
{"socket":1,"frame":{"type":"orderbook_delta","sid":1,"seq":2,"sending_ts_ms":2000,"msg":{"market_ticker":"A","price_dollars":"0.4000","delta_fp":"1.00","side":"yes"}}}
"#;

    #[test]
    fn a_state_is_true_while_it_stood_and_no_other_ever_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        std::fs::write(&path, TAPE).unwrap();
        let truths = Truths::read(&path).unwrap();
        let shown = |size: i64, from: i64, to: i64| Shown {
            ticker: "A".to_owned(),
            state: fingerprint(&Book { yes: [(4000, size)].into(), no: [].into() }),
            seq: 1,
            from,
            to,
        };
        assert_eq!(truths.contradicts(&shown(300, 1010, 2400), 500), None);
        assert!(truths.contradicts(&shown(300, 1010, 2600), 500).is_some(), "too old to be called live");
        assert_eq!(truths.contradicts(&shown(400, 2010, 9000), 500), None);
        assert!(truths.contradicts(&shown(400, 1010, 1900), 500).is_some(), "not yet true");
        assert!(truths.contradicts(&shown(350, 1010, 2000), 500).is_some(), "never true");
    }
}
