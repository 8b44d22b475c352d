//! Where the venue is. One switch picks REST and WebSocket together, so that a key never meets the wrong environment.

use reqwest::Url;

/// The venue's two addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueUrls {
    /// `http(s)://host/trade-api/v2`
    pub rest: String,
    /// `ws(s)://host/trade-api/ws/v2`
    pub websocket: String,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("{0:?} is not an address such as http://127.0.0.1:7474")]
    Malformed(String),
    #[error("{0:?}: the scheme must be http or https")]
    Scheme(String),
    #[error("{0:?}: plain http is only for an exchange on this machine (127.0.0.1, ::1 or localhost)")]
    PlainHttp(String),
    #[error("{0:?}: give only scheme, host and port; the paths are the venue's own")]
    HasPath(String),
    #[error("names and passwords in an address are not used")]
    HasUser,
}

impl VenueUrls {
    /// Kalshi's demo exchange.
    pub fn demo() -> VenueUrls {
        VenueUrls {
            rest: "https://external-api.demo.kalshi.co/trade-api/v2".to_owned(),
            websocket: "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2".to_owned(),
        }
    }

    /// Kalshi's real exchange.
    pub fn live() -> VenueUrls {
        VenueUrls {
            rest: "https://external-api.kalshi.com/trade-api/v2".to_owned(),
            websocket: "wss://external-api-ws.kalshi.com/trade-api/ws/v2".to_owned(),
        }
    }

    /// An exchange at `base` that serves REST and WebSocket on one port, e.g. `http://127.0.0.1:7474`.
    pub fn at(base: &str) -> Result<VenueUrls, UrlError> {
        let url = Url::parse(base).map_err(|_| UrlError::Malformed(base.to_owned()))?;
        let host = url.host_str().ok_or_else(|| UrlError::Malformed(base.to_owned()))?;
        let socket_scheme = match url.scheme() {
            "https" => "wss",
            "http" if is_loopback(host) => "ws",
            "http" => return Err(UrlError::PlainHttp(base.to_owned())),
            _ => return Err(UrlError::Scheme(base.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::HasUser);
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(UrlError::HasPath(base.to_owned()));
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let scheme = url.scheme();
        Ok(VenueUrls {
            rest: format!("{scheme}://{host}{port}/trade-api/v2"),
            websocket: format!("{socket_scheme}://{host}{port}/trade-api/ws/v2"),
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{UrlError, VenueUrls};

    #[test]
    fn one_base_gives_both_addresses() {
        let urls = VenueUrls::at("http://127.0.0.1:7474").unwrap();
        assert_eq!(urls.rest, "http://127.0.0.1:7474/trade-api/v2");
        assert_eq!(urls.websocket, "ws://127.0.0.1:7474/trade-api/ws/v2");
        let urls = VenueUrls::at("https://exchange.example/").unwrap();
        assert_eq!(urls.websocket, "wss://exchange.example/trade-api/ws/v2");
        VenueUrls::at("http://[::1]:80").unwrap();
        VenueUrls::at("http://localhost:1").unwrap();
    }

    #[test]
    fn plain_http_stays_on_this_machine_and_odd_addresses_are_refused() {
        type Make = fn(String) -> UrlError;
        let rows: [(&str, Make); 5] = [
            ("http://10.0.0.1:7474", UrlError::PlainHttp),
            ("http://localhost.example.com", UrlError::PlainHttp),
            ("ftp://127.0.0.1", UrlError::Scheme),
            ("127.0.0.1:7474", UrlError::Malformed),
            ("https://host/trade-api/v2", UrlError::HasPath),
        ];
        for (base, error) in rows {
            assert_eq!(VenueUrls::at(base), Err(error(base.to_owned())), "{base}");
        }
        assert_eq!(VenueUrls::at("https://me:secret@host"), Err(UrlError::HasUser));
    }
}
