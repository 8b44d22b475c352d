//! The live channels on the real exchange: what clients rebuild from the stream equals the venue.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::host::Exchange;
use crate::socket::Feed;
use crate::socket::client::{Client, TestKey, run, serve};
use crate::venue::combo::{Collection, SelectedLeg};
use crate::venue::dice::Dice;
use crate::venue::event::{Leg, Side};
use crate::venue::fees::{FeeKind, FeeSchedule};
use crate::venue::grid::LINEAR_CENT;
use crate::venue::market::{Listing, Outcome};
use crate::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};
use crate::venue::{FeeScope, Venue};

const START: i64 = 1_790_000_000_000_000;
const CLOSE: i64 = START + 3_600_000_000;
const ACCOUNT_COUNT: usize = 2;

fn listing(ticker: &str) -> Listing {
    Listing {
        ticker: ticker.into(),
        event_ticker: "KXT".into(),
        series_ticker: "KXT".into(),
        event_title: "event".into(),
        title: "title".into(),
        yes_sub_title: "yes".into(),
        exchange_index: 0,
        grid: LINEAR_CENT,
        fees: FeeSchedule { kind: FeeKind::QuadraticWithMakerFees, multiplier: 1_000 },
        open_us: START,
        close_us: CLOSE,
        settlement_timer_s: 10,
        can_close_early: true,
        outcome: Outcome { result: "yes", value: 10_000 },
        first_price: 5_000,
    }
}

fn exchange() -> (Arc<Exchange>, SocketAddr) {
    let mut venue = Venue::new(1);
    for _ in 0..ACCOUNT_COUNT {
        venue.open_account(false, BTreeMap::from([(0, 1_000_000_000_000)]));
    }
    venue.list(listing("KXT-1"), START);
    venue.advance(START);
    let exchange = Arc::new(Exchange::new(venue));
    let (addr, _stop) = serve(Feed::live(Arc::clone(&exchange)));
    (exchange, addr)
}

/// Trades at random from two accounts: resting, crossing and cancelled orders.
fn trade(exchange: &Exchange, dice: &mut Dice, orders: u64) {
    for number in 0..orders {
        exchange.with(|venue| {
            let account = usize::try_from(dice.between(0, 1)).unwrap();
            let new = NewOrder {
                ticker: "KXT-1".into(),
                client_order_id: Some(format!("id-{}-{number}", dice.bits())),
                side: if dice.chance(50) { Side::Bid } else { Side::Ask },
                price: 100 * dice.between(40, 60),
                count: dice.between(1, 500),
                time_in_force: TimeInForce::GoodTillCanceled,
                self_trade_prevention: SelfTradePrevention::TakerAtCross,
                post_only: false,
                reduce_only: false,
                cancel_order_on_pause: false,
                expiration_time: None,
                subaccount: 0,
                order_group_id: None,
                exchange_index: None,
            };
            let now_us = START + i64::try_from(number).unwrap() * 1_000;
            let placed = venue.place(account, &new, now_us).unwrap();
            if dice.chance(20) {
                // A fully traded order cannot be cancelled; that is as good a command.
                let _ = venue.cancel(account, &placed.order_id, None, now_us);
            }
        });
    }
}

