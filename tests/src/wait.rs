//! Waits for a condition with a deadline. The only place a test pauses.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Context as _;

const PAUSE: Duration = Duration::from_millis(20);

/// Tries until it succeeds; after `within` the last error is the result.
pub async fn until<T, F>(what: &str, within: Duration, mut attempt: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let deadline = Instant::now() + within;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= deadline => {
                return Err(error).with_context(|| format!("{what}: not within {within:?}"));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
