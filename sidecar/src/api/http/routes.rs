//! The table of routes. Registration, scopes, methods and the OpenAPI document all come from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Route, web};

use super::{account, batch, guard, halt, markets, orders, system};
use crate::api::ports::Scope;
use crate::api::problem::{self, Problem};
use crate::api::ws;

/// One method on one path.
#[derive(Clone)]
pub(crate) struct RouteSpec {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// `None` answers without a token.
    pub(crate) scope: Option<Scope>,
    pub(crate) summary: &'static str,
    /// Query parameters, with what they are.
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// Name of the body's schema, where there is a body.
    pub(crate) body: Option<&'static str>,
    pub(crate) needs_key: bool,
    /// Status and schema of the good answers.
    pub(crate) answers: &'static [(u16, &'static str)],
    handler: fn() -> Route,
}

const PAGE: (&str, &str) = ("limit", "rows in this answer, 1 to 1000, 100 if not given");
const CURSOR: (&str, &str) = ("cursor", "where the last page ended, from its `cursor`");
const TICKER: (&str, &str) = ("ticker", "only this market");

fn read(
    path: &'static str,
    summary: &'static str,
    schema: &'static [(u16, &'static str)],
    handler: fn() -> Route,
) -> RouteSpec {
    RouteSpec {
        method: Method::GET,
        path,
        scope: Some(Scope::Read),
        summary,
        query: &[],
        body: None,
        needs_key: false,
        answers: schema,
        handler,
    }
}

fn write(
    method: Method,
    path: &'static str,
    summary: &'static str,
    body: Option<&'static str>,
    answers: &'static [(u16, &'static str)],
    handler: fn() -> Route,
) -> RouteSpec {
    RouteSpec { method, scope: Some(Scope::Trade), body, ..read(path, summary, answers, handler) }
}

/// Every route there is.
pub(crate) fn routes() -> Vec<RouteSpec> {
    let mut all = system_routes();
    all.extend(market_routes());
    all.extend(order_routes());
    all.extend(one_order_routes());
    all.extend(account_routes());
    all
}

fn system_routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec {
            scope: None,
            ..read("/healthz", "Tells that the process lives.", &[(200, "Health")], || {
                web::route().to(system::healthz)
            })
        },
        RouteSpec {
            scope: None,
            ..read(
                "/readyz",
                "Tells whether every part is ready.",
                &[(200, "Readiness"), (503, "Readiness")],
                || web::route().to(system::readyz),
            )
        },
        read("/metrics", "Metrics as OpenMetrics text.", &[(200, "Text")], || {
            web::route().to(system::metrics)
        }),
        read("/openapi.json", "This document.", &[(200, "Document")], || web::route().to(system::openapi)),
        read("/asyncapi.json", "The stream's document.", &[(200, "Document")], || {
            web::route().to(system::asyncapi)
        }),
        RouteSpec {
            query: &[("ticket", "a stream ticket, where the Authorization header cannot be set")],
            ..read("/v1/stream", "The local stream, a WebSocket.", &[(101, "Stream")], || {
                web::route().to(ws::upgrade)
            })
        },
        RouteSpec {
            scope: Some(Scope::Read),
            ..write(
                Method::POST,
                "/v1/stream/ticket",
                "A ticket for one connection to the stream, good for 10 s.",
                None,
                &[(201, "Ticket")],
                || web::route().to(system::ticket),
            )
        },
    ]
}

fn market_routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec {
            query: &[
                PAGE,
                CURSOR,
                ("status", "only markets in this status"),
                ("event_ticker", "only markets of this event"),
            ],
            ..read("/v1/markets", "The markets known, by ticker.", &[(200, "Markets")], || {
                web::route().to(markets::list)
            })
        },
        read("/v1/markets/{ticker}", "One market.", &[(200, "Market")], || web::route().to(markets::one)),
        read(
            "/v1/markets/{ticker}/book",
            "The order book as it is kept, with its trust and age.",
            &[(200, "Book")],
            || web::route().to(markets::book),
        ),
        RouteSpec {
            query: &[PAGE],
            ..read(
                "/v1/markets/{ticker}/trades",
                "Public trades, newest first, as the exchange lists them.",
                &[(200, "Trades")],
                || web::route().to(markets::trades),
            )
        },
    ]
}

