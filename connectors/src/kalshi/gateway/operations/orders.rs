//! Batches of orders, cancel-all, places in the queue.

use outrigger_engine::domain::{Count, Ticker, VenueOrderId};
use outrigger_engine::venue::{CancelTarget, CreateOrder, WriteKind, WriteOutcome};
use serde::Deserialize;

use super::{OperationError, Operations, unwritable};
use crate::kalshi::gateway::client::escaped;
use crate::kalshi::gateway::plan::create_body;
use crate::kalshi::gateway::route::{self, Request};
use crate::kalshi::outcome::judge_rows;
use crate::kalshi::wire::rest::{Batch, CancelItem};

/// Contracts that are ahead of an order at its price.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct QueuePosition {
    pub order_id: VenueOrderId,
    pub market_ticker: Ticker,
    #[serde(rename = "queue_position_fp")]
    pub ahead: Count,
}

impl Operations {
    /// Places orders in one request. Returns how each ended, in their order: a batch is answered row by row. The batch is
    /// charged as a whole to the bucket of shard 0 and must fit into it.
    pub async fn create_orders(&self, orders: &[CreateOrder]) -> Result<Vec<WriteOutcome>, OperationError> {
        let body = Batch { orders: orders.iter().map(create_body).collect() };
        let request = Request::to(&route::CREATE_ORDERS, &[]).of_orders(orders.len());
        let answer = self.send(request.json(&body).map_err(unwritable)?).await?;
        let ids: Vec<&str> = orders.iter().map(|order| order.client_order_id.as_str()).collect();
        Ok(judge_rows(WriteKind::Create, "client_order_id", &ids, &answer))
    }

    /// Cancels orders in one request. Returns how each ended, in their order.
    pub async fn cancel_orders(&self, targets: &[CancelTarget]) -> Result<Vec<WriteOutcome>, OperationError> {
        let item = |target: &CancelTarget| CancelItem {
            order_id: target.venue_order_id.clone(),
            market_ticker: target.ticker.clone(),
            exchange_index: target.exchange_index,
        };
        let body = Batch { orders: targets.iter().map(item).collect() };
        let request = Request::to(&route::CANCEL_ORDERS, &[]).of_orders(targets.len());
        let answer = self.send(request.json(&body).map_err(unwritable)?).await?;
        let ids: Vec<&str> = targets.iter().map(|target| target.venue_order_id.as_str()).collect();
        Ok(judge_rows(WriteKind::Cancel, "order_id", &ids, &answer))
    }

    /// Cancels everything on all shards, of one subaccount or of all. Orders placed in the minute after it may be cancelled too.
    pub async fn cancel_all(&self, subaccount: Option<u8>) -> Result<(), OperationError> {
        let query = subaccount.map(|number| format!("subaccount={number}")).unwrap_or_default();
        self.done(Request::to(&route::CANCEL_ALL, &[]).query(query)).await
    }

    /// Returns how much is ahead of each resting order in `tickers`.
    pub async fn queue_positions(&self, tickers: &[Ticker]) -> Result<Vec<QueuePosition>, OperationError> {
        #[derive(Deserialize)]
        struct Page {
            queue_positions: Option<Vec<QueuePosition>>,
        }
        let tickers: Vec<String> = tickers.iter().map(|ticker| escaped(ticker.as_str())).collect();
        let query = format!("market_tickers={}", tickers.join(","));
        let page: Page = self.call(Request::to(&route::QUEUE_POSITIONS, &[]).query(query)).await?;
        Ok(page.queue_positions.unwrap_or_default())
    }

    /// Returns how many contracts are ahead of one order.
    pub async fn queue_position(&self, order: &VenueOrderId) -> Result<Count, OperationError> {
        #[derive(Deserialize)]
        struct One {
            queue_position_fp: Count,
        }
        let one: One = self.call(Request::to(&route::QUEUE_POSITION, &[order.as_str()])).await?;
        Ok(one.queue_position_fp)
    }
}
