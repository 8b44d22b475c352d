//! What an account may do: its limits and what calls cost.

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;

use super::bucket::Bucket;
use super::gate::Charge;
use super::{HttpState, Reply, costs, json, resource};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/account/limits").route(web::get().to(limits)))
        .service(resource("/account/endpoint_costs").route(web::get().to(endpoint_costs)));
}

async fn limits(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let limits = &state.0.limits;
    let bucket = |bucket: Bucket| json!({ "refill_rate": bucket.refill_rate, "bucket_capacity": bucket.bucket_capacity });
    Ok(json(&json!({
        "usage_tier": limits.usage_tier,
        "read": bucket(limits.read),
        "write": bucket(limits.write),
        "grants": [{ "exchange_instance": "event_contract", "level": limits.usage_tier, "source": "manual" }],
    })))
}

async fn endpoint_costs() -> Reply {
    Ok(json(&costs::listing()))
}
