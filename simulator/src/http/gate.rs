//! Who may come in, and how often: signature first, then the account's token buckets.

use std::collections::HashMap;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;

use crate::auth::AccountRef;
use crate::faults::skew_ms;
use crate::time::wall_us;
use crate::venue::account::AccountId;

use super::bucket::{Bucket, Tokens};
use super::error::ApiError;
use super::{HttpState, Limits, permission};

/// Shards that have a write bucket of their own next to the unscoped one of shard 0.
const SHARD_COUNT: usize = 4;

/// What a call takes from which bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charge {
    Read(u32),
    /// A single write on the shard that the request names; none if it must be found.
    Write {
        cost: u32,
        shard: Option<i64>,
    },
    /// A batch, or a write that belongs to no shard.
    Unscoped(u32),
    Balance,
}

/// The buckets of one account.
#[derive(Debug)]
struct Gate {
    read: Tokens,
    write: [Tokens; SHARD_COUNT],
    balance: Tokens,
}

impl Gate {
    fn full(limits: &Limits) -> Self {
        let per_second = limits.balance_per_second;
        let balance = Bucket { refill_rate: per_second, bucket_capacity: per_second };
        Self {
            read: Tokens::full(limits.read),
            write: [Tokens::full(limits.write); SHARD_COUNT],
            balance: Tokens::full(balance),
        }
    }
}

/// The buckets of all accounts.
#[derive(Debug)]
pub(super) struct Gates {
    limits: Limits,
    /// Accounts whose limits differ.
    own: HashMap<AccountId, Limits>,
    by_account: HashMap<AccountId, Gate>,
}

impl Gates {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), own: HashMap::new(), by_account: HashMap::new() }
    }

    /// Admits a call if every bucket that it concerns holds its whole cost; a refused call takes nothing.
    fn admit(&mut self, account: AccountId, charge: Charge, now_us: i64) -> bool {
        let limits = self.own.get(&account).unwrap_or(&self.limits);
        let gate = self.by_account.entry(account).or_insert_with(|| Gate::full(limits));
        let (buckets, cost): (&mut [Tokens], u32) = match charge {
            Charge::Read(cost) => (std::slice::from_mut(&mut gate.read), cost),
            Charge::Balance => (std::slice::from_mut(&mut gate.balance), 1),
            Charge::Unscoped(cost) => (gate.write.get_mut(..1).unwrap_or_default(), cost),
            Charge::Write { cost, shard: Some(shard) } => {
                let at = usize::try_from(shard).unwrap_or_default().min(SHARD_COUNT - 1);
                (gate.write.get_mut(at..=at).unwrap_or_default(), cost)
            }
            Charge::Write { cost, shard: None } => (gate.write.as_mut_slice(), cost),
        };
        // Count every bucket up to now, also those behind the first that is short.
        let short =
            buckets.iter_mut().filter_map(|tokens| (!tokens.holds(cost, now_us)).then_some(())).count();
        if short > 0 {
            return false;
        }
        buckets.iter_mut().for_each(|tokens| tokens.take(cost));
        true
    }
}

impl HttpState {
    /// Verifies the signature of a request and returns its account, without any charge yet.
    pub(super) fn verify(&self, request: &HttpRequest) -> Result<AccountId, ApiError> {
        let signer = self.signer(request.headers(), request.method(), request.path(), skew_ms(request))?;
        Ok(signer.index)
    }

    /// Verifies a signature, and that its key may do what is asked.
    pub(super) fn signer(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        skew_ms: i64,
    ) -> Result<AccountRef, ApiError> {
        let now_ms = wall_us() / 1_000 + skew_ms;
        let signer = self.0.keys.verify(headers, method.as_str(), path, now_ms)?;
        permission::check(&signer.grant, method, path)?;
        Ok(signer)
    }

    /// Returns what an account has: what all have, or a better tier of its own.
    pub(super) fn limits_of(&self, account: AccountId) -> Limits {
        let own = self.0.gates.lock().own.get(&account).cloned();
        own.unwrap_or_else(|| self.0.limits.clone())
    }

    /// Gives an account limits of its own, with full buckets.
    pub(super) fn raise(&self, account: AccountId, limits: Limits) {
        let mut gates = self.0.gates.lock();
        gates.by_account.remove(&account);
        gates.own.insert(account, limits);
    }

    /// Takes what a call costs, or refuses it.
    pub(super) fn charge(&self, account: AccountId, charge: Charge) -> Result<(), ApiError> {
        let admitted = self.0.gates.lock().admit(account, charge, self.now_us());
        if admitted { Ok(()) } else { Err(ApiError::too_many_requests()) }
    }

    /// Lets a signed call in.
    pub(super) fn admit(&self, request: &HttpRequest, charge: Charge) -> Result<AccountId, ApiError> {
        let account = self.verify(request)?;
        self.charge(account, charge)?;
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates() -> Gates {
        let bucket = Bucket { refill_rate: 10, bucket_capacity: 20 };
        let limits =
            Limits { usage_tier: "basic".to_owned(), read: bucket, write: bucket, balance_per_second: 1 };
        Gates::new(&limits)
    }

    #[test]
    fn a_write_without_its_shard_is_charged_everywhere() {
        let mut gates = gates();
        let auto = Charge::Write { cost: 10, shard: None };
        let on = |shard| Charge::Write { cost: 10, shard: Some(shard) };
        assert!(gates.admit(0, on(2), 0) && gates.admit(0, on(2), 0));
        assert!(!gates.admit(0, auto, 0), "shard 2 is empty");
        assert!(gates.admit(0, on(1), 0) && gates.admit(0, on(1), 0), "the refused call took nothing");
        assert!(
            gates.admit(0, Charge::Unscoped(20), 0) && !gates.admit(0, on(0), 0),
            "batches use shard 0's"
        );
    }

    #[test]
    fn accounts_and_buckets_do_not_touch_each_other() {
        let mut gates = gates();
        assert!(gates.admit(0, Charge::Read(20), 0) && !gates.admit(0, Charge::Read(1), 0));
        assert!(gates.admit(1, Charge::Read(20), 0));
        assert!(gates.admit(0, Charge::Balance, 0) && !gates.admit(0, Charge::Balance, 500_000));
        assert!(gates.admit(0, Charge::Balance, 1_000_000));
    }
}
