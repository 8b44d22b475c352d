//! The HTTP server around the routes.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpServer, web};

use super::http;
use super::state::ApiState;

/// What differs between a sidecar and a test.
#[derive(Debug, Clone, Copy)]
pub struct ServerOptions {
    pub workers: usize,
    /// How long a stop waits for requests under way.
    pub stop_within_s: u64,
}

/// A peer that acknowledges nothing, or whose window stays closed, this long loses its socket: a session that is not read
/// is not polled and could not end itself.
const PEER_TIMEOUT_MS: u32 = 30_000;
/// Longer than client libraries keep idle connections, so that they, not we, close one that is about to be used.
const KEEP_ALIVE: Duration = Duration::from_secs(120);
const CONNECTIONS_MAX: usize = 2_048;

/// Starts serving on a bound listener. Signals are the caller's business.
pub fn start(
    listener: TcpListener,
    state: web::Data<ApiState>,
    options: ServerOptions,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .configure(http::configure)
            .default_service(web::route().to(http::not_found))
            .wrap(from_fn(http::guard))
    });
    let server = server
        .workers(options.workers)
        .max_connections(CONNECTIONS_MAX)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(Duration::from_secs(5))
        .shutdown_timeout(options.stop_within_s)
        .disable_signals()
        .on_connect(|io, _| {
            if let Some(socket) = io.downcast_ref::<TcpStream>() {
                tune(socket);
            }
        })
        .listen(listener)?;
    Ok(server.run())
}

fn tune(socket: &TcpStream) {
    let nodelay = socket.set_nodelay(true);
    let timeout = rustix::net::sockopt::set_tcp_user_timeout(socket, PEER_TIMEOUT_MS);
    if let Some(error) = nodelay.err().or(timeout.err().map(Into::into)) {
        tracing::debug!(%error, "a client's socket could not be tuned");
    }
}
