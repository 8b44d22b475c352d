//! Which part of the communications channel a subscription wants: own requests only, and one shard of many.

use serde_json::{Map, Value};

use crate::venue::account::AccountId;
use crate::venue::communications::notice::Notice;

use super::command::Refusal;

/// The most shards that the channel can be split into.
const FACTOR_MAX: u64 = 100;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fanout {
    /// Leaves out RFQs and batches of others.
    own_only: bool,
    /// How many shards there are, and which one is wanted.
    shard: Option<(u64, u64)>,
}

impl Fanout {
    /// Reads `user_filter`, `shard_factor` and `shard_key`. A factor without a key wants shard 0.
    pub(crate) fn parse(params: &Map<String, Value>) -> Result<Self, Refusal> {
        let own_only = match params.get("user_filter") {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) if text.is_empty() => false,
            Some(Value::String(text)) if text == "self" => true,
            Some(Value::String(_)) => {
                return Err(Refusal::with_text(11, "Invalid parameter: user_filter must be self"));
            }
            Some(_) => return Err(Refusal::standard(1)),
        };
        let shard = match (integer(params, "shard_factor")?, integer(params, "shard_key")?) {
            (None, None) => None,
            (None, Some(_)) => return Err(Refusal::standard(20)),
            (Some(factor), key) => {
                let factor =
                    u64::try_from(factor).ok().filter(|it| *it > 0).ok_or_else(|| Refusal::standard(19))?;
                if factor > FACTOR_MAX {
                    return Err(Refusal::standard(22));
                }
                let key = u64::try_from(key.unwrap_or(0)).ok().filter(|key| *key < factor);
                Some((factor, key.ok_or_else(|| Refusal::standard(21))?))
            }
        };
        Ok(Self { own_only, shard })
    }

    /// Tells whether a member with this subscription is told.
    pub(crate) fn wants(&self, notice: &Notice, member: AccountId) -> bool {
        let on_shard = self.shard.is_none_or(|(factor, key)| hash(notice.shard_by()) % factor == key);
        on_shard && notice.is_for(member, self.own_only)
    }
}

fn integer(params: &Map<String, Value>, key: &str) -> Result<Option<i64>, Refusal> {
    match params.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or_else(|| Refusal::standard(1)),
    }
}

/// FNV-1a: the same shard on every connection and every run.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(params: &Value) -> Result<Fanout, u8> {
        Fanout::parse(params.as_object().unwrap()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn each_mistake_has_its_code() {
        let expect = [
            (json!({"shard_factor": 0}), 19),
            (json!({"shard_factor": -1, "shard_key": 0}), 19),
            (json!({"shard_key": 0}), 20),
            (json!({"shard_factor": 4, "shard_key": 4}), 21),
            (json!({"shard_factor": 4, "shard_key": -1}), 21),
            (json!({"shard_factor": 101, "shard_key": 0}), 22),
            (json!({"shard_factor": "4"}), 1),
            (json!({"user_filter": "all"}), 11),
            (json!({"user_filter": 1}), 1),
        ];
        for (params, code) in expect {
            assert_eq!(parse(&params), Err(code), "{params}");
        }
        assert_eq!(parse(&json!({"user_filter": ""})), Ok(Fanout::default()));
        let expected = Fanout { own_only: true, shard: Some((100, 99)) };
        assert_eq!(
            parse(&json!({"user_filter": "self", "shard_factor": 100, "shard_key": 99})),
            Ok(expected)
        );
    }

    #[test]
    fn every_market_is_on_one_shard() {
        for ticker in ["KXA-1", "KXB-2", "KXC-3"] {
            let keys = (0..7).filter(|key| hash(ticker) % 7 == *key);
            assert_eq!(keys.count(), 1);
        }
        assert_ne!(hash("KXA-1") % 7, hash("KXA-2") % 7, "shards do split");
    }
}
