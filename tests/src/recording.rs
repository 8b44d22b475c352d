//! An independent reader of recorded WebSocket sessions: what every book must be at the end of a file.
//!
//! Shares no code with the product: plain JSON values, ordered maps, whole numbers. Slow and obvious on purpose.
//! A file is read connection after connection; a book is known only while nothing before it was lost.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

/// Levels of one leg: price in 1e-4 dollar to size in 1e-2 contract.
pub type Levels = BTreeMap<i64, i64>;

/// Bids of both legs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    pub yes: Levels,
    pub no: Levels,
}

/// What the file says a market's book is at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    Known(Book),
    /// Something before the end was lost or unreadable: nobody can know.
    Unknown,
}

/// A whole file.
#[derive(Debug, Default)]
pub struct Recording {
    pub books: BTreeMap<String, Truth>,
    pub frames: usize,
    pub snapshots: usize,
    pub deltas: usize,
    pub connections: usize,
    /// Repeated, late, missing and unreadable frames.
    pub anomalies: usize,
}

/// Reads a file, compressed or not.
pub fn read(path: &Path) -> anyhow::Result<Recording> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let plain: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "zst") {
        let mut decoder = zstd::Decoder::new(file)?;
        decoder.window_log_max(27)?;
        Box::new(decoder)
    } else {
        Box::new(file)
    };
    let mut reader = Reader::default();
    for line in BufReader::new(plain).split(b'\n') {
        let line = line.with_context(|| path.display().to_string())?;
        let text = String::from_utf8_lossy(&line);
        if !text.trim().is_empty() {
            reader.line(text.trim());
        }
    }
    Ok(reader.finish())
}

/// Returns every file under `folder`, in order.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a decimal string into whole units of 10^-`decimals`, exactly or not at all.
pub fn scaled(text: &str, decimals: usize) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (kept, dropped) = fraction.split_at_checked(decimals).unwrap_or((fraction, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty()
        || !is_number(whole)
        || !is_number(fraction)
        || dropped.bytes().any(|byte| byte != b'0')
    {
        return None;
    }
    let padded = format!("{whole}{kept:0<decimals$}");
    padded.parse::<i64>().ok().map(|value| sign * value)
}

#[derive(Default)]
struct Reader {
    /// In order of first appearance.
    connections: Vec<(i64, Connection)>,
    recording: Recording,
    /// Of a capture: the process that wrote it, and where its connections begin to be counted.
    run: Option<String>,
    base: i64,
}

#[derive(Default)]
struct Connection {
    subscriptions: BTreeMap<i64, Subscription>,
}

/// A sequence of frames; those that came early wait for their turn.
#[derive(Default)]
struct Subscription {
    next: Option<i64>,
    waiting: BTreeMap<i64, Event>,
    books: BTreeMap<String, Truth>,
}

enum Event {
    Snapshot(String, Book),
    Delta { ticker: String, is_yes: bool, price: i64, change: i64 },
    Nothing,
    Lost,
}

impl Reader {
    fn line(&mut self, text: &str) {
        let line: Option<Value> = serde_json::from_str(text).ok();
        if line.as_ref().is_some_and(|line| self.is_beside_frames(line)) {
            return;
        }
        let number = line.as_ref().and_then(|line| line.get("conn")?.as_i64()).unwrap_or(0) + self.base;
        let Some(frame) = line.and_then(unwrap_frame) else {
            self.recording.anomalies += 1;
            // What it was about is unknown, so nothing is certain until the next snapshots.
            for (_, connection) in &mut self.connections {
                connection.subscriptions.values_mut().for_each(Subscription::lose);
            }
            return;
        };
        self.recording.frames += 1;
        let (Some(sid), Some(seq)) = (frame["sid"].as_i64(), frame["seq"].as_i64()) else { return };
        let event = read_event(&frame);
        match &event {
            Event::Snapshot(..) => self.recording.snapshots += 1,
            Event::Delta { .. } => self.recording.deltas += 1,
            Event::Nothing => {}
            Event::Lost => self.recording.anomalies += 1,
        }
        let in_turn = self.connection(number).subscriptions.entry(sid).or_default().take(seq, event);
        self.recording.anomalies += usize::from(!in_turn);
    }

    /// Takes in a line of a capture that is no frame: its head, a mark, a command.
    fn is_beside_frames(&mut self, line: &Value) -> bool {
        if line.get("recv_ns").is_none() || (line.get("mark").is_none() && line.get("sent").is_none()) {
            return false;
        }
        let run = line["run"].as_str().filter(|_| line["mark"] == "capture");
        if let Some(run) = run.filter(|run| self.run.as_deref() != Some(*run)) {
            self.run = Some(run.to_owned());
            self.base = self.connections.iter().map(|(number, _)| *number).max().unwrap_or(0);
        }
        true
    }

    fn connection(&mut self, number: i64) -> &mut Connection {
        let at = self.connections.iter().position(|(known, _)| *known == number);
        if at.is_none() {
            self.connections.push((number, Connection::default()));
        }
        let at = at.unwrap_or(self.connections.len() - 1);
        &mut self.connections[at].1
    }

    fn finish(mut self) -> Recording {
        self.recording.connections = self.connections.len();
        for (_, connection) in self.connections {
            for (_, mut subscription) in connection.subscriptions {
                if !subscription.waiting.is_empty() {
                    // A number never came: what followed it is certain only where a snapshot came after.
                    subscription.lose();
                    for (_, event) in std::mem::take(&mut subscription.waiting) {
                        subscription.apply(event);
                    }
                }
                self.recording.books.extend(subscription.books);
            }
        }
        self.recording
    }
}

impl Subscription {
    /// Takes a frame in by its number. Returns whether it came in its turn.
    fn take(&mut self, seq: i64, event: Event) -> bool {
        let next = *self.next.get_or_insert(seq);
        if seq < next {
            return false;
        }
        if seq > next {
            self.waiting.insert(seq, event);
            return false;
        }
        self.apply(event);
        self.next = Some(next + 1);
        while let Some(event) = self.next.and_then(|next| self.waiting.remove(&next)) {
            self.apply(event);
            self.next = self.next.map(|next| next + 1);
        }
        true
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Nothing => {}
            Event::Lost => self.lose(),
            Event::Snapshot(ticker, book) => {
                self.books.insert(ticker, Truth::Known(book));
            }
            Event::Delta { ticker, is_yes, price, change } => {
                let truth = self.books.entry(ticker).or_insert(Truth::Unknown);
                let Truth::Known(book) = truth else { return };
                let levels = if is_yes { &mut book.yes } else { &mut book.no };
                let size = levels.entry(price).or_insert(0);
                *size += change;
                match *size {
                    0 => drop(levels.remove(&price)),
                    1.. => {}
                    _ => *truth = Truth::Unknown,
                }
            }
        }
    }

    fn lose(&mut self) {
        self.books.values_mut().for_each(|truth| *truth = Truth::Unknown);
    }
}

