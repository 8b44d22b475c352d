//! Reads client commands into typed requests, and names each mistake by the exchange's error code.
//!
//! A JSON value of the wrong type is code 1, a well-typed but impossible value code 11 (the exchange documents
//! both as "malformed", the split is our choice). Which sids exist is not known here: code 7 is the session's.

use serde_json::{Map, Value};

use super::channel::Channel;
use super::fanout::Fanout;

/// A refusal of a command: the exchange's error code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u8,
    pub(crate) text: String,
    /// Markets that the refusal is about, if it is about some only.
    pub(crate) market_tickers: Vec<String>,
}

impl Refusal {
    /// Builds the refusal of a code with the exchange's own text.
    pub(crate) fn standard(code: u8) -> Self {
        Self { code, text: standard_text(code).to_owned(), market_tickers: Vec::new() }
    }

    /// Builds the refusal of a code with a text of its own.
    pub(crate) fn with_text(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), market_tickers: Vec::new() }
    }
}

fn standard_text(code: u8) -> &'static str {
    match code {
        2 => "Params required",
        3 => "Channels required",
        4 => "Subscription IDs required",
        5 => "Unknown command",
        7 => "Unknown subscription ID",
        8 => "Unknown channel name",
        9 => "Authentication required",
        10 => "Channel error",
        11 => "Invalid parameter",
        12 => "Exactly one subscription ID is required",
        13 => "Unsupported action",
        14 => "Market Ticker required",
        15 => "Action required",
        19 => "Invalid shard_factor",
        20 => "Missing shard_factor when shard_key is set",
        21 => "Invalid shard_key",
        22 => "shard_factor too large",
        25 => "Subscription buffer overflow",
        26 => "Subscription market limit exceeded",
        _ => "Unable to process message",
    }
}

/// A client message with the id its answer carries (absent when the client sent none or 0).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) id: Option<i64>,
    pub(crate) command: Result<Command, Refusal>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Subscribe(Subscribe),
    Unsubscribe { sids: Vec<u64> },
    Update(Update),
    ListSubscriptions,
}

/// Markets named in a command, by ticker or by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Markets {
    pub(crate) tickers: Vec<String>,
    pub(crate) ids: Vec<String>,
}

impl Markets {
    pub(crate) fn is_empty(&self) -> bool {
        self.tickers.is_empty() && self.ids.is_empty()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Subscribe {
    /// One entry per channel named; an unknown name is answered by its own error while the others succeed.
    pub(crate) channels: Vec<Result<Channel, Refusal>>,
    pub(crate) markets: Markets,
    pub(crate) send_initial_snapshot: bool,
    pub(crate) skip_ticker_ack: bool,
    /// Absent when the client did not say; the exchange's default is false today.
    pub(crate) use_yes_price: Option<bool>,
    pub(crate) fanout: Fanout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    AddMarkets,
    DeleteMarkets,
    GetSnapshot,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) sid: u64,
    pub(crate) action: Action,
    pub(crate) markets: Markets,
    pub(crate) send_initial_snapshot: bool,
}

impl Request {
    /// Reads one text message of a client.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let Ok(Value::Object(message)) = serde_json::from_slice::<Value>(text) else {
            return Self { id: None, command: Err(Refusal::standard(1)) };
        };
        let id = match message.get("id") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_i64() {
                Some(id) => Some(id).filter(|id| *id != 0),
                None => return Self { id: None, command: Err(Refusal::standard(1)) },
            },
        };
        Self { id, command: parse_command(&message) }
    }
}

fn parse_command(message: &Map<String, Value>) -> Result<Command, Refusal> {
    let name = match message.get("cmd") {
        Some(Value::String(name)) => name.as_str(),
        None | Some(Value::Null) => return Err(Refusal::standard(5)),
        Some(_) => return Err(Refusal::standard(1)),
    };
    if name == "list_subscriptions" {
        return Ok(Command::ListSubscriptions);
    }
    if !matches!(name, "subscribe" | "unsubscribe" | "update_subscription") {
        return Err(Refusal::standard(5));
    }
    let params = match message.get("params") {
        Some(Value::Object(params)) => params,
        None | Some(Value::Null) => return Err(Refusal::standard(2)),
        Some(_) => return Err(Refusal::standard(1)),
    };
    match name {
        "subscribe" => parse_subscribe(params).map(Command::Subscribe),
        "unsubscribe" => match sids(params)? {
            sids if sids.is_empty() => Err(Refusal::standard(4)),
            sids => Ok(Command::Unsubscribe { sids }),
        },
        _ => parse_update(params).map(Command::Update),
    }
}

