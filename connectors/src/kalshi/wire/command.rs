//! The commands the stream is sent.

use serde::Serialize;

/// One command frame.
#[derive(Debug, Serialize)]
pub(crate) struct CommandFrame<'a> {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) command: Command<'a>,
}

/// `cmd` and its `params`.
#[derive(Debug, Serialize)]
#[serde(tag = "cmd", content = "params", rename_all = "snake_case")]
pub(crate) enum Command<'a> {
    Subscribe {
        channels: [&'static str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        market_tickers: Option<Vec<&'a str>>,
        /// Always sent on the book channel: its default is announced to flip.
        #[serde(skip_serializing_if = "Option::is_none")]
        use_yes_price: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        send_initial_snapshot: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        skip_ticker_ack: Option<bool>,
        /// `self` on channel `communications`: requests of other members are left to those who want to quote.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_filter: Option<&'static str>,
    },
    UpdateSubscription {
        sids: [u64; 1],
        action: Action,
        market_tickers: Vec<&'a str>,
    },
    Unsubscribe {
        sids: [u64; 1],
    },
    /// Changes nothing: asked to hear an answer.
    ListSubscriptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    AddMarkets,
    DeleteMarkets,
    GetSnapshot,
}

impl CommandFrame<'_> {
    /// Returns the frame's text.
    pub(crate) fn text(&self) -> String {
        // Strings and integers cannot fail to serialise; an empty frame would be answered with an error.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Command, CommandFrame};

    #[test]
    fn commands_look_as_the_venue_documents_them() {
        let subscribe = Command::Subscribe {
            channels: ["orderbook_delta"],
            market_tickers: Some(vec!["KXA-1", "KXA-2"]),
            use_yes_price: Some(false),
            send_initial_snapshot: None,
            skip_ticker_ack: None,
            user_filter: None,
        };
        assert_eq!(
            CommandFrame { id: 1, command: subscribe }.text(),
            r#"{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],"market_tickers":["KXA-1","KXA-2"],"use_yes_price":false}}"#
        );
        let update = Command::UpdateSubscription {
            sids: [1],
            action: Action::GetSnapshot,
            market_tickers: vec!["KXA-2"],
        };
        assert_eq!(
            CommandFrame { id: 5, command: update }.text(),
            r#"{"id":5,"cmd":"update_subscription","params":{"sids":[1],"action":"get_snapshot","market_tickers":["KXA-2"]}}"#
        );
        assert_eq!(
            CommandFrame { id: 7, command: Command::Unsubscribe { sids: [1] } }.text(),
            r#"{"id":7,"cmd":"unsubscribe","params":{"sids":[1]}}"#
        );
        let list = CommandFrame { id: 6, command: Command::ListSubscriptions };
        assert_eq!(list.text(), r#"{"id":6,"cmd":"list_subscriptions"}"#);
    }
}
