//! What a key may do: its scopes, and the subaccount that it may be locked to.

use std::collections::BTreeSet;

/// A scope in the exchange's words. `Read` and `Write` contain their children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Read,
    Write,
    ReadBlockTradeAccept,
    ReadPortfolioBalance,
    WriteTrade,
    WriteTransfer,
    WriteFcmRisk,
    WriteBlockTradeAccept,
}

const NAMES: [(Scope, &str); 8] = [
    (Scope::Read, "read"),
    (Scope::Write, "write"),
    (Scope::ReadBlockTradeAccept, "read::block_trade_accept"),
    (Scope::ReadPortfolioBalance, "read::portfolio_balance"),
    (Scope::WriteTrade, "write::trade"),
    (Scope::WriteTransfer, "write::transfer"),
    (Scope::WriteFcmRisk, "write::fcm_risk"),
    (Scope::WriteBlockTradeAccept, "write::block_trade_accept"),
];

impl Scope {
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(scope, _)| *scope == self).map_or("", |(_, name)| name)
    }

    pub fn named(name: &str) -> Option<Scope> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope)
    }

    fn parent(self) -> Option<Scope> {
        match self {
            Scope::Read | Scope::Write => None,
            Scope::ReadBlockTradeAccept | Scope::ReadPortfolioBalance => Some(Scope::Read),
            Scope::WriteTrade | Scope::WriteTransfer | Scope::WriteFcmRisk | Scope::WriteBlockTradeAccept => {
                Some(Scope::Write)
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Grant {
    /// What its owner calls the key.
    pub name: String,
    pub scopes: BTreeSet<Scope>,
    pub subaccount: Option<i64>,
}

impl Grant {
    /// Everything, everywhere.
    pub fn full(name: &str) -> Grant {
        Grant { name: name.to_owned(), scopes: BTreeSet::from([Scope::Read, Scope::Write]), subaccount: None }
    }

    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || scope.parent().is_some_and(|parent| self.scopes.contains(&parent))
    }
}
