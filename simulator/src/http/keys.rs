//! The keys of a member: listed, registered, generated, deleted. They work at once, and no longer once deleted.
//!
//! A private key is made here, sent once, and kept nowhere.

use actix_web::web::{self, Bytes, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::auth::{AccountRef, Grant, KeyError, Scope};
use crate::keygen::{self, KeyType};
use crate::venue::account::AccountId;

use super::body::Body;
use super::error::ApiError;
use super::gate::Charge;
use super::query::Query;
use super::{HttpState, Reply, costs, json, resource, tiers, wire};

const KEY_TYPES: &[(&str, KeyType)] = &[("rsa", KeyType::Rsa), ("ed25519", KeyType::Ed25519)];

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/api_keys").route(web::get().to(list)).route(web::post().to(register)))
        .service(resource("/api_keys/generate").route(web::post().to(generate)))
        .service(resource("/api_keys/{api_key}").route(web::delete().to(delete)));
}

async fn list(request: HttpRequest, state: web::Data<HttpState>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    // No key here is bound to a subtrader.
    let of_subtrader = Query::of(&request)?.text("fcm_subtrader_id").is_some();
    let own = if of_subtrader { Vec::new() } else { state.0.keys.of_account(account) };
    let keys: Vec<Value> = own.iter().map(key_json).collect();
    let region = state.0.exchange.with(|venue| venue.region_expires_us);
    Ok(json(&wire::without_nulls(json!({
        "api_keys": keys,
        "api_key_region_expiration_ts": region.map(|at_us| at_us / 1_000_000),
    }))))
}

fn key_json(key: &AccountRef) -> Value {
    let scopes: Vec<&str> = key.grant.scopes.iter().map(|scope| scope.name()).collect();
    wire::without_nulls(json!({
        "api_key_id": key.key_id,
        "name": key.grant.name,
        "scopes": scopes,
        "subaccount": key.grant.subaccount,
    }))
}

async fn register(request: HttpRequest, state: web::Data<HttpState>, bytes: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    if !tiers::registers_keys(&state.limits_of(account).usage_tier) {
        return Err(ApiError::forbidden("only premier members and above can register public keys"));
    }
    let body = Body::parse(&bytes)?;
    let grant = grant_of(&state, account, &body)?;
    let id = keygen::id();
    state.0.keys.add(account, &id, body.text("public_key")?, grant)?;
    Ok(HttpResponse::Created().json(json!({ "api_key_id": id })))
}

async fn generate(request: HttpRequest, state: web::Data<HttpState>, bytes: Bytes) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    let body = Body::parse(&bytes)?;
    let grant = grant_of(&state, account, &body)?;
    let key_type = match body.optional_text("key_type")? {
        None => KeyType::Rsa,
        Some(_) => body.word("key_type", KEY_TYPES)?,
    };
    let unmade = |_| ApiError::unavailable("no key could be made");
    // RSA takes its time.
    let pair = web::block(move || keygen::generate(key_type)).await.map_err(|_| unmade(()))?;
    let pair = pair.map_err(|_| unmade(()))?;
    let id = keygen::id();
    state.0.keys.add(account, &id, &pair.public_pem, grant)?;
    let key_type = KEY_TYPES.iter().find(|(_, of)| *of == key_type).map(|(name, _)| name);
    Ok(HttpResponse::Created()
        .json(json!({ "api_key_id": id, "key_type": key_type, "private_key": pair.private_pem })))
}

async fn delete(request: HttpRequest, state: web::Data<HttpState>, id: Path<String>) -> Reply {
    let account = state.admit(&request, Charge::Read(costs::DEFAULT))?;
    if state.0.keys.remove(account, &id) {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ApiError::not_found("api key not found"))
    }
}

/// Reads what a new key may do.
fn grant_of(state: &HttpState, account: AccountId, body: &Body) -> Result<Grant, ApiError> {
    let full = Grant::full(body.text("name")?);
    if body.optional_text("fcm_subtrader_id")?.is_some() {
        return Err(ApiError::forbidden("fcm_subtrader_id is for clearing members only"));
    }
    let scopes = match body.texts("scopes")? {
        None => full.scopes,
        Some(names) => {
            let known = |name: &str| {
                Scope::named(name)
                    .ok_or_else(|| ApiError::unreadable(format!("scopes: unknown scope {name}")))
            };
            names.into_iter().map(known).collect::<Result<_, _>>()?
        }
    };
    if scopes.contains(&Scope::Write) && !scopes.contains(&Scope::Read) {
        return Err(ApiError::bad_request("the scope write needs the scope read"));
    }
    if scopes.is_empty() {
        return Err(ApiError::bad_request("scopes must name at least one scope"));
    }
    let subaccount = body.subaccount("subaccount")?;
    if let Some(number) = subaccount {
        // A key can be locked to a subaccount that its owner has.
        state.0.exchange.with(|venue| venue.subaccount(account, number))?;
    }
    Ok(Grant { name: full.name, scopes, subaccount })
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::bad_request(&format!("public_key: {error}"))
    }
}
