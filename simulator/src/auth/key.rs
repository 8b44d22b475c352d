//! Public keys as the exchange registers them: SPKI PEM (`BEGIN PUBLIC KEY`), RSA or Ed25519.
//!
//! The PEM label does not tell the type, the algorithm identifier inside does.

use ring::signature::{ED25519, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm};
use spki::der::Document;
use spki::der::pem::PemLabel;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Says why a registered key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Two entries carry the same id.
    #[error("key {id}: the id is given twice")]
    DuplicateId { id: String },
    /// The text is no PEM, or not of a public key.
    #[error("key {id}: not a public key in PEM form (BEGIN PUBLIC KEY)")]
    NotPublicPem { id: String },
    /// The DER inside the PEM is damaged.
    #[error("key {id}: damaged public key")]
    Damaged {
        id: String,
        #[source]
        source: spki::Error,
    },
    /// Neither RSA nor Ed25519.
    #[error("key {id}: key type {algorithm} is neither RSA nor Ed25519")]
    UnsupportedType { id: String, algorithm: String },
}

/// One public key with the algorithm that checks its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum PublicKey {
    /// PKCS#1 `RSAPublicKey` DER.
    Rsa(Vec<u8>),
    /// The 32 bytes of the point.
    Ed25519(Vec<u8>),
}

impl PublicKey {
    pub(super) fn from_pem(id: &str, pem: &str) -> Result<Self, KeyError> {
        let (label, document) =
            Document::from_pem(pem.trim()).map_err(|_| KeyError::NotPublicPem { id: id.to_owned() })?;
        if SubjectPublicKeyInfoOwned::validate_pem_label(label).is_err() {
            return Err(KeyError::NotPublicPem { id: id.to_owned() });
        }
        let info = SubjectPublicKeyInfoRef::try_from(document.as_bytes())
            .map_err(|source| KeyError::Damaged { id: id.to_owned(), source })?;
        let key = info.subject_public_key.raw_bytes().to_vec();
        match info.algorithm.oid {
            RSA_ENCRYPTION => Ok(Self::Rsa(key)),
            ED_25519 => Ok(Self::Ed25519(key)),
            other => Err(KeyError::UnsupportedType { id: id.to_owned(), algorithm: other.to_string() }),
        }
    }

    /// Tells whether `signature` over `signed_text` was made by the private half of this key.
    pub(super) fn verifies(&self, signed_text: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key): (&dyn VerificationAlgorithm, &[u8]) = match self {
            // Accepts a salt of the digest's length (32) only, as the exchange does.
            Self::Rsa(key) => (&RSA_PSS_2048_8192_SHA256, key),
            Self::Ed25519(key) => (&ED25519, key),
        };
        UnparsedPublicKey::new(algorithm, key).verify(signed_text, signature).is_ok()
    }
}
