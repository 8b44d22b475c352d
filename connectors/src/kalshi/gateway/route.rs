//! Every call the gateway can make: its address, its buckets, what it costs until the venue says otherwise, and how it may fail.

use std::collections::BTreeMap;

use reqwest::Method;

use super::client::escaped;
use crate::kalshi::budget::{Buckets, Charge};
use crate::kalshi::wire::rest::EndpointCosts;
use crate::net::Passenger;

/// A call. `path` is below `/trade-api/v2`, with `:name` in place of ids.
#[derive(Debug)]
pub(crate) struct Route {
    /// Names it in counters.
    pub(crate) name: &'static str,
    verb: Verb,
    path: &'static str,
    /// Tokens, for each order of a batch.
    cost: u32,
    on: On,
    pub(crate) class: Class,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// Where a call is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Read,
    /// A bucket of its own, one token a call, whatever the venue lists.
    Balance,
    /// The shard the request names; all of them if it names none.
    Shard,
    Unscoped,
    /// Shard 1's: RFQs and quotes.
    Communications,
}

/// How a call may wait and fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Read,
    /// Adds risk or moves money: never repeated without proof that nothing happened.
    Write,
    /// Only takes risk away: asked again until it is answered.
    Cancel,
}

impl Class {
    pub(super) const fn passenger(self) -> Passenger {
        match self {
            Class::Read => Passenger::Repeatable,
            Class::Write => Passenger::Careful,
            Class::Cancel => Passenger::Urgent,
        }
    }
}

macro_rules! routes {
    ($($name:ident $label:literal = $verb:ident $path:literal, $cost:literal $on:ident $class:ident;)*) => {
        $(pub(crate) static $name: Route = Route {
            name: $label, verb: Verb::$verb, path: $path, cost: $cost, on: On::$on, class: Class::$class,
        };)*
        /// Every route there is.
        static ALL: &[&Route] = &[$(&$name),*];
    };
}

