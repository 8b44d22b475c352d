//! Takes values out by key, remembers what it gave and where that came from, and collects mistakes.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::file::{self, Raw};
use super::keys::{KEYS, nearest};
use super::mistake::{Mistake, Mistakes};
use super::source::Sources;

/// A key as it is in effect.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    pub key: &'static str,
    pub value: String,
    /// `default`, a file's place, a variable or a flag.
    pub from: String,
}

struct Setting {
    raw: Raw,
    place: String,
}

pub(super) struct Reader<'a> {
    pub sources: &'a Sources,
    settings: BTreeMap<&'static str, Setting>,
    mistakes: Vec<Mistake>,
    warnings: Vec<String>,
    shown: Vec<Shown>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources) -> Reader<'a> {
        let mut reader = Reader::only_named(sources);
        let mut structural = Vec::new();
        match &sources.file {
            Some((path, Ok(text))) => {
                file::read(path, text, &mut structural);
            }
            Some((path, Err(error))) => {
                let message = format!("cannot read the configuration file: {error}");
                structural.push(Mistake { place: format!("--config {}", path.display()), message });
            }
            None => {}
        }
        structural.append(&mut reader.mistakes);
        reader.mistakes = structural;
        reader.unknown_variables();
        reader
    }

    /// Makes a reader that only finds fault with the keys that are asked for.
    pub(super) fn only_named(sources: &'a Sources) -> Reader<'a> {
        let mut settings = BTreeMap::new();
        if let Some((path, Ok(text))) = &sources.file {
            let found = file::read(path, text, &mut Vec::new());
            settings.extend(
                found.into_iter().map(|(key, found)| (key, Setting { raw: found.raw, place: found.place })),
            );
        }
        for key in KEYS {
            let variable = key.variable();
            if let Some(value) = sources.environment.get(&variable) {
                settings.insert(key.path, Setting { raw: Raw::Text(value.clone()), place: variable });
            }
            if let Some((flag, value)) = key.flag.and_then(|flag| sources.flags.0.get_key_value(flag)) {
                settings
                    .insert(key.path, Setting { raw: Raw::Text(value.clone()), place: (*flag).to_owned() });
            }
        }
        Reader { sources, settings, mistakes: Vec::new(), warnings: Vec::new(), shown: Vec::new() }
    }

    /// A variable that is nearly one of ours was meant to be; one that is nothing like ours belongs to somebody else.
    fn unknown_variables(&mut self) {
        let known: Vec<String> = KEYS.iter().map(super::keys::Key::variable).collect();
        for name in self.sources.environment.keys() {
            if known.contains(name) || name == "OUTRIGGER_CONFIG" {
                continue;
            }
            let bare = name.trim_start_matches("OUTRIGGER_");
            let names = known.iter().map(|name| name.trim_start_matches("OUTRIGGER_"));
            match nearest(bare, names) {
                Some(meant) => self.mistakes.push(Mistake {
                    place: name.clone(),
                    message: format!("unknown variable; did you mean OUTRIGGER_{meant}?"),
                }),
                None => self.warnings.push(format!("the variable {name} means nothing to this program")),
            }
        }
    }

    /// Returns where a key was set.
    pub(super) fn place(&self, path: &'static str) -> String {
        self.settings.get(path).map_or_else(|| path.to_owned(), |setting| setting.place.clone())
    }

    pub(super) fn wrong(&mut self, path: &'static str, message: impl Into<String>) {
        let place = self.place(path);
        self.mistakes.push(Mistake { place, message: message.into() });
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    pub(super) fn show(&mut self, key: &'static str, value: impl Display) {
        let from =
            self.settings.get(key).map_or_else(|| "default".to_owned(), |setting| setting.place.clone());
        self.shown.push(Shown { key, value: value.to_string(), from });
    }

    /// Returns the text of a key that was set.
    pub(super) fn text(&mut self, path: &'static str) -> Option<String> {
        let found = self.settings.get(path).map(|setting| match &setting.raw {
            Raw::Text(text) | Raw::Integer(text) => Ok(text.clone()),
            Raw::Bool(value) => Ok(value.to_string()),
            Raw::List(_) => Err("a single value, not a list"),
        })?;
        match found {
            Ok(text) => Some(text),
            Err(message) => {
                self.wrong(path, message);
                None
            }
        }
    }

    /// Returns the value of a key, the default when it is not set or wrong. `parse` says what would be right.
    pub(super) fn value<T: Display>(
        &mut self,
        path: &'static str,
        default: T,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        let value = self.given(path, parse).unwrap_or(default);
        self.show(path, &value);
        value
    }

    /// Returns the value of a key that was set rightly.
    pub(super) fn given<T>(
        &mut self,
        path: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(path)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(path, format!("\"{text}\" is not {message}"));
                None
            }
        }
    }

    /// Returns a list: an array in the file, commas in variables and flags.
    pub(super) fn list(&mut self, path: &'static str) -> Vec<String> {
        let items = match self.settings.get(path).map(|setting| &setting.raw) {
            Some(Raw::List(items)) => items.clone(),
            Some(Raw::Text(text)) => {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
            }
            Some(Raw::Integer(_) | Raw::Bool(_)) => {
                self.wrong(path, "a list of strings is expected");
                Vec::new()
            }
            None => Vec::new(),
        };
        self.show(path, if items.is_empty() { "-".to_owned() } else { items.join(",") });
        items
    }

    pub(super) fn finish(self) -> Result<(Vec<Shown>, Vec<String>), Mistakes> {
        if self.mistakes.is_empty() { Ok((self.shown, self.warnings)) } else { Err(Mistakes(self.mistakes)) }
    }
}

/// Reads a whole number within bounds.
pub(super) fn whole(min: u64, max: u64) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let expected = || format!("a whole number from {min} to {max}");
        let number = text.replace('_', "").parse::<u64>().map_err(|_| expected())?;
        if (min..=max).contains(&number) { Ok(number) } else { Err(expected()) }
    }
}