/// Returns the frame of a line in any of the three formats: in `frame`, in `raw`, or the line itself.
fn unwrap_frame(line: Value) -> Option<Value> {
    let inner = line.get("frame").or_else(|| line.get("raw"));
    match inner {
        Some(Value::String(text)) => serde_json::from_str(text).ok(),
        Some(frame) => Some(frame.clone()),
        None => Some(line),
    }
}

fn read_event(frame: &Value) -> Event {
    let message = &frame["msg"];
    let Some(ticker) = message["market_ticker"].as_str().map(str::to_owned) else { return Event::Nothing };
    let event = match frame["type"].as_str() {
        Some("orderbook_snapshot") => read_book(message).map(|book| Event::Snapshot(ticker, book)),
        Some("orderbook_delta") => read_delta(message, ticker),
        _ => Some(Event::Nothing),
    };
    event.unwrap_or(Event::Lost)
}

fn read_delta(message: &Value, ticker: String) -> Option<Event> {
    let is_yes = match message["side"].as_str()? {
        "yes" => true,
        "no" => false,
        _ => return None,
    };
    let price = scaled(message["price_dollars"].as_str()?, 4)?;
    let change = scaled(message["delta_fp"].as_str()?, 2)?;
    Some(Event::Delta { ticker, is_yes, price, change })
}

fn read_book(message: &Value) -> Option<Book> {
    Some(Book { yes: read_levels(&message["yes_dollars_fp"])?, no: read_levels(&message["no_dollars_fp"])? })
}

/// Reads `[["0.4700","3.00"],…]`. An absent side is an empty one.
pub fn read_levels(side: &Value) -> Option<Levels> {
    let rows = match side {
        Value::Null => return Some(Levels::new()),
        side => side.as_array()?,
    };
    rows.iter()
        .map(|row| Some((scaled(row.get(0)?.as_str()?, 4)?, scaled(row.get(1)?.as_str()?, 2)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Reader, Truth, scaled};

    fn truth(lines: &[&str]) -> (Truth, usize) {
        let mut reader = Reader::default();
        lines.iter().for_each(|line| reader.line(line));
        let mut recording = reader.finish();
        (recording.books.remove("A").unwrap(), recording.anomalies)
    }

    fn delta(seq: u8, change: &str) -> String {
        format!(
            r#"{{"type":"orderbook_delta","sid":1,"seq":{seq},"msg":{{"market_ticker":"A","price_dollars":"0.4000","delta_fp":"{change}","side":"yes"}}}}"#
        )
    }

    const SNAPSHOT: &str = r#"{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{"market_ticker":"A","yes_dollars_fp":[["0.4000","3.00"]]}}"#;

    fn size(truth: &Truth) -> Option<i64> {
        match truth {
            Truth::Known(book) => book.yes.get(&4000).copied(),
            Truth::Unknown => None,
        }
    }

    #[test]
    fn repeats_count_once_and_late_frames_find_their_place() {
        let (two, three) = (delta(2, "1.00"), delta(3, "-0.50"));
        for lines in [[SNAPSHOT, &two, &three], [SNAPSHOT, &three, &two]] {
            assert_eq!(size(&truth(&lines).0), Some(350));
        }
        let (book, anomalies) = truth(&[SNAPSHOT, &two, &two, &three]);
        assert_eq!((size(&book), anomalies), (Some(350), 1));
    }

    #[test]
    fn a_lost_frame_leaves_the_book_unknown_until_a_snapshot() {
        let three = delta(3, "1.00");
        assert_eq!(truth(&[SNAPSHOT, &three]).0, Truth::Unknown);
        assert_eq!(truth(&[SNAPSHOT, "{cut"]).0, Truth::Unknown);
        assert_eq!(truth(&[SNAPSHOT, &delta(2, "-9.00")]).0, Truth::Unknown);
        let again = SNAPSHOT.replace(r#""seq":1"#, r#""seq":4"#);
        assert_eq!(size(&truth(&[SNAPSHOT, &three, &again]).0), Some(300));
    }

    #[test]
    fn decimals_are_exact_or_nothing() {
        for (text, decimals, value) in [
            ("0.4700", 4, Some(4700)),
            ("12", 2, Some(1200)),
            ("-3.5", 2, Some(-350)),
            ("0.123400", 4, Some(1234)),
            ("0.12345", 4, None),
            ("oops", 4, None),
            ("", 4, None),
        ] {
            assert_eq!(scaled(text, decimals), value, "{text}");
        }
    }
}
