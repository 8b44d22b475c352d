//! Keys that are locked to a subaccount: what a request leaves open is filled in, what names another one is refused.
//!
//! The signed text covers neither query nor body, so both can be completed before the handlers read them.

use actix_web::Error;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Uri;
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};
use serde_json::Value;

use crate::faults::skew_ms;

use super::HttpState;
use super::error::ApiError;

const NAME: &str = "subaccount";

/// Keeps the requests of locked keys inside their subaccount; all others pass untouched.
pub(super) async fn keep<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    match inside(&mut request).await {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(refusal) => Ok(request.into_response(refusal.error_response()).map_into_right_body()),
    }
}

async fn inside(request: &mut ServiceRequest) -> Result<(), Error> {
    let state = request.app_data::<web::Data<HttpState>>().cloned();
    let Some(state) = state.filter(|state| state.0.keys.names_locked_key(request.headers())) else {
        return Ok(());
    };
    let signer =
        state.signer(request.headers(), request.method(), request.path(), skew_ms(request.request()))?;
    let Some(subaccount) = signer.grant.subaccount else { return Ok(()) };
    keep_query(request, subaccount)?;
    keep_body(request, subaccount).await
}

fn keep_query(request: &mut ServiceRequest, subaccount: i64) -> Result<(), ApiError> {
    let own = subaccount.to_string();
    let query = request.query_string();
    let named: Vec<&str> = query.split('&').filter_map(|part| part.strip_prefix("subaccount=")).collect();
    if named.iter().any(|named| *named != own) {
        return Err(other_subaccount());
    }
    if !named.is_empty() {
        return Ok(());
    }
    let joint = if query.is_empty() { "" } else { "&" };
    let completed = format!("{}?{query}{joint}{NAME}={own}", request.path());
    let uri: Uri = completed.parse().map_err(|_| ApiError::parameter("query"))?;
    request.head_mut().uri = uri;
    Ok(())
}

async fn keep_body(request: &mut ServiceRequest, subaccount: i64) -> Result<(), Error> {
    let bytes = request.extract::<Bytes>().await?;
    let bytes = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut body) => {
            complete(&mut body, subaccount)?;
            Bytes::from(serde_json::to_vec(&body)?)
        }
        // The handler says what is wrong with it.
        Err(_) => bytes,
    };
    let (_, mut payload) = actix_http::h1::Payload::create(true);
    payload.unread_data(bytes);
    request.set_payload(Payload::from(payload));
    Ok(())
}

/// Completes an object, and the orders of a batch.
fn complete(body: &mut Value, subaccount: i64) -> Result<(), ApiError> {
    let Some(fields) = body.as_object_mut() else { return Ok(()) };
    match fields.get(NAME).filter(|value| !value.is_null()) {
        None => drop(fields.insert(NAME.to_owned(), subaccount.into())),
        Some(named) if named.as_i64() == Some(subaccount) => {}
        Some(_) => return Err(other_subaccount()),
    }
    let orders = fields.get_mut("orders").and_then(Value::as_array_mut);
    orders.into_iter().flatten().try_for_each(|order| complete(order, subaccount))
}

fn other_subaccount() -> ApiError {
    ApiError::forbidden("the key is locked to another subaccount")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_completed_and_batches_too() {
        let mut body = json!({ "orders": [{ "ticker": "A" }, { "subaccount": 3 }] });
        complete(&mut body, 3).unwrap();
        assert_eq!(body["orders"], json!([{ "ticker": "A", "subaccount": 3 }, { "subaccount": 3 }]));
        assert_eq!(complete(&mut json!({ "subaccount": 0 }), 3), Err(other_subaccount()));
        assert_eq!(complete(&mut json!({ "orders": [{ "subaccount": 4 }] }), 3), Err(other_subaccount()));
    }
}
