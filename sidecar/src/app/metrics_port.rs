//! The second port for a scraper on this machine, where the configuration names one.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context as _;

use crate::config::Effective;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics_server;

/// Opens `metrics_listen`, if it is set, and serves metrics there until the process ends.
pub(super) fn start(config: &Effective, metrics: &Arc<Metrics>) -> anyhow::Result<()> {
    let Some(address) = config.listen.metrics else { return Ok(()) };
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot serve metrics on {address}: choose another port with --metrics-listen")
    })?;
    let address = listener.local_addr().context("read the metrics port")?;
    let server = metrics_server(listener, Arc::clone(metrics)).context("serve metrics")?;
    tracing::info!(event = "metrics_open", %address, "metrics are served without a token");
    actix_web::rt::spawn(server);
    Ok(())
}
