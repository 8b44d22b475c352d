//! Sections 3, 4, 7.3 and 8 of the protocol: how orders are taken, changed and shown.

use serde_json::{Value, json};

use crate::pattern::{check, row};
use crate::world::{Answer, ORDERS, Who, World, order, with};

pub(crate) fn refused(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}

fn detailed(code: &str, message: &str, details: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "details": details } })
}

fn unreadable() -> Value {
    json!({ "code": "bad_request", "message": "bad request", "details": "<text>" })
}

/// The reply of a create without fills.
fn placed(remaining: &str) -> Value {
    json!({
        "order_id": "<uuid>", "client_order_id": "<any>", "fill_count": "0.00",
        "remaining_count": remaining, "ts_ms": "<ms>",
    })
}

#[test]
fn numbers_are_strings() {
    let world = World::new();
    let ticker = world.market();
    let plain = order(ticker, "bid", "0.50", "1");
    let changed = |name: &str, value: Value| world.post(ORDERS, with(plain.clone(), name, value));
    check(vec![
        row("3: price as a number", changed("price", json!(0.5)), 400, unreadable()),
        row("3: price in cents", changed("price", json!(50)), 400, unreadable()),
        row("3: count as a number", changed("count", json!(1)), 400, unreadable()),
        row("3: count as a float", changed("count", json!(1.5)), 400, unreadable()),
        row("4: no object", world.post(ORDERS, json!([])), 400, unreadable()),
        row("4: another type", changed("post_only", json!("yes")), 400, unreadable()),
        row("8.1: placed", world.post(ORDERS, plain.clone()), 201, placed("1.00")),
    ]);
}

#[test]
fn refusals_on_the_order_path() {
    let world = World::new();
    let ticker = world.market();
    world.place(Who::Bob, order(ticker, "ask", "0.52", "1"));
    let post_only = with(order(ticker, "bid", "0.52", "1"), "post_only", true);
    let kill = with(order(ticker, "bid", "0.52", "5"), "time_in_force", "fill_or_kill");
    let named = with(kill.clone(), "client_order_id", "killed");
    check(vec![
        row(
            "4: insufficient_balance",
            world.post(ORDERS, order(ticker, "bid", "0.50", "50000")),
            400,
            refused("insufficient_balance", "insufficient balance"),
        ),
        row(
            "4: invalid_price",
            world.post(ORDERS, order(ticker, "bid", "0.505", "1")),
            400,
            detailed("invalid_price", "invalid price", "<text>"),
        ),
        row(
            "4: post only cross",
            world.post(ORDERS, post_only),
            400,
            detailed("invalid_order", "invalid order", "post only cross"),
        ),
        row(
            "4: fill or kill",
            world.post(ORDERS, named.clone()),
            409,
            refused("fill_or_kill_insufficient_resting_volume", "<text>"),
        ),
        row(
            "8.2: a killed id is spent",
            world.post(ORDERS, named),
            409,
            refused("order_already_exists", "order already exists"),
        ),
        row(
            "8.3: nothing to take",
            world.post(
                ORDERS,
                with(order(ticker, "bid", "0.10", "1"), "time_in_force", "immediate_or_cancel"),
            ),
            201,
            placed("0.00"),
        ),
    ]);
}

#[test]
fn a_client_order_id_is_used_once() {
    let world = World::new();
    let mine = with(order(world.market(), "bid", "0.10", "1"), "client_order_id", "mine");
    let id = world.place(Who::Alice, mine.clone());
    let exists = || refused("order_already_exists", "order already exists");
    let again = world.post(ORDERS, mine.clone());
    let canceled = world.delete(&format!("{ORDERS}/{id}"));
    let gone = json!({ "order_id": id, "client_order_id": "mine", "reduced_by": "1.00", "ts_ms": "<ms>" });
    check(vec![
        row("8.2: while it rests", again, 409, exists()),
        row("7.3: cancel", canceled, 200, gone),
        row("8.2: after the cancel", world.post(ORDERS, mine.clone()), 409, exists()),
        row("8.2: of another member", world.post_as(Who::Bob, ORDERS, mine), 201, placed("1.00")),
    ]);
}

#[test]
fn dead_orders_cannot_be_told_apart_by_a_cancel() {
    let world = World::new();
    let ticker = world.market();
    let executed = world.place(Who::Alice, order(ticker, "bid", "0.30", "1"));
    world.place(Who::Bob, order(ticker, "ask", "0.30", "1"));
    let canceled = world.place(Who::Alice, order(ticker, "bid", "0.30", "1"));
    world.delete(&format!("{ORDERS}/{canceled}"));
    let again: Vec<Answer> = [executed.as_str(), &canceled, "00000000-0000-4000-8000-000000000000"]
        .map(|id| world.delete(&format!("{ORDERS}/{id}")))
        .to_vec();
    assert!(again.iter().all(|answer| answer.body == again[0].body), "{again:?}");
    let rows = ["4: executed", "4: canceled", "4: unknown"].into_iter().zip(again);
    check(rows.map(|(said, answer)| row(said, answer, 404, refused("not_found", "not found"))).collect());
}

