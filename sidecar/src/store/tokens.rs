//! Bearer tokens of local clients. Stored as SHA-256; the token itself is shown once.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::error::StoreError;

const ADMIN_TOKEN_FILE: &str = "admin.token";
const TOKEN_BYTES: usize = 32;

/// What a token allows; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Read,
    Trade,
    Admin,
}

impl Scope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Trade => "trade",
            Scope::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        [Scope::Read, Scope::Trade, Scope::Admin].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A token as listed; never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    pub name: String,
    pub scope: Scope,
    pub created_us: i64,
    pub revoked_us: Option<i64>,
}

/// The tokens in a ledger file, read fresh at each check so that a revocation works at once.
#[derive(Debug)]
pub struct Tokens {
    connection: Connection,
}

impl Tokens {
    /// Opens the token table of an existing, migrated ledger.
    pub fn open(ledger: &Path) -> Result<Tokens, StoreError> {
        let opening = || format!("open the tokens in {}", ledger.display());
        let connection = Connection::open(ledger).map_err(StoreError::sqlite(opening()))?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(StoreError::sqlite(opening()))?;
        Ok(Tokens { connection })
    }

    /// Makes a token named `name` and returns it, the only time it can be seen. A name in use is refused.
    pub fn create(&self, name: &str, scope: Scope, now_us: i64) -> Result<String, StoreError> {
        let token = random_token()?;
        let sql = "INSERT INTO tokens (name, scope, hash, created_us) VALUES (?1, ?2, ?3, ?4)";
        let hash = digest(&SHA256, token.as_bytes());
        let inserted = self.connection.execute(sql, params![name, scope.as_str(), hash.as_ref(), now_us]);
        inserted.map_err(StoreError::sqlite(format!("make a token named {name:?} (names are used once)")))?;
        Ok(token)
    }

    pub fn list(&self) -> Result<Vec<TokenRow>, StoreError> {
        let read = || {
            let sql = "SELECT name, scope, created_us, revoked_us FROM tokens ORDER BY name";
            let mut statement = self.connection.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let scope: String = row.get(1)?;
                let scope = Scope::parse(&scope).unwrap_or(Scope::Read);
                Ok(TokenRow { name: row.get(0)?, scope, created_us: row.get(2)?, revoked_us: row.get(3)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(StoreError::sqlite("list tokens"))
    }

    /// Revokes a token; returns whether there was one of that name still valid.
    pub fn revoke(&self, name: &str, now_us: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE tokens SET revoked_us = ?2 WHERE name = ?1 AND revoked_us IS NULL";
        let changed = self.connection.execute(sql, params![name, now_us]);
        changed.map(|rows| rows > 0).map_err(StoreError::sqlite(format!("revoke token {name:?}")))
    }

    /// Returns the name and scope a token stands for, if it is valid.
    pub fn check(&self, token: &str) -> Result<Option<(String, Scope)>, StoreError> {
        let hash = digest(&SHA256, token.as_bytes());
        let sql = "SELECT name, scope, hash FROM tokens WHERE hash = ?1 AND revoked_us IS NULL";
        let row = self.connection.query_row(sql, [hash.as_ref()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, Vec<u8>>(2)?))
        });
        let row = row.optional().map_err(StoreError::sqlite("check a token"))?;
        let same = |stored: &[u8]| bool::from(stored.ct_eq(hash.as_ref()));
        Ok(row.and_then(|(name, scope, stored)| {
            Scope::parse(&scope).filter(|_| same(&stored)).map(|scope| (name, scope))
        }))
    }
}

/// Returns the admin token in the data directory, made with mode 0600 at the first start.
pub fn admin_token(directory: &Path) -> Result<String, StoreError> {
    let path = admin_token_path(directory);
    if let Ok(token) = fs::read_to_string(&path)
        && token.trim().len() >= TOKEN_BYTES
    {
        return Ok(token.trim().to_owned());
    }
    let token = random_token()?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&path).and_then(|mut file| {
        writeln!(file, "{token}")?;
        file.sync_all()
    });
    written.map_err(StoreError::io(format!("write {}", path.display())))?;
    Ok(token)
}

pub fn admin_token_path(directory: &Path) -> PathBuf {
    directory.join(ADMIN_TOKEN_FILE)
}

fn random_token() -> Result<String, StoreError> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    let failed =
        |_| StoreError::io("make a random token")(std::io::Error::other("the system gave no random bytes"));
    SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(hex::encode(bytes))
}
