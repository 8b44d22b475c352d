//! The hash chain over the journal: each row's hash covers the row and the hash before it.

use ring::digest::{Context, SHA256};

pub(super) type Hash = [u8; 32];

/// The hash before the first row.
pub(super) const GENESIS: Hash = [0; 32];

/// A journal row as stored, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub seq: u64,
    pub at_us: i64,
    pub cause: &'a str,
    pub kind: &'a str,
    pub version: i64,
    pub payload: &'a str,
}

/// Returns the hash of `row` after `previous`. Lengths are hashed too, so no two rows read the same.
pub(super) fn link(previous: &Hash, row: Row<'_>) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(&row.seq.to_le_bytes());
    context.update(&row.at_us.to_le_bytes());
    context.update(&row.version.to_le_bytes());
    for text in [row.cause, row.kind, row.payload] {
        context.update(&(text.len() as u64).to_le_bytes());
        context.update(text.as_bytes());
    }
    let mut hash = GENESIS;
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
