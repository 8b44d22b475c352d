//! The second, loopback-only port that gives metrics without a token, for a scraper on this machine.
//!
//! It serves `GET /metrics` and nothing else. A web page that had its name pointed at this address is turned away by the
//! `Host` it sends.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::header::{CONTENT_TYPE, HOST};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

use super::metrics::Metrics;

const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const STOP_WITHIN_S: u64 = 1;

/// Serves metrics on `listener`, which is bound to a loopback address. The server runs once it is awaited or spawned.
pub fn metrics_server(listener: TcpListener, metrics: Arc<Metrics>) -> std::io::Result<Server> {
    let port = listener.local_addr()?.port();
    let data = web::Data::new((metrics, port));
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).route("/metrics", web::get().to(scrape)));
    Ok(server.workers(1).shutdown_timeout(STOP_WITHIN_S).disable_signals().listen(listener)?.run())
}

async fn scrape(request: HttpRequest, data: web::Data<(Arc<Metrics>, u16)>) -> HttpResponse {
    let (metrics, port) = data.get_ref();
    if !is_this_machine(&request, *port) {
        return HttpResponse::MisdirectedRequest().finish();
    }
    HttpResponse::Ok().insert_header((CONTENT_TYPE, CONTENT)).body(metrics.render())
}

fn is_this_machine(request: &HttpRequest, port: u16) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| host == format!("{name}:{port}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::time::Duration;

    use super::metrics_server;
    use crate::telemetry::metrics::{Counted, Figures, Metrics, OrderFigures, VenueFigures};

    #[derive(Debug)]
    struct Nothing;

    impl Figures for Nothing {
        fn venue(&self) -> VenueFigures {
            VenueFigures::default()
        }
        fn orders(&self) -> OrderFigures {
            OrderFigures::default()
        }
        fn is_ready(&self) -> bool {
            false
        }
        fn halt(&self) -> u64 {
            0
        }
    }

    #[actix_web::test]
    async fn metrics_are_given_to_this_machine_and_nothing_else_is() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(Metrics::new(Counted::default(), Arc::new(Nothing)));
        let server = metrics_server(listener, metrics).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
        let get = |path: &str, host: Option<&str>| {
            let request = client.get(format!("http://{address}{path}"));
            host.map_or_else(
                || request.try_clone().unwrap(),
                |host| request.try_clone().unwrap().header("host", host),
            )
            .send()
        };
        let right = get("/metrics", None).await.unwrap();
        assert_eq!(right.status().as_u16(), 200);
        assert!(right.text().await.unwrap().contains("outrigger_ready 0\n"));
        let foreign = get("/metrics", Some("evil.example")).await.unwrap();
        assert_eq!(foreign.status().as_u16(), 421);
        assert_eq!(get("/v1/orders", None).await.unwrap().status().as_u16(), 404);
        handle.stop(false).await;
    }
}
