//! Which scope a call needs. Either the parent scope or the child that is named for it will do.

use actix_web::http::Method;

use crate::auth::{Grant, Scope};

use super::BASE;
use super::error::ApiError;

const ORDER_PATHS: [&str; 6] = [
    "/portfolio/events/orders",
    "/portfolio/orders",
    "/portfolio/order_groups",
    "/communications/rfq",
    "/communications/quotes",
    "/multivariate_event_collections",
];
const TRANSFER_PATHS: [&str; 3] = [
    "/portfolio/intra_exchange_instance_transfer",
    "/portfolio/subaccounts/transfer",
    "/portfolio/target_balance_allocation",
];
const BLOCK_TRADES: &str = "/communications/block-trade-proposals";
/// Tells of all subaccounts, also when it is only read.
const SUBACCOUNTS: &str = "/portfolio/subaccounts";
/// What a key that is locked to a subaccount cannot do anywhere.
const UNLOCKED_ONLY: [&str; 4] = [
    SUBACCOUNTS,
    "/portfolio/intra_exchange_instance_transfer",
    "/portfolio/target_balance_allocation",
    "/api_keys",
];

/// Refuses what a key may not do.
pub(super) fn check(grant: &Grant, method: &Method, path: &str) -> Result<(), ApiError> {
    let path = path.strip_prefix(BASE).unwrap_or(path);
    let is_write = method != Method::GET;
    let scope = needed(is_write, path);
    if !grant.allows(scope) {
        return Err(ApiError::forbidden(&format!("the key has no scope {}", scope.name())));
    }
    let is_beyond = |start: &str| path.starts_with(start) && (is_write || start == SUBACCOUNTS);
    if grant.subaccount.is_some() && UNLOCKED_ONLY.iter().any(|start| is_beyond(start)) {
        return Err(ApiError::forbidden("the key is locked to a subaccount"));
    }
    Ok(())
}

fn needed(is_write: bool, path: &str) -> Scope {
    let is_in = |paths: &[&str]| paths.iter().any(|start| path.starts_with(start));
    match is_write {
        false if path == "/portfolio/balance" => Scope::ReadPortfolioBalance,
        false if path.starts_with(BLOCK_TRADES) => Scope::ReadBlockTradeAccept,
        false => Scope::Read,
        true if path.starts_with(BLOCK_TRADES) && path.ends_with("/accept") => Scope::WriteBlockTradeAccept,
        true if is_in(&TRANSFER_PATHS) => Scope::WriteTransfer,
        true if is_in(&ORDER_PATHS) => Scope::WriteTrade,
        true => Scope::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(scopes: &[Scope], subaccount: Option<i64>, method: Method, path: &str) -> bool {
        let grant = Grant { name: String::new(), scopes: scopes.iter().copied().collect(), subaccount };
        check(&grant, &method, &format!("{BASE}{path}")).is_ok()
    }

    #[test]
    fn a_parent_scope_contains_its_children_and_not_the_other_way_round() {
        let orders = "/portfolio/events/orders";
        assert!(allowed(&[Scope::Read], None, Method::GET, "/portfolio/orders"));
        assert!(allowed(&[Scope::Read], None, Method::GET, "/portfolio/balance"));
        assert!(!allowed(&[Scope::Read], None, Method::POST, orders));
        assert!(allowed(&[Scope::ReadPortfolioBalance], None, Method::GET, "/portfolio/balance"));
        assert!(!allowed(&[Scope::ReadPortfolioBalance], None, Method::GET, "/portfolio/orders"));
        assert!(allowed(&[Scope::WriteTrade], None, Method::DELETE, orders));
        assert!(!allowed(&[Scope::WriteTrade], None, Method::POST, "/portfolio/subaccounts/transfer"));
        assert!(!allowed(&[Scope::WriteTrade], None, Method::POST, "/api_keys/generate"));
        assert!(allowed(&[Scope::WriteTransfer], None, Method::POST, "/portfolio/subaccounts/transfer"));
        let accept = "/communications/block-trade-proposals/x/accept";
        assert!(allowed(&[Scope::WriteBlockTradeAccept], None, Method::POST, accept));
    }

    #[test]
    fn a_locked_key_moves_no_money_and_makes_no_keys() {
        let both = [Scope::Read, Scope::Write];
        for path in UNLOCKED_ONLY {
            assert!(!allowed(&both, Some(1), Method::POST, path), "{path}");
            assert!(allowed(&both, None, Method::POST, path), "{path}");
        }
        assert!(allowed(&both, Some(1), Method::POST, "/portfolio/events/orders"));
        assert!(!allowed(&both, Some(1), Method::GET, "/portfolio/subaccounts/balances"));
        assert!(allowed(&both, Some(1), Method::GET, "/api_keys"));
    }
}
