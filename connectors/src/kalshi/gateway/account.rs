//! The account's terms: a signed probe at start, then limits and costs, refreshed now and then, and whenever the breaker asks
//! whether the venue answers again.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::client::Rest;
use super::reads::Reads;
use super::route::{self, Costs};
use crate::kalshi::budget::{Rates, Terms};
use crate::kalshi::wire::rest::{BucketLimit, EndpointCosts, Limits};
use crate::net::jittered;

const REFRESH_EVERY: Duration = Duration::from_secs(300);
const RETRY_MS_MIN: u64 = 250;
const RETRY_MS_MAX: u64 = 10_000;
/// Between probes of an exchange that does not answer, at least.
const PROBE_PAUSE: Duration = Duration::from_millis(100);
/// Tiers that may read the balance once a second; others may five times.
const LOW_TIERS: [&str; 2] = ["basic", "advanced"];

/// Reads the account's limits until it succeeds, then again every few minutes. The first success is the self-test: the
/// key, the clock and the connection all work. Never gives up; until then trading stays closed.
pub(super) async fn keep_fresh(rest: Arc<Rest>, stop: CancellationToken) {
    let reads = Reads::new(Arc::clone(&rest));
    let mut retry_ms = RETRY_MS_MIN;
    loop {
        let pause = match read_limits(&reads).await {
            Ok((tier, rates)) => {
                if !rest.status.is_rest_ready() {
                    let (read_tokens_per_s, write_tokens_per_s) = (rates.read.refill, rates.write.refill);
                    tracing::info!(
                        tier,
                        read_tokens_per_s,
                        write_tokens_per_s,
                        "the exchange answers signed requests"
                    );
                }
                rest.budget().set_rates(&rates);
                rest.status.set_rest_ready();
                rest.status.set_limits_read();
                rest.status.solved("rest");
                refresh_costs(&rest, &reads).await;
                retry_ms = RETRY_MS_MIN;
                jittered(REFRESH_EVERY)
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
            () = rest.health.probe_is_due() => tokio::time::sleep(PROBE_PAUSE).await,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Takes over what calls cost. Without the list our own figures go on.
async fn refresh_costs(rest: &Rest, reads: &Reads) {
    let read = reads.get(&route::ENDPOINT_COSTS, "").await;
    let listed = read.and_then(|body| {
        let costs: EndpointCosts<'_> = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(Costs::listed(&costs))
    });
    match listed {
        Ok(costs) => {
            rest.set_costs(costs);
            rest.status.solved("costs");
        }
        Err(reason) => rest.status.problem("costs", &reason, rest.now().wall),
    }
}

async fn read_limits(reads: &Reads) -> Result<(String, Rates), String> {
    let body = reads.get(&route::ACCOUNT_LIMITS, "").await?;
    let limits: Limits<'_> =
        serde_json::from_slice(&body).map_err(|error| format!("/account/limits: {error}"))?;
    let terms = |bucket: BucketLimit| Terms { refill: bucket.refill_rate, capacity: bucket.bucket_capacity };
    let is_low = LOW_TIERS.iter().any(|tier| limits.usage_tier.eq_ignore_ascii_case(tier));
    let balance = if is_low { 1 } else { 5 };
    let balance = Terms { refill: balance, capacity: balance };
    let rates = Rates { read: terms(limits.read), write: terms(limits.write), balance };
    Ok((limits.usage_tier.to_string(), rates))
}
