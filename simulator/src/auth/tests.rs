use std::sync::OnceLock;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use rsa::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};

use super::{AuthError, ClockWindow, KEY_HEADER, KeyError, KeyRing, SIGNATURE_HEADER, TIMESTAMP_HEADER};

const NOW_MS: i64 = 1_790_000_000_123;
const PATH: &str = "/trade-api/v2/portfolio/balance";

enum Signer {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

struct TestKey {
    signer: Signer,
    public_pem: String,
}

impl TestKey {
    fn sign(&self, text: &str) -> String {
        match &self.signer {
            Signer::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
                STANDARD.encode(signature)
            }
            Signer::Ed25519(key) => STANDARD.encode(key.sign(text.as_bytes())),
        }
    }
}

/// One RSA key for all tests: making one takes a noticeable time.
fn rsa_key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
        let signer = RsaKeyPair::from_pkcs8(private.to_pkcs8_der().unwrap().as_bytes()).unwrap();
        let public_pem = private.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
        TestKey { signer: Signer::Rsa(signer), public_pem }
    })
}

fn ed25519_key(seed: u8) -> TestKey {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(pair.public_key().as_ref());
    let public_pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    TestKey { signer: Signer::Ed25519(pair), public_pem }
}

fn headers(key_id: &str, timestamp: &str, signature: &str) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in [(KEY_HEADER, key_id), (TIMESTAMP_HEADER, timestamp), (SIGNATURE_HEADER, signature)]
    {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.insert(name, HeaderValue::from_str(value).unwrap());
    }
    map
}

fn signed(key: &TestKey, key_id: &str, offset_ms: i64, method: &str, path: &str) -> HeaderMap {
    let timestamp = (NOW_MS + offset_ms).to_string();
    headers(key_id, &timestamp, &key.sign(&format!("{timestamp}{method}{path}")))
}

#[test]
fn both_key_types_are_accepted_and_name_their_account() {
    let ed = ed25519_key(1);
    let ring = KeyRing::new([
        ("rsa", rsa_key().public_pem.as_str()),
        ("ed", ed.public_pem.as_str()),
        ("rsa-again", rsa_key().public_pem.as_str()),
    ])
    .unwrap();
    assert_eq!(ring.account_count(), 2);
    for (key, id, index) in [(rsa_key(), "rsa", 0), (&ed, "ed", 1), (rsa_key(), "rsa-again", 0)] {
        let account = ring.verify(&signed(key, id, 0, "GET", PATH), "GET", PATH, NOW_MS).unwrap();
        assert_eq!((account.index, &*account.key_id), (index, id));
    }
}

#[test]
fn the_clock_window_is_25_seconds_back_and_30_ahead() {
    let ed = ed25519_key(1);
    let ring = KeyRing::new([("ed", ed.public_pem.as_str())]).unwrap();
    for (offset_ms, accepted) in [(-25_000, true), (-25_001, false), (30_000, true), (30_001, false)] {
        let answer = ring.verify(&signed(&ed, "ed", offset_ms, "GET", PATH), "GET", PATH, NOW_MS);
        assert_eq!(answer.is_ok(), accepted, "{offset_ms}");
        assert!(accepted || answer == Err(AuthError::TimestampExpired));
    }
    let narrow = ring.with_window(ClockWindow { behind_ms: 1, ahead_ms: 1 });
    let answer = narrow.verify(&signed(&ed, "ed", -2, "GET", PATH), "GET", PATH, NOW_MS);
    assert_eq!(answer, Err(AuthError::TimestampExpired));
}

#[test]
fn seconds_signs_and_words_are_no_timestamp() {
    let ed = ed25519_key(1);
    let ring = KeyRing::new([("ed", ed.public_pem.as_str())]).unwrap();
    for timestamp in ["1790000000", "+1790000000123", "-5", "now", "99999999999999999999"] {
        let signature = ed.sign(&format!("{timestamp}GET{PATH}"));
        let answer = ring.verify(&headers("ed", timestamp, &signature), "GET", PATH, NOW_MS);
        assert_eq!(answer, Err(AuthError::TimestampExpired), "{timestamp}");
    }
}