#[test]
fn a_pure_price_amend_answers_ids() {
    let world = World::new();
    let ticker = world.market();
    let id = world.place(Who::Alice, order(ticker, "bid", "0.30", "2"));
    let amend = |price: &str, count: &str| {
        let body = json!({ "ticker": ticker, "side": "bid", "price": price, "count": count });
        world.post(&format!("{ORDERS}/{id}/amend"), body)
    };
    let ids = json!({ "order_id": id, "client_order_id": "<any>", "ts_ms": "<ms>" });
    let mut sized = ids.clone();
    sized["fill_count"] = json!("0.00");
    sized["remaining_count"] = json!("1.00");
    check(vec![
        row("7.3: another price", amend("0.31", "2"), 200, ids),
        row("7.3: another size", amend("0.31", "1"), 200, sized),
        row(
            "7.3: decrease",
            world.post(&format!("{ORDERS}/{id}/decrease"), json!({ "reduce_by": "0.50" })),
            200,
            json!({ "order_id": id, "client_order_id": "<any>", "remaining_count": "0.50", "ts_ms": "<ms>" }),
        ),
    ]);
}

#[test]
fn the_taker_stops_at_its_own_order() {
    let world = World::new();
    let ticker = world.market();
    let resting = world.place(Who::Alice, order(ticker, "ask", "0.60", "3"));
    let path = format!("/portfolio/orders/{resting}");
    let before = world.until(&path, |answer| answer.status == 200).json();
    let crossing = world.post(ORDERS, order(ticker, "bid", "0.60", "2"));
    let untouched = world.get(&path);
    check(vec![
        row("8.3: the taker", crossing, 201, placed("0.00")),
        row("8.3: the resting order", untouched, 200, before),
    ]);
}

/// Lets Bob offer one contract and Alice bid for it; returns the create reply and Alice's order.
fn taken(world: &World, offered: &str, bid: &str) -> (Answer, Value) {
    let ticker = world.market();
    world.place(Who::Bob, order(ticker, "ask", offered, "1"));
    let answer = world.post(ORDERS, order(ticker, "bid", bid, "1"));
    let id = answer.json()["order_id"].clone();
    (answer, id)
}

#[test]
fn a_fill_is_at_the_resting_price_and_an_order_shows_its_limit() {
    let world = World::new();
    let (answer, id) = taken(&world, "0.52", "0.99");
    let (cheap, cheap_id) = taken(&world, "0.99", "0.99");
    let reply = |id: &Value, price: &str, fee: &str| {
        json!({
            "order_id": id, "client_order_id": "<any>", "fill_count": "1.00", "remaining_count": "0.00",
            "average_fill_price": price, "average_fee_paid": fee, "ts_ms": "<ms>",
        })
    };
    let fills = |id: &Value| world.get(&format!("/portfolio/fills?order_id={}", id.as_str().unwrap()));
    let fill = |id: &Value, yes: &str, no: &str, fee: &str| {
        let fill = json!({
            "fill_id": "<uuid>", "trade_id": "<uuid>", "order_id": id, "ticker": "<text>",
            "market_ticker": "<text>", "exchange_index": 0, "side": "yes", "action": "buy",
            "outcome_side": "yes", "book_side": "bid", "count_fp": "1.00", "yes_price_dollars": yes,
            "no_price_dollars": no, "is_taker": true, "fee_cost": fee, "created_time": "<time>",
            "ts": "<any>", "subaccount_number": 0,
        });
        json!({ "fills": [fill], "cursor": "" })
    };
    let order = json!({ "order": {
        "order_id": id, "user_id": "<uuid>", "client_order_id": "<any>", "ticker": "<text>",
        "side": "yes", "action": "buy", "outcome_side": "yes", "book_side": "bid", "type": "limit",
        "status": "executed", "yes_price_dollars": "0.9900", "no_price_dollars": "0.0100",
        "fill_count_fp": "1.00", "remaining_count_fp": "0.00", "initial_count_fp": "1.00",
        "taker_fill_cost_dollars": "0.520000", "maker_fill_cost_dollars": "0.000000",
        "taker_fees_dollars": "0.017500", "maker_fees_dollars": "0.000000", "expiration_time": null,
        "created_time": "<time>", "last_update_time": "<time>",
        "self_trade_prevention_type": "taker_at_cross", "order_group_id": null,
        "cancel_order_on_pause": false, "subaccount_number": 0, "exchange_index": 0,
    } });
    check(vec![
        row("8.3: bid 0.99 against 0.52", answer, 201, reply(&id, "0.5200", "0.0175")),
        row("8.5: 1 at 0.52", fills(&id), 200, fill(&id, "0.5200", "0.4800", "0.017500")),
        row("7.3: the limit", world.get(&format!("/portfolio/orders/{}", id.as_str().unwrap())), 200, order),
        row("8.5: 1 at 0.99 placed", cheap, 201, reply(&cheap_id, "0.9900", "0.0007")),
        row("8.5: 1 at 0.99", fills(&cheap_id), 200, fill(&cheap_id, "0.9900", "0.0100", "0.000700")),
    ]);
}
