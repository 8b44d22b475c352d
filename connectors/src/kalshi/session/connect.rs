//! Opening the socket: names resolved anew and signed anew for each attempt, bounded in time and in what it may hold.

use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::domain::Clock;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::ending::Ending;
use crate::kalshi::sign::{HEADER_KEY, HEADER_SIGNATURE, HEADER_TIMESTAMP, Signer};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATH: &str = "/trade-api/ws/v2";
const RESOLVE_WITHIN: Duration = Duration::from_secs(3);
/// For each address a name has.
const REACH_WITHIN: Duration = Duration::from_secs(3);
const ADDRESSES_MAX: usize = 4;
const ADMIT_WITHIN: Duration = Duration::from_secs(8);
/// A snapshot of a deep book is some hundred kilobytes; a larger message than this is no message of the venue.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;
const WRITE_BUFFER_MAX: usize = 4 * 1024 * 1024;

/// Resolves the name in `url` and connects to the first of its addresses that takes it.
pub(super) async fn reach(url: &str) -> Result<TcpStream, Ending> {
    let uri: http::Uri = url.parse().map_err(|_| Ending::Unusable(format!("{url} is no address")))?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let is_plain = uri.scheme_str() == Some("ws");
    let port = uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 });
    let resolved = timeout(RESOLVE_WITHIN, lookup_host((host, port))).await;
    let addresses = resolved
        .map_err(|_| Ending::Unresolved("no answer in time".to_owned()))?
        .map_err(|error| Ending::Unresolved(error.to_string()))?;
    let mut last = Ending::Unresolved("the name has no address".to_owned());
    for address in addresses.take(ADDRESSES_MAX) {
        match timeout(REACH_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Without it small frames wait for each other; the connection works all the same.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = Ending::Unreachable(format!("{address}: {error}")),
            Err(_) => last = Ending::Unreachable(format!("{address}: no answer in time")),
        }
    }
    Err(last)
}

/// Does TLS where the address asks for it, and the upgrade, signed at this moment.
pub(super) async fn admit(
    stream: TcpStream,
    url: &str,
    tls: &Arc<rustls::ClientConfig>,
    signer: &Signer,
    clock: &Clock,
) -> Result<Socket, Ending> {
    let request = signed_request(url, signer).await?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX))
        .max_write_buffer_size(WRITE_BUFFER_MAX);
    let connector = Connector::Rustls(Arc::clone(tls));
    let sent_ms = clock().wall.millis();
    let upgrading = client_async_tls_with_config(request, stream, Some(limits), Some(connector));
    match timeout(ADMIT_WITHIN, upgrading).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => {
            if let Error::Http(response) = &error
                && let Some(date) = response.headers().get("date").and_then(|date| date.to_str().ok())
            {
                // A signature may have been refused for its time: the next one is made on the venue's clock.
                signer.offset().learn(date, sent_ms, clock().wall.millis());
            }
            Err(Ending::of_handshake(error))
        }
        Err(_) => Err(Ending::Late("the exchange's answer to the upgrade")),
    }
}

async fn signed_request(url: &str, signer: &Signer) -> Result<Request, Ending> {
    let unusable = |why: String| Ending::Unusable(why);
    let mut request = url.into_client_request().map_err(|error| unusable(error.to_string()))?;
    let signed = signer.headers("GET", PATH).await.map_err(|error| unusable(error.to_string()))?;
    let values = [
        (HEADER_KEY, signed.key),
        (HEADER_TIMESTAMP, signed.timestamp),
        (HEADER_SIGNATURE, signed.signature),
    ];
    for (name, value) in values {
        let value = HeaderValue::from_str(&value).map_err(|_| unusable(format!("{name} cannot be sent")))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| unusable(error.to_string()))?;
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}