routes! {
    ACCOUNT_LIMITS "account_limits" = Get "/account/limits", 10 Read Read;
    ENDPOINT_COSTS "endpoint_costs" = Get "/account/endpoint_costs", 10 Read Read;
    USER_DATA_TIMESTAMP "user_data_timestamp" = Get "/exchange/user_data_timestamp", 10 Read Read;
    MARKETS "markets" = Get "/markets", 10 Read Read;
    TRADES "trades" = Get "/markets/trades", 10 Read Read;
    ORDERBOOKS "orderbooks" = Get "/markets/orderbooks", 10 Read Read;
    BALANCE "balance" = Get "/portfolio/balance", 1 Balance Read;
    POSITIONS "positions" = Get "/portfolio/positions", 10 Read Read;
    FILLS "fills" = Get "/portfolio/fills", 10 Read Read;
    SETTLEMENTS "settlements" = Get "/portfolio/settlements", 10 Read Read;
    ORDERS "orders" = Get "/portfolio/orders", 10 Read Read;
    ORDER "order" = Get "/portfolio/orders/:order_id", 2 Read Read;
    QUEUE_POSITIONS "queue_positions" = Get "/portfolio/orders/queue_positions", 10 Read Read;
    QUEUE_POSITION "queue_position" = Get "/portfolio/orders/:order_id/queue_position", 10 Read Read;
    CREATE_ORDER "create_order" = Post "/portfolio/events/orders", 10 Shard Write;
    CREATE_ORDERS "create_orders" = Post "/portfolio/events/orders/batched", 10 Unscoped Write;
    AMEND_ORDER "amend_order" = Post "/portfolio/events/orders/:order_id/amend", 10 Shard Write;
    DECREASE_ORDER "decrease_order" = Post "/portfolio/events/orders/:order_id/decrease", 10 Shard Write;
    CANCEL_ORDER "cancel_order" = Delete "/portfolio/events/orders/:order_id", 2 Shard Cancel;
    CANCEL_ORDERS "cancel_orders" = Delete "/portfolio/events/orders/batched", 2 Unscoped Cancel;
    CANCEL_ALL "cancel_all" = Delete "/portfolio/events/orders", 2 Shard Cancel;
    ORDER_GROUPS "order_groups" = Get "/portfolio/order_groups", 10 Read Read;
    ORDER_GROUP "order_group" = Get "/portfolio/order_groups/:order_group_id", 10 Read Read;
    CREATE_ORDER_GROUP "create_order_group" = Post "/portfolio/order_groups/create", 10 Shard Write;
    RESET_ORDER_GROUP "reset_order_group" = Put "/portfolio/order_groups/:order_group_id/reset", 10 Shard Write;
    LIMIT_ORDER_GROUP "limit_order_group" = Put "/portfolio/order_groups/:order_group_id/limit", 10 Shard Write;
    TRIGGER_ORDER_GROUP "trigger_order_group" = Put "/portfolio/order_groups/:order_group_id/trigger", 10 Shard Cancel;
    DELETE_ORDER_GROUP "delete_order_group" = Delete "/portfolio/order_groups/:order_group_id", 10 Shard Cancel;
    CREATE_SUBACCOUNT "create_subaccount" = Post "/portfolio/subaccounts", 10 Unscoped Write;
    SUBACCOUNT_TRANSFER "subaccount_transfer" = Post "/portfolio/subaccounts/transfer", 10 Unscoped Write;
    SUBACCOUNT_BALANCES "subaccount_balances" = Get "/portfolio/subaccounts/balances", 10 Read Read;
    NETTING "netting" = Get "/portfolio/subaccounts/netting", 10 Read Read;
    SET_NETTING "set_netting" = Put "/portfolio/subaccounts/netting", 10 Unscoped Write;
    SHARD_TRANSFER "shard_transfer" = Post "/portfolio/intra_exchange_instance_transfer", 10 Unscoped Write;
    CREATE_RFQ "create_rfq" = Post "/communications/rfqs", 10 Communications Write;
    RFQS "rfqs" = Get "/communications/rfqs", 10 Read Read;
    RFQ "rfq" = Get "/communications/rfqs/:rfq_id", 10 Read Read;
    DELETE_RFQ "delete_rfq" = Delete "/communications/rfqs/:rfq_id", 10 Communications Cancel;
    CREATE_QUOTE "create_quote" = Post "/communications/quotes", 2 Communications Write;
    QUOTE "quote" = Get "/communications/rfqs/:rfq_id/quotes/:quote_id", 2 Read Read;
    DELETE_QUOTE "delete_quote" = Delete "/communications/rfqs/:rfq_id/quotes/:quote_id", 2 Communications Cancel;
    ACCEPT_QUOTE "accept_quote" = Put "/communications/rfqs/:rfq_id/quotes/:quote_id/accept", 10 Communications Write;
    CONFIRM_QUOTE "confirm_quote" = Put "/communications/rfqs/:rfq_id/quotes/:quote_id/confirm", 10 Communications Write;
}

impl Route {
    pub(super) const fn method(&self) -> Method {
        match self.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Put => Method::PUT,
            Verb::Delete => Method::DELETE,
        }
    }

    /// Returns the path with `ids` in it, in their order.
    fn with(&self, ids: &[&str]) -> String {
        let mut ids = ids.iter();
        let part = |part: &str| match part.strip_prefix(':') {
            Some(name) => ids.next().map_or_else(|| name.to_owned(), |id| escaped(id)),
            None => part.to_owned(),
        };
        self.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) route: &'static Route,
    /// Below `/trade-api/v2`, without the query.
    pub(crate) path: String,
    /// Without the question mark; may be empty.
    pub(crate) query: String,
    pub(crate) body: Option<Vec<u8>>,
    /// The shard it names; negative for none.
    shard: i64,
    /// Orders in it.
    orders: u32,
}

impl Request {
    /// Makes a request to `route` with `ids` in its path, in their order.
    pub(crate) fn to(route: &'static Route, ids: &[&str]) -> Request {
        Request { route, path: route.with(ids), query: String::new(), body: None, shard: -1, orders: 1 }
    }

    pub(crate) fn query(self, query: impl Into<String>) -> Request {
        Request { query: query.into(), ..self }
    }

    pub(crate) fn json(self, body: &impl serde::Serialize) -> Result<Request, serde_json::Error> {
        Ok(Request { body: Some(serde_json::to_vec(body)?), ..self })
    }

    pub(crate) fn on_shard(self, exchange_index: i64) -> Request {
        Request { shard: exchange_index, ..self }
    }

    pub(crate) fn of_orders(self, orders: usize) -> Request {
        Request { orders: u32::try_from(orders).unwrap_or(u32::MAX), ..self }
    }
}

