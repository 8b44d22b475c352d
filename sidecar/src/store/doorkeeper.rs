//! Which token is whose: the admin token, those of a host process, and those in the ledger. Answers without blocking on a
//! writer, and sees a revocation by another process at once.

use std::sync::Arc;

use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq as _;

use super::tokens::{Scope, Tokens};

/// A token that is not in the ledger, by its hash.
#[derive(Debug)]
struct Fixed {
    name: String,
    scope: Scope,
    hash: [u8; 32],
}

/// Checks bearer tokens for the API; clones share one list.
#[derive(Debug, Clone)]
pub struct Doorkeeper {
    fixed: Arc<[Fixed]>,
    stored: Arc<Mutex<Tokens>>,
}

impl Doorkeeper {
    /// `fixed` are name, scope and token of what lives outside the ledger.
    pub fn new(fixed: impl IntoIterator<Item = (String, Scope, String)>, stored: Tokens) -> Doorkeeper {
        let hashed =
            |(name, scope, token): (String, Scope, String)| Fixed { name, scope, hash: hash(&token) };
        Doorkeeper { fixed: fixed.into_iter().map(hashed).collect(), stored: Arc::new(Mutex::new(stored)) }
    }

    /// Returns whose token it is and what it allows. A ledger that cannot be read lets nobody in by its tokens.
    pub fn check(&self, token: &str) -> Option<(String, Scope)> {
        let hash = hash(token);
        let mut found = None;
        // Every one is compared, so that the time says nothing about which one matched.
        for fixed in self.fixed.iter() {
            if bool::from(fixed.hash.ct_eq(&hash)) {
                found = Some((fixed.name.clone(), fixed.scope));
            }
        }
        found.or_else(|| match self.stored.lock().check(token) {
            Ok(found) => found,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(event = "token_check_failed", error, "a token could not be looked up");
                None
            }
        })
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::Doorkeeper;
    use crate::store::{Scope, Tokens, open_ledger};

    #[test]
    fn three_kinds_of_token_are_known_and_nothing_else() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("ledger.sqlite");
        drop(open_ledger(&path, "sim").unwrap());
        let stored = Tokens::open(&path).unwrap().create("ui", Scope::Read, 1).unwrap();
        let fixed = [("admin", Scope::Admin, "aaa"), ("host", Scope::Trade, "bbb")];
        let fixed = fixed.map(|(name, scope, token)| (name.to_owned(), scope, token.to_owned()));
        let doorkeeper = Doorkeeper::new(fixed, Tokens::open(&path).unwrap());
        let told =
            |token: &str| doorkeeper.check(token).map(|(name, scope)| format!("{name} {}", scope.as_str()));
        assert_eq!(told("aaa").as_deref(), Some("admin admin"));
        assert_eq!(told("bbb").as_deref(), Some("host trade"));
        assert_eq!(told(&stored).as_deref(), Some("ui read"));
        assert_eq!(told(""), None);
        assert_eq!(told("aab"), None);
        Tokens::open(&path).unwrap().revoke("ui", 2).unwrap();
        assert_eq!(told(&stored), None, "revoked by another process");
    }
}
