//! Query strings: every parameter known, every mistake named.

use actix_web::HttpRequest;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::api::problem::{self, Mistake, Problem};

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;

/// The parameters of one request.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    mistakes: Vec<Mistake>,
}

impl Query {
    /// Reads the query, naming every parameter that is not in `known`.
    pub(super) fn read(req: &HttpRequest, known: &[&str]) -> Query {
        let mut mistakes = Vec::new();
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(req.query_string());
        let pairs = pairs.map(actix_web::web::Query::into_inner).unwrap_or_else(|error| {
            mistakes.push(Mistake { pointer: "?".into(), detail: error.to_string() });
            Vec::new()
        });
        for (name, _) in &pairs {
            if !known.contains(&name.as_str()) {
                let detail = unknown("parameter", known);
                mistakes.push(Mistake {
                    pointer: name.clone(),
                    detail: super::body::nearest(name, known, detail),
                });
            }
        }
        Query { pairs, mistakes }
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut given = self.pairs.iter().filter(|(n, _)| n == name);
        given.next().map(|(_, value)| value.as_str())
    }

    /// Reads a parameter by `parse`, noting what is wrong with it.
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = parse(self.text(name)?);
        read.map_err(|detail| self.mistakes.push(Mistake { pointer: name.to_owned(), detail })).ok()
    }

    /// Returns how many rows are wanted.
    pub(super) fn limit(&mut self) -> usize {
        let parse = |text: &str| match text.parse() {
            Ok(limit @ 1..=LIMIT_MAX) => Ok(limit),
            Ok(_) | Err(_) => Err(format!("{text:?} is not a number from 1 to {LIMIT_MAX}")),
        };
        self.parsed("limit", parse).unwrap_or(LIMIT_DEFAULT)
    }

    /// Fails with everything that was wrong.
    pub(super) fn finish(self) -> Result<(), Problem> {
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(Problem::with_mistakes(problem::QUERY, self.mistakes))
        }
    }
}

fn unknown(what: &str, known: &[&str]) -> String {
    if known.is_empty() {
        format!("no such {what}; there is none")
    } else {
        format!("no such {what}; there are {}", known.join(", "))
    }
}

/// Cuts one page out of rows that come in order, and returns the cursor of the next ("" on the last page).
pub(super) fn page<T, K: ToString>(
    rows: impl Iterator<Item = T>,
    limit: usize,
    key: impl Fn(&T) -> K,
) -> (Vec<T>, String) {
    let mut rows = rows.take(limit.saturating_add(1));
    let page: Vec<T> = rows.by_ref().take(limit).collect();
    let cursor = if rows.next().is_some() { page.last().map(|row| key(row).to_string()) } else { None };
    (page, cursor.unwrap_or_default())
}

/// A page of rows as it is written: `{"orders":[…],"cursor":"…","as_of":"…"}`.
pub(super) struct Page<'a, T> {
    pub(super) name: &'static str,
    pub(super) rows: &'a [T],
    pub(super) cursor: Option<String>,
    /// Outer `None` leaves the field out; inner `None` is a time not known yet.
    pub(super) as_of: Option<Option<String>>,
}

impl<T: Serialize> Serialize for Page<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.name, self.rows)?;
        if let Some(cursor) = &self.cursor {
            map.serialize_entry("cursor", cursor)?;
        }
        if let Some(as_of) = &self.as_of {
            map.serialize_entry("as_of", as_of)?;
        }
        map.end()
    }
}

/// Writes a time as RFC 3339 in UTC, milliseconds.
pub(super) fn rfc3339(ms: i64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{time:.3}"))
}
