//! Finds every path that a piece of code names, `use` groups unfolded.

use super::code::Code;

/// Returns (line, path) for each `use` leaf and each inline `a::b::c` in `code`.
pub fn named(code: &Code) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = code.0.as_str();
    let mut line = 1;
    while let Some(start) = next_word(rest) {
        let (before, after) = rest.split_at(start);
        line += before.matches('\n').count();
        let word_end = after.find(|c: char| !is_word(c)).unwrap_or(after.len());
        let (word, tail) = after.split_at(word_end);
        if word == "use" && tail.starts_with(char::is_whitespace) {
            let end = tail.find(';').unwrap_or(tail.len());
            let (tree, left) = tail.split_at(end);
            unfold(tree.trim_start().trim_start_matches("::"), "", &mut |path| found.push((line, path)));
            line += tree.matches('\n').count();
            rest = left;
        } else {
            let (path, left) = inline(after);
            if path.contains("::") || left.starts_with('!') {
                found.push((line, path.to_owned()));
            }
            rest = left;
        }
    }
    found
}

/// Tells whether `path` is `banned` or lies below it.
pub fn is_under(path: &str, banned: &str) -> bool {
    path == banned || path.strip_prefix(banned).is_some_and(|rest| rest.starts_with("::"))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn next_word(text: &str) -> Option<usize> {
    text.find(|c: char| c.is_alphabetic() || c == '_')
}

/// Splits `text` after the path it begins with.
fn inline(text: &str) -> (&str, &str) {
    let mut end = 0;
    loop {
        let tail = text.get(end..).unwrap_or_default();
        end += tail.find(|c: char| !is_word(c)).unwrap_or(tail.len());
        let tail = text.get(end..).unwrap_or_default();
        match tail.strip_prefix("::") {
            Some(next) if next.starts_with(is_word) => end += 2,
            _ => return text.split_at(end),
        }
    }
}

/// Calls `found` with each leaf of a `use` tree.
fn unfold(tree: &str, prefix: &str, found: &mut dyn FnMut(String)) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let inner = group.rsplit_once('}').map_or(group, |(inner, _)| inner);
        let prefix = format!("{prefix}{}", head.split_whitespace().collect::<String>());
        for branch in branches(inner) {
            unfold(branch, &prefix, found);
        }
        return;
    }
    let name = tree.split_whitespace().next().unwrap_or_default();
    match name {
        "" => {}
        "self" => found(prefix.trim_end_matches("::").to_owned()),
        _ => found(format!("{prefix}{name}")),
    }
}

/// Splits a group's content at the commas that are not inside an inner group.
fn branches(group: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let mut from = 0;
    let mut found = Vec::new();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.extend(group.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.extend(group.get(from..));
    found
}

#[cfg(test)]
mod tests {
    use super::{is_under, named};
    use crate::tidy::code::Code;

    #[test]
    fn groups_unfold_and_inline_paths_are_seen() {
        let code = Code(
            "use std::{\n  io,\n  time::{Duration, Instant as Clock},\n};\nlet x = std::env::var(y);\npanic!()".into(),
        );
        let paths: Vec<String> =
            named(&code).into_iter().map(|(line, path)| format!("{line} {path}")).collect();
        assert_eq!(
            paths,
            ["1 std::io", "1 std::time::Duration", "1 std::time::Instant", "5 std::env::var", "6 panic"]
        );
        assert!(is_under("std::env::var", "std::env") && !is_under("std::environ", "std::env"));
    }
}
