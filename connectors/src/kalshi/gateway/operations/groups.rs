//! Order groups: the venue's own stop. A group whose orders match more than its limit within 15 s is cancelled.

use outrigger_engine::domain::{Count, VenueOrderId};
use serde::{Deserialize, Serialize};

use super::{OperationError, Operations, unwritable};
use crate::kalshi::gateway::route::{self, Request, Route};

/// A group as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderGroup {
    pub id: String,
    /// Contracts that may match in any 15 seconds.
    #[serde(rename = "contracts_limit_fp")]
    pub limit: Option<Count>,
    /// It was triggered: its orders are cancelled and new ones refused until it is reset.
    #[serde(rename = "is_auto_cancel_enabled", default)]
    pub is_triggered: bool,
    #[serde(default)]
    pub exchange_index: i64,
}

/// A group with its orders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderGroupDetail {
    #[serde(rename = "contracts_limit_fp")]
    pub limit: Option<Count>,
    #[serde(rename = "is_auto_cancel_enabled")]
    pub is_triggered: bool,
    #[serde(default)]
    pub orders: Vec<VenueOrderId>,
    #[serde(default)]
    pub exchange_index: i64,
}

#[derive(Serialize)]
struct Limit {
    contracts_limit_fp: Count,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange_index: Option<i64>,
}

/// The venue wants an object even where there is nothing to say.
#[derive(Serialize)]
struct Nothing {}

impl Operations {
    /// Makes a group of orders on one shard; returns its id. Reads show it a little later.
    pub async fn create_order_group(
        &self,
        limit: Count,
        exchange_index: i64,
    ) -> Result<String, OperationError> {
        #[derive(Deserialize)]
        struct Made {
            order_group_id: String,
        }
        let body = Limit { contracts_limit_fp: limit, exchange_index: Some(exchange_index) };
        let request = Request::to(&route::CREATE_ORDER_GROUP, &[]).on_shard(exchange_index);
        let made: Made = self.call(request.json(&body).map_err(unwritable)?).await?;
        Ok(made.order_group_id)
    }

    pub async fn order_groups(&self) -> Result<Vec<OrderGroup>, OperationError> {
        #[derive(Deserialize)]
        struct Page {
            order_groups: Option<Vec<OrderGroup>>,
        }
        // Without groups the answer is an empty object.
        let page: Page = self.call(Request::to(&route::ORDER_GROUPS, &[])).await?;
        Ok(page.order_groups.unwrap_or_default())
    }

    pub async fn order_group(&self, id: &str) -> Result<OrderGroupDetail, OperationError> {
        self.call(Request::to(&route::ORDER_GROUP, &[id])).await
    }

    /// Lets a triggered group take orders again.
    pub async fn reset_order_group(&self, id: &str, exchange_index: i64) -> Result<(), OperationError> {
        self.change_group(&route::RESET_ORDER_GROUP, id, exchange_index, &Nothing {}).await
    }

    /// Cancels the group's orders and refuses new ones until it is reset.
    pub async fn trigger_order_group(&self, id: &str, exchange_index: i64) -> Result<(), OperationError> {
        self.change_group(&route::TRIGGER_ORDER_GROUP, id, exchange_index, &Nothing {}).await
    }

    pub async fn limit_order_group(
        &self,
        id: &str,
        exchange_index: i64,
        limit: Count,
    ) -> Result<(), OperationError> {
        let body = Limit { contracts_limit_fp: limit, exchange_index: None };
        self.change_group(&route::LIMIT_ORDER_GROUP, id, exchange_index, &body).await
    }

    /// Deletes a group; its orders are cancelled.
    pub async fn delete_order_group(&self, id: &str, exchange_index: i64) -> Result<(), OperationError> {
        self.done(about(&route::DELETE_ORDER_GROUP, id, exchange_index)).await
    }

    async fn change_group(
        &self,
        route: &'static Route,
        id: &str,
        exchange_index: i64,
        body: &impl Serialize,
    ) -> Result<(), OperationError> {
        self.done(about(route, id, exchange_index).json(body).map_err(unwritable)?).await
    }
}

fn about(route: &'static Route, id: &str, exchange_index: i64) -> Request {
    Request::to(route, &[id]).on_shard(exchange_index).query(format!("exchange_index={exchange_index}"))
}
