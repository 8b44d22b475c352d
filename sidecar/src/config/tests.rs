use super::{Bootstrap, Effective, Env, Flags, KeySource, Mistakes, Sources, Venue, load};

fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Sources {
    let mut sources = Sources { platform_data_dir: Some("/data".into()), ..Sources::default() };
    if !file.is_empty() {
        sources.file = Some(("o.toml".into(), Ok(file.to_owned())));
    }
    sources.environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let mut given = Flags::default();
    for (flag, value) in flags {
        given.set(flag, Some((*value).to_owned()));
    }
    sources.flags = given;
    sources
}

fn check(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &str)],
) -> Result<Effective, Mistakes> {
    load(&sources(file, environment, flags), None)
}

fn mistakes(result: Result<Effective, Mistakes>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn nothing_given_is_a_simulated_exchange_on_this_machine() {
    let config = check("", &[], &[]).unwrap();
    assert_eq!(config.env, Env::Sim);
    assert_eq!(config.listen.api.to_string(), "127.0.0.1:7373");
    assert_eq!(config.data_dir.to_str().unwrap(), "/data/outrigger/sim");
    assert_eq!(config.risk.acceptance_window_ms, 5_000);
    assert!(matches!(config.venue, Venue::Inside { .. }));
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\nmetrics_listen = \"127.0.0.1:2\"\n[log]\nlevel = \"warn\"";
    let environment = [("OUTRIGGER_LISTEN", "127.0.0.1:3"), ("OUTRIGGER_METRICS_LISTEN", "127.0.0.1:4")];
    let config = check(file, &environment, &[("--listen", "127.0.0.1:5")]).unwrap();
    assert_eq!(config.listen.api.port(), 5);
    assert_eq!(config.listen.metrics.unwrap().port(), 4);
    let level = config.shown.iter().find(|shown| shown.key == "log.level").unwrap();
    assert_eq!((level.value.as_str(), level.from.as_str()), ("warn", "o.toml:4:1 log.level"));
}

#[test]
fn every_mistake_is_told_at_once_with_place_and_nearest_name() {
    let file =
        "lisen = \"127.0.0.1:1\"\nnonce = \"x\"\n[limits]\nmax_ordr_count = \"5\"\nmax_position = 1.5\n";
    let told = mistakes(check(
        file,
        &[("OUTRIGGER_LOG_LEVLE", "info"), ("OUTRIGGER_LOG_FORMAT", "xml")],
        &[("--listen", "localhost")],
    ));
    for part in [
        "o.toml:1:1: unknown key lisen; did you mean listen?",
        "o.toml:2:1: nonce is said at each start, with --nonce",
        "o.toml:4:1: unknown key limits.max_ordr_count; did you mean limits.max_order_count?",
        "o.toml:5:1: limits.max_position cannot be a float",
        "OUTRIGGER_LOG_LEVLE: unknown variable; did you mean OUTRIGGER_LOG_LEVEL?",
        "OUTRIGGER_LOG_FORMAT: \"xml\" is not one of auto, json, text",
        "--listen: \"localhost\" is not an address",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert!(told.starts_with("7 mistakes"), "{told}");
}

#[test]
fn one_connection_is_usual_two_are_possible_and_more_are_a_mistake() {
    assert!(!check("", &[], &[]).unwrap().streams.has_two_strands);
    assert!(check("[streams]\nredundancy = 2\n", &[], &[]).unwrap().streams.has_two_strands);
    for wrong in ["0", "3", "two"] {
        let told = mistakes(check("", &[("OUTRIGGER_STREAMS_REDUNDANCY", wrong)], &[]));
        assert!(told.contains("OUTRIGGER_STREAMS_REDUNDANCY") && told.contains("1 or 2"), "{told}");
    }
}

#[test]
fn broken_toml_names_the_line_and_hides_nothing_else() {
    let told = mistakes(check("listen = \nlogg = 1\n", &[], &[("--env", "prod")]));
    assert!(told.contains("o.toml:1:"), "{told}");
    assert!(told.contains("--env: \"prod\" is not one of sim, demo, live"), "{told}");
}

#[test]
fn a_foreign_variable_is_only_a_warning() {
    let config = check("", &[("OUTRIGGER_BIN", "/x")], &[]).unwrap();
    assert_eq!(config.warnings.len(), 1);
}

#[test]
fn live_needs_the_flag_and_the_word() {
    let key = [("--key-id", "k"), ("--key-file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))];
    let told = mistakes(check("env = \"live\"", &[], &key));
    assert!(told.contains("live is only taken from the flag"), "{told}");
    assert!(told.contains("--acknowledge-live"), "{told}");
    let flags = [
        ("--env", "live"),
        ("--key-id", "k"),
        ("--key-file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
    ];
    assert!(check("", &[("OUTRIGGER_ACKNOWLEDGE_LIVE", "false")], &flags).is_err());
    let flags = [
        ("--env", "live"),
        ("--key-id", "k"),
        ("--key-file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
        ("--acknowledge-live", "true"),
    ];
    assert_eq!(check("", &[], &flags).unwrap().env, Env::Live);
}

#[test]
fn an_exchange_of_another_environment_is_refused() {
    let cases = [
        ("demo", "https://external-api.kalshi.com", "does not belong to --env demo"),
        ("demo", "http://127.0.0.1:7474", "does not belong to --env demo"),
        ("sim", "https://demo-api.kalshi.co", "does not belong to --env sim"),
        ("sim", "http://10.0.0.1:7474", "plain http only to this machine"),
        ("sim", "https://user@evil.example.kalshi.com", "does not belong to --env sim"),
        ("demo", "https://demo-api.kalshi.co.evil.example", "does not belong to --env demo"),
        ("sim", "127.0.0.1:7474", "URL"),
        ("sim", "ftp://127.0.0.1", "http or https"),
    ];
    for (env, url, expected) in cases {
        let told = mistakes(check("", &[], &[("--env", env), ("--venue", url)]));
        assert!(told.contains(expected), "{url}: {told}");
    }
}

#[test]
fn a_venue_needs_a_key_and_the_bootstrap_line_gives_one() {
    let told = mistakes(check("", &[], &[("--venue", "http://127.0.0.1:7474")]));
    assert!(
        told.contains("venue.key_id: is missing") && told.contains("venue.key_file: is missing"),
        "{told}"
    );
    let line = r#"{"key_id":"k","private_key_pem":"PEM-TEXT","tokens":[{"name":"ui","scope":"trade","token":"T0KEN-0123456789"}]}"#;
    let bootstrap = Bootstrap::read(line.as_bytes()).unwrap();
    let config = load(&sources("", &[], &[("--venue", "http://127.0.0.1:7474")]), Some(bootstrap)).unwrap();
    let Venue::At { key_id, key: KeySource::Memory(_), .. } = &config.venue else {
        panic!("{:?}", config.venue)
    };
    assert_eq!(key_id, "k");
    let shown = format!("{config:?}");
    assert!(!shown.contains("PEM-TEXT") && !shown.contains("T0KEN"), "a secret is in {shown}");
}

#[test]
fn a_bad_bootstrap_line_is_never_repeated() {
    let token = |name: &str, scope: &str, token: &str| {
        format!(
            r#"{{"key_id":"k","private_key_pem":"SECRET","tokens":[{{"name":"{name}","scope":"{scope}","token":"{token}"}}]}}"#
        )
    };
    let long = "SECRET-0123456789";
    let bad = [token("", "read", long), token("a", "root", long), token("a", "read", "SECRET")];
    for (line, expected) in bad.iter().zip(["name", "scope", "fewer than 16"]) {
        let told = format!("{:#}", Bootstrap::read(line.as_bytes()).unwrap_err());
        assert!(told.contains(expected) && !told.contains("SECRET"), "{told}");
    }
    for line in ["{\"key_id\":\"SECRET\"}", "SECRET", "{\"key_id\":1,\"x\":\"SECRET\"}\n", ""] {
        let told = format!("{:#}", Bootstrap::read(line.as_bytes()).unwrap_err());
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[test]
fn the_page_is_what_the_keys_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIG.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, super::document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, super::document(), "run UPDATE_DOCS=1 cargo test -p outrigger config");
}

/// A key that is listed but never read would be accepted and do nothing.
#[test]
fn every_key_is_read_by_some_area() {
    let shown: Vec<_> = check("", &[], &[]).unwrap().shown.into_iter().map(|shown| shown.key).collect();
    for key in super::keys::KEYS.iter().filter(|key| key.path != "acknowledge_live") {
        assert!(shown.contains(&key.path), "{} is read by nobody", key.path);
    }
}
