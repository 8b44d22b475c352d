//! Opening the socket: signed anew for each attempt, names resolved anew, bounded in time and in what it may hold.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config};

use crate::kalshi::outcome::{explain_unauthorized, venue_error};
use crate::kalshi::sign::{HEADER_KEY, HEADER_SIGNATURE, HEADER_TIMESTAMP, Signer};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATH: &str = "/trade-api/ws/v2";
const CONNECT_WITHIN: Duration = Duration::from_secs(8);
/// A snapshot of a deep book is some hundred kilobytes; a larger message than this is no message of the venue.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;
const WRITE_BUFFER_MAX: usize = 4 * 1024 * 1024;

/// Connects and upgrades, or says why not, in words for a person.
pub(super) async fn open(
    url: &str,
    tls: &Arc<rustls::ClientConfig>,
    signer: &Signer,
) -> Result<Socket, String> {
    let mut request = url.into_client_request().map_err(|error| error.to_string())?;
    let signed = signer.headers("GET", PATH).await.map_err(|error| error.to_string())?;
    let values = [
        (HEADER_KEY, signed.key),
        (HEADER_TIMESTAMP, signed.timestamp),
        (HEADER_SIGNATURE, signed.signature),
    ];
    for (name, value) in values {
        let value = HeaderValue::from_str(&value).map_err(|_| format!("{name} cannot be sent"))?;
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        request.headers_mut().insert(name, value);
    }
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX))
        .max_write_buffer_size(WRITE_BUFFER_MAX);
    let connector = Connector::Rustls(Arc::clone(tls));
    let connecting = connect_async_tls_with_config(request, Some(limits), true, Some(connector));
    match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(explain(error)),
        Err(_) => Err("the exchange did not accept the stream in time".to_owned()),
    }
}

fn explain(error: Error) -> String {
    match error {
        Error::Http(response) if response.status().as_u16() == 401 => {
            let body = response.body().as_deref().unwrap_or_default();
            explain_unauthorized(&venue_error(body))
        }
        Error::Http(response) => {
            format!("the exchange refused the stream: status {}", response.status().as_u16())
        }
        Error::Tls(error) => {
            format!("TLS failed: {error}; if certificates look expired, check this machine's clock")
        }
        other => format!("no connection to the exchange's stream: {other}"),
    }
}