fn parse_subscribe(params: &Map<String, Value>) -> Result<Subscribe, Refusal> {
    let names = strings(params, "channels")?.unwrap_or_default();
    if names.is_empty() {
        return Err(Refusal::standard(3));
    }
    let channels =
        names.iter().map(|name| Channel::named(name).ok_or_else(|| Refusal::standard(8))).collect();
    Ok(Subscribe {
        channels,
        markets: markets(params)?,
        send_initial_snapshot: flag(params, "send_initial_snapshot")?.unwrap_or(false),
        skip_ticker_ack: flag(params, "skip_ticker_ack")?.unwrap_or(false),
        use_yes_price: flag(params, "use_yes_price")?,
        fanout: Fanout::parse(params)?,
    })
}

fn parse_update(params: &Map<String, Value>) -> Result<Update, Refusal> {
    let sid = match sids(params)?.as_slice() {
        [sid] => *sid,
        _ => return Err(Refusal::standard(12)),
    };
    let action = match params.get("action") {
        None | Some(Value::Null) => return Err(Refusal::standard(15)),
        Some(Value::String(action)) => match action.as_str() {
            "add_markets" => Action::AddMarkets,
            "delete_markets" => Action::DeleteMarkets,
            "get_snapshot" => Action::GetSnapshot,
            "" => return Err(Refusal::standard(15)),
            _ => return Err(Refusal::standard(13)),
        },
        Some(_) => return Err(Refusal::standard(1)),
    };
    if action == Action::GetSnapshot
        && (params.contains_key("market_ticker") || params.contains_key("market_id"))
    {
        return Err(Refusal::with_text(11, "Invalid parameter: get_snapshot takes market_tickers"));
    }
    let markets = markets(params)?;
    if markets.is_empty() {
        return Err(Refusal::standard(14));
    }
    let send_initial_snapshot = flag(params, "send_initial_snapshot")?.unwrap_or(false);
    Ok(Update { sid, action, markets, send_initial_snapshot })
}

/// Reads `sid` and `sids` together; naming both is refused as more than one.
fn sids(params: &Map<String, Value>) -> Result<Vec<u64>, Refusal> {
    let mut all = Vec::new();
    if let Some(value) = present(params, "sid") {
        all.push(value.as_u64().ok_or_else(|| Refusal::standard(1))?);
    }
    if let Some(value) = present(params, "sids") {
        for sid in value.as_array().ok_or_else(|| Refusal::standard(1))? {
            all.push(sid.as_u64().ok_or_else(|| Refusal::standard(1))?);
        }
    }
    Ok(all)
}

fn markets(params: &Map<String, Value>) -> Result<Markets, Refusal> {
    let tickers = one_or_many(params, "market_ticker", "market_tickers")?;
    let ids = one_or_many(params, "market_id", "market_ids")?;
    if !tickers.is_empty() && !ids.is_empty() {
        return Err(Refusal::with_text(
            11,
            "Invalid parameter: market tickers and market ids exclude each other",
        ));
    }
    if ids.iter().any(|id| uuid::Uuid::parse_str(id).is_err()) {
        return Err(Refusal::with_text(11, "Invalid parameter: a market id is a UUID"));
    }
    Ok(Markets { tickers, ids })
}

fn one_or_many(params: &Map<String, Value>, one: &str, many: &str) -> Result<Vec<String>, Refusal> {
    let single = match present(params, one) {
        None => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(Refusal::standard(1)),
    };
    let list = strings(params, many)?;
    let all = match (single, list) {
        (Some(_), Some(_)) => {
            return Err(Refusal::with_text(
                11,
                format!("Invalid parameter: {one} and {many} exclude each other"),
            ));
        }
        (Some(text), None) => vec![text],
        (None, list) => list.unwrap_or_default(),
    };
    if all.iter().any(String::is_empty) {
        return Err(Refusal::with_text(11, format!("Invalid parameter: {one} is empty")));
    }
    Ok(all)
}

