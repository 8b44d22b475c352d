//! Checks the signature of each signed request: three headers, one signed text, two key types.
//!
//! The signed text is `timestamp + METHOD + path`, the path without its query. The body is not part of it.
//! A refusal answers with the status and the body that the exchange was recorded to send.
//!
//! Never reads a clock (the caller passes `now_ms`) and never holds a private key.
//! Invariant: an [`AccountRef`] exists only after a signature of one of its keys was verified.

mod grant;
mod key;
mod refusal;

#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::RwLock;

pub use grant::{Grant, Scope};
pub use key::KeyError;
use key::PublicKey;
pub use refusal::AuthError;

/// Header with the key id.
pub const KEY_HEADER: &str = "KALSHI-ACCESS-KEY";
/// Header with the Unix time in milliseconds that was signed.
pub const TIMESTAMP_HEADER: &str = "KALSHI-ACCESS-TIMESTAMP";
/// Header with the standard base64 of the signature.
pub const SIGNATURE_HEADER: &str = "KALSHI-ACCESS-SIGNATURE";

/// Names the account that a verified key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountRef {
    /// Counts accounts from 0 in the order in which their first key was given.
    pub index: usize,
    /// The id of the key that signed.
    pub key_id: Arc<str>,
    pub grant: Arc<Grant>,
}

/// How far the signed time may be from the exchange's own, in milliseconds.
///
/// The real window is not documented; the recordings bound it: +30 s was accepted, -30 s refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockWindow {
    /// How much older than now a signature may be.
    pub behind_ms: i64,
    /// How far in the future a signature may be.
    pub ahead_ms: i64,
}

impl Default for ClockWindow {
    fn default() -> Self {
        Self { behind_ms: 25_000, ahead_ms: 30_000 }
    }
}

/// The public keys that the exchange knows, by id. Members add and delete keys while the exchange runs.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: RwLock<BTreeMap<Arc<str>, Arc<Registered>>>,
    account_count: usize,
    window: ClockWindow,
}

/// A key with whom it belongs to.
#[derive(Debug)]
struct Registered {
    account: AccountRef,
    key: PublicKey,
}

impl Registered {
    fn new(index: usize, id: &str, key: PublicKey, grant: Grant) -> Arc<Self> {
        Arc::new(Self { account: AccountRef { index, key_id: Arc::from(id), grant: Arc::new(grant) }, key })
    }
}

impl KeyRing {
    /// Reads the keys (`(id, public PEM)`). Ids that name the same public key share one account.
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, KeyError> {
        let mut ring = Self::default();
        let mut account_of_key: HashMap<PublicKey, usize> = HashMap::new();
        for (id, public_pem) in entries {
            let key = PublicKey::from_pem(id, public_pem)?;
            let next = account_of_key.len();
            let index = *account_of_key.entry(key.clone()).or_insert(next);
            let registered = Registered::new(index, id, key, Grant::full(id));
            if ring.keys.get_mut().insert(Arc::from(id), registered).is_some() {
                return Err(KeyError::DuplicateId { id: id.to_owned() });
            }
        }
        ring.account_count = account_of_key.len();
        Ok(ring)
    }

    /// Replaces the clock window.
    #[must_use]
    pub fn with_window(mut self, window: ClockWindow) -> Self {
        self.window = window;
        self
    }

    /// Returns how many accounts the keys name: their indexes are `0..account_count()`.
    pub fn account_count(&self) -> usize {
        self.account_count
    }

    /// Registers one more key of an account.
    pub fn add(&self, index: usize, id: &str, public_pem: &str, grant: Grant) -> Result<(), KeyError> {
        let registered = Registered::new(index, id, PublicKey::from_pem(id, public_pem)?, grant);
        match self.keys.write().entry(Arc::from(id)) {
            Entry::Occupied(_) => Err(KeyError::DuplicateId { id: id.to_owned() }),
            Entry::Vacant(free) => {
                free.insert(registered);
                Ok(())
            }
        }
    }

    /// Deletes a key of an account; false if it has none of that id.
    pub fn remove(&self, index: usize, id: &str) -> bool {
        let mut keys = self.keys.write();
        let is_own = keys.get(id).is_some_and(|registered| registered.account.index == index);
        is_own && keys.remove(id).is_some()
    }

    /// Returns the keys of an account.
    pub fn of_account(&self, index: usize) -> Vec<AccountRef> {
        let keys = self.keys.read();
        let own = keys.values().filter(|registered| registered.account.index == index);
        own.map(|registered| registered.account.clone()).collect()
    }

    /// Tells whether the key that a request names is locked to a subaccount. Says nothing about its signature.
    pub fn names_locked_key(&self, headers: &HeaderMap) -> bool {
        let id = header(headers, KEY_HEADER);
        id.is_ok_and(|id| self.keys.read().get(id).is_some_and(|key| key.account.grant.subaccount.is_some()))
    }

    /// Verifies a signed request and returns the account of its key.
    ///
    /// The checks run cheapest first: headers present, time in the window, key known, signature right.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        method: &str,
        path_without_query: &str,
        now_ms: i64,
    ) -> Result<AccountRef, AuthError> {
        let key_id = header(headers, KEY_HEADER)?;
        let timestamp = header(headers, TIMESTAMP_HEADER)?;
        let signature = header(headers, SIGNATURE_HEADER)?;
        if !self.in_window(timestamp, now_ms) {
            return Err(AuthError::TimestampExpired);
        }
        let registered = self.keys.read().get(key_id).map(Arc::clone).ok_or(AuthError::UnknownKey)?;
        let signature = STANDARD.decode(signature).map_err(|_| AuthError::IncorrectSignature)?;
        let signed_text = [timestamp, method, path_without_query].concat();
        if registered.key.verifies(signed_text.as_bytes(), &signature) {
            Ok(registered.account.clone())
        } else {
            Err(AuthError::IncorrectSignature)
        }
    }

    /// Verifies a WebSocket upgrade, whose wholly unsigned form has a refusal of its own.
    pub fn verify_upgrade(
        &self,
        headers: &HeaderMap,
        path_without_query: &str,
        now_ms: i64,
    ) -> Result<AccountRef, AuthError> {
        let unsigned =
            [KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER].iter().all(|name| !headers.contains_key(*name));
        if unsigned {
            return Err(AuthError::UnsignedUpgrade);
        }
        self.verify(headers, "GET", path_without_query, now_ms)
    }

    fn in_window(&self, timestamp: &str, now_ms: i64) -> bool {
        let digits_only = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let Some(signed_ms) = digits_only.then(|| timestamp.parse::<i64>().ok()).flatten() else {
            return false;
        };
        let ahead_ms = signed_ms.saturating_sub(now_ms);
        ahead_ms <= self.window.ahead_ms && ahead_ms >= self.window.behind_ms.saturating_neg()
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, AuthError> {
    match headers.get(name).and_then(|value| value.to_str().ok()) {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(AuthError::MissingHeader),
    }
}
