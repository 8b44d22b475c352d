//! The HTTP routes: one table says what each is, who may ask and who answers.

mod account;
mod batch;
pub(super) mod body;
mod desk_errors;
mod document;
mod guard;
mod halt;
mod markets;
mod order_body;
mod orders;
mod query;
mod routes;
mod schemas;
mod system;

pub use document::openapi;
pub(crate) use guard::guard;
pub(crate) use routes::{configure, not_found};

/// Method, path and scope of every route.
#[cfg(test)]
pub(super) fn routes_for_tests() -> Vec<(String, &'static str, Option<&'static str>)> {
    let row = |spec: routes::RouteSpec| (spec.method.to_string(), spec.path, spec.scope.map(|s| s.as_str()));
    routes::routes().into_iter().map(row).collect()
}
