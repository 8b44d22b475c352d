//! Status, hours, and how fresh account reads are. Unsigned.

use actix_web::web::{self, ServiceConfig};
use serde_json::{Value, json};

use super::{HttpState, Reply, json, resource, wire};
use crate::venue::hours::Hours;

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
    let (exchange_active, trading_active, resume_us) = state.0.exchange.with(|venue| {
        let exchange_active = !venue.exchange_paused;
        (exchange_active, exchange_active && !venue.trading_paused, venue.hours.resume_us)
    });
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
        "exchange_estimated_resume_time": resume_us.map(wire::time),
        "exchange_index_statuses": shards,
    })))
}

/// Open all day, save for the weekly pause where it applies. Hours are Eastern time.
async fn schedule(state: web::Data<HttpState>) -> Reply {
    let all_day = json!([{ "open_time": "00:00", "close_time": "00:00" }]);
    let around_pause = json!([
        { "open_time": "00:00", "close_time": "03:00" },
        { "open_time": "05:00", "close_time": "00:00" },
    ]);
    let pauses = state.0.exchange.with(|venue| venue.hours.thursday_pause);
    let mut week = json!({ "start_time": "2024-12-01T00:00:00Z", "end_time": "2200-12-01T00:00:00Z" });
    for day in ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] {
        if let Some(week) = week.as_object_mut() {
            let hours = if pauses && day == "thursday" { &around_pause } else { &all_day };
            week.insert(day.to_owned(), hours.clone());
        }
    }
    let next = Hours::window(state.now_us()).filter(|_| pauses);
    let windows: Vec<Value> = next
        .map(|(start_us, end_us)| {
            json!({ "start_datetime": wire::time(start_us), "end_datetime": wire::time(end_us) })
        })
        .into_iter()
        .collect();
    Ok(json(&json!({ "schedule": { "standard_hours": [week], "maintenance_windows": windows } })))
}

async fn user_data_timestamp(state: web::Data<HttpState>) -> Reply {
    Ok(json(&json!({ "as_of_time": wire::time(state.0.exchange.reads_as_of_us()) })))
}
