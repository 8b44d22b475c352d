//! The account's private key: read from PEM in every form Kalshi hands out, used only to sign.
//!
//! Never here: printing, logging or giving back key material. `Debug` names the kind of key and nothing else.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PSS_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroize as _;

/// DER object identifiers as they stand inside a PKCS#8 document.
const OID_RSA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const OID_ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
/// The algorithm stands at the front, after the version: no need to look (or find chance matches) further.
const OID_SEARCH_BYTES: usize = 24;

/// Why a PEM cannot be used. Says what to do; never holds a byte of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("the key id is empty or holds characters that cannot stand in a header")]
    KeyId,
    #[error(
        "the private key is encrypted; decrypt it first, e.g. `openssl pkey -in key.pem -out plain.pem`, and keep that file safe"
    )]
    Encrypted,
    #[error("this is a public key; Kalshi keeps that one, the sidecar needs the private key")]
    PublicKey,
    #[error(
        "no private key found; a PEM with `BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY` is expected, line breaks included"
    )]
    NotAKey,
    #[error("the key is of another kind; Kalshi takes Ed25519 and RSA keys")]
    OtherKind,
    #[error("the RSA key cannot be used ({0}); 2048 to 4096 bits are supported")]
    Rsa(&'static str),
    #[error("the Ed25519 key cannot be used ({0})")]
    Ed25519(&'static str),
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// A key id with its private key.
pub struct Credential {
    key_id: String,
    pair: Pair,
    random: SystemRandom,
}

/// The signature could not be made; ring gives no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key did not sign")]
pub(crate) struct SignError;

impl Credential {
    /// Reads a private key: PKCS#1 RSA, PKCS#8 RSA, PKCS#8 Ed25519 of version 1 (OpenSSL, Python, Kalshi) or 2 (ring).
    pub fn from_pem(key_id: &str, pem: &[u8]) -> Result<Credential, CredentialError> {
        if key_id.is_empty() || !key_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialError::KeyId);
        }
        let holds = |needle: &[u8]| pem.windows(needle.len()).any(|window| window == needle);
        if holds(b"ENCRYPTED") {
            return Err(CredentialError::Encrypted);
        }
        let mut key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
            if holds(b"PUBLIC KEY") { CredentialError::PublicKey } else { CredentialError::NotAKey }
        })?;
        let pair = read_pair(&key);
        key.zeroize();
        Ok(Credential { key_id: key_id.to_owned(), pair: pair?, random: SystemRandom::new() })
    }

    /// Returns the public id of the key, which goes into a header.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Tells whether a signature takes long enough (0.6 to 4 ms) to keep it off the threads that read sockets.
    pub(crate) const fn is_slow(&self) -> bool {
        matches!(self.pair, Pair::Rsa(_))
    }

    /// Signs `text`: RSA-PSS with SHA-256 and a salt of 32 bytes, or Ed25519.
    pub(crate) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(text).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &self.random, text, &mut signature).map_err(|_| SignError)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(redacted)")
    }
}

fn read_pair(key: &PrivateKeyDer<'_>) -> Result<Pair, CredentialError> {
    match key {
        PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der())),
        PrivateKeyDer::Pkcs8(der) => {
            let der = der.secret_pkcs8_der();
            let front = der.get(..OID_SEARCH_BYTES).unwrap_or(der);
            let names = |oid: &[u8]| front.windows(oid.len()).any(|window| window == oid);
            if names(&OID_ED25519) {
                // The checked reader refuses version 1, which is what everyone but ring writes.
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                pair.map(Pair::Ed25519).map_err(|error| CredentialError::Ed25519(words(&error)))
            } else if names(&OID_RSA) {
                rsa(RsaKeyPair::from_pkcs8(der))
            } else {
                Err(CredentialError::OtherKind)
            }
        }
        _ => Err(CredentialError::OtherKind),
    }
}

fn rsa(read: Result<RsaKeyPair, ring::error::KeyRejected>) -> Result<Pair, CredentialError> {
    read.map(|pair| Pair::Rsa(Box::new(pair))).map_err(|error| CredentialError::Rsa(words(&error)))
}

/// ring's one-word reasons in plain words.
fn words(error: &ring::error::KeyRejected) -> &'static str {
    match error.to_string().as_str() {
        "TooSmall" => "it is too short",
        "TooLarge" => "it is too long",
        "InvalidEncoding" | "UnexpectedError" => "the file is damaged",
        "InconsistentComponents" => "its parts do not belong together",
        _ => "the key was not accepted",
    }
}

#[cfg(test)]
mod tests {
    use super::{Credential, CredentialError};

    fn pem(name: &str) -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/keys/").to_owned() + name;
        std::fs::read(path).unwrap()
    }

    fn error(name: &str) -> CredentialError {
        Credential::from_pem("key", &pem(name)).unwrap_err()
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        assert_eq!(error("rsa_encrypted.pem"), CredentialError::Encrypted);
        assert_eq!(error("rsa_pkcs1_encrypted.pem"), CredentialError::Encrypted);
        assert_eq!(error("rsa_public.pem"), CredentialError::PublicKey);
        assert_eq!(error("rsa_1024.pem"), CredentialError::Rsa("it is too short"));
        assert_eq!(error("ec_pkcs8.pem"), CredentialError::OtherKind);
        assert_eq!(Credential::from_pem("key", b"secret").unwrap_err(), CredentialError::NotAKey);
        for id in ["", "two words", "line\nbreak", "caf\u{e9}"] {
            assert_eq!(
                Credential::from_pem(id, &pem("rsa_pkcs1.pem")).unwrap_err(),
                CredentialError::KeyId,
                "{id:?}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let credential = Credential::from_pem("my-key-id", &pem("ed25519_pkcs8_v1.pem")).unwrap();
        assert_eq!(format!("{credential:?}"), "Credential(redacted)");
    }
}
