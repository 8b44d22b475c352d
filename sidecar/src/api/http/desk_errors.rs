//! The desk's refusals as problems.

use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use outrigger_engine::actors::messages::LaneError;
use outrigger_engine::desk::command::DeskError;
use serde_json::json;

use crate::api::problem::{self, Problem};

/// Statuses of the venue that mean the same here. Others would be taken for our own (401, 403, 429).
const PASSED_ON: [u16; 4] = [400, 404, 409, 422];

pub(super) fn lane(error: LaneError) -> Problem {
    match error {
        LaneError::Full => Problem::new(problem::BUSY, "nothing was taken; try again in a moment"),
        LaneError::Closed => Problem::new(problem::STOPPING, "nothing more is taken"),
    }
}

/// `retry_after_s` is asked when the exchange's limit or silence is the reason.
pub(super) fn desk(error: DeskError, retry_after_s: impl FnOnce() -> u64) -> Problem {
    let detail = error.to_string();
    match error {
        DeskError::NotReady { .. } => Problem::new(problem::NOT_READY, detail),
        DeskError::Halted { .. } => Problem::new(problem::HALTED, detail),
        DeskError::ReduceOnly { .. } => Problem::new(problem::REDUCE_ONLY, detail),
        DeskError::MarketNotActive { .. } => Problem::new(problem::MARKET_NOT_ACTIVE, detail),
        DeskError::OffGrid { .. } => Problem::new(problem::OFF_GRID, detail).at("/price"),
        DeskError::Limit { limit, allowed, wanted } => Problem::new(problem::LIMIT, detail)
            .with("limit", json!({ "name": limit, "allowed": allowed, "wanted": wanted })),
        DeskError::Invalid { pointer, .. } => Problem::new(problem::ORDER_INVALID, detail).at(pointer),
        DeskError::IdempotencyConflict { order_id } => {
            Problem::new(problem::KEY_REUSED, detail).with("order_id", order_id.to_string())
        }
        DeskError::ClientOrderIdUsed { order_id } => Problem::new(problem::CLIENT_ORDER_ID_USED, detail)
            .at("/client_order_id")
            .with("order_id", order_id.to_string()),
        DeskError::NoSuchOrder { .. } => Problem::new(problem::ORDER_UNKNOWN, detail),
        DeskError::NotWorking { order_id, status } => Problem::new(problem::ORDER_NOT_WORKING, detail)
            .with("order_id", order_id.to_string())
            .with("order_status", status),
        DeskError::ChangeInFlight { order_id } => {
            Problem::new(problem::CHANGE_IN_FLIGHT, detail).with("order_id", order_id.to_string())
        }
        DeskError::VenueRefused { order_id, http_status, code, message } => {
            let status = if PASSED_ON.contains(&http_status) { http_status } else { 422 };
            Problem::new(problem::VENUE_REFUSED, detail)
                .with_status(status)
                .with("order_id", order_id.to_string())
                .with("venue", json!({ "status": http_status, "code": code, "message": message }))
        }
        DeskError::NotSent { order_id, .. } => Problem::new(problem::NOT_SENT, detail)
            .with("order_id", order_id.to_string())
            .with_header(RETRY_AFTER, HeaderValue::from(retry_after_s())),
        DeskError::LedgerUnavailable { .. } => Problem::new(problem::LEDGER, detail),
    }
}
