//! What helps to find markets: tags, sports, milestones, targets, incentives. Unsigned.
//!
//! The simulated exchange has no sports leagues, milestones, targets or incentives: the lists are empty and every id is
//! unknown. Parameters are checked all the same.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use serde_json::json;

use super::error::ApiError;
use super::query::Query;
use super::{HttpState, Reply, json, resource};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/search/tags_by_categories").route(web::get().to(tags)))
        .service(resource("/search/filters_by_sport").route(web::get().to(sports)))
        .service(resource("/milestones").route(web::get().to(milestones)))
        .service(resource("/milestones/{milestone_id}").route(web::get().to(milestone)))
        .service(resource("/structured_targets").route(web::get().to(targets)))
        .service(resource("/structured_targets/{structured_target_id}").route(web::get().to(target)))
        .service(resource("/incentive_programs").route(web::get().to(incentives)));
}

async fn tags(state: web::Data<HttpState>) -> Reply {
    let tags = state.0.exchange.with(|venue| {
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for series in venue.series.values() {
            tags.entry(series.category.clone()).or_default().extend(series.tags.iter().cloned());
        }
        tags
    });
    Ok(json(&json!({ "tags_by_categories": tags })))
}

async fn sports() -> Reply {
    Ok(json(&json!({ "filters_by_sports": {}, "sport_ordering": [] })))
}

async fn milestones(request: HttpRequest) -> Reply {
    let query = Query::of(&request)?;
    if query.number("limit")?.is_none_or(|limit| !(1..=500).contains(&limit)) {
        return Err(ApiError::parameter("limit"));
    }
    let is_time = |text: &str| text.parse::<jiff::Timestamp>().is_ok();
    if query.text("minimum_start_date").is_some_and(|text| !is_time(text)) {
        return Err(ApiError::parameter("minimum_start_date"));
    }
    query.number("min_updated_ts")?;
    Ok(json(&json!({ "milestones": [], "cursor": "" })))
}

async fn milestone() -> Reply {
    Err(ApiError::not_found("milestone not found"))
}

async fn targets(request: HttpRequest) -> Reply {
    let query = Query::of(&request)?;
    if query.number("page_size")?.is_some_and(|size| !(1..=2_000).contains(&size)) {
        return Err(ApiError::parameter("page_size"));
    }
    Ok(json(&json!({ "structured_targets": [], "cursor": "" })))
}

async fn target() -> Reply {
    Err(ApiError::not_found("structured target not found"))
}

async fn incentives(request: HttpRequest) -> Reply {
    let query = Query::of(&request)?;
    query.limit(100, 10_000)?;
    let known = [
        ("status", ["all", "active", "upcoming", "closed", "paid_out"]),
        ("type", ["all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume"]),
    ];
    for (name, words) in known {
        if query.text(name).is_some_and(|word| !words.contains(&word)) {
            return Err(ApiError::parameter(name));
        }
    }
    Ok(json(&json!({ "incentive_programs": [], "next_cursor": "" })))
}