fn order_routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec {
            query: &[
                PAGE,
                CURSOR,
                TICKER,
                ("status", "only these, e.g. resting,unknown"),
                ("client_order_id", "only this one"),
            ],
            ..read("/v1/orders", "Orders, by id from the newest.", &[(200, "Orders")], || {
                web::route().to(orders::list)
            })
        },
        RouteSpec {
            needs_key: true,
            ..write(
                Method::POST,
                "/v1/orders",
                "Places an order.",
                Some("NewOrder"),
                &[(201, "Order"), (202, "Order")],
                || web::route().to(orders::place),
            )
        },
        write(
            Method::DELETE,
            "/v1/orders",
            "Cancels every order that may rest.",
            None,
            &[(200, "Canceled")],
            || web::route().to(orders::cancel_all),
        ),
        RouteSpec {
            needs_key: true,
            ..write(
                Method::POST,
                "/v1/orders/batch",
                "Places up to 20 orders; each is answered on its own.",
                Some("NewOrders"),
                &[(200, "Results")],
                || web::route().to(batch::place),
            )
        },
        write(
            Method::DELETE,
            "/v1/orders/batch",
            "Cancels up to 100 orders; each is answered on its own.",
            Some("OrderIds"),
            &[(200, "Results")],
            || web::route().to(batch::cancel),
        ),
    ]
}

fn one_order_routes() -> Vec<RouteSpec> {
    vec![
        read("/v1/orders/{order_id}", "One order.", &[(200, "Order")], || web::route().to(orders::one)),
        write(
            Method::PATCH,
            "/v1/orders/{order_id}",
            "Changes price or count. Only lowering the count keeps the place in the queue.",
            Some("OrderChange"),
            &[(200, "Order"), (202, "Order")],
            || web::route().to(orders::amend),
        ),
        write(
            Method::DELETE,
            "/v1/orders/{order_id}",
            "Cancels an order.",
            None,
            &[(200, "Order"), (202, "Order")],
            || web::route().to(orders::cancel),
        ),
    ]
}

fn account_routes() -> Vec<RouteSpec> {
    vec![
        RouteSpec {
            query: &[PAGE, CURSOR, TICKER],
            ..read("/v1/positions", "Positions, by ticker.", &[(200, "Positions")], || {
                web::route().to(account::positions)
            })
        },
        read("/v1/balance", "Cash and portfolio value.", &[(200, "Balance")], || {
            web::route().to(account::balance)
        }),
        RouteSpec {
            query: &[PAGE, CURSOR, TICKER, ("order_id", "only fills of this order")],
            ..read("/v1/fills", "Fills, newest first.", &[(200, "Fills")], || web::route().to(account::fills))
        },
        RouteSpec {
            query: &[PAGE, CURSOR, TICKER],
            ..read("/v1/settlements", "Settlements, newest first.", &[(200, "Settlements")], || {
                web::route().to(account::settlements)
            })
        },
        read(
            "/v1/limits",
            "The exchange's rate limits and the desk's risk limits.",
            &[(200, "Limits")],
            || web::route().to(account::limits),
        ),
        read("/v1/halt", "Whether trading is active, reduce_only or halted.", &[(200, "Halt")], || {
            web::route().to(halt::get)
        }),
        write(
            Method::PUT,
            "/v1/halt",
            "Halts trading, or opens it again (scope admin).",
            Some("Halt"),
            &[(200, "Halt")],
            || web::route().to(halt::put),
        ),
    ]
}

/// Registers the table.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<&'static str, Vec<RouteSpec>> = BTreeMap::new();
    for spec in routes() {
        by_path.entry(spec.path).or_default().push(spec);
    }
    // Fixed segments are registered before `{…}`, which would match them too.
    let mut paths: Vec<_> = by_path.into_iter().collect();
    paths.sort_by_key(|(path, _)| path.matches('{').count());
    for (path, specs) in paths {
        let specs = Arc::new(specs);
        let mut resource = web::resource(path);
        for spec in specs.iter() {
            resource = resource.route((spec.handler)().method(spec.method.clone()));
            if spec.method == Method::GET {
                resource = resource.route((spec.handler)().method(Method::HEAD));
            }
        }
        config.service(resource.wrap(from_fn(move |req, next| guard::gate(Arc::clone(&specs), req, next))));
    }
}

/// Whatever is not in the table.
pub(crate) async fn not_found(req: HttpRequest) -> HttpResponse {
    let detail = format!("{} {} is no route of this sidecar", req.method(), req.path());
    Problem::new(problem::NOT_FOUND, detail).response()
}
