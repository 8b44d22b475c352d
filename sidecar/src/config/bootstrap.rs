//! Secrets handed over by a host process on standard input: one JSON line, so none is in argv, environment or a file.

use std::io::BufRead;

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// Room for an RSA-4096 key and dozens of tokens.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Shorter tokens can be guessed.
const TOKEN_CHARS_MIN: usize = 16;
const SCOPES: [&str; 3] = ["read", "trade", "admin"];

/// What the host process handed over.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    pub key_id: String,
    #[serde(deserialize_with = "secret")]
    pub private_key_pem: SecretString,
    /// Bearer tokens that live as long as this process.
    #[serde(default)]
    pub tokens: Vec<BootstrapToken>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapToken {
    pub name: String,
    /// `read`, `trade` or `admin`.
    pub scope: String,
    #[serde(deserialize_with = "secret")]
    pub token: SecretString,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Bootstrap {
    /// Stands for a line that has not been read, where only the shape of a configuration matters.
    pub fn placeholder() -> Bootstrap {
        let private_key_pem = SecretString::from(String::new());
        Bootstrap { key_id: "(from standard input)".to_owned(), private_key_pem, tokens: Vec::new() }
    }

    /// Reads the line. Errors never repeat any of it.
    pub fn read(mut input: impl BufRead) -> anyhow::Result<Bootstrap> {
        use std::io::Read as _;
        let mut line = zeroize::Zeroizing::new(String::new());
        let read = input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line);
        read.context("read the --bootstrap line from standard input")?;
        if line.is_empty() {
            bail!("--bootstrap stdin: standard input ended before a line came");
        }
        match serde_json::from_str::<Bootstrap>(&line) {
            Ok(bootstrap) => bootstrap.checked(),
            Err(error) => bail!(
                "--bootstrap stdin: the line is not {{\"key_id\",\"private_key_pem\",\"tokens\"?}} as JSON \
                 ({:?} error at column {})",
                error.classify(),
                error.column()
            ),
        }
    }

    /// Names tokens by their place and name only.
    fn checked(self) -> anyhow::Result<Bootstrap> {
        if self.key_id.is_empty() || self.private_key_pem.expose_secret().is_empty() {
            bail!("--bootstrap stdin: key_id and private_key_pem cannot be empty");
        }
        for (at, token) in self.tokens.iter().enumerate() {
            let BootstrapToken { name, scope, token } = token;
            if name.is_empty() || self.tokens.iter().filter(|other| other.name == *name).count() > 1 {
                bail!("--bootstrap stdin: tokens[{at}].name is empty or used twice");
            }
            if !SCOPES.contains(&scope.as_str()) {
                bail!("--bootstrap stdin: tokens[{at}].scope is not one of {}", SCOPES.join(", "));
            }
            if token.expose_secret().len() < TOKEN_CHARS_MIN {
                bail!("--bootstrap stdin: tokens[{at}].token has fewer than {TOKEN_CHARS_MIN} characters");
            }
        }
        Ok(self)
    }
}
