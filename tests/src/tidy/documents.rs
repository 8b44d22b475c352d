//! Documents have one title each, their links lead somewhere, and every fixture is used.

use std::collections::{BTreeMap, BTreeSet};

use super::Complaint;
use super::tree::File;

/// Returns documents without exactly one title, and titles used twice.
pub fn titles(files: &[File]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let prose = without_code(&file.text);
        let titles: Vec<&str> = prose.lines().filter_map(|line| line.strip_prefix("# ")).collect();
        let [title] = titles.as_slice() else {
            complaints.push(Complaint::new(&file.path, 1, format!("{} titles, want one", titles.len())));
            continue;
        };
        if let Some(other) = seen.insert(title.trim().to_owned(), &file.path) {
            complaints.push(Complaint::new(&file.path, 1, format!("the title of {other} again: {title}")));
        }
    }
    complaints
}

/// Returns relative links that lead to no file.
pub fn links(files: &[File]) -> Vec<Complaint> {
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let prose = without_code(&file.text);
        for (index, line) in prose.lines().enumerate() {
            for target in
                line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
            {
                let target = target.split('#').next().unwrap_or_default();
                if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let path = resolve(&file.path, target);
                if !paths.iter().any(|known| *known == path || known.starts_with(&format!("{path}/"))) {
                    complaints.push(Complaint::new(&file.path, index + 1, format!("no file {path}")));
                }
            }
        }
    }
    complaints
}

/// Returns `target` as seen from the folder of `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// Returns `text` with fenced and indented code blanked.
fn without_code(text: &str) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in text.lines() {
        let is_fence = line.trim_start().starts_with("```");
        if !(fenced || is_fence || line.starts_with("    ")) {
            out.push_str(line);
        }
        out.push('\n');
        fenced ^= is_fence;
    }
    out
}

/// Returns fixtures that no code names, neither by file name nor as part of a folder that is walked.
pub fn fixtures(files: &[File]) -> Vec<Complaint> {
    let code: Vec<&File> =
        files.iter().filter(|file| file.path.ends_with(".rs") || file.path.ends_with(".py")).collect();
    files
        .iter()
        .filter(|file| file.path.starts_with("fixtures/") && !file.path.ends_with(".md"))
        .filter(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            !code.iter().any(|file| file.text.contains(name))
        })
        .map(|file| Complaint::new(&file.path, 1, "a fixture no test names"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{fixtures, links, titles};
    use crate::tidy::tree::File;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn titles_are_one_and_different() {
        let files = [
            file("a.md", "# A\n```\n# not one\n```\n"),
            file("b.md", "# A\n"),
            file("c.md", "no title\n"),
            file("d.md", "# D\n# E\n"),
        ];
        let paths: Vec<String> = titles(&files).into_iter().map(|complaint| complaint.path).collect();
        assert_eq!(paths, ["b.md", "c.md", "d.md"]);
    }

    #[test]
    fn links_lead_to_files() {
        let text = "[x](../README.md) [y](https://x.y/z) [z](gone.md#part) [d](decisions/)";
        let files = [file("docs/A.md", text), file("README.md", "# R"), file("docs/decisions/1.md", "# 1")];
        let found = links(&files);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].text.contains("docs/gone.md"));
    }

    #[test]
    fn unused_fixtures_are_named() {
        let files = [
            file("fixtures/a.json", ""),
            file("fixtures/b.json", ""),
            file("x/src/tests.rs", "read(\"fixtures/a.json\")"),
        ];
        assert_eq!(fixtures(&files).len(), 1);
    }
}
