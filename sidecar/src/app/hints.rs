//! What to try next, shown to a person who started the sidecar in a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use outrigger_engine::actors::messages::BooksHandle;
use outrigger_engine::domain::{Catalog, Market, MarketStatus};

use super::figures::Standing;
use crate::config::{Env, LogFormat};

const PATIENCE: u32 = 100;
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(super) struct Hints {
    pub(super) port: u16,
    pub(super) data_dir: PathBuf,
    pub(super) env: Env,
}

impl Hints {
    /// Waits until trading is open, then prints the lines; nothing when standard error is read by a program.
    pub(super) async fn show(
        self,
        catalog: Arc<Catalog>,
        books: BooksHandle,
        standing: Arc<Standing>,
        format: LogFormat,
    ) {
        let for_a_person =
            format == LogFormat::Text || (format == LogFormat::Auto && std::io::stderr().is_terminal());
        if !for_a_person || self.env != Env::Sim {
            return;
        }
        for _ in 0..PATIENCE {
            if standing.is_trading_open() {
                break;
            }
            actix_web::rt::time::sleep(LOOK_EVERY).await;
        }
        let Some(market) = longest(&catalog) else { return };
        // At the best bid an order rests first, and is filled soon.
        let book = books.read(market.ticker.clone()).await.ok().flatten();
        let price = book.and_then(|book| book.yes.first().map(|(price, _)| *price));
        let price = price.map_or_else(|| "0.4500".to_owned(), |price| price.to_string());
        let text = self.text(market.ticker.as_str(), &price);
        // Whoever closed standard error does not want to read this.
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    fn text(&self, ticker: &str, price: &str) -> String {
        let Hints { port, data_dir, .. } = self;
        let token = data_dir.join("admin.token");
        let connect = if *port == 7373 { String::new() } else { format!(" --connect 127.0.0.1:{port}") };
        format!(
            r#"
The market is open. In another terminal, try:

  TOKEN=$(cat "{token}")
  curl -s -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:{port}/v1/markets?limit=5'
  curl -s -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s%N)" -H 'Content-Type: application/json' \
    -d '{{"ticker":"{ticker}","side":"bid","price":"{price}","count":"10.00"}}' http://127.0.0.1:{port}/v1/orders
  {binary} watch {ticker}{connect} --data-dir "{data}"

Ctrl-C stops it. Orders, fills and positions are kept in {data}.

"#,
            token = token.display(),
            binary = binary(),
            data = data_dir.display(),
        )
    }
}

/// Returns how this program was started, so that the line works when pasted without an installation.
fn binary() -> String {
    std::env::current_exe().map_or_else(|_| "outrigger".to_owned(), |path| path.display().to_string())
}

/// Returns the active market that closes last: the one a first order can rest in for long.
fn longest(catalog: &Catalog) -> Option<Market> {
    let mut active = catalog.page(None, usize::MAX, |market| market.status == MarketStatus::Active);
    active.sort_by(|a, b| a.close_time.cmp(&b.close_time).then_with(|| b.ticker.cmp(&a.ticker)));
    active.pop()
}
