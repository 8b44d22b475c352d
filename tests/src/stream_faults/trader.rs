//! Trades through the sidecar all the while, so that there are fills to lose.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::witness::Record;
use crate::api::Api;
use crate::random::Random;

const PAUSE: Duration = Duration::from_millis(150);
const DOLLAR: i64 = 10_000;

/// A client that places orders until it is dropped.
pub struct Trader {
    task: JoinHandle<()>,
}

impl Trader {
    /// `name` makes its idempotency keys unlike those of others.
    #[must_use]
    pub fn start(api: &Api, record: &Arc<Mutex<Record>>, markets: &[String], name: &str) -> Trader {
        let (api, record) = (api.clone(), Arc::clone(record));
        let (markets, name) = (markets.to_vec(), name.to_owned());
        Trader { task: tokio::spawn(trade(api, record, markets, name)) }
    }
}

impl Drop for Trader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn trade(api: Api, record: Arc<Mutex<Record>>, markets: Vec<String>, name: String) {
    let mut random = Random::new(name.bytes().map(u64::from).sum());
    for number in 0_u64.. {
        let ticker = random.pick(&markets).clone();
        let best = {
            let record = record.lock().await;
            let book = record.mirrors.get(&ticker).map(|mirror| &mirror.book);
            let best = |levels: &crate::recording::Levels| levels.keys().next_back().copied();
            book.and_then(|book| Some((best(&book.yes)?, best(&book.no)?)))
        };
        let (bid, ask) = best.map_or((DOLLAR / 2, DOLLAR / 2), |(yes, no)| (yes, DOLLAR - no));
        // Buying and selling in turn, two of three across the market.
        let is_bid = number % 2 == 0;
        let crosses = random.below(3) > 0;
        let price = if is_bid == crosses { ask } else { bid }.clamp(100, DOLLAR - 100);
        let order = json!({
            "ticker": ticker, "side": if is_bid { "bid" } else { "ask" }, "count": "3.00",
            "price": format!("0.{price:04}"),
        });
        // A refusal in a break is an answer too: what matters is what the exchange has in the end.
        let key = format!("{name}-{number}");
        api.send(Method::POST, "/v1/orders", Some(&key), Some(&order)).await.ok();
        tokio::time::sleep(PAUSE).await;
    }
}
