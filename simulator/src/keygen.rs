//! Makes key pairs as the exchange hands them out: RSA in PKCS#1, Ed25519 in PKCS#8, public halves as SPKI.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};

const RSA_BITS: usize = 2_048;
/// PKCS#8 and SPKI of Ed25519, up to the key itself.
const PRIVATE_START: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const PUBLIC_START: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyType {
    Rsa,
    Ed25519,
}

/// A new pair.
pub(crate) struct Pair {
    pub(crate) private_pem: String,
    pub(crate) public_pem: String,
}

#[derive(Debug, thiserror::Error)]
#[error("no key could be made")]
pub(crate) struct NoKey;

pub(crate) fn generate(key_type: KeyType) -> Result<Pair, NoKey> {
    match key_type {
        KeyType::Rsa => rsa(),
        KeyType::Ed25519 => ed25519(),
    }
}

/// Returns an id for a new key.
pub(crate) fn id() -> String {
    let mut bytes = [0; 16];
    // An id needs no secrecy; without randomness it repeats, and a repeated id is refused.
    let _ = SystemRandom::new().fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

fn rsa() -> Result<Pair, NoKey> {
    let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS).map_err(|_| NoKey)?;
    let private_pem = private.to_pkcs1_pem(LineEnding::LF).map_err(|_| NoKey)?.to_string();
    let public_pem = private.to_public_key().to_public_key_pem(LineEnding::LF).map_err(|_| NoKey)?;
    Ok(Pair { private_pem, public_pem })
}

fn ed25519() -> Result<Pair, NoKey> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| NoKey)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoKey)?;
    let private_pem = pem("PRIVATE KEY", &[&PRIVATE_START, &seed]);
    let public_pem = pem("PUBLIC KEY", &[&PUBLIC_START, pair.public_key().as_ref()]);
    Ok(Pair { private_pem, public_pem })
}

/// Both keys fit on one line.
fn pem(label: &str, parts: &[&[u8]]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(parts.concat()))
}
