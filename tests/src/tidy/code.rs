//! A Rust file as plain code: comments, strings and characters become spaces, so a search finds only code.
//!
//! Not a parser: it knows just enough of the language's lexical rules to never mistake text for code.

/// Code of the same length in lines as its file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code(pub String);

impl Code {
    /// Returns the lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Returns `text` with everything that is not code blanked.
pub fn blank(text: &str) -> Code {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped_until(&chars, at);
        if end > at {
            out.extend(slice(&chars, at, end).iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        } else {
            out.extend(chars.get(at));
            at += 1;
        }
    }
    Code(out)
}

/// Returns the end of the comment, string or character that begins at `at`, or `at` itself.
fn skipped_until(chars: &[char], at: usize) -> usize {
    let here = |offset: usize| chars.get(at + offset).copied().unwrap_or(' ');
    let follows_word = at > 0 && chars.get(at - 1).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    match here(0) {
        '/' if here(1) == '/' => find(chars, at, |c| c == '\n'),
        '/' if here(1) == '*' => block_comment(chars, at),
        '"' => string(chars, at + 1),
        'r' | 'b' | 'c' if !follows_word => prefixed_string(chars, at),
        '\'' => character(chars, at),
        _ => at,
    }
}

fn block_comment(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    while here < chars.len() {
        match (chars.get(here), chars.get(here + 1)) {
            (Some('/'), Some('*')) => depth += 1,
            (Some('*'), Some('/')) if depth == 1 => return here + 2,
            (Some('*'), Some('/')) => depth -= 1,
            _ => {
                here += 1;
                continue;
            }
        }
        here += 2;
    }
    chars.len()
}

/// Returns the end of an ordinary string whose content begins at `at`.
fn string(chars: &[char], mut at: usize) -> usize {
    while let Some(c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Returns the end of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, or `at` if it is none of them.
fn prefixed_string(chars: &[char], at: usize) -> usize {
    let quote = find(chars, at, |c| !matches!(c, 'r' | 'b' | 'c'));
    let open = find(chars, quote, |c| c != '#');
    let hashes = open - quote;
    if quote - at > 2 || chars.get(open) != Some(&'"') {
        return at;
    }
    if !slice(chars, at, quote).contains(&'r') {
        return if hashes == 0 { string(chars, open + 1) } else { at };
    }
    let mut here = open + 1;
    while here < chars.len() {
        let closed = chars.get(here) == Some(&'"')
            && slice(chars, here + 1, here + 1 + hashes).iter().filter(|c| **c == '#').count() == hashes;
        if closed {
            return here + 1 + hashes;
        }
        here += 1;
    }
    chars.len()
}

/// Returns the end of a character, or `at` for a lifetime.
fn character(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => find(chars, at + 3, |c| c == '\'') + 1,
        (Some(_), Some('\'')) => at + 3,
        _ => at,
    }
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    let mut at = from;
    while chars.get(at).is_some_and(|c| !wanted(*c)) {
        at += 1;
    }
    at
}

fn slice(chars: &[char], from: usize, to: usize) -> &[char] {
    chars.get(from..to.min(chars.len())).unwrap_or_default()
}

/// Returns `code` with every item under `#[cfg(test)]` blanked.
pub fn without_tests(code: &Code) -> Code {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.0.len());
    let mut rest = code.0.as_str();
    while let Some((before, after)) = rest.split_once(MARK) {
        out.push_str(before);
        let end = item_end(after);
        let (item, left) = after.split_at(end);
        out.push_str(&" ".repeat(MARK.len()));
        out.extend(item.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = left;
    }
    out.push_str(rest);
    Code(out)
}

/// Returns where the item ends that `code` begins with: after its `;` or its closing brace.
pub fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::{Code, blank, without_tests};

    #[test]
    fn only_code_is_left() {
        let text = "let a = \"x \\\" y\"; // use rusqlite\nlet b = 'c'; let c: &'a str = r#\"in \"raw\" text\"#; /* a /* b */ c */ d";
        let code = blank(text).0;
        for gone in ["rusqlite", "raw", " y", "b */"] {
            assert!(!code.contains(gone), "{gone} in {code}");
        }
        assert!(code.contains("let c: &'a str =") && code.ends_with(" d") && code.lines().count() == 2);
    }

    #[test]
    fn test_items_vanish_and_lines_stay() {
        let code = Code(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { }\n}\n#[cfg(test)] use x;\nfn c() {}".into(),
        );
        let product = without_tests(&code).0;
        assert!(product.contains("fn a") && product.contains("fn c"));
        assert!(!product.contains("fn b") && !product.contains("use x"));
        assert_eq!(product.lines().count(), code.0.lines().count());
    }
}
