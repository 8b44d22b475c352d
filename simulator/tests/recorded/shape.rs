//! Compares the shape of a reply with a recorded one of the same operation: keys, JSON types, formats of strings.
//!
//! A recorded key that the document no longer knows was removed since and may be absent. A recorded key that the document
//! knows must be there, unless it is optional and listed as what this exchange does not say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

/// Optional members that this exchange has nothing to say for.
const UNSAID: &[&str] = &[
    "cap_strike",
    "custom_strike",
    "early_close_condition",
    "floor_strike",
    "functional_strike",
    "mutually_exclusive_group",
    // Of candles: only once a period with a trade has passed.
    "previous_dollars",
    "primary_participant_key",
    "product_metadata",
    "strike_type",
    "strike_date",
];

/// Where the shared material lies.
pub(crate) fn shared(file: &str) -> PathBuf {
    let shared = std::env::var_os("OUTRIGGER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    shared.join("kalshi").join(file)
}

/// Returns the exchange's OpenAPI document, unless it is absent.
pub(crate) fn document() -> Option<&'static Value> {
    static DOCUMENT: OnceLock<Option<Value>> = OnceLock::new();
    let read = || {
        let file = shared("openapi.yaml");
        match std::fs::read_to_string(&file) {
            Ok(text) => Some(yaml_serde::from_str(&text).unwrap()),
            Err(_) => {
                println!("skipped: {} is absent", file.display());
                None
            }
        }
    };
    DOCUMENT.get_or_init(read).as_ref()
}

/// Returns the JSON values of a recording, one for each line; none if it is absent.
pub(crate) fn recording(file: &str) -> Vec<Value> {
    let file = shared("recordings").join(file);
    let Ok(packed) = std::fs::File::open(&file) else {
        println!("skipped: {} is absent", file.display());
        return Vec::new();
    };
    let mut decoder = zstd::Decoder::new(packed).unwrap();
    decoder.window_log_max(27).unwrap();
    serde_json::Deserializer::from_reader(decoder).into_iter().map(Result::unwrap).collect()
}

/// What came of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// With an example each.
    pub(crate) differences: BTreeMap<String, Value>,
    /// Ours alone, and known to the document.
    pub(crate) ours: BTreeSet<String>,
    pub(crate) unsaid: BTreeSet<String>,
    /// Strings of old recordings had other formats.
    pub(crate) formats: bool,
}

impl Findings {
    /// Compares a reply with a recorded one.
    pub(crate) fn compare(&mut self, schema: &Value, recorded: &Value, ours: &Value, at: &str) {
        let document = document().unwrap();
        let schema = resolved(document, schema);
        match (recorded, ours) {
            (Value::Null, _) | (_, Value::Null) => {}
            (Value::Object(recorded), Value::Object(ours)) => {
                let known = &schema["properties"];
                if !known.is_object() {
                    return;
                }
                let is_required = |name: &String| {
                    schema["required"].as_array().is_some_and(|names| names.iter().any(|of| of == name))
                };
                for (name, recorded) in recorded {
                    match ours.get(name) {
                        Some(ours) => self.compare(&known[name], recorded, ours, &format!("{at}.{name}")),
                        None if known[name].is_null() || recorded.is_null() => {}
                        None if !is_required(name) && UNSAID.contains(&name.as_str()) => {
                            self.unsaid.insert(format!("{at}.{name}"));
                        }
                        None => self.differ(format!("{at}.{name} is missing"), recorded),
                    }
                }
                for name in ours.keys().filter(|name| !recorded.contains_key(*name)) {
                    if known[name].is_null() {
                        self.differ(format!("{at}.{name} is not known"), &ours[name]);
                    } else {
                        self.ours.insert(format!("{at}.{name}"));
                    }
                }
            }
            // Pairs of price and count.
            (Value::Array(recorded), Value::Array(ours)) if recorded.iter().all(Value::is_string) => {
                for (place, (recorded, ours)) in recorded.iter().zip(ours).enumerate() {
                    self.compare(&schema["items"], recorded, ours, &format!("{at}[{place}]"));
                }
            }
            (Value::Array(recorded), Value::Array(ours)) => {
                for recorded in recorded.iter().take(50) {
                    if let Some(ours) = alike(recorded, ours) {
                        self.compare(&schema["items"], recorded, ours, &format!("{at}[]"));
                    }
                }
            }
            (Value::String(recorded), Value::String(ours)) if self.formats => {
                let (was, is) = (format_of(recorded), format_of(ours));
                if was != is && !recorded.is_empty() && !ours.is_empty() {
                    self.differ(
                        format!("{at} is {is} {ours}, recorded {was}"),
                        &Value::from(recorded.as_str()),
                    );
                }
            }
            _ if kind(recorded) == kind(ours) => {}
            _ => self.differ(format!("{at} is a {}, recorded a {}", kind(ours), kind(recorded)), recorded),
        }
    }
}

