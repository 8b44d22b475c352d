//! The account's terms: a signed probe at start, then limits, refreshed now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::client::Rest;
use super::reads::Reads;
use crate::kalshi::budget::{Budget, Rates};
use crate::kalshi::wire::rest::{BucketLimit, Limits};

const REFRESH_EVERY: Duration = Duration::from_secs(300);
const RETRY_MS_MIN: u64 = 250;
const RETRY_MS_MAX: u64 = 10_000;
const COST: u32 = 10;

/// Reads the account's limits until it succeeds, then again every few minutes. The first success is the self-test: the
/// key, the clock and the connection all work. Never gives up; until then trading stays closed.
pub(super) async fn keep_fresh(rest: Arc<Rest>, budget: Budget, stop: CancellationToken) {
    let reads = Reads::new(Arc::clone(&rest), budget.clone());
    let mut retry_ms = RETRY_MS_MIN;
    loop {
        let pause = match read_limits(&reads).await {
            Ok((tier, rates)) => {
                if !rest.status.is_rest_ready() {
                    tracing::info!(tier, read = ?rates.read, write = ?rates.write, "the exchange answers signed requests");
                }
                rest.status.set_rest_ready();
                rest.status.set_limits_read();
                rest.status.solved("rest");
                budget.set_rates(rates);
                retry_ms = RETRY_MS_MIN;
                REFRESH_EVERY
            }
            Err(reason) => {
                rest.status.problem("rest", &reason, rest.now().wall);
                let pause = Duration::from_millis(retry_ms);
                retry_ms = (retry_ms * 2).min(RETRY_MS_MAX);
                pause
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn read_limits(reads: &Reads) -> Result<(String, Rates), String> {
    let body = reads.get("account_limits", "/account/limits", "", COST).await?;
    let limits: Limits<'_> =
        serde_json::from_slice(&body).map_err(|error| format!("/account/limits: {error}"))?;
    let terms = |bucket: BucketLimit| (bucket.refill_rate, bucket.bucket_capacity);
    Ok((limits.usage_tier.to_string(), Rates { read: terms(limits.read), write: terms(limits.write) }))
}
