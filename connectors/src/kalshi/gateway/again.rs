//! What may be asked again, and when: the one place that decides it, pure.
//!
//! Safe is what provably did nothing, and whatever does no harm twice. A new order or a change that found no answer is never
//! repeated here: whether it exists is the account's to say.

use outrigger_engine::venue::WriteKind;

use super::client::{Answer, NoAnswer};
use crate::kalshi::outcome::venue_error;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    No,
    /// Provably nothing happened; the budget says when.
    WithBudget,
    /// It does no harm twice; after a pause.
    AfterPause,
}

/// Decides after one attempt.
pub(super) fn again(kind: WriteKind, attempt: &Result<Answer, NoAnswer>) -> Again {
    match attempt {
        // The limiter and the check of signatures stand before everything else.
        Ok(Answer { status: 429, .. }) => Again::WithBudget,
        Ok(Answer { status: 401, body }) if venue_error(body).code == "header_timestamp_expired" => {
            Again::WithBudget
        }
        Ok(Answer { status: 500..=599, .. }) | Err(NoAnswer::NotConnected(_) | NoAnswer::Lost(_)) => {
            match kind {
                WriteKind::Cancel => Again::AfterPause,
                WriteKind::Create | WriteKind::Amend | WriteKind::Decrease => Again::No,
            }
        }
        Ok(_) | Err(NoAnswer::Open { .. }) => Again::No,
    }
}

#[cfg(test)]
mod tests {
    use outrigger_engine::venue::WriteKind as K;

    use super::{Again, Answer, NoAnswer, again};

    #[test]
    fn every_row_of_the_table() {
        let answer = |status, body: &'static str| Ok(Answer { status, body: body.into() });
        let expired = r#"{"error":{"code":"header_timestamp_expired","message":"m"}}"#;
        let unknown_key = r#"{"error":{"code":"authentication_error","message":"m","details":"NOT_FOUND"}}"#;
        let rows = [
            (answer(201, "{}"), [Again::No; 2]),
            (answer(400, "{}"), [Again::No; 2]),
            (answer(401, expired), [Again::WithBudget; 2]),
            (answer(401, unknown_key), [Again::No; 2]),
            (answer(404, "{}"), [Again::No; 2]),
            (answer(409, "{}"), [Again::No; 2]),
            (answer(429, ""), [Again::WithBudget; 2]),
            (answer(500, ""), [Again::No, Again::AfterPause]),
            (answer(503, ""), [Again::No, Again::AfterPause]),
            (Err(NoAnswer::Lost("reset".into())), [Again::No, Again::AfterPause]),
            (Err(NoAnswer::NotConnected("refused".into())), [Again::No, Again::AfterPause]),
            (Err(NoAnswer::Open { retry_after_ms: 1 }), [Again::No; 2]),
        ];
        for (attempt, [order, cancel]) in rows {
            for kind in [K::Create, K::Amend, K::Decrease] {
                assert_eq!(again(kind, &attempt), order, "{kind:?} {attempt:?}");
            }
            assert_eq!(again(K::Cancel, &attempt), cancel, "{attempt:?}");
        }
    }
}
