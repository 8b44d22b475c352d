//! The three headers that make a request the account's: made anew for every attempt, from one place.
//!
//! Signed text: timestamp in milliseconds, method, path with `/trade-api/...`; never the query, host or body.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outrigger_engine::domain::Clock;

use super::credential::{Credential, SignError};
use super::skew::ClockOffset;

pub(crate) const HEADER_KEY: &str = "KALSHI-ACCESS-KEY";
pub(crate) const HEADER_TIMESTAMP: &str = "KALSHI-ACCESS-TIMESTAMP";
pub(crate) const HEADER_SIGNATURE: &str = "KALSHI-ACCESS-SIGNATURE";

/// Signs requests with the account's key, on the venue's clock.
#[derive(Clone)]
pub(crate) struct Signer {
    credential: Arc<Credential>,
    offset: Arc<ClockOffset>,
    clock: Clock,
}

/// Values of the three headers.
pub(crate) struct SignedHeaders {
    pub(crate) key: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
}

impl Signer {
    pub(crate) fn new(credential: Arc<Credential>, offset: Arc<ClockOffset>, clock: Clock) -> Signer {
        Signer { credential, offset, clock }
    }

    pub(crate) fn offset(&self) -> &ClockOffset {
        &self.offset
    }

    /// Makes the headers for one attempt. A slow key signs off the threads that read sockets.
    pub(crate) async fn headers(&self, method: &str, path: &str) -> Result<SignedHeaders, SignError> {
        let timestamp = self.offset.venue_ms((self.clock)().wall.millis()).to_string();
        let text = signed_text(&timestamp, method, path);
        let signature = if self.credential.is_slow() {
            let credential = self.credential.clone();
            tokio::task::spawn_blocking(move || credential.sign(text.as_bytes()))
                .await
                .map_err(|_| SignError)?
        } else {
            self.credential.sign(text.as_bytes())
        }?;
        Ok(SignedHeaders {
            key: self.credential.key_id().to_owned(),
            timestamp,
            signature: STANDARD.encode(signature),
        })
    }
}

/// Joins what is signed. `path` may come with a query, which does not belong to it.
fn signed_text(timestamp: &str, method: &str, path: &str) -> String {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    format!("{timestamp}{method}{path}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use outrigger_engine::domain::{Monotonic, Now, WallTime};
    use ring::signature::{ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm};
    use rustls_pki_types::SubjectPublicKeyInfoDer;
    use rustls_pki_types::pem::PemObject as _;

    use super::{ClockOffset, Credential, SignedHeaders, Signer, signed_text};

    fn file(name: &str) -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/keys/").to_owned() + name;
        std::fs::read(path).unwrap()
    }

    /// The bare key inside a SubjectPublicKeyInfo: everything behind a header of fixed length.
    fn bare_public_key(name: &str, header_len: usize) -> Vec<u8> {
        SubjectPublicKeyInfoDer::from_pem_slice(&file(name)).unwrap().as_ref()[header_len..].to_vec()
    }

    async fn headers(key: &str) -> SignedHeaders {
        let now = Now { wall: WallTime(1_790_000_000_123_456), monotonic: Monotonic(0) };
        let credential = Credential::from_pem("key-1", &file(key)).unwrap();
        let signer = Signer::new(Arc::new(credential), Arc::default(), Arc::new(move || now));
        signer.headers("POST", "/trade-api/v2/portfolio/events/orders?subaccount=0").await.unwrap()
    }

    #[test]
    fn every_key_form_makes_signatures_its_public_half_accepts() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rsa = (&RSA_PSS_2048_8192_SHA256 as &dyn VerificationAlgorithm, "rsa_public.pem", 24);
        let ed25519 = (&ED25519 as &dyn VerificationAlgorithm, "ed25519_public.pem", 12);
        for (private, (algorithm, public, header_len)) in [
            ("rsa_pkcs1.pem", rsa),
            ("rsa_pkcs8.pem", rsa),
            ("ed25519_pkcs8_v1.pem", ed25519),
            ("ed25519_pkcs8_v2.pem", ed25519),
        ] {
            let made = runtime.block_on(headers(private));
            assert_eq!((made.key.as_str(), made.timestamp.as_str()), ("key-1", "1790000000123"));
            let text = b"1790000000123POST/trade-api/v2/portfolio/events/orders";
            let signature = STANDARD.decode(&made.signature).unwrap();
            let key = UnparsedPublicKey::new(algorithm, bare_public_key(public, header_len));
            key.verify(text, &signature).unwrap_or_else(|_| panic!("{private}"));
            key.verify(b"another text", &signature).unwrap_err();
        }
    }

    #[test]
    fn the_query_is_not_signed() {
        assert_eq!(signed_text("7", "GET", "/trade-api/ws/v2"), "7GET/trade-api/ws/v2");
        assert_eq!(signed_text("7", "GET", "/trade-api/v2/markets?limit=1"), "7GET/trade-api/v2/markets");
    }

    #[test]
    fn the_offset_moves_the_timestamp() {
        let offset = ClockOffset::default();
        offset.set_ms(-4_000);
        assert_eq!(offset.venue_ms(10_000), 6_000);
    }
}
