//! Patterns for tickers: `*` stands for any text, everything else for itself.

/// Tells whether `text` fits `pattern`.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|left| {
            let mut tails = left.char_indices().map(|(at, _)| at).chain([left.len()]);
            tails.any(|at| left.get(at..).is_some_and(|tail| fits(rest, tail)))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text) in
            [("A", "A"), ("*", ""), ("A*", "A-1"), ("*-1", "A-1-1"), ("A-*-1", "A-26NOV-1")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("A", "AB"), ("A-*-1", "A-26NOV-11"), ("*B", "A"), ("", "A"), ("A*A", "A")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
