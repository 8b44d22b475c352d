//! The picture as plain text, for pipes and for `--once`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use tokio::sync::mpsc;

use super::ladder::{Row, bar, rows};
use super::model::{Model, Update};
use outrigger_engine::domain::Side;

const DEPTH: usize = 8;
const TRADES: usize = 5;
const BAR_WIDTH: usize = 24;
const REDRAW_EVERY: Duration = Duration::from_secs(1);

/// Prints one picture. A reader that went away (`| head`) is no error.
pub(super) fn print(model: &Model) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(picture(model).as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a picture a second until interrupted.
pub(super) async fn follow(mut model: Model, mut updates: mpsc::Receiver<Update>) -> anyhow::Result<()> {
    let mut redraw = tokio::time::interval(REDRAW_EVERY);
    loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return Ok(()),
            _ = redraw.tick() => print(&model)?,
            update = updates.recv() => match update {
                Some(update) => model.apply(update),
                None => return Ok(()),
            },
        }
    }
}

/// Returns the whole picture as text, ending in a newline.
pub(super) fn picture(model: &Model) -> String {
    let mut text = String::new();
    for ticker in &model.tickers {
        market(model, ticker, &mut text);
    }
    if let Some(reason) = &model.connection {
        let _ = writeln!(text, "connection: {reason}");
    }
    text
}

fn market(model: &Model, ticker: &str, text: &mut String) {
    let title = model.titles.get(ticker).map_or("", String::as_str);
    let _ = writeln!(text, "{ticker}  {title}");
    let Some(book) = model.books.get(ticker) else {
        let _ = writeln!(text, "  no book yet\n");
        return;
    };
    let age_ms = book.touched.map_or(0, |touched| touched.elapsed().as_millis());
    let venue = if model.venue.is_empty() { "-" } else { &model.venue };
    let _ = writeln!(
        text,
        "  book {}   seq {}   last change {age_ms} ms ago   exchange {venue}",
        book.trust, book.seq
    );
    if !book.reason.is_empty() {
        let _ = writeln!(text, "  {}", book.reason);
    }
    let (offers, bids) = rows(model, ticker, book, DEPTH);
    let _ = writeln!(text, "\n         price        size        mine");
    offers.iter().for_each(|row| ladder_row(row, text));
    let _ = writeln!(text, "  -----  {}", spread(&offers, &bids));
    bids.iter().for_each(|row| ladder_row(row, text));
    position(model, ticker, text);
    orders(model, ticker, text);
    let trades: Vec<_> = model.trades.iter().filter(|t| t.ticker.as_str() == ticker).take(TRADES).collect();
    if !trades.is_empty() {
        let _ = writeln!(text, "\n  last trades");
    }
    for trade in trades {
        let taker = if trade.taker_side == Side::Bid { "bought" } else { "sold" };
        let _ =
            writeln!(text, "         {} {:>11}  taker {taker} YES", trade.yes_price, trade.count.to_string());
    }
    text.push('\n');
}

fn ladder_row(row: &Row, text: &mut String) {
    let side = if row.side == Side::Ask { "ask" } else { "bid" };
    let own = if row.own.is_zero() { String::new() } else { row.own.to_string() };
    let size = row.count.to_string();
    let line = format!("  {side:<5}  {} {size:>11} {own:>11}  {}", row.price, bar(row.weight, BAR_WIDTH));
    let _ = writeln!(text, "{}", line.trim_end());
}

/// Returns the spread in words.
pub(super) fn spread(offers: &[Row], bids: &[Row]) -> String {
    match (offers.last(), bids.first()) {
        (Some(ask), Some(bid)) => {
            let gap = i64::from(ask.price.ten_thousandths()) - i64::from(bid.price.ten_thousandths());
            format!("spread {}.{:02} cents", gap / 100, (gap % 100).abs())
        }
        (Some(_), None) => "no bids".to_owned(),
        (None, Some(_)) => "no offers".to_owned(),
        (None, None) => "empty book".to_owned(),
    }
}

fn position(model: &Model, ticker: &str, text: &mut String) {
    if let Some(position) = model.positions.get(ticker).filter(|position| !position.position.is_zero()) {
        let _ = writeln!(text, "\n  position {} YES   fees paid ${}", position.position, position.fees_paid);
    }
}

fn orders(model: &Model, ticker: &str, text: &mut String) {
    let mut own: Vec<_> = model.orders.values().filter(|order| order.ticker.as_str() == ticker).collect();
    own.sort_by_key(|order| std::cmp::Reverse(order.created_us));
    if !own.is_empty() {
        let _ = writeln!(text, "\n  my orders");
    }
    for order in own.into_iter().take(TRADES) {
        let status = serde_json::to_value(order.status).ok();
        let status = status.as_ref().and_then(|status| status.as_str()).unwrap_or("-");
        let _ = writeln!(
            text,
            "  {:<5}  {} {:>11}  {status}, {} filled  {}",
            order.side.as_str(),
            order.price,
            order.count.to_string(),
            order.filled,
            order.order_id
        );
    }
}
