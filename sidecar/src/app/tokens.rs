//! Who a bearer token stands for: the admin token of the data directory, those handed over at start, those in the ledger.

use std::path::Path;

use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::api::ports::{Principal, TokenPort};
use crate::config::Bootstrap;
use crate::store::{Scope, StoreError, Tokens};

/// Tokens by hash, so that comparing tells nothing by its duration.
pub(super) struct KnownTokens {
    fixed: Vec<([u8; 32], Principal)>,
    stored: Mutex<Tokens>,
}

impl KnownTokens {
    pub(super) fn open(
        ledger: &Path,
        admin: &str,
        bootstrap: Option<&Bootstrap>,
    ) -> Result<KnownTokens, StoreError> {
        let mut fixed = vec![(hash(admin), Principal { name: "admin".to_owned(), scope: Scope::Admin })];
        for token in bootstrap.iter().flat_map(|bootstrap| &bootstrap.tokens) {
            let scope = Scope::parse(&token.scope).unwrap_or(Scope::Read);
            fixed.push((hash(token.token.expose_secret()), Principal { name: token.name.clone(), scope }));
        }
        Ok(KnownTokens { fixed, stored: Mutex::new(Tokens::open(ledger)?) })
    }
}

impl TokenPort for KnownTokens {
    fn check(&self, token: &str) -> Option<Principal> {
        let wanted = hash(token);
        let fixed = self.fixed.iter().find(|(known, _)| bool::from(known.ct_eq(&wanted)));
        if let Some((_, principal)) = fixed {
            return Some(principal.clone());
        }
        match self.stored.lock().check(token) {
            Ok(found) => found.map(|(name, scope)| Principal { name, scope }),
            Err(error) => {
                tracing::error!(%error, "the tokens in the ledger cannot be read");
                None
            }
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}
