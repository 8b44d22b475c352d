//! Finds the outer fields of a frame without parsing its content, and as many of them as it can when a frame is broken.
//!
//! One pass over the bytes: the content (`msg`) is only delimited here and parsed once, later, into the struct its type names.

/// The outer fields of one frame. What the frame did not have, or could not be read, is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Option<&'a str>,
    pub(crate) id: Option<u64>,
    pub(crate) sid: Option<u64>,
    pub(crate) seq: Option<u64>,
    /// When the venue sent the frame, milliseconds on its clock.
    pub(crate) sending_ts_ms: Option<u64>,
    pub(crate) msg: Option<&'a str>,
    /// The text is not one whole JSON object; the fields are those that stood before the damage.
    pub(crate) broken: bool,
}

/// Reads the outer fields of `text`.
pub(crate) fn skim(text: &str) -> Envelope<'_> {
    let mut envelope = Envelope::default();
    let mut scanner = Scanner { text, at: 0 };
    let whole = scanner.object(|key, value| match key {
        "type" => envelope.kind = unquoted(value),
        "id" => envelope.id = number(value),
        "sid" => envelope.sid = number(value),
        "seq" => envelope.seq = number(value),
        "sending_ts_ms" => envelope.sending_ts_ms = number(value),
        "msg" => envelope.msg = Some(value),
        _ => {}
    });
    envelope.broken = whole.is_none();
    envelope
}

/// Calls `field` with the name and raw value of each field of an object, as far as it can be read.
pub(super) fn each_field<'a>(object: &'a str, field: impl FnMut(&'a str, &'a str)) {
    let mut scanner = Scanner { text: object, at: 0 };
    let _whole = scanner.object(field);
}

fn unquoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

fn number(value: &str) -> Option<u64> {
    unquoted(value).unwrap_or(value).parse().ok()
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Calls `field` with every key and raw value of the object that is the whole text; `None` where it breaks off.
    fn object(&mut self, mut field: impl FnMut(&'a str, &'a str)) -> Option<()> {
        self.expect(b'{')?;
        if self.expect(b'}').is_some() {
            return self.end();
        }
        loop {
            self.skip_space();
            let start = self.at;
            self.string()?;
            let key = self.text.get(start..self.at).and_then(unquoted)?;
            self.expect(b':')?;
            self.skip_space();
            let start = self.at;
            self.value()?;
            let value = self.text.get(start..self.at)?;
            let more = self.expect(b',').is_some();
            if !more {
                // A value that nothing follows may have been cut short itself, so it is not taken.
                self.expect(b'}')?;
            }
            field(key, value);
            if !more {
                return self.end();
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn end(&mut self) -> Option<()> {
        self.skip_space();
        self.peek().is_none().then_some(())
    }

    fn string(&mut self) -> Option<()> {
        (self.peek()? == b'"').then(|| self.at += 1)?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }

    /// Passes one value: a string, a scalar, or everything up to the bracket that closes an object or array.
    fn value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => return None,
                b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                _ => self.scalar(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn scalar(&mut self) {
        while let Some(byte) = self.peek()
            && !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n')
        {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Envelope, skim};

    #[test]
    fn finds_outer_fields_in_any_order_past_strings_and_nesting() {
        let text =
            "{\"type\":\"trade\",\"sid\":2,\"seq\":48,\"msg\":{\"a\":\"}\\\"{\",\"b\":[{\"sid\":9}]}}\n";
        let msg = Some(r#"{"a":"}\"{","b":[{"sid":9}]}"#);
        let expected =
            Envelope { kind: Some("trade"), sid: Some(2), seq: Some(48), msg, ..Default::default() };
        assert_eq!(skim(text), expected);
        let text = r#" { "msg" : [ 1 , 2 ] , "id" : "7" , "x" : null , "type" : "ok" } "#;
        let expected =
            Envelope { kind: Some("ok"), id: Some(7), msg: Some("[ 1 , 2 ]"), ..Default::default() };
        assert_eq!(skim(text), expected);
        assert_eq!(skim("{}"), Envelope::default());
    }

    #[test]
    fn keeps_what_stood_before_the_damage() {
        let whole = r#"{"type":"orderbook_delta","sid":1,"seq":22,"msg":{"market_ticker":"KXA"}}"#;
        for cut in 0..whole.len() {
            let envelope = skim(&whole[..cut]);
            assert!(envelope.broken, "{cut}");
            assert_eq!(envelope.sid, (cut >= 34).then_some(1), "{cut}");
            assert_eq!(envelope.seq, (cut >= 43).then_some(22), "{cut}");
        }
        for bad in
            ["", "null", "[1]", "{\"sid\"}", "{\"sid\":}", "{\"sid\":1,}", "{\"sid\":1}x", "{\"a\\", "\u{0}"]
        {
            assert!(skim(bad).broken, "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[\\\\{}\\[\\]\":,a-z0-9é \n]{0,60}") {
            skim(&text);
        }
    }
}
