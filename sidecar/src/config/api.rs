//! Where local clients connect, and which of them may.

use std::net::SocketAddr;

use super::reader::Reader;

/// Next to the simulated exchange's 7474, and free on most machines.
const LISTEN: &str = "127.0.0.1:7373";

/// The addresses local programs connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    pub api: SocketAddr,
    /// A second port that gives metrics without a token; loopback only.
    pub metrics: Option<SocketAddr>,
}

/// Names a request may carry beyond the listening address itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Api {
    /// Extra `Host` values, e.g. of a reverse proxy.
    pub allowed_hosts: Vec<String>,
    /// Web origins that may call; none by default, so no web page can.
    pub allowed_origins: Vec<String>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address with a port, such as 127.0.0.1:7373".to_owned())
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = address(text)?;
    if address.ip().is_loopback() { Ok(address) } else { Err("a loopback address".to_owned()) }
}

pub(super) fn listen(reader: &mut Reader<'_>) -> Listen {
    let default = SocketAddr::from(([127, 0, 0, 1], 7373));
    debug_assert_eq!(default.to_string(), LISTEN);
    let api = reader.value("listen", default, |text| {
        let address = address(text)?;
        // Everything behind this port trades with one bearer token over plain HTTP: other machines must not reach it.
        if address.ip().is_loopback() {
            Ok(address)
        } else {
            Err("a loopback address; put a TLS proxy in front to serve others".to_owned())
        }
    });
    let metrics = reader.given("metrics_listen", loopback);
    reader.show("metrics_listen", metrics.map_or_else(|| "-".to_owned(), |address| address.to_string()));
    Listen { api, metrics }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Api {
    let allowed_hosts = reader.list("api.allowed_hosts");
    let allowed_origins = reader.list("api.allowed_origins");
    for origin in &allowed_origins {
        if !(origin.starts_with("http://") || origin.starts_with("https://")) || origin.ends_with('/') {
            reader.wrong(
                "api.allowed_origins",
                format!("\"{origin}\" is not an origin such as https://desk.example:8443"),
            );
        }
    }
    Api { allowed_hosts, allowed_origins }
}