async fn subscribe(addr: SocketAddr, seed: u8, key_id: &str, params: &str) -> Client {
    let mut client = Client::connect_as(addr, &TestKey::new(seed), key_id).await;
    client.send(&format!(r#"{{"id":1,"cmd":"subscribe","params":{{{params}}}}}"#)).await;
    assert_eq!(client.json().await["type"], "subscribed");
    client
}

/// A book rebuilt from frames: both legs at their own prices, in wire strings' units.
#[derive(Debug, Default, PartialEq, Eq)]
struct Book([BTreeMap<i64, i64>; 2]);

fn units(text: &Value, places: usize) -> i64 {
    let text = text.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap();
    assert_eq!(fraction.len(), places, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

impl Book {
    fn apply(&mut self, frame: &Value, at_yes_price: bool) {
        let message = &frame["msg"];
        let own = |leg: usize, price: i64| if at_yes_price && leg == 1 { 10_000 - price } else { price };
        if frame["type"] == "orderbook_snapshot" {
            for (leg, key) in ["yes_dollars_fp", "no_dollars_fp"].into_iter().enumerate() {
                let levels = message[key].as_array().cloned().unwrap_or_default();
                let levels = levels.iter().map(|level| (own(leg, units(&level[0], 4)), units(&level[1], 2)));
                self.0[leg] = levels.collect();
            }
            return;
        }
        let leg = usize::from(message["side"] == "no");
        let count = self.0[leg].entry(own(leg, units(&message["price_dollars"], 4))).or_default();
        *count += units(&message["delta_fp"], 2);
        assert!(*count >= 0, "{frame}");
        self.0[leg].retain(|_, count| *count > 0);
    }

    fn of(exchange: &Exchange) -> (u64, Self) {
        exchange.with(|venue| {
            let market = venue.market("KXT-1").unwrap();
            (market.clock, Self([market.yes_levels().collect(), market.no_levels().collect()]))
        })
    }
}

/// Applies frames until the book is at `clock`; sequence numbers must follow without a gap.
async fn follow(client: &mut Client, book: &mut Book, seq: &mut u64, clock: u64, at_yes_price: bool) {
    loop {
        let frame = client.json().await;
        *seq += 1;
        assert_eq!(frame["seq"], *seq, "{frame}");
        book.apply(&frame, at_yes_price);
        if frame["msg"]["clock"].as_u64().unwrap() >= clock {
            return;
        }
    }
}

#[test]
fn books_rebuilt_from_the_stream_equal_the_venue_in_both_price_modes() {
    run(async {
        let (exchange, addr) = exchange();
        let mut dice = Dice::new(3);
        trade(&exchange, &mut dice, 200);
        let params = r#""channels":["orderbook_delta"],"market_ticker":"KXT-1""#;
        let mut clients = Vec::new();
        for round in 0..6_u64 {
            let at_yes_price = round % 2 == 1;
            let params = format!(r#"{params},"use_yes_price":{at_yes_price}"#);
            clients.push((subscribe(addr, 1, "test-key", &params).await, Book::default(), 0, at_yes_price));
            trade(&exchange, &mut dice, 100);
        }
        let (clock, expected) = Book::of(&exchange);
        for (client, book, seq, at_yes_price) in &mut clients {
            follow(client, book, seq, clock, *at_yes_price).await;
            assert_eq!(*book, expected);
        }
        // After the close every resting order is cancelled, then the market is determined and its book sent once more.
        exchange.with(|venue| venue.advance(CLOSE + 60_000_000));
        let (clock, emptied) = Book::of(&exchange);
        assert_eq!(emptied, Book::default());
        let (client, book, seq, at_yes_price) = &mut clients[0];
        follow(client, book, seq, clock, *at_yes_price).await;
        let last = client.json().await;
        assert_eq!(
            (&last["type"], &last["msg"].get("yes_dollars_fp")),
            (&json!("orderbook_snapshot"), &None)
        );
    });
}

#[test]
fn an_account_hears_all_of_its_own_and_nothing_of_others() {
    run(async {
        let (exchange, addr) = exchange();
        let private = r#""channels":["fill"]"#;
        let mut mine = subscribe(addr, 1, "test-key", private).await;
        let mut other = subscribe(addr, 2, "other-key", private).await;
        trade(&exchange, &mut Dice::new(5), 300);
        for (account, client) in [(0, &mut mine), (1, &mut other)] {
            let expected: Vec<_> = exchange.with(|venue| {
                let fills = venue.accounts[account].fills.iter();
                fills
                    .map(|fill| (fill.trade_id.to_string(), fill.order_id.to_string(), fill.post_position))
                    .collect()
            });
            assert!(expected.len() > 50);
            for fill in expected {
                let message = client.json().await["msg"].clone();
                let text = |key: &str| message[key].as_str().unwrap().to_owned();
                assert_eq!(
                    (text("trade_id"), text("order_id"), units(&message["post_position_fp"], 2)),
                    fill
                );
            }
        }
    });
}

#[test]
fn a_rolling_series_is_announced_and_settled() {
    run(async {
        let (exchange, addr) = exchange();
        let mut client = subscribe(addr, 1, "test-key", r#""channels":["market_lifecycle_v2"]"#).await;
        let next = Listing { event_ticker: "KXT2".into(), ..listing("KXT2-1") };
        exchange.with(|venue| venue.list(next, START));
        exchange.with(|venue| venue.advance(CLOSE + 60_000_000));
        exchange.with(|venue| venue.advance(CLOSE + 90_000_000));
        let mut seen = Vec::new();
        for seq in 1..=6 {
            let frame = client.json().await;
            assert_eq!(frame["seq"], seq);
            let ticker = frame["msg"].get("market_ticker").or(frame["msg"].get("event_ticker")).unwrap();
            let what = frame["msg"].get("event_type").unwrap_or(&frame["type"]);
            seen.push(format!("{} {}", ticker.as_str().unwrap(), what.as_str().unwrap()));
        }
        seen[2..].sort();
        let expected = [
            "KXT2 event_lifecycle",
            "KXT2-1 created",
            "KXT-1 determined",
            "KXT-1 settled",
            "KXT2-1 determined",
            "KXT2-1 settled",
        ];
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_locked_key_hears_of_its_subaccount_only() {
    run(async {
        let (exchange, addr) = exchange();
        let mut client = subscribe(addr, 3, "locked-key", r#""channels":["user_orders"]"#).await;
        exchange.with(|venue| {
            assert_eq!(venue.open_subaccount(0), Ok(1));
            let id = venue.subaccount(0, 1).unwrap();
            venue.accounts[id].cash.insert(0, 1_000_000_000);
            for subaccount in [0, 1] {
                let new = NewOrder {
                    ticker: "KXT-1".into(),
                    client_order_id: None,
                    side: Side::Bid,
                    price: 4_000,
                    count: 100,
                    time_in_force: TimeInForce::GoodTillCanceled,
                    self_trade_prevention: SelfTradePrevention::TakerAtCross,
                    post_only: false,
                    reduce_only: false,
                    cancel_order_on_pause: false,
                    expiration_time: None,
                    subaccount,
                    order_group_id: None,
                    exchange_index: None,
                };
                venue.place(0, &new, START + 1).unwrap();
            }
        });
        assert_eq!(client.json().await["msg"]["subaccount_number"], 1);
        let mut client = subscribe(addr, 3, "locked-key", r#""channels":["order_group_updates"]"#).await;
        let own = exchange.with(|venue| {
            venue.create_group(0, 0, 0, 100, START + 1).unwrap();
            let own = venue.create_group(0, 1, 0, 100, START + 1).unwrap();
            venue.delete_group(0, &own, START + 1).unwrap();
            own
        });
        for kind in ["created", "deleted"] {
            let update = client.json().await;
            assert_eq!(
                (&update["msg"]["event_type"], &update["msg"]["order_group_id"]),
                (&json!(kind), &json!(own))
            );
        }
    });
}

#[test]
fn a_key_that_must_not_read_gets_no_connection() {
    run(async {
        let (_exchange, addr) = exchange();
        let status = Client::refused_as(addr, &TestKey::new(4), "blind-key").await;
        assert_eq!(status, 403);
    });
}

#[test]
fn combos_and_fees_of_events_are_told_on_their_channels() {
    run(async {
        let (exchange, addr) = exchange();
        let mut singles = subscribe(addr, 1, "test-key", r#""channels":["market_lifecycle_v2"]"#).await;
        let combo_channel = r#""channels":["multivariate_market_lifecycle"]"#;
        let mut combos = subscribe(addr, 1, "test-key", combo_channel).await;
        let collection = Collection {
            ticker: "KXC".into(),
            series_ticker: "KXMVE".into(),
            title: "combos".into(),
            description: String::new(),
            open_us: START,
            close_us: CLOSE,
            source_series: vec!["KXT".into()],
            size_min: 1,
            size_max: 1,
        };
        let leg = SelectedLeg { event_ticker: "KXT".into(), market_ticker: "KXT-1".into(), side: Leg::No };
        let ticker = exchange.with(|venue| {
            venue.collections.by_ticker.insert("KXC".into(), collection);
            let ticker = venue.combine(0, "KXC", &[leg], START).unwrap();
            let fees = FeeSchedule { kind: FeeKind::Flat, multiplier: 500 };
            venue.schedule_fee_change(FeeScope::Event, "KXT", Some(fees), START);
            venue.schedule_fee_change(FeeScope::Event, "KXT", None, START + 1);
            venue.advance(START + 1);
            ticker
        });
        let event = combos.json().await;
        assert_eq!((&event["type"], &event["seq"]), (&json!("event_lifecycle"), &json!(1)));
        let created = combos.json().await;
        assert_eq!((&created["type"], &created["seq"]), (&json!("multivariate_market_lifecycle"), &json!(2)));
        assert_eq!(created["msg"]["market_ticker"], *ticker);
        let fees = singles.json().await;
        assert_eq!((&fees["type"], &fees["seq"]), (&json!("event_fee_update"), &json!(1)), "no combo before");
        let expected = json!({
            "event_ticker": "KXT", "fee_type_override": "flat", "fee_multiplier_override": 0.5,
        });
        assert_eq!(fees["msg"], expected);
        assert_eq!(singles.json().await["msg"]["fee_type_override"], Value::Null);
    });
}
