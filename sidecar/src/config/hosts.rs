//! Which exchange a host name belongs to. Mixing them up would send demo orders to real money, or the reverse.

use std::net::IpAddr;

use super::keys::Env;

const LIVE: [&str; 2] = ["external-api.kalshi.com", "api.elections.kalshi.com"];
const DEMO: [&str; 2] = ["external-api.demo.kalshi.co", "demo-api.kalshi.co"];

/// Says why `url` cannot be the exchange of `env`, if it cannot.
pub(super) fn objection(env: Env, url: &str) -> Option<String> {
    let Ok(parsed) = reqwest::Url::parse(url) else {
        return Some("is not a URL such as http://127.0.0.1:7474".to_owned());
    };
    let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match parsed.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Some(format!("plain http only to this machine, not to {host}; use https")),
        other => return Some(format!("has the scheme {other}; http or https is needed")),
    }
    let is_kalshi = host.ends_with("kalshi.com") || host.ends_with("kalshi.co");
    let (right, expected) = match env {
        Env::Sim => (
            !is_kalshi,
            "an exchange that is not Kalshi's; choose --env demo or --env live for those".to_owned(),
        ),
        Env::Demo => (DEMO.contains(&host.as_str()), DEMO.join(" or ")),
        Env::Live => (LIVE.contains(&host.as_str()), LIVE.join(" or ")),
    };
    if right { None } else { Some(format!("{host} does not belong to --env {env}; expected {expected}")) }
}
