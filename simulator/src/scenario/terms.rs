//! What a market can be told to do, in the words of scenario files and of the control route.

use serde::Deserialize;

use super::span::Span;
use crate::venue::grid::Grid;
use crate::venue::market::Outcome;
use crate::venue::steer::Steer;
use crate::venue::units::{self, DOLLAR};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketVerb {
    Pause,
    Resume,
    Close,
    MoveClose,
    Determine,
    Dispute,
    Amend,
    Settle,
    Grid,
    Rename,
}

/// What belongs to a verb.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    pub result: Option<ResultWord>,
    /// Dollars a YES contract pays, for a scalar result.
    pub value: Option<String>,
    pub grid: Option<Grid>,
    /// From now to the new close.
    pub close_in: Option<Span>,
    pub yes_sub_title: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultWord {
    Yes,
    No,
    Scalar,
}

impl Terms {
    /// Returns what the market is to do at `now_us`; refuses terms that are missing or too many.
    pub fn steer(&self, verb: MarketVerb, now_us: i64) -> Result<Steer, String> {
        let outcome = self.outcome()?;
        let steer = match verb {
            MarketVerb::Pause => Steer::Pause,
            MarketVerb::Resume => Steer::Resume,
            MarketVerb::Close => Steer::Close,
            MarketVerb::Dispute => Steer::Dispute,
            MarketVerb::Determine => Steer::Determine(outcome),
            MarketVerb::Settle => Steer::Settle(outcome),
            MarketVerb::Amend => Steer::Amend(outcome.ok_or("amend needs a result")?),
            MarketVerb::Grid => Steer::ChangeGrid(self.grid.ok_or("grid needs a grid")?),
            MarketVerb::MoveClose => {
                let Span(span_us) = self.close_in.ok_or("move_close needs close_in")?;
                Steer::MoveClose { close_us: now_us.saturating_add(span_us) }
            }
            MarketVerb::Rename => {
                let yes_sub_title = self.yes_sub_title.clone().ok_or("rename needs a yes_sub_title")?;
                Steer::Rename { yes_sub_title }
            }
        };
        let takes_result = matches!(verb, MarketVerb::Determine | MarketVerb::Settle | MarketVerb::Amend);
        for (name, is_given, takes) in [
            ("result", self.result.is_some(), takes_result),
            ("value", self.value.is_some(), takes_result),
            ("grid", self.grid.is_some(), verb == MarketVerb::Grid),
            ("close_in", self.close_in.is_some(), verb == MarketVerb::MoveClose),
            ("yes_sub_title", self.yes_sub_title.is_some(), verb == MarketVerb::Rename),
        ] {
            if is_given && !takes {
                return Err(format!("{name} does not go with this action"));
            }
        }
        Ok(steer)
    }

    fn outcome(&self) -> Result<Option<Outcome>, String> {
        match (self.result, self.value.as_deref()) {
            (None, None) => Ok(None),
            (Some(ResultWord::Yes), None) => Ok(Some(Outcome::YES)),
            (Some(ResultWord::No), None) => Ok(Some(Outcome::NO)),
            (Some(ResultWord::Scalar), Some(value)) => {
                let read = units::parse(value, 4).filter(|value| (0..=DOLLAR).contains(value));
                let value = read.ok_or_else(|| {
                    format!("value is \"{value}\"; dollars from 0 to 1 are needed, such as 0.4325")
                })?;
                Ok(Some(Outcome::scalar(value)))
            }
            (Some(ResultWord::Scalar), None) => Err("a scalar result needs a value".to_owned()),
            (_, Some(_)) => Err("value goes with the result scalar only".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_must_fit_the_verb() {
        let result = |result| Terms { result: Some(result), ..Terms::default() };
        let scalar = Terms { value: Some("0.4325".to_owned()), ..result(ResultWord::Scalar) };
        assert_eq!(scalar.steer(MarketVerb::Amend, 0), Ok(Steer::Amend(Outcome::scalar(4_325))));
        assert_eq!(Terms::default().steer(MarketVerb::Settle, 0), Ok(Steer::Settle(None)));
        let late = Terms { close_in: Some(Span(5)), ..Terms::default() };
        assert_eq!(late.steer(MarketVerb::MoveClose, 7), Ok(Steer::MoveClose { close_us: 12 }));
        for (terms, verb, told) in [
            (Terms::default(), MarketVerb::Amend, "needs a result"),
            (Terms::default(), MarketVerb::Grid, "needs a grid"),
            (Terms::default(), MarketVerb::MoveClose, "needs close_in"),
            (Terms::default(), MarketVerb::Rename, "needs a yes_sub_title"),
            (result(ResultWord::Yes), MarketVerb::Pause, "result does not go"),
            (late, MarketVerb::Determine, "close_in does not go"),
            (result(ResultWord::Scalar), MarketVerb::Settle, "needs a value"),
            (Terms { result: Some(ResultWord::No), ..scalar.clone() }, MarketVerb::Settle, "scalar only"),
            (Terms { value: Some("1.01".to_owned()), ..scalar }, MarketVerb::Settle, "from 0 to 1"),
        ] {
            let refused = terms.steer(verb, 0).unwrap_err();
            assert!(refused.contains(told), "{verb:?}: {refused}");
        }
    }
}
