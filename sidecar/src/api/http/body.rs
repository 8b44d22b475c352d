//! JSON bodies, strictly: every field known, named once, of its type; every mistake named at once.

use std::fmt;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::api::problem::{self, Mistake, Problem, ProblemKind};

/// A body may have this many bytes.
pub(in crate::api) const BODY_BYTES_MAX: usize = 1 << 20;

/// An object's fields in the order written, a field written twice included.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Fields(Vec<(String, Value)>);

impl Fields {
    pub(in crate::api) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Reads the body's bytes, if they are said to be JSON and are not too many.
pub(in crate::api) async fn bytes(req: &HttpRequest, payload: web::Payload) -> Result<web::Bytes, Problem> {
    let media = req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = media.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let said = if media.is_empty() { "nothing" } else { media };
        return Err(Problem::new(
            problem::MEDIA_TYPE,
            format!("Content-Type is {said}; send application/json"),
        ));
    }
    let unreadable = |error: actix_web::Error| Problem::new(problem::BODY_JSON, error.to_string());
    let Ok(bytes) = payload.to_bytes_limited(BODY_BYTES_MAX).await else {
        let detail = format!("a body may have {BODY_BYTES_MAX} bytes");
        return Err(Problem::new(problem::BODY_SIZE, detail));
    };
    bytes.map_err(unreadable)
}

/// Reads a body that is an object.
pub(in crate::api) async fn object(req: &HttpRequest, payload: web::Payload) -> Result<Fields, Problem> {
    let bytes = bytes(req, payload).await?;
    serde_json::from_slice(&bytes).map_err(|error| Problem::new(problem::BODY_JSON, error.to_string()))
}

/// Takes an object's fields one by one and gathers what is wrong.
pub(in crate::api) struct Reader {
    fields: Vec<(String, Value)>,
    /// Where the object stands in the body, e.g. `/orders/3`.
    base: String,
    mistakes: Vec<Mistake>,
}

impl Reader {
    /// Notes fields that are not in `known` (with the nearest that is) and fields named twice.
    pub(in crate::api) fn new(fields: Fields, known: &[&str], base: &str) -> Reader {
        let mut reader = Reader { fields: Vec::new(), base: base.to_owned(), mistakes: Vec::new() };
        for (name, value) in fields.0 {
            if !known.contains(&name.as_str()) {
                let detail = nearest(&name, known, format!("no such field; there are {}", known.join(", ")));
                reader.mistake(&name, detail);
            } else if reader.fields.iter().any(|(other, _)| *other == name) {
                reader.mistake(&name, "named twice".to_owned());
            } else {
                reader.fields.push((name, value));
            }
        }
        reader
    }

    pub(in crate::api) fn mistake(&mut self, name: &str, detail: String) {
        self.mistakes.push(Mistake { pointer: format!("{}/{name}", self.base), detail });
    }

    /// Takes a field; `null` is as good as absent.
    pub(in crate::api) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.fields.iter().position(|(other, _)| other == name)?;
        Some(self.fields.swap_remove(at).1).filter(|value| !value.is_null())
    }

    /// Reads an optional text by `parse`.
    pub(in crate::api) fn text<T>(
        &mut self,
        name: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let read = match self.take(name)? {
            Value::String(text) => parse(&text).map_err(|detail| format!("{text:?} is {detail}")),
            other => Err(format!("must be a string such as \"{example}\", not {}", type_of(&other))),
        };
        read.map_err(|detail| self.mistake(name, detail)).ok()
    }

    /// Reads a text that must be there.
    pub(in crate::api) fn required<T>(
        &mut self,
        name: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.fields.iter().all(|(other, value)| other != name || value.is_null()) {
            self.mistake(name, format!("is missing; e.g. \"{example}\""));
            return None;
        }
        self.text(name, example, parse)
    }

    pub(in crate::api) fn flag(&mut self, name: &str) -> bool {
        match self.take(name) {
            Some(Value::Bool(flag)) => flag,
            Some(other) => {
                self.mistake(name, format!("must be true or false, not {}", type_of(&other)));
                false
            }
            None => false,
        }
    }

    pub(in crate::api) fn integer(&mut self, name: &str) -> Option<i64> {
        let value = self.take(name)?;
        let number = value.as_i64();
        if number.is_none() {
            self.mistake(name, format!("must be a whole number, not {}", type_of(&value)));
        }
        number
    }

    pub(in crate::api) fn has_mistakes(&self) -> bool {
        !self.mistakes.is_empty()
    }

    pub(in crate::api) fn problem(self, kind: ProblemKind) -> Problem {
        Problem::with_mistakes(kind, self.mistakes)
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Returns "did you mean" with the known name that is nearest, or `otherwise` when none is near.
pub(in crate::api) fn nearest(name: &str, known: &[&str], otherwise: String) -> String {
    let near = known.iter().map(|other| (strsim::jaro_winkler(name, other), *other));
    match near.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((closeness, other)) if closeness > 0.8 => format!("unknown; did you mean {other}?"),
        Some(_) | None => otherwise,
    }
}
