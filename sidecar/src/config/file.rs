//! The TOML file: walked against the known keys, so that one mistake does not hide the next.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, nearest};
use super::mistake::Mistake;

/// A value as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    Text(String),
    Integer(String),
    Bool(bool),
    List(Vec<String>),
}

/// A value of the file with its place.
#[derive(Debug)]
pub(super) struct Found {
    pub raw: Raw,
    pub place: String,
}

/// Reads the text; returns what is known and adds a mistake for everything else.
pub(super) fn read(path: &Path, text: &str, mistakes: &mut Vec<Mistake>) -> BTreeMap<&'static str, Found> {
    let place = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{}:{line}:{column}", path.display())
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        mistakes.push(Mistake { place: place(at), message: error.message().to_owned() });
    }
    let mut walk = Walk { place: &place, mistakes, found: BTreeMap::new() };
    walk.table("", table.get_ref());
    walk.found
}

struct Walk<'a> {
    place: &'a dyn Fn(usize) -> String,
    mistakes: &'a mut Vec<Mistake>,
    found: BTreeMap<&'static str, Found>,
}

impl Walk<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = format!("{prefix}{}", name.get_ref());
            let at = name.span().start;
            if let Some(key) = KEYS.iter().find(|key| key.path == path) {
                if !key.in_file {
                    let flag = key.flag.unwrap_or_default();
                    self.wrong(
                        at,
                        format!("{path} is said at each start, with {flag}; it cannot stand in a file"),
                    );
                } else {
                    self.value(key.path, at, value);
                }
            } else if let DeValue::Table(inner) = value.get_ref()
                && KEYS.iter().any(|key| key.path.starts_with(&format!("{path}.")))
            {
                self.table(&format!("{path}."), inner);
            } else {
                let hint = nearest(&path, KEYS.iter().filter(|key| key.in_file).map(|key| key.path));
                let hint = hint.map_or_else(String::new, |name| format!("; did you mean {name}?"));
                self.wrong(at, format!("unknown key {path}{hint}"));
            }
        }
    }

    fn value(&mut self, path: &'static str, at: usize, value: &Spanned<DeValue<'_>>) {
        match raw(value.get_ref()) {
            Some(raw) => {
                let place = format!("{} {path}", (self.place)(at));
                self.found.insert(path, Found { raw, place });
            }
            None => {
                let kind = value.get_ref().type_str();
                self.wrong(at, format!("{path} cannot be a {kind}; write prices and amounts as strings"));
            }
        }
    }

    fn wrong(&mut self, at: usize, message: String) {
        self.mistakes.push(Mistake { place: (self.place)(at), message });
    }
}

fn raw(value: &DeValue<'_>) -> Option<Raw> {
    match value {
        DeValue::String(text) => Some(Raw::Text(text.to_string())),
        DeValue::Integer(number) if number.radix() == 10 => Some(Raw::Integer(number.as_str().to_owned())),
        DeValue::Boolean(value) => Some(Raw::Bool(*value)),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map(Raw::List)
        }
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}
