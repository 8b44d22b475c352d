//! Turns the schemas of the documents into strict JSON Schema.

use anyhow::anyhow;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Dollars as replies carry them: 2 to 6 decimals.
const DOLLARS: &str = r"^-?[0-9]+\.[0-9]{2,6}$";
/// Contracts as replies carry them: always 2 decimals.
const COUNT: &str = r"^-?[0-9]+\.[0-9]{2}$";

/// Returns the components of a document, made strict.
pub(super) fn strict_components(document: &Value) -> Value {
    let mut schemas = Map::new();
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let mut strict = converted(schema, false);
        let pattern = match name.as_str() {
            "FixedPointDollars" => Some(DOLLARS),
            "FixedPointCount" => Some(COUNT),
            _ => None,
        };
        if let (Some(pattern), Some(strict)) = (pattern, strict.as_object_mut()) {
            strict.insert("pattern".to_owned(), json!(pattern));
        }
        schemas.insert(name.clone(), strict);
    }
    json!({ "schemas": schemas })
}

/// Builds the judge of one schema, closed against members that it does not name.
pub(super) fn validator(schema: &Value, components: &Value) -> anyhow::Result<Validator> {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [converted(schema, true)],
        "components": components,
    });
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&root).map_err(|error| anyhow!("{error}"))
}

/// Says `nullable` in words of JSON Schema, and closes objects that name their members.
///
/// A schema that is only part of another one (`allOf`) stays open; what holds it together is closed instead.
fn converted(schema: &Value, is_root: bool) -> Value {
    let Some(fields) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in fields {
        let value = match key.as_str() {
            "properties" => {
                let members = value.as_object().into_iter().flatten();
                Value::Object(members.map(|(name, member)| (name.clone(), converted(member, true))).collect())
            }
            "items" | "additionalProperties" => converted(value, true),
            "allOf" | "oneOf" | "anyOf" => Value::Array(
                value.as_array().into_iter().flatten().map(|part| converted(part, false)).collect(),
            ),
            // Words of code generators, and of people.
            "nullable" | "example" | "examples" | "description" | "default" => continue,
            key if key.starts_with("x-") => continue,
            // Unknown to JSON Schema; integers and doubles are judged by their type.
            "format" if matches!(value.as_str(), Some("int32" | "int64" | "double")) => continue,
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    let names_members =
        out.contains_key("properties") || out.contains_key("allOf") || out.contains_key("$ref");
    if is_root && names_members && !out.contains_key("additionalProperties") {
        out.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    if fields.get("nullable") == Some(&json!(true)) {
        return json!({ "anyOf": [{ "type": "null" }, out] });
    }
    Value::Object(out)
}

/// Returns what is wrong with a value, each with its place.
pub(super) fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}
