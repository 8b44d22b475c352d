//! Reads the repository's text files, and finds out which Rust files are test code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::code::{self, Code};

/// A text file, its path relative to the root with forward slashes.
#[derive(Debug, Clone)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// A Rust file with comments, strings and test items blanked out, line numbers kept.
#[derive(Debug, Clone)]
pub struct Rust {
    pub path: String,
    /// Comments and strings blanked.
    pub code: Code,
    /// `code` without the items under `#[cfg(test)]`; empty for a test file.
    pub product: Code,
    pub is_test: bool,
    pub lines: usize,
}

/// Names that hold nothing of ours; `.git` is a file in a linked worktree.
const SKIPPED: [&str; 8] =
    [".git", "target", ".venv", "node_modules", "__pycache__", ".pytest_cache", ".idea", ".vscode"];

/// Returns every text file under `root`.
pub fn read(root: &Path) -> std::io::Result<Vec<File>> {
    let mut files = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                waiting.push(path);
            } else if let (Ok(text), Ok(relative)) = (fs::read_to_string(&path), path.strip_prefix(root)) {
                let path = relative.to_string_lossy().replace('\\', "/");
                files.push(File { path, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Returns the Rust files among `files`.
pub fn rust(files: &[File]) -> Vec<Rust> {
    let blanked: Vec<(&File, Code)> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| (file, code::blank(&file.text)))
        .collect();
    let test_modules: BTreeSet<String> =
        blanked.iter().flat_map(|(file, code)| test_modules(&file.path, code)).collect();
    blanked
        .into_iter()
        .map(|(file, code)| {
            let is_test = is_test_path(&file.path)
                || test_modules.iter().any(|module| {
                    file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/"))
                });
            let product = if is_test { Code::default() } else { code::without_tests(&code) };
            Rust { path: file.path.clone(), lines: file.text.lines().count(), code, product, is_test }
        })
        .collect()
}

/// Tells whether a path is test code by its place.
fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.contains("/benches/")
        || path.contains("/examples/")
        || path.ends_with("/tests.rs")
}

/// Returns the modules (paths without `.rs`) that `path` declares as `#[cfg(test)] mod name;`.
fn test_modules(path: &str, code: &Code) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    let base = match stem {
        "mod" | "lib" | "main" => folder.to_owned(),
        other => format!("{folder}/{other}"),
    };
    let mut found = Vec::new();
    for after in code.0.split("#[cfg(test)]").skip(1) {
        let mut words = after.split_whitespace().skip_while(|word| word.starts_with("pub"));
        if words.next() == Some("mod") {
            let name = words.next().and_then(|name| name.strip_suffix(';'));
            found.extend(name.map(|name| format!("{base}/{name}")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{File, rust};

    #[test]
    fn knows_test_code_by_place_and_by_declaration() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("a/src/lib.rs", "#[cfg(test)]\npub(crate) mod client;\nmod real;"),
            file("a/src/client.rs", "fn x() {}"),
            file("a/src/real.rs", "fn y() {}\n#[cfg(test)]\nmod tests { fn z() {} }"),
        ];
        let read = rust(&files);
        let client = read.iter().find(|file| file.path == "a/src/client.rs").unwrap();
        assert!(client.is_test);
        let real = read.iter().find(|file| file.path == "a/src/real.rs").unwrap();
        assert!(!real.is_test && real.product.0.contains("fn y") && !real.product.0.contains("fn z"));
    }
}