/// What calls cost, as the venue lists it; our own figures until it has.
#[derive(Debug, Default)]
pub(crate) struct Costs(BTreeMap<&'static str, u32>);

impl Costs {
    /// Takes the venue's list over. What is not in it has the default cost.
    pub(crate) fn listed(costs: &EndpointCosts<'_>) -> Costs {
        let of = |route: &'static Route| {
            let listed = costs.endpoint_costs.iter().find(|row| {
                row.method.eq_ignore_ascii_case(route.method().as_str())
                    && is_same_path(&row.path, route.path)
            });
            (route.name, listed.map_or(costs.default_cost, |row| row.cost))
        };
        Costs(ALL.iter().map(|route| of(route)).collect())
    }

    pub(crate) fn charge(&self, request: &Request) -> Charge {
        let route = request.route;
        let cost = self.0.get(route.name).copied().unwrap_or(route.cost);
        let buckets = match route.on {
            On::Read => Buckets::Read,
            On::Balance => return Charge { buckets: Buckets::Balance, tokens: 1 },
            On::Shard => Buckets::of_shard(request.shard),
            On::Unscoped => Buckets::UNSCOPED,
            On::Communications => Buckets::of_shard(1),
        };
        Charge { buckets, tokens: cost.saturating_mul(request.orders.max(1)) }
    }
}

/// Compares a listed path with one of ours: the names of the ids may differ.
fn is_same_path(listed: &str, ours: &str) -> bool {
    let listed = listed.strip_prefix(super::client::API_PATH).unwrap_or(listed);
    let is_same = |(a, b): (&str, &str)| a == b || (a.starts_with([':', '{']) && b.starts_with(':'));
    listed.split('/').count() == ours.split('/').count()
        && listed.split('/').zip(ours.split('/')).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::{ALL, BALANCE, CANCEL_ORDERS, CREATE_ORDER, Costs, DELETE_QUOTE, Request};
    use crate::kalshi::budget::{Buckets, Charge};

    #[test]
    fn ids_stand_in_the_path_escaped_and_in_order() {
        let request = Request::to(&DELETE_QUOTE, &["r/1", "q"]);
        assert_eq!(request.path, "/communications/rfqs/r%2F1/quotes/q");
    }

    #[test]
    fn the_venues_list_decides_and_what_it_leaves_out_costs_the_default() {
        let list = br#"{"default_cost":11,"endpoint_costs":[
            {"method":"DELETE","path":"/trade-api/v2/portfolio/events/orders/batched","cost":3},
            {"method":"delete","path":"/trade-api/v2/portfolio/events/orders/:id","cost":4}]}"#;
        let costs = Costs::listed(&serde_json::from_slice(list).unwrap());
        let batch = Request::to(&CANCEL_ORDERS, &[]).of_orders(20);
        assert_eq!(Costs::default().charge(&batch), Charge { buckets: Buckets::UNSCOPED, tokens: 40 });
        assert_eq!(costs.charge(&batch).tokens, 60);
        let create = Request::to(&CREATE_ORDER, &[]).on_shard(2);
        assert_eq!(costs.charge(&create), Charge { buckets: Buckets::Write(2), tokens: 11 });
        assert_eq!(costs.charge(&Request::to(&super::CANCEL_ORDER, &["x"]).on_shard(0)).tokens, 4);
        assert_eq!(costs.charge(&Request::to(&BALANCE, &[])).tokens, 1);
    }

    #[test]
    fn every_route_is_in_the_specification() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/kalshi/openapi.yaml");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: the specification is not beside the project");
            return;
        };
        for route in ALL {
            let wanted: Vec<&str> = route.path.split('/').collect();
            let is_path = |line: &&str| {
                let listed: Vec<&str> = line.trim().trim_end_matches(':').split('/').collect();
                listed.len() == wanted.len()
                    && listed
                        .iter()
                        .zip(&wanted)
                        .all(|(a, b)| a == b || (a.starts_with('{') && b.starts_with(':')))
            };
            let mut lines = text.lines().skip_while(|line| !(line.starts_with("  /") && is_path(line)));
            assert!(lines.next().is_some(), "{} {}", route.name, route.path);
            let verb = format!("    {}:", route.method().as_str().to_lowercase());
            let mut verbs = lines.take_while(|line| !line.starts_with("  /"));
            assert!(verbs.any(|line| line == verb), "{} has no {verb}", route.path);
        }
    }
}