impl Findings {
    fn differ(&mut self, how: String, example: &Value) {
        self.differences.entry(how).or_insert_with(|| example.clone());
    }
}

/// Returns the item of ours that is in the same state as a recorded one, if there is any of its kind.
fn alike<'a>(recorded: &Value, ours: &'a [Value]) -> Option<&'a Value> {
    let same = ours.iter().find(|ours| recorded["status"] == ours["status"]);
    same.or_else(|| ours.first())
        .filter(|ours| recorded["status"].is_null() || recorded["status"] == ours["status"])
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Names the format of a string: how many decimals, which kind of time, an id, or just text.
fn format_of(text: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let bare = text.strip_prefix('-').unwrap_or(text);
    if let Some((whole, fraction)) = bare.split_once('.')
        && digits(whole)
        && digits(fraction)
    {
        return format!("a decimal with {} places", fraction.len());
    }
    if text.len() == 36 && text.parse::<uuid::Uuid>().is_ok() {
        return "an id".to_owned();
    }
    match text.parse::<jiff::Timestamp>() {
        Ok(_) if text.ends_with("0Z") && text.contains('.') => "a padded time".to_owned(),
        Ok(_) if text.ends_with('Z') => "a time".to_owned(),
        Ok(_) => "a time of a zone".to_owned(),
        Err(_) => "a text".to_owned(),
    }
}

/// Returns the schema of the body of an operation's reply.
pub(crate) fn schema_of(method: &str, template: &str, status: u16) -> &'static Value {
    let operation = &document().unwrap()["paths"][template][method];
    let reply = &operation["responses"][status.to_string()]["content"]["application/json"]["schema"];
    assert!(reply.is_object(), "{method} {template} declares no body for {status}");
    reply
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    ["allOf", "anyOf"]
        .iter()
        .find_map(|key| schema[key].get(0))
        .map_or(schema, |inner| resolved(document, inner))
}

#[test]
fn a_reply_of_another_shape_is_noticed() {
    use serde_json::json;
    if document().is_none() {
        return;
    }
    let schema = schema_of("get", "/portfolio/balance", 200);
    let recorded = json!({
        "balance": 99952, "balance_breakdown": [{ "balance": "999.5200", "exchange_index": 0 }],
        "balance_dollars": "999.5200", "portfolio_value": 48, "updated_ts": 1783302927, "removed": 1,
    });
    let differences = |change: &dyn Fn(&mut Value)| {
        let mut ours = recorded.clone();
        ours.as_object_mut().unwrap().remove("removed");
        change(&mut ours);
        let mut findings = Findings { formats: true, ..Findings::default() };
        findings.compare(schema, &recorded, &ours, "");
        findings.differences.len()
    };
    assert_eq!(differences(&|_| {}), 0);
    assert_eq!(differences(&|ours| ours["balance"] = json!("99952")), 1, "another type");
    assert_eq!(differences(&|ours| ours["balance_dollars"] = json!("999.52")), 1, "other decimals");
    assert_eq!(differences(&|ours| ours["misspelled"] = json!(1)), 1, "an unknown member");
    assert_eq!(
        differences(&|ours| drop(ours.as_object_mut().unwrap().remove("balance"))),
        1,
        "a lost member"
    );
    assert_eq!(differences(&|ours| ours["balance_breakdown"][0]["balance"] = json!("1")), 1, "in a list");
}
