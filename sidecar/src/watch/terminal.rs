//! The full-screen picture: ladder on the left, trades, orders and position on the right.

use std::io;
use std::time::Duration;

use outrigger_engine::desk::view::{OrderStatus, OrderView};
use outrigger_engine::domain::Side;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};
use ratatui::{DefaultTerminal, Frame};
use tokio::sync::mpsc;

use super::ladder::{Row, bar, rows};
use super::model::{Book, Model, Update};
use super::plain::spread;

const FRAME_EVERY: Duration = Duration::from_millis(50);

/// Draws until the user presses q, Esc or Ctrl-C. The terminal is restored however it ends.
pub(super) async fn follow(model: Model, updates: mpsc::Receiver<Update>) -> anyhow::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let ended = run(&mut terminal, model, updates).await;
    ratatui::try_restore()?;
    Ok(ended?)
}

async fn run(
    terminal: &mut DefaultTerminal,
    mut model: Model,
    mut updates: mpsc::Receiver<Update>,
) -> io::Result<()> {
    let mut frames = tokio::time::interval(FRAME_EVERY);
    loop {
        tokio::select! {
            biased;
            _ = frames.tick() => {
                if pressed_quit(&mut model)? {
                    return Ok(());
                }
                terminal.draw(|frame| draw(frame, &model))?;
            }
            update = updates.recv() => match update {
                Some(update) => model.apply(update),
                None => return Ok(()),
            },
        }
    }
}

fn pressed_quit(model: &mut Model) -> io::Result<bool> {
    while event::poll(Duration::ZERO)? {
        let Event::Key(key) = event::read()? else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        let markets = model.tickers.len().max(1);
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Ok(true),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(true),
            KeyCode::Tab | KeyCode::Right => model.selected = (model.selected + 1) % markets,
            KeyCode::Left | KeyCode::BackTab => model.selected = (model.selected + markets - 1) % markets,
            _ => {}
        }
    }
    Ok(false)
}

fn draw(frame: &mut Frame<'_>, model: &Model) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Min(8), Constraint::Length(1)])
            .areas(frame.area());
    let Some(ticker) = model.tickers.get(model.selected) else { return };
    let book = model.books.get(ticker);
    frame.render_widget(header(model, ticker, book), head);
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(52), Constraint::Percentage(48)]).areas(body);
    draw_ladder(frame, left, model, ticker, book);
    let [orders, trades] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(right);
    frame.render_widget(orders_panel(model, ticker), orders);
    frame.render_widget(trades_panel(model, ticker), trades);
    frame.render_widget(footer(model), foot);
}

fn header<'a>(model: &'a Model, ticker: &'a str, book: Option<&'a Book>) -> Paragraph<'a> {
    let trust = book.map_or("waiting", |book| book.trust.as_str());
    let colour = match trust {
        "live" => Color::Green,
        "suspect" => Color::Red,
        _ => Color::Yellow,
    };
    let age = book.and_then(|book| book.touched).map_or(0, |touched| touched.elapsed().as_millis());
    let title = model.titles.get(ticker).map_or("", String::as_str);
    let state = vec![
        Span::styled(format!(" {} ", trust.to_uppercase()), Style::new().bg(colour).fg(Color::Black).bold()),
        format!("  seq {}", book.map_or(0, |book| book.seq)).into(),
        format!("   {age} ms old").dim(),
        format!("   exchange {}", if model.venue.is_empty() { "-" } else { &model.venue }).dim(),
        book.map_or(String::new(), |book| format!("   {}", book.reason)).red(),
    ];
    Paragraph::new(vec![
        Line::from(vec![format!(" {ticker} ").bold().cyan(), format!(" {title}").into()]),
        Line::from(state),
    ])
}

fn draw_ladder(frame: &mut Frame<'_>, area: Rect, model: &Model, ticker: &str, book: Option<&Book>) {
    let block = Block::bordered().border_type(BorderType::Rounded).title(" YES book ").dim();
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(book) = book else {
        frame.render_widget(Paragraph::new("waiting for the book").centered().dim(), inner);
        return;
    };
    let depth = usize::from(inner.height.saturating_sub(2) / 2).max(1);
    let (offers, bids) = rows(model, ticker, book, depth);
    let bar_width = usize::from(inner.width.saturating_sub(31));
    let blank = depth.saturating_sub(offers.len());
    let mut lines = vec![Line::from("   price        size       mine".to_owned()).dim()];
    lines.extend(std::iter::repeat_n(Line::default(), blank));
    lines.extend(offers.iter().map(|row| ladder_line(row, bar_width)));
    lines.push(Line::from(spread(&offers, &bids)).centered().dim());
    lines.extend(bids.iter().map(|row| ladder_line(row, bar_width)));
    frame.render_widget(Paragraph::new(lines), inner);
}

fn ladder_line(row: &Row, bar_width: usize) -> Line<'static> {
    let colour = if row.side == Side::Ask { Color::Red } else { Color::Green };
    let own = if row.own.is_zero() { String::new() } else { format!("◀{}", row.own) };
    Line::from(vec![
        Span::styled(format!("  {}", row.price), Style::new().fg(colour).bold()),
        format!(" {:>11}", row.count.to_string()).into(),
        Span::styled(format!(" {own:>10} "), Style::new().fg(Color::Yellow).bold()),
        Span::styled(bar(row.weight, bar_width), Style::new().fg(colour).add_modifier(Modifier::DIM)),
    ])
}

fn panel(title: &str) -> Block<'static> {
    Block::bordered().border_type(BorderType::Rounded).title(format!(" {title} ")).dim()
}

