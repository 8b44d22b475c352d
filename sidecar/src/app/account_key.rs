//! The account's key: from a file, handed over, or made in memory for the exchange inside.

use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outrigger_connectors::Credential;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use crate::config::KeySource;

/// The DER before the 32 bytes of an Ed25519 public key (SubjectPublicKeyInfo, RFC 8410).
const ED25519_SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Reads the account's private key.
pub(super) fn read(key_id: &str, source: &KeySource) -> anyhow::Result<Arc<Credential>> {
    let pem = match source {
        KeySource::File(path) => Zeroizing::new(
            std::fs::read(path).with_context(|| format!("read the account's key {}", path.display()))?,
        ),
        KeySource::Memory(secret) => Zeroizing::new(secret.expose_secret().as_bytes().to_vec()),
    };
    let credential = Credential::from_pem(key_id, &pem).context("read the account's key")?;
    Ok(Arc::new(credential))
}

/// A key pair that lives as long as this process, for the exchange inside: the credential, and the public half as PEM.
pub(super) fn make(key_id: &str) -> anyhow::Result<(Arc<Credential>, String)> {
    let failed = || "make a key for the exchange inside";
    let document =
        Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| anyhow::anyhow!(failed()))?;
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| anyhow::anyhow!(failed()))?;
    let private = Zeroizing::new(pem("PRIVATE KEY", document.as_ref()));
    let public = [&ED25519_SPKI_PREFIX, pair.public_key().as_ref()].concat();
    let credential = Credential::from_pem(key_id, private.as_bytes()).with_context(failed)?;
    Ok((Arc::new(credential), pem("PUBLIC KEY", &public)))
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
