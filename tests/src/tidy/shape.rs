//! How files and functions may look: lengths, banned attributes, floats near money, exceptions with reasons.

use super::Complaint;
use super::code::item_end;
use super::tree::{File, Rust};

/// Lines of a product file; a test file may have half as many again.
pub const FILE_LINES_MAX: usize = 400;
pub const TEST_FILE_LINES_MAX: usize = 600;
/// Lines of a function, signature and braces included.
pub const FUNCTION_LINES_MAX: usize = 70;

/// Folders where money is decided or stored: integers only.
const NO_FLOATS: [&str; 8] = [
    "engine/src/domain/",
    "engine/src/book/",
    "engine/src/order/",
    "engine/src/risk/",
    "engine/src/desk/",
    "engine/src/journal/",
    "sidecar/src/store/",
    "simulator/src/venue/",
];

/// Returns files and functions that are too long.
pub fn lengths(files: &[Rust]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files {
        let max = if file.is_test { TEST_FILE_LINES_MAX } else { FILE_LINES_MAX };
        if file.lines > max {
            let text = format!("{} lines, at most {max}: split it by purpose", file.lines);
            complaints.push(Complaint::new(&file.path, 1, text));
        }
        for (line, name, length) in functions(&file.code.0) {
            if length > FUNCTION_LINES_MAX {
                let text = format!("fn {name} has {length} lines, at most {FUNCTION_LINES_MAX}");
                complaints.push(Complaint::new(&file.path, line, text));
            }
        }
    }
    complaints
}

/// Returns (line, name, length in lines) of every function with a body.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let (before, from) = code.split_at(at);
        if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name: String = from.chars().skip(3).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let item = from.get(..item_end(from)).unwrap_or(from);
        if !name.is_empty() && item.ends_with('}') {
            found.push((before.matches('\n').count() + 1, name, item.matches('\n').count() + 1));
        }
    }
    found
}

/// Returns uses of floats where money is decided.
pub fn floats(files: &[Rust]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| NO_FLOATS.iter().any(|folder| file.path.starts_with(folder))) {
        for (line, text) in file.product.lines() {
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            if words.any(|word| word == "f64" || word == "f32") {
                complaints.push(Complaint::new(
                    &file.path,
                    line,
                    "a float near money: use the integer types",
                ));
            }
        }
    }
    complaints
}

/// Returns ignored tests, lints allowed for good, and exceptions without a reason.
pub fn attributes(files: &[Rust]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in files {
        let code = &file.code.0;
        for (at, _) in code.match_indices("#[").chain(code.match_indices("#![")) {
            let (before, from) = code.split_at(at);
            let line = before.matches('\n').count() + 1;
            let attribute = from.split_once(']').map_or(from, |(attribute, _)| attribute);
            let attribute = attribute.trim_start_matches(['#', '!', '[']);
            let text = if attribute.starts_with("ignore") {
                "an ignored test: assert today's behaviour with a remark instead"
            } else if attribute.starts_with("allow(") && !file.is_test {
                "#[allow]: use #[expect(…, reason = \"…\")], which fails once it is not needed"
            } else if is_exception(attribute) && !attribute.contains("reason") {
                "an exception without a reason"
            } else {
                continue;
            };
            complaints.push(Complaint::new(&file.path, line, text));
        }
    }
    complaints
}

/// Tells whether an attribute sets a lint aside.
fn is_exception(attribute: &str) -> bool {
    attribute.starts_with("allow(") || attribute.starts_with("expect(")
}

/// Returns places of this or that machine in any text file, and packages from anywhere but crates.io.
pub fn machines(files: &[File]) -> Vec<Complaint> {
    // Put together here, so that this file does not complain about itself.
    let places = [
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/Us", "ers/"],
        ["artif", "actory"],
        [".pye", "nv/"],
    ];
    let places: Vec<String> = places.iter().map(|parts| parts.concat()).collect();
    let mut complaints = Vec::new();
    for file in files {
        for (index, text) in file.text.lines().enumerate() {
            for place in &places {
                let here = text.match_indices(place.as_str()).any(|(at, _)| {
                    let before = text.get(..at).unwrap_or_default();
                    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '}' | '-'))
                });
                if here {
                    complaints.push(Complaint::new(
                        &file.path,
                        index + 1,
                        format!("{place} is a place of one machine"),
                    ));
                }
            }
            let foreign = file.path == "Cargo.lock"
                && text.starts_with("source = ")
                && text != "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
            if foreign {
                complaints.push(Complaint::new(&file.path, index + 1, "a package from outside crates.io"));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::{attributes, floats, functions, lengths, machines};
    use crate::tidy::tree::{File, Rust, rust};

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn one(path: &str, text: &str) -> Vec<Rust> {
        rust(&[file(path, text)])
    }

    #[test]
    fn long_files_and_functions_are_named() {
        let long = format!("fn long() {{\n{}}}\nfn short() {{}}\n", "    a();\n".repeat(69));
        let complaints = lengths(&one("engine/src/a.rs", &long));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].text.contains("fn long has 71 lines"));
        assert_eq!(lengths(&one("engine/src/a.rs", &"// x\n".repeat(401))).len(), 1);
        assert_eq!(lengths(&one("engine/src/tests.rs", &"// x\n".repeat(401))).len(), 0);
        assert_eq!(lengths(&one("engine/src/tests.rs", &"// x\n".repeat(601))).len(), 1);
    }

    #[test]
    fn functions_are_measured_to_their_own_brace() {
        let code =
            "trait T { fn a(&self) -> u8; }\nfn b(x: [u8; 3]) -> impl Fn() {\n if y {\n }\n}\nfn c() {}";
        let names = functions(code);
        assert_eq!(names, [(2, "b".to_owned(), 4), (6, "c".to_owned(), 1)]);
    }

    #[test]
    fn floats_near_money_are_named() {
        assert_eq!(floats(&one("engine/src/order/x.rs", "fn f(a: f64) {}")).len(), 1);
        assert_eq!(floats(&one("sidecar/src/watch/x.rs", "fn f(a: f64) {}")).len(), 0);
        assert_eq!(floats(&one("engine/src/order/x.rs", "fn f(a_f64: u8) {} // f64")).len(), 0);
    }

    #[test]
    fn exceptions_need_a_reason_and_tests_run() {
        for text in [
            "#[test]\n#[ignore]\nfn a() {}",
            "#[allow(dead_code)]\nfn a() {}",
            "#![allow(dead_code)]",
            "#[expect(dead_code)]\nfn a() {}",
        ] {
            assert_eq!(attributes(&one("engine/src/a.rs", text)).len(), 1, "{text}");
        }
        let bare = "#![allow(dead_code)]";
        assert_eq!(attributes(&one("engine/tests/a.rs", bare)).len(), 1);
        assert_eq!(attributes(&one("engine/tests/a.rs", "#![allow(dead_code, reason = \"x\")]")).len(), 0);
        let fine = "#[expect(dead_code, reason = \"x\")]\nfn a() {}";
        assert_eq!(attributes(&one("engine/src/a.rs", fine)).len(), 0);
    }

    #[test]
    fn places_of_a_machine_are_named() {
        let home = ["/ho", "me/someone/x"].concat();
        assert_eq!(machines(&[file("README.md", &home)]).len(), 1);
        assert_eq!(machines(&[file("README.md", "docs/network/home.md")]).len(), 0);
        assert_eq!(machines(&[file("Cargo.lock", "source = \"registry+https://mirror/x\"")]).len(), 1);
    }
}
