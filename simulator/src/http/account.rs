//! What an account may do: its tier, its limits, what calls cost, and how far its volume brings it.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::venue::units::Count;

use super::bucket::Bucket;
use super::error::ApiError;
use super::gate::Charge;
use super::{HttpState, Limits, Reply, costs, json, resource, tiers, wire};

/// The tier that one gets by asking for it.
const UPGRADE: &str = "advanced";
const MONTH_US: i64 = 30 * 24 * 60 * 60 * 1_000_000;
/// Shares of volume are in parts of this.
const WHOLE: i64 = 100_000;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account/limits").route(web::get().to(limits)))
        .service(resource("/account/api_usage_level/upgrade").route(web::post().to(upgrade)))
        .service(resource("/account/api_usage_level/volume_progress").route(web::get().to(volume_progress)))
        .service(resource("/account/endpoint_costs").route(web::get().to(endpoint_costs)));
}

async fn limits(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let limits = state.limits_of(account);
    let bucket = |bucket: Bucket| json!({ "refill_rate": bucket.refill_rate, "bucket_capacity": bucket.bucket_capacity });
    let level = limits.usage_tier.as_str();
    let grants = match tiers::rank(level) {
        0 => json!([]),
        _ => json!([{ "exchange_instance": "event_contract", "level": level, "source": "manual" }]),
    };
    Ok(json(&json!({
        "usage_tier": level,
        "read": bucket(limits.read),
        "write": bucket(limits.write),
        "grants": grants,
    })))
}

/// Every order here was made over the interface, so that any order will do.
async fn upgrade(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::UPGRADE))?;
    if state.view(account)?.orders.is_empty() {
        return Err(ApiError::forbidden("none of the latest 100 orders was created over the interface"));
    }
    let limits = state.limits_of(account);
    let has_less = tiers::rank(&limits.usage_tier) < tiers::rank(UPGRADE);
    if let (true, Some(better)) = (has_less, Limits::of_tier(UPGRADE)) {
        state.raise(account, better.at_least(&limits));
    }
    Ok(HttpResponse::Created().finish())
}

/// Counts each trade of the exchange once, and each of the member's own fills.
async fn volume_progress(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let now_us = state.now_us();
    let recent = |ts_us: i64| ts_us > now_us - MONTH_US;
    let view = state.view(account)?;
    let own: Count = view.fills.iter().filter(|fill| recent(fill.ts_us)).map(|fill| fill.count).sum();
    let whole: Count =
        state.0.exchange.with(|venue| venue.markets.values().map(|market| market.volume).sum());
    // The smallest volume that reaches the share.
    let goal = |share: i64| wire::count(whole.saturating_mul(share).saturating_add(WHOLE - 1) / WHOLE);
    let goals: Vec<Value> = tiers::ALL
        .iter()
        .filter_map(|tier| {
            let (earn, keep) = tier.volume?;
            Some(json!({
                "level": tier.name,
                "earn_volume_goal_fp": goal(earn),
                "keep_volume_goal_fp": goal(keep),
            }))
        })
        .collect();
    let progress = json!({
        "computed_ts": now_us / 1_000_000,
        "trailing_30d_volume_fp": wire::count(own),
        "goals": goals,
    });
    Ok(json(&json!({ "volume_progress": [progress] })))
}

async fn endpoint_costs() -> Reply {
    Ok(json(&costs::listing()))
}
