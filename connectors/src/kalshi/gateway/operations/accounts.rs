//! Subaccounts, and money between them and between shards.

use outrigger_engine::domain::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OperationError, Operations, unwritable};
use crate::kalshi::gateway::route::{self, Request};

/// What one subaccount holds on one shard.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubaccountBalance {
    /// 0 is the primary one.
    pub subaccount_number: u8,
    pub exchange_index: i64,
    pub balance: Money,
}

/// Money from one subaccount to another. The id makes it happen once, however often it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubaccountTransfer {
    pub client_transfer_id: Uuid,
    pub from_subaccount: u8,
    pub to_subaccount: u8,
    pub amount_cents: i64,
    pub exchange_index: i64,
}

/// Money from one shard to another, in ten-thousandths of a dollar. The venue only accepts it; the move comes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardTransfer {
    pub client_transfer_id: Uuid,
    pub from_shard: i64,
    pub to_shard: i64,
    pub amount_centicents: i64,
}

#[derive(Serialize)]
struct ShardTransferBody {
    client_transfer_id: Uuid,
    source: &'static str,
    destination: &'static str,
    source_exchange_shard: i64,
    destination_exchange_shard: i64,
    amount: i64,
}

#[derive(Serialize)]
struct Nothing {}

impl Operations {
    /// Opens the next subaccount; returns its number.
    pub async fn create_subaccount(&self) -> Result<u8, OperationError> {
        #[derive(Deserialize)]
        struct Made {
            subaccount_number: u8,
        }
        let request = Request::to(&route::CREATE_SUBACCOUNT, &[]).json(&Nothing {}).map_err(unwritable)?;
        let made: Made = self.call(request).await?;
        Ok(made.subaccount_number)
    }

    pub async fn transfer_between_subaccounts(
        &self,
        transfer: &SubaccountTransfer,
    ) -> Result<(), OperationError> {
        self.done(Request::to(&route::SUBACCOUNT_TRANSFER, &[]).json(transfer).map_err(unwritable)?).await
    }

    pub async fn subaccount_balances(&self) -> Result<Vec<SubaccountBalance>, OperationError> {
        #[derive(Deserialize)]
        struct Page {
            subaccount_balances: Vec<SubaccountBalance>,
        }
        let page: Page = self.call(Request::to(&route::SUBACCOUNT_BALANCES, &[])).await?;
        Ok(page.subaccount_balances)
    }

    /// Returns for each subaccount whether positions of both sides are netted.
    pub async fn netting(&self) -> Result<Vec<(u8, bool)>, OperationError> {
        #[derive(Deserialize)]
        struct Row {
            subaccount_number: u8,
            enabled: bool,
        }
        #[derive(Deserialize)]
        struct Page {
            netting_configs: Vec<Row>,
        }
        let page: Page = self.call(Request::to(&route::NETTING, &[])).await?;
        Ok(page.netting_configs.into_iter().map(|row| (row.subaccount_number, row.enabled)).collect())
    }

    pub async fn set_netting(&self, subaccount: u8, is_enabled: bool) -> Result<(), OperationError> {
        #[derive(Serialize)]
        struct Body {
            subaccount_number: u8,
            enabled: bool,
        }
        let body = Body { subaccount_number: subaccount, enabled: is_enabled };
        self.done(Request::to(&route::SET_NETTING, &[]).json(&body).map_err(unwritable)?).await
    }

    /// Asks for a move of money between shards; returns the venue's id of it.
    pub async fn transfer_between_shards(&self, transfer: &ShardTransfer) -> Result<String, OperationError> {
        #[derive(Deserialize)]
        struct Made {
            transfer_id: String,
        }
        let body = ShardTransferBody {
            client_transfer_id: transfer.client_transfer_id,
            source: "event_contract",
            destination: "event_contract",
            source_exchange_shard: transfer.from_shard,
            destination_exchange_shard: transfer.to_shard,
            amount: transfer.amount_centicents,
        };
        let request = Request::to(&route::SHARD_TRANSFER, &[]).json(&body).map_err(unwritable)?;
        let made: Made = self.call(request).await?;
        Ok(made.transfer_id)
    }
}