#[test]
fn another_text_or_another_scheme_is_an_incorrect_signature() {
    let ed = ed25519_key(1);
    let ring =
        KeyRing::new([("ed", ed.public_pem.as_str()), ("rsa", rsa_key().public_pem.as_str())]).unwrap();
    let with_query = format!("{PATH}?limit=1");
    let wrong = [
        signed(&ed, "ed", 0, "GET", &with_query),
        signed(&ed, "ed", 0, "GET", "/portfolio/balance"),
        signed(&ed, "ed", 0, "POST", PATH),
        signed(&ed25519_key(2), "ed", 0, "GET", PATH),
        signed(&ed, "rsa", 0, "GET", PATH),
        headers("ed", &NOW_MS.to_string(), "no base64!"),
        pkcs1v15_headers(),
    ];
    for headers in wrong {
        assert_eq!(ring.verify(&headers, "GET", PATH, NOW_MS), Err(AuthError::IncorrectSignature));
    }
}

/// The most common mistake of clients: RSA without PSS.
fn pkcs1v15_headers() -> HeaderMap {
    let Signer::Rsa(key) = &rsa_key().signer else { panic!("not an RSA key") };
    let mut signature = vec![0; key.public().modulus_len()];
    let text = format!("{NOW_MS}GET{PATH}");
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    headers("rsa", &NOW_MS.to_string(), &STANDARD.encode(signature))
}

#[test]
fn unknown_keys_and_absent_headers_have_their_own_answers() {
    let ed = ed25519_key(1);
    let ring = KeyRing::new([("ed", ed.public_pem.as_str())]).unwrap();
    let unknown = signed(&ed, "nobody", 0, "GET", PATH);
    assert_eq!(ring.verify(&unknown, "GET", PATH, NOW_MS), Err(AuthError::UnknownKey));
    for name in [KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER] {
        let mut partial = signed(&ed, "ed", 0, "GET", PATH);
        partial.remove(name);
        assert_eq!(ring.verify(&partial, "GET", PATH, NOW_MS), Err(AuthError::MissingHeader));
        assert_eq!(ring.verify_upgrade(&partial, PATH, NOW_MS), Err(AuthError::MissingHeader));
    }
    let bare = HeaderMap::new();
    assert_eq!(ring.verify_upgrade(&bare, PATH, NOW_MS), Err(AuthError::UnsignedUpgrade));
}

#[test]
fn refusals_carry_the_recorded_bodies() {
    let expect = [
        (
            AuthError::TimestampExpired,
            r#"{"error":{"code":"header_timestamp_expired","message":"header timestamp expired"}}"#,
        ),
        (
            AuthError::IncorrectSignature,
            r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"INCORRECT_API_KEY_SIGNATURE"}}"#,
        ),
        (
            AuthError::UnknownKey,
            r#"{"error":{"code":"authentication_error","message":"authentication_error","details":"NOT_FOUND"}}"#,
        ),
        (
            AuthError::MissingHeader,
            r#"{"error":{"code":"signature_is_missing_from_headers","message":"signature is missing from headers"}}"#,
        ),
        (AuthError::UnsignedUpgrade, r#"{"code":"token_authentication_failure"}"#),
    ];
    for (error, body) in expect {
        assert_eq!((error.status(), error.body()), (401, body));
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused_by_name() {
    let ed = ed25519_key(1);
    let not_pem = KeyRing::new([("k1", "hello")]).unwrap_err();
    assert!(matches!(not_pem, KeyError::NotPublicPem { ref id } if id == "k1"));
    let private_label = ed.public_pem.replace("PUBLIC", "PRIVATE");
    assert!(matches!(KeyRing::new([("k2", private_label.as_str())]), Err(KeyError::NotPublicPem { .. })));
    let twice = KeyRing::new([("k3", ed.public_pem.as_str()), ("k3", ed.public_pem.as_str())]);
    assert!(matches!(twice, Err(KeyError::DuplicateId { .. })));
    // An elliptic curve key (P-256): a valid PEM of a type the exchange does not know.
    let p256 = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n-----END PUBLIC KEY-----\n";
    assert!(matches!(KeyRing::new([("k4", p256)]), Err(KeyError::UnsupportedType { .. })));
}
