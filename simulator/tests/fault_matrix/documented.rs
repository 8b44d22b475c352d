//! The examples of docs/api/exchange-faults.md, pasted.

use std::path::Path;

use outrigger_simulator::FaultSpec;

use crate::world::World;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api/exchange-faults.md");
    std::fs::read_to_string(path).unwrap()
}

/// Returns the fenced blocks of a language.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let opening = format!("```{language}\n");
    document.split(opening.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_files_of_the_document_are_accepted() {
    let document = document();
    let files = blocks(&document, "toml");
    assert!(!files.is_empty());
    let directory = tempfile::tempdir().unwrap();
    for (index, text) in files.iter().enumerate() {
        let path = directory.path().join(format!("{index}.toml"));
        std::fs::write(&path, text).unwrap();
        let faults = FaultSpec::from_file(&path).unwrap();
        assert!(!faults.is_empty(), "{text}");
    }
}

#[test]
fn the_calls_of_the_document_are_answered() {
    let document = document();
    let calls = blocks(&document, "http");
    assert!(!calls.is_empty());
    let world = World::controlled();
    for call in calls {
        let (line, body) = call.split_once('\n').unwrap();
        let (method, path) = line.split_once(' ').unwrap();
        let path = path.replace("{ticker}", &world.markets[0]);
        let body = (!body.trim().is_empty()).then(|| serde_json::from_str(body).unwrap());
        let answer = world.call(method, &path, body.as_ref());
        assert_eq!(answer.status, 200, "{call}: {answer:?}");
    }
    world.call("DELETE", "/control/faults", None);
    world.is_well();
}

/// Every fault stands in a table, and every fault of the tables exists.
#[test]
fn the_tables_name_the_faults_there_are() {
    let document = document();
    for (heading, rule) in [
        ("### Requests", "route = 'GET /markets'"),
        ("### Upgrades", "socket = 'upgrade'"),
        ("### Commands", "socket = 'command'"),
        ("### Frames", "channel = 'trade'"),
    ] {
        let section = document.split(heading).nth(1).unwrap().split("\n#").next().unwrap();
        let first = |row: &str| row.strip_prefix("| `")?.split('`').next().map(str::to_owned);
        let rows = section.lines().filter_map(first).filter(|name| name != "fault");
        let mut documented: Vec<String> = rows.collect();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("faults.toml");
        std::fs::write(&path, format!("[[faults]]\n{rule}\nfault = 'none of them'")).unwrap();
        let told = FaultSpec::from_file(&path).unwrap_err().to_string();
        let mut known: Vec<&str> = told.split("it has ").nth(1).unwrap().split(", ").collect();
        documented.sort_unstable();
        known.sort_unstable();
        assert_eq!(documented, known, "{heading}");
    }
}
