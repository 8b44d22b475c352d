//! The one TLS configuration of all outgoing connections: ring, the system's roots, Mozilla's only when it has none.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Makes the configuration. The provider is named here, so nothing depends on a process-wide default.
pub(crate) fn client_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots()).with_no_client_auth())
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (taken, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if taken == 0 {
        tracing::warn!("the system has no root certificates, using the ones built in");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
