//! The OpenAPI document, generated from the table of routes and the problem kinds.

use serde_json::{Map, Value, json};

use super::routes::{RouteSpec, routes};
use super::schemas::{reference, schemas};

/// Returns the document.
pub fn openapi() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for spec in routes() {
        let path = paths.entry(spec.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(spec.method.as_str().to_lowercase(), operation(&spec));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Outrigger local API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Prices, counts and money are decimal strings. Errors are RFC 9457 problems with a stable code.",
        },
        "servers": [{ "url": "http://127.0.0.1:7373" }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas(),
        },
    })
}

fn operation(spec: &RouteSpec) -> Value {
    let mut parameters: Vec<Value> = path_parameters(spec.path);
    parameters.extend(spec.query.iter().map(|(name, what)| {
        json!({ "name": name, "in": "query", "required": false, "description": what, "schema": { "type": "string" } })
    }));
    if spec.needs_key {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true, "schema": { "type": "string" },
            "description": "New for each request, the same for each retry of it: a retry gets the recorded answer.",
        }));
    }
    let mut responses = Map::new();
    for (status, schema) in spec.answers {
        let content = match *schema {
            "Text" => json!({ "application/openmetrics-text": {} }),
            "Stream" => json!({}),
            name => json!({ "application/json": { "schema": reference(name) } }),
        };
        responses.insert(status.to_string(), json!({ "description": schema, "content": content }));
    }
    let problems = json!({ "application/problem+json": { "schema": reference("Problem") } });
    responses.insert("default".into(), json!({ "description": "A problem.", "content": problems }));
    let mut operation = json!({
        "summary": spec.summary,
        "operationId": operation_id(spec),
        "parameters": parameters,
        "responses": responses,
        "security": match spec.scope {
            Some(_) => json!([{ "bearer": [] }]),
            None => json!([]),
        },
    });
    if let Value::Object(operation) = &mut operation {
        if let Some(scope) = spec.scope {
            operation.insert("x-scope".into(), scope.as_str().into());
        }
        if let Some(body) = spec.body {
            let content = json!({ "application/json": { "schema": reference(body) } });
            operation.insert("requestBody".into(), json!({ "required": true, "content": content }));
        }
    }
    operation
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameter =
        |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    names.map(parameter).collect()
}

fn operation_id(spec: &RouteSpec) -> String {
    let words =
        spec.path.split(['/', '.']).map(|word| word.trim_matches(['{', '}'])).filter(|w| !w.is_empty());
    let mut id = spec.method.as_str().to_lowercase();
    for word in words {
        id.push('_');
        id.push_str(word);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::openapi;

    /// Run with `UPDATE_DOCUMENTS=1` after a change of the routes.
    #[test]
    fn the_committed_document_is_the_generated_one() {
        crate::api::tests::compare_document("openapi.json", &openapi());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi();
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }
}
