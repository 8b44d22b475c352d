//! The dependency graph from `cargo metadata`: edges between our crates, banned packages, licences.

use serde_json::Value;

use super::Complaint;

/// Our crates and what each may depend on. A new edge is a decision.
const EDGES: &[(&str, &[&str])] = &[
    ("outrigger-engine", &[]),
    ("outrigger-connectors", &["outrigger-engine"]),
    ("outrigger-simulator", &[]),
    ("outrigger-faultdisk", &[]),
    // The fault disk is for its tests only.
    (
        "outrigger",
        &["outrigger-engine", "outrigger-connectors", "outrigger-simulator", "outrigger-faultdisk"],
    ),
    ("outrigger-tests", &["outrigger", "outrigger-engine", "outrigger-connectors", "outrigger-simulator"]),
];

/// Returns edges between our crates that are not in the table, dev-dependencies included.
pub fn edges(metadata: &Value) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for package in list(metadata, "packages").filter(|package| package["source"].is_null()) {
        let name = text(package, "name");
        let Some((_, allowed)) = EDGES.iter().find(|(known, _)| *known == name) else {
            complaints.push(Complaint::new(
                "Cargo.toml",
                1,
                format!("crate {name} is not in the table of edges"),
            ));
            continue;
        };
        for dependency in list(package, "dependencies") {
            let target = text(dependency, "name");
            if target.starts_with("outrigger") && !allowed.contains(&target) {
                complaints.push(Complaint::new("Cargo.toml", 1, format!("{name} depends on {target}")));
            }
        }
    }
    complaints
}

/// Returns packages of the graph that `deny.toml` bans.
pub fn bans(metadata: &Value, deny: &toml::Table) -> Vec<Complaint> {
    let rules: Vec<(&str, &str)> = deny
        .get("bans")
        .and_then(|bans| bans.get("deny")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|rule| Some((rule.get("crate")?.as_str()?, rule.get("reason")?.as_str()?)))
        .collect();
    if rules.is_empty() {
        return vec![Complaint::new("deny.toml", 1, "no bans found")];
    }
    let mut complaints = Vec::new();
    for package in list(metadata, "packages") {
        let (name, version) = (text(package, "name"), text(package, "version"));
        for (rule, reason) in &rules {
            let (banned, prefix) = rule.split_once(':').unwrap_or((rule, ""));
            let same_version =
                prefix.is_empty() || version == prefix || version.starts_with(&format!("{prefix}."));
            if name == banned && same_version {
                complaints.push(Complaint::new("Cargo.lock", 1, format!("{name} {version}: {reason}")));
            }
        }
    }
    complaints
}

/// Returns packages whose licence `deny.toml` does not allow.
pub fn licences(metadata: &Value, deny: &toml::Table) -> Vec<Complaint> {
    let allowed: Vec<&str> = deny
        .get("licenses")
        .and_then(|licenses| licenses.get("allow")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    list(metadata, "packages")
        .filter(|package| !package["source"].is_null() && !allows(text(package, "license"), &allowed))
        .map(|package| {
            let what = format!("{} has licence `{}`", text(package, "name"), text(package, "license"));
            Complaint::new("Cargo.lock", 1, what)
        })
        .collect()
}

/// Tells whether a licence expression can be met by `allowed`.
fn allows(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut at = 0;
    let met = any_of(&words, &mut at, allowed);
    met && at == words.len()
}

/// Reads alternatives: terms joined by `OR`, which binds weaker than `AND`.
fn any_of(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut met = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at, allowed);
    }
    met
}

fn all_of(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let mut met = term(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= term(words, at, allowed);
    }
    met
}

fn term(words: &[&str], at: &mut usize, allowed: &[&str]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any_of(words, at, allowed);
        *at += 1;
        return met;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return allowed.contains(&format!("{word} WITH {exception}").as_str());
    }
    allowed.contains(word)
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{allows, bans, edges, licences};
    use serde_json::json;

    #[test]
    fn planted_edges_are_named() {
        let good = json!({"packages": [{"name": "outrigger-connectors", "source": null,
            "dependencies": [{"name": "outrigger-engine"}, {"name": "serde"}]}]});
        assert_eq!(edges(&good).len(), 0);
        for (from, to) in [
            ("outrigger-engine", "outrigger-connectors"),
            ("outrigger-simulator", "outrigger-engine"),
            ("outrigger-connectors", "outrigger-simulator"),
            ("outrigger-new", "outrigger-engine"),
        ] {
            let bad = json!({"packages": [{"name": from, "source": null, "dependencies": [{"name": to}]}]});
            assert_eq!(edges(&bad).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn planted_packages_are_named() {
        let deny: toml::Table = "[bans]\ndeny = [{ crate = \"native-tls\", reason = \"x\" }, { crate = \"h2:0.3\", reason = \"y\" }]\n[licenses]\nallow = [\"MIT\"]"
            .parse()
            .unwrap();
        let package = |name: &str, version: &str, license: &str| json!({"name": name, "version": version, "license": license, "source": "registry"});
        let graph = json!({"packages": [package("native-tls", "0.2.1", "MIT"), package("h2", "0.3.9", "MIT"),
            package("h2", "0.4.1", "MIT OR GPL-3.0"), package("x", "1.0.0", "GPL-3.0")]});
        assert_eq!(bans(&graph, &deny).len(), 2);
        assert_eq!(licences(&graph, &deny).len(), 1);
    }

    #[test]
    fn licence_expressions_are_understood() {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"];
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT/GPL-3.0", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND ISC", false),
            ("Apache-2.0 WITH LLVM-exception OR ISC", true),
            ("", false),
        ] {
            assert_eq!(allows(expression, &allowed), met, "{expression}");
        }
    }
}
