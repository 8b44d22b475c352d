//! An hour of quiet markets, and channels that die, on an injected clock.

use std::cell::Cell;

use super::{ALARM_AFTER_MS, DOUBT_AFTER_MS, DataVerdict, Liveness, SLACK_MS};
use crate::domain::{Monotonic, Ticker};
use crate::venue::Quote;

fn at(ms: u64) -> Monotonic {
    Monotonic(ms * 1_000_000)
}

fn quote(bid: &str, ask: &str, volume: u64) -> Quote {
    Quote {
        ticker: Ticker::from("A"),
        last_price: None,
        yes_bid: Some(bid.parse().unwrap()),
        yes_ask: Some(ask.parse().unwrap()),
        volume: Some(format!("{volume}.00").parse().unwrap()),
        open_interest: None,
        ts_ms: None,
    }
}

/// What one second of a market brings.
#[derive(Default, Clone, Copy)]
struct Second {
    delta: bool,
    trade: bool,
    quote: Option<(&'static str, &'static str, u64)>,
}

/// Plays seconds through the core and returns `second:class:verdict` of everything it said.
fn play(seconds: u64, is_active: impl Fn(u64) -> bool, at_second: impl Fn(u64) -> Second) -> Vec<String> {
    let (mut liveness, ticker) = (Liveness::default(), Ticker::from("A"));
    let book = Cell::new(at(0));
    let mut said = Vec::new();
    for second in 0..seconds {
        let (now, events) = (at(second * 1_000), at_second(second));
        if events.delta {
            book.set(now);
        }
        if events.trade {
            liveness.trade(&ticker, now);
        }
        if let Some((bid, ask, volume)) = events.quote {
            liveness.quote(&quote(bid, ask, volume), now);
        }
        for verdict in liveness.judge(now, |_| Some(book.get()), |_| is_active(second)) {
            said.push(match verdict {
                DataVerdict::Doubt { class, .. } => format!("{second}:{}:doubt", class.as_str()),
                DataVerdict::Alarm { class, .. } => format!("{second}:{}:alarm", class.as_str()),
                DataVerdict::Over { class, .. } => format!("{second}:{}:over", class.as_str()),
            });
        }
    }
    said
}

const HOUR: u64 = 3_600;
const QUOTES: [(&str, &str); 2] = [("0.4000", "0.4200"), ("0.4100", "0.4200")];

#[test]
fn an_hour_of_silence_raises_no_alarm() {
    let silent = |_| Second::default();
    assert_eq!(play(HOUR, |_| true, silent), [""; 0]);
    // One quote at the beginning, and the same again now and then, as the venue repeats itself.
    let repeated = |second: u64| Second {
        quote: second.is_multiple_of(600).then_some(("0.4000", "0.4200", 7)),
        ..Second::default()
    };
    assert_eq!(play(HOUR, |_| true, repeated), [""; 0]);
}

#[test]
fn an_hour_of_a_slow_market_raises_no_alarm() {
    // A change every seven minutes, its quote up to a second before or after it.
    let slow = |second: u64| Second {
        delta: second % 420 == 10,
        trade: second % 840 == 10,
        quote: matches!(second % 420, 9 | 11).then(|| {
            let (bid, ask) = QUOTES[(second / 420 % 2) as usize];
            (bid, ask, second / 840)
        }),
    };
    assert_eq!(play(HOUR, |_| true, slow), [""; 0]);
}

#[test]
fn an_hour_of_a_closed_market_raises_no_alarm_even_when_its_last_quotes_move() {
    let closing = |second: u64| Second {
        quote: (second < 30).then(|| {
            let (bid, ask) = QUOTES[(second % 2) as usize];
            (bid, ask, second)
        }),
        ..Second::default()
    };
    assert_eq!(play(HOUR, |_| false, closing), [""; 0]);
    // It closes while something is owed.
    assert_eq!(play(HOUR, |second| second < 12, closing), ["6:trade:doubt"]);
}

#[test]
fn a_book_that_stands_still_while_its_quotes_move_is_doubted_then_alarmed_then_over() {
    let dead_from_100_to_200 = |second: u64| {
        let (bid, ask) = QUOTES[(second / 2 % 2) as usize];
        Second { delta: !(100..200).contains(&second), trade: false, quote: Some((bid, ask, 7)) }
    };
    let said = play(300, |_| true, dead_from_100_to_200);
    let words: Vec<&str> = said.iter().map(|said| said.split_once(':').unwrap().1).collect();
    assert_eq!(words, ["book:doubt", "book:alarm", "book:over"], "{said:?}");
    let second = |n: usize| said[n].split_once(':').unwrap().0.parse::<u64>().unwrap();
    let latest = 100 + (SLACK_MS + ALARM_AFTER_MS) / 1_000 + 5;
    assert!((100..=latest).contains(&second(1)), "{said:?}");
    assert_eq!(second(1) - second(0), (ALARM_AFTER_MS - DOUBT_AFTER_MS) / 1_000);
    assert_eq!(second(2), 200);
}

#[test]
fn trades_and_quotes_owe_each_other() {
    let no_trades = |second: u64| Second {
        quote: second.is_multiple_of(10).then_some(("0.4000", "0.4200", second / 10)),
        ..Second::default()
    };
    assert_eq!(play(60, |_| true, no_trades), ["15:trade:doubt", "30:trade:alarm"]);
    let no_quotes = |second: u64| Second {
        quote: (second == 0).then_some(("0.4000", "0.4200", 1)),
        trade: second == 20,
        ..Second::default()
    };
    assert_eq!(play(60, |_| true, no_quotes), ["25:ticker:doubt", "40:ticker:alarm"]);
}

#[test]
fn a_book_found_right_in_another_way_is_not_alarmed_and_a_new_connection_owes_nothing() {
    let mut liveness = Liveness::default();
    for (ms, ask) in [(20_000, "0.4200"), (21_000, "0.4300")] {
        liveness.quote(&quote("0.4000", ask, 7), at(ms));
    }
    let judge = |liveness: &mut Liveness, ms| liveness.judge(at(ms), |_| Some(at(0)), |_| true);
    assert_eq!(judge(&mut liveness, 26_000).len(), 1);
    liveness.book_is_right(&Ticker::from("A"));
    assert_eq!(judge(&mut liveness, 100_000), []);
    liveness.quote(&quote("0.4100", "0.4300", 7), at(101_000));
    liveness.reset();
    assert_eq!(judge(&mut liveness, 200_000), []);
    assert_eq!(liveness.alarms().count(), 0);
}
