//! The catalogue of invariants is true: every promise has its heading, every test it names exists, every place it names too.

use std::collections::BTreeSet;

use super::Complaint;
use super::tree::File;

const CATALOGUE: &str = "docs/INVARIANTS.md";
const PROMISES: usize = 16;

/// Returns what `docs/INVARIANTS.md` gets wrong.
pub fn check(files: &[File]) -> Vec<Complaint> {
    let Some(catalogue) = files.iter().find(|file| file.path == CATALOGUE) else {
        return vec![Complaint::new(CATALOGUE, 0, "missing")];
    };
    let mut complaints = Vec::new();
    for number in 1..=PROMISES {
        if !catalogue.text.lines().any(|line| line.starts_with(&format!("## I{number}: "))) {
            complaints.push(Complaint::new(CATALOGUE, 1, format!("I{number} has no heading")));
        }
    }
    let functions = functions(files);
    for (index, line) in catalogue.text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let is_path = word.contains('/') && !word.contains(' ');
            let is_test = word.contains('_')
                && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            let missing_path =
                is_path && !files.iter().any(|file| file.path == word || file.path.starts_with(word));
            let missing_test = is_test && word.matches('_').count() >= 2 && !functions.contains(word);
            if missing_path || missing_test {
                complaints.push(Complaint::new(CATALOGUE, index + 1, format!("there is no `{word}`")));
            }
        }
    }
    complaints
}

/// Returns the names of all functions.
fn functions(files: &[File]) -> BTreeSet<&str> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    rust.flat_map(|file| file.text.split("fn ").skip(1))
        .map(|rest| rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{CATALOGUE, PROMISES, check};
    use crate::tidy::tree::File;

    fn complaints(line: &str) -> usize {
        let headings: String = (1..=PROMISES).map(|number| format!("## I{number}: x\n")).collect();
        let file = |path: &str, text: String| File { path: path.to_owned(), text };
        check(&[
            file(CATALOGUE, format!("{headings}{line}")),
            file("engine/src/desk/place.rs", "fn a_test_of_it() {}".to_owned()),
        ])
        .len()
    }

    #[test]
    fn what_is_named_must_exist() {
        assert_eq!(complaints("- `engine/src/desk/place.rs`, `a_test_of_it`, `dead_letters`, `kill -9`"), 0);
        assert_eq!(complaints("- `engine/src/desk/gone.rs`"), 1);
        assert_eq!(complaints("- `a_test_long_gone`"), 1);
        assert_eq!(check(&[File { path: CATALOGUE.to_owned(), text: String::new() }]).len(), PROMISES);
    }
}
