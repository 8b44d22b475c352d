//! The rules of the repository as checks on text: layers by imports, clocks, lengths, banned words, documents, fixtures,
//! dependencies. Each rule is a function from files to complaints, so each is also tried against a planted violation.
//!
//! Never compiles anything and never needs the network.

pub mod code;
pub mod documents;
pub mod graph;
pub mod layers;
pub mod paths;
pub mod promises;
pub mod shape;
pub mod tree;

/// One broken rule: where, and why it is a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    pub path: String,
    pub line: usize,
    pub text: String,
}

impl Complaint {
    pub fn new(path: &str, line: usize, text: impl Into<String>) -> Complaint {
        Complaint { path: path.to_owned(), line, text: text.into() }
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.text)
    }
}
