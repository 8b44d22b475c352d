//! Status, hours, and how fresh account reads are. Unsigned.

use actix_web::web::{self, ServiceConfig};
use serde_json::{Value, json};

use super::{HttpState, Reply, json, resource, wire};

/// The shards with the exchange's words for them.
const SHARDS: [(i64, &str); 4] =
    [(0, "Default"), (1, "Combos"), (2, "Crypto & Commodities"), (3, "Tennis, Baseball, Basketball")];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/exchange/status").route(web::get().to(status)))
        .service(resource("/exchange/schedule").route(web::get().to(schedule)))
        .service(resource("/exchange/user_data_timestamp").route(web::get().to(user_data_timestamp)));
}

async fn status(state: web::Data<HttpState>) -> Reply {
    let (exchange_active, trading_active) = state
        .0
        .exchange
        .with(|venue| (!venue.exchange_paused, !venue.exchange_paused && !venue.trading_paused));
    let shards: Vec<Value> = SHARDS
        .iter()
        .map(|(index, description)| {
            json!({
                "exchange_index": index,
                "description": description,
                "exchange_active": exchange_active,
                "trading_active": trading_active,
                "intra_exchange_transfers_active": exchange_active,
            })
        })
        .collect();
    Ok(json(&json!({
        "exchange_active": exchange_active,
        "trading_active": trading_active,
        "intra_exchange_transfers_active": exchange_active,
        "exchange_estimated_resume_time": null,
        "exchange_index_statuses": shards,
    })))
}

/// The simulated exchange never closes; the shape of the hours is that of the real one.
async fn schedule() -> Reply {
    let all_day = json!([{ "open_time": "00:00", "close_time": "00:00" }]);
    let mut week = json!({ "start_time": "2024-12-01T00:00:00Z", "end_time": "2200-12-01T00:00:00Z" });
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] {
        if let Some(week) = week.as_object_mut() {
            week.insert(day.to_owned(), all_day.clone());
        }
    }
    Ok(json(&json!({ "schedule": { "standard_hours": [week], "maintenance_windows": [] } })))
}

async fn user_data_timestamp(state: web::Data<HttpState>) -> Reply {
    Ok(json(&json!({ "as_of_time": wire::time(state.0.exchange.reads_as_of_us()) })))
}