fn strings(params: &Map<String, Value>, key: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = present(params, key) else { return Ok(None) };
    let items = value.as_array().ok_or_else(|| Refusal::standard(1))?;
    items
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| Refusal::standard(1)))
        .collect::<Result<Vec<_>, _>>()
        .map(Some)
}

fn flag(params: &Map<String, Value>, key: &str) -> Result<Option<bool>, Refusal> {
    present(params, key).map(|value| value.as_bool().ok_or_else(|| Refusal::standard(1))).transpose()
}

fn present<'a>(params: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    params.get(key).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> u8 {
        Request::parse(text.as_bytes()).command.unwrap_err().code
    }

    #[test]
    fn each_mistake_has_its_code() {
        let expect = [
            ("{", 1),
            ("[1]", 1),
            (r#"{"id":"a","cmd":"list_subscriptions"}"#, 1),
            (r#"{"id":1}"#, 5),
            (r#"{"id":1,"cmd":"dance","params":{}}"#, 5),
            (r#"{"id":1,"cmd":"subscribe"}"#, 2),
            (r#"{"id":1,"cmd":"subscribe","params":[]}"#, 1),
            (r#"{"id":1,"cmd":"subscribe","params":{}}"#, 3),
            (r#"{"id":1,"cmd":"subscribe","params":{"channels":[]}}"#, 3),
            (r#"{"id":1,"cmd":"subscribe","params":{"channels":"ticker"}}"#, 1),
            (
                r#"{"id":1,"cmd":"subscribe","params":{"channels":["trade"],"market_ticker":"A","market_tickers":["B"]}}"#,
                11,
            ),
            (r#"{"id":1,"cmd":"subscribe","params":{"channels":["ticker"],"market_id":"x"}}"#, 11),
            (r#"{"id":1,"cmd":"unsubscribe","params":{}}"#, 4),
            (r#"{"id":1,"cmd":"unsubscribe","params":{"sids":["1"]}}"#, 1),
            (r#"{"id":1,"cmd":"update_subscription","params":{"action":"add_markets"}}"#, 12),
            (r#"{"id":1,"cmd":"update_subscription","params":{"sids":[1,2],"action":"add_markets"}}"#, 12),
            (
                r#"{"id":1,"cmd":"update_subscription","params":{"sid":1,"sids":[1],"action":"add_markets"}}"#,
                12,
            ),
            (r#"{"id":1,"cmd":"update_subscription","params":{"sid":1}}"#, 15),
            (r#"{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"dance"}}"#, 13),
            (r#"{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"add_markets"}}"#, 14),
            (
                r#"{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"get_snapshot","market_ticker":"A"}}"#,
                11,
            ),
        ];
        for (text, expected) in expect {
            assert_eq!(code(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_channel_leaves_the_others_standing() {
        let request = Request::parse(br#"{"id":7,"cmd":"subscribe","params":{"channels":["trade","nope"]}}"#);
        assert_eq!(request.id, Some(7));
        let Ok(Command::Subscribe(subscribe)) = request.command else { panic!("not a subscribe") };
        assert_eq!(subscribe.channels, vec![Ok(Channel::Trade), Err(Refusal::standard(8))]);
    }

    #[test]
    fn id_zero_is_no_id_and_sid_is_as_good_as_sids() {
        let text = br#"{"id":0,"cmd":"update_subscription","params":{"sid":3,"action":"delete_markets","market_ticker":"A"}}"#;
        let request = Request::parse(text);
        assert_eq!(request.id, None);
        let markets = Markets { tickers: vec!["A".to_owned()], ids: Vec::new() };
        let update = Update { sid: 3, action: Action::DeleteMarkets, markets, send_initial_snapshot: false };
        assert_eq!(request.command, Ok(Command::Update(update)));
    }
}
