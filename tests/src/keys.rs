//! Account keys made for a test: Ed25519, in the PEM forms that Kalshi hands out and takes.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// PKCS#8 version 1 around a 32-byte Ed25519 seed, and SPKI around a public key (RFC 8410).
const PRIVATE_PREFIX: &str = "302e020100300506032b657004220420";
const PUBLIC_PREFIX: &str = "302a300506032b6570032100";

/// A key with its id, on disk and ready to sign.
pub struct Key {
    pub id: String,
    pub private_file: PathBuf,
    pub public_file: PathBuf,
    pair: Ed25519KeyPair,
}

impl Key {
    /// Makes a key and writes both halves under `folder`.
    pub fn make(folder: &Path, id: &str) -> anyhow::Result<Key> {
        let mut seed = [0_u8; 32];
        let failed = |_| anyhow::anyhow!("no random bytes");
        SystemRandom::new().fill(&mut seed).map_err(failed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|error| anyhow::anyhow!("the seed makes no key: {error}"))?;
        let private_file = folder.join(format!("{id}.private.pem"));
        let public_file = folder.join(format!("{id}.public.pem"));
        std::fs::write(&private_file, pem("PRIVATE KEY", PRIVATE_PREFIX, &seed)?)?;
        std::fs::write(&public_file, pem("PUBLIC KEY", PUBLIC_PREFIX, pair.public_key().as_ref())?)?;
        Ok(Key { id: id.to_owned(), private_file, public_file, pair })
    }

    /// Returns the signature header of a request; `path` carries no query.
    pub fn sign(&self, timestamp_ms: i64, method: &str, path: &str) -> String {
        STANDARD.encode(self.pair.sign(format!("{timestamp_ms}{method}{path}").as_bytes()))
    }

    /// Returns the value of `outrigger exchange --key`.
    pub fn flag(&self) -> String {
        format!("{}={}", self.id, self.public_file.display())
    }
}

fn pem(label: &str, prefix: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let mut der = Vec::new();
    for at in (0..prefix.len()).step_by(2) {
        der.push(u8::from_str_radix(&prefix[at..at + 2], 16)?);
    }
    der.extend_from_slice(bytes);
    Ok(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)))
}
