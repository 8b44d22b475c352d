//! The one frame that makes up almost all of the stream, `orderbook_delta`, read without a JSON parser.
//!
//! It knows the members in the order the venue sends them, plain text and whole numbers. Whatever else it meets, it gives up,
//! and the frame is read the long way: it never decides that a frame is bad, and never reads one otherwise than that.

use std::str::FromStr;

use outrigger_engine::domain::{Price, SignedCount};

/// An `orderbook_delta` with its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuickDelta<'a> {
    pub(crate) sid: u64,
    pub(crate) seq: u64,
    pub(crate) sending_ts_ms: Option<i64>,
    pub(crate) market_ticker: &'a str,
    pub(crate) clock: Option<i64>,
    pub(crate) price: Price,
    pub(crate) change: SignedCount,
    pub(crate) is_yes: bool,
    pub(crate) ts_ms: i64,
}

/// Reads `frame` if it has the usual shape.
pub(crate) fn delta(frame: &str) -> Option<QuickDelta<'_>> {
    let mut rest = Rest(frame);
    rest.expect(r#"{"type":"orderbook_delta","sid":"#)?;
    let sid = rest.number()?;
    rest.expect(r#","seq":"#)?;
    let seq = rest.number()?;
    let sending_ts_ms = match rest.expect(r#","sending_ts_ms":"#) {
        Some(()) => Some(rest.signed()?),
        None => None,
    };
    rest.expect(r#","msg":{"market_ticker":""#)?;
    let market_ticker = rest.text()?;
    if rest.expect(r#","market_id":""#).is_some() {
        rest.text()?;
    }
    let clock = match rest.expect(r#","clock":"#) {
        Some(()) => Some(rest.signed()?),
        None => None,
    };
    rest.expect(r#","price_dollars":""#)?;
    let price = Price::from_str(rest.text()?).ok()?;
    rest.expect(r#","delta_fp":""#)?;
    let change = SignedCount::from_str(rest.text()?).ok()?;
    let is_yes = rest.expect(r#","side":"yes""#).is_some();
    if !is_yes {
        rest.expect(r#","side":"no""#)?;
    }
    if rest.expect(r#","ts":""#).is_some() {
        rest.text()?;
    }
    rest.expect(r#","ts_ms":"#)?;
    let ts_ms = rest.signed()?;
    if rest.expect(r#","client_order_id":""#).is_some() {
        rest.text()?;
    }
    if rest.expect(r#","subaccount":"#).is_some() {
        rest.number()?;
    }
    rest.expect("}}")?;
    matches!(rest.0, "" | "\n").then_some(QuickDelta {
        sid,
        seq,
        sending_ts_ms,
        market_ticker,
        clock,
        price,
        change,
        is_yes,
        ts_ms,
    })
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn expect(&mut self, literal: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// Takes a whole number as JSON writes it, of at most 18 digits.
    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        let mut digits = 0;
        for byte in self.0.bytes() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            // Eighteen digits fit, and more are refused below.
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            digits += 1;
        }
        let is_usual = (1..=18).contains(&digits) && (digits == 1 || !self.0.starts_with('0'));
        self.0 = self.0.get(digits..)?;
        is_usual.then_some(value)
    }

    fn signed(&mut self) -> Option<i64> {
        self.number().and_then(|number| i64::try_from(number).ok())
    }

    /// Takes a string up to and with its closing quote, the opening one already taken. Escapes are not usual.
    fn text(&mut self) -> Option<&'a str> {
        let length = plain(self.0.as_bytes())?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest.strip_prefix('"')?;
        Some(text)
    }
}

/// Returns how many bytes stand before the first quote; `None` if a backslash or a control character comes before it.
fn plain(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let mut passed = 0;
    let mut rest = bytes;
    // Eight bytes at a time: the lowest high bit that is left marks the first byte that is a quote, a backslash or below
    // a space. Bits above it can be wrong, and are not looked at.
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let (quote, escape) = (word ^ (ONES * 0x22), word ^ (ONES * 0x5c));
        let marks = (quote.wrapping_sub(ONES) & !quote)
            | (escape.wrapping_sub(ONES) & !escape)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if marks & HIGHS != 0 {
            let at = (marks & HIGHS).trailing_zeros() / 8;
            let is_quote = (word >> (at * 8)) & 0xff == 0x22;
            return is_quote.then(|| passed + usize::try_from(at).unwrap_or(0));
        }
        passed += 8;
        rest = after;
    }
    let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    (rest.get(at) == Some(&b'"')).then_some(passed + at)
}

#[cfg(test)]
mod tests {
    use super::{delta, plain};

    const USUAL: &str = r#"{"type":"orderbook_delta","sid":2,"seq":17,"sending_ts_ms":1790000000001,"msg":{"market_ticker":"KXTEST-26É","market_id":"0b7a1c55-6a0e-4a63-9c1f-000000000001","clock":42,"price_dollars":"0.4700","delta_fp":"-3.25","side":"no","ts":"2026-10-26T12:00:00.123Z","ts_ms":1790000000190,"client_order_id":"mine","subaccount":0}}"#;

    #[test]
    fn reads_the_usual_shape_with_and_without_what_may_be_absent() {
        let read = delta(USUAL).unwrap();
        assert_eq!((read.sid, read.seq, read.market_ticker), (2, 17, "KXTEST-26É"));
        assert_eq!((read.clock, read.ts_ms, read.is_yes), (Some(42), 1_790_000_000_190, false));
        assert_eq!((read.price.to_string(), read.change.to_string()), ("0.4700".into(), "-3.25".into()));
        let short = r#"{"type":"orderbook_delta","sid":2,"seq":17,"msg":{"market_ticker":"A","price_dollars":"0.47","delta_fp":"1","side":"yes","ts_ms":5}}"#;
        assert!(delta(short).is_some_and(|read| read.is_yes && read.clock.is_none()));
        assert_eq!(delta(&format!("{short}\n")), delta(short));
    }

    #[test]
    fn gives_up_at_anything_unusual() {
        for (usual, unusual) in [
            ("\"sid\":2", "\"sid\":02"),
            ("\"sid\":2", "\"sid\":-2"),
            ("\"seq\":17", "\"seq\":1234567890123456789"),
            ("\"clock\":42", "\"clock\":null"),
            ("KXTEST", "KX\\u0054EST"),
            ("KXTEST", "KX\tTEST"),
            ("0.4700", "1.4700"),
            ("0.4700", ""),
            ("\"no\"", "\"maybe\""),
            ("\"ts_ms\":1790000000190", "\"ts_ms\":1.5"),
            ("}}", "}"),
            ("}}", "}}x"),
            ("}}", ",\"new\":1}}"),
            (",\"side\"", ",\"side\":\"no\",\"side\""),
        ] {
            assert_eq!(delta(&USUAL.replace(usual, unusual)), None, "{unusual}");
        }
    }

    #[test]
    fn the_first_quote_is_found_wherever_it_stands() {
        for length in 0..40 {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            assert_eq!(plain(format!("{text}\"\"\\").as_bytes()), Some(length), "{length}");
            assert_eq!(plain(format!("{text}\\\"").as_bytes()), None, "{length}");
            assert_eq!(plain(format!("{text}\n\"").as_bytes()), None, "{length}");
            assert_eq!(plain(text.as_bytes()), None, "{length}");
        }
        for byte in 0x20..=0x7f_u8 {
            let first = [byte, b'a', b'a', b'a', b'a', b'a', b'a', b'"'];
            let want = match byte {
                b'"' => Some(0),
                b'\\' => None,
                _ => Some(7),
            };
            assert_eq!(plain(&first), want, "{byte}");
        }
    }
}