fn orders_panel<'a>(model: &'a Model, ticker: &'a str) -> Paragraph<'a> {
    let mut own: Vec<&OrderView> =
        model.orders.values().filter(|order| order.ticker.as_str() == ticker).collect();
    own.sort_by_key(|order| std::cmp::Reverse(order.created_us));
    let mut lines = Vec::new();
    if let Some(position) = model.positions.get(ticker) {
        lines.push(
            Line::from(format!(" position {} YES, fees ${}", position.position, position.fees_paid)).bold(),
        );
    }
    lines.extend(own.into_iter().map(order_line));
    if lines.is_empty() {
        lines.push(Line::from(" none yet; POST /v1/orders places one").dim());
    }
    Paragraph::new(lines).block(panel("my orders"))
}

fn order_line(order: &OrderView) -> Line<'static> {
    let (word, colour) = match order.status {
        OrderStatus::Pending => ("pending", Color::Yellow),
        OrderStatus::Resting => ("resting", Color::Cyan),
        OrderStatus::Executed => ("filled", Color::Green),
        OrderStatus::Canceled => ("canceled", Color::DarkGray),
        OrderStatus::Rejected => ("rejected", Color::Red),
        OrderStatus::Unknown => ("UNKNOWN", Color::Magenta),
    };
    let text = format!(" {:<3} {} {:>8}/{:<8} ", order.side.as_str(), order.price, order.filled, order.count);
    Line::from(vec![text.into(), Span::styled(word, Style::new().fg(colour).bold())])
}

fn trades_panel<'a>(model: &'a Model, ticker: &'a str) -> Paragraph<'a> {
    let of_market = model.trades.iter().filter(|trade| trade.ticker.as_str() == ticker);
    let lines: Vec<Line<'_>> = of_market
        .map(|trade| {
            let (arrow, colour) =
                if trade.taker_side == Side::Bid { ('▲', Color::Green) } else { ('▼', Color::Red) };
            let price = Span::styled(format!(" {arrow} {}", trade.yes_price), Style::new().fg(colour));
            Line::from(vec![price, format!(" {:>11}", trade.count.to_string()).into()])
        })
        .collect();
    Paragraph::new(lines).block(panel("trades"))
}

fn footer(model: &Model) -> Paragraph<'_> {
    let keys = if model.tickers.len() > 1 { " q quit   Tab next market" } else { " q quit" };
    match &model.connection {
        Some(reason) => Paragraph::new(format!(" {reason}; trying again")).red(),
        None => Paragraph::new(keys).dim(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::draw;
    use crate::watch::model::{Model, Update};

    fn model() -> Model {
        let ticker = "KXSIMTEMP-26NOV21-T70";
        let mut model = Model { tickers: vec![ticker.into(), "KXOTHER-1".into()], ..Model::default() };
        model.titles.insert(ticker.into(), "Simulated high temperature at 70 degrees or above".into());
        let order = r#"{"order_id":"01890a5d-ac96-774b-bcce-b302099a8057","client_order_id":"c","venue_order_id":"v",
            "ticker":"KXSIMTEMP-26NOV21-T70","side":"bid","price":"0.5600","count":"10.00","status":"resting","filled":"2.00",
            "remaining":"8.00","time_in_force":"good_till_canceled","fees":"0.010000","source":"local","change_pending":false,
            "created_us":5,"updated_us":6}"#;
        let frames = [
            r#"{"topic":"book:KXSIMTEMP-26NOV21-T70","kind":"snapshot","data":{"seq":1234,"trust":"live",
                "yes":[["0.5600","1310.00"],["0.5500","900.00"],["0.5400","4000.00"],["0.5300","250.50"]],
                "no":[["0.4200","120.00"],["0.4100","2600.00"],["0.4000","3100.00"]]}}"#.to_owned(),
            format!(r#"{{"topic":"orders","kind":"event","data":{order}}}"#),
            r#"{"topic":"trades:KXSIMTEMP-26NOV21-T70","kind":"event","data":{"trade_id":"t","ticker":"KXSIMTEMP-26NOV21-T70",
                "yes_price":"0.5700","count":"25.00","taker_side":"bid","ts_ms":1}}"#.to_owned(),
            r#"{"topic":"positions","kind":"event","data":{"ticker":"KXSIMTEMP-26NOV21-T70","position":"2.00",
                "fees_paid":"0.010000","working_bid":"8.00","working_ask":"0.00"}}"#.to_owned(),
            r#"{"topic":"health","kind":"event","data":{"component":"stream","state":"live","reason":"","generation":1}}"#.to_owned(),
        ];
        for frame in frames {
            model.apply(Update::Frame(serde_json::from_str(&frame).unwrap()));
        }
        model
    }

    fn drawn(model: &Model, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, model)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        (0..height).map(row).collect()
    }

    #[test]
    fn everything_that_matters_fits_80_by_24() {
        let rows = drawn(&model(), 80, 24);
        let all = rows.join("\n");
        for part in [
            "KXSIMTEMP-26NOV21-T70",
            "LIVE",
            "0.5800",
            "120.00",
            "0.5600",
            "1310.00",
            "8.00",
            "resting",
            "0.5700",
            "25.00",
            "position 2.00",
            "spread 2.00 cents",
            "q quit",
            "Tab",
        ] {
            assert!(all.contains(part), "{part} is not in\n{all}");
        }
    }

    #[test]
    fn no_size_of_terminal_ends_it() {
        let model = model();
        for (width, height) in [(1, 1), (10, 3), (40, 12), (79, 23), (200, 60)] {
            drawn(&model, width, height);
        }
        drawn(&Model { tickers: vec!["A".into()], ..Model::default() }, 80, 24);
    }
}
