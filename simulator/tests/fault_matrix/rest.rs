//! Faults in what requests are answered.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::{ORDERS, World};

fn placed_as(fault: &str) -> World {
    World::with(&format!("[[faults]]\nroute = 'POST {ORDERS}'\ncount = 1\n{fault}"))
}

#[test]
fn a_storm_of_429_passes() {
    let world =
        World::with("[[faults]]\nroute = '* /portfolio/**'\nfault = 'status'\nstatus = 429\ncount = 3");
    for _ in 0..3 {
        let refused = world.get("/portfolio/balance");
        assert_eq!((refused.status, refused.header("retry-after")), (429, None));
        assert_eq!(refused.json()["error"]["code"], "too_many_requests");
    }
    world.is_well();
}

#[test]
fn a_failing_status_carries_the_body_of_a_good_one() {
    let world = World::with(
        "[[faults]]\nroute = 'GET /exchange/status'\nfault = 'status'\nstatus = 500\nnth = 1
         [[faults]]\nroute = 'GET /exchange/status'\nfault = 'status'\nstatus = 503\nnth = 2
         [[faults]]\nroute = 'GET /exchange/status'\nfault = 'status'\nstatus = 504\nnth = 3",
    );
    let failing = [500, 503, 504].map(|expected| {
        let answer = world.get("/exchange/status");
        assert_eq!(answer.status, expected);
        answer.json()
    });
    let good = world.get("/exchange/status");
    assert_eq!(good.status, 200);
    assert!(failing.iter().all(|body| *body == good.json() && body["exchange_active"] == true));
    world.is_well();
}

#[test]
fn a_refused_order_is_not_placed() {
    let world = placed_as("fault = 'status'\nstatus = 503");
    let refused = world.post(ORDERS, world.order("a"));
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (503, &Value::from("service_unavailable"))
    );
    assert!(world.resting().is_empty());
    world.is_well();
}

#[test]
fn accepted_then_500() {
    let world = placed_as("fault = 'accept_then_status'");
    let answer = world.post(ORDERS, world.order("a"));
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (500, &Value::from("internal_server_error"))
    );
    assert_eq!(world.resting(), ["a"]);
    world.is_well();
}

#[test]
fn a_delayed_reply_is_late_and_the_order_is_not() {
    let world = placed_as("fault = 'delay'\nms = 1_500");
    let began = Instant::now();
    std::thread::scope(|scope| {
        let placing = scope.spawn(|| world.post(ORDERS, world.order("a")).status);
        while world.resting().is_empty() {}
        assert!(began.elapsed() < Duration::from_millis(1_500));
        assert_eq!(placing.join().unwrap(), 201);
    });
    assert!(began.elapsed() >= Duration::from_millis(1_500));
    world.is_well();
}

#[test]
fn a_duplicated_request_is_executed_twice() {
    let world = placed_as("fault = 'duplicate'");
    let mut order = world.order("a");
    let answer = world.post(ORDERS, order.clone());
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (409, &Value::from("order_already_exists")));
    assert_eq!(world.resting(), ["a"]);
    drop(world);

    let world = placed_as("fault = 'duplicate'");
    order = world.order("a");
    order.as_object_mut().unwrap().remove("client_order_id");
    assert_eq!(world.post(ORDERS, order).status, 201);
    assert_eq!(world.resting().len(), 2);
    world.is_well();
}

#[test]
fn a_reordered_request_comes_after_the_next() {
    let world = placed_as("fault = 'reorder'\nms = 8_000");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.post(ORDERS, world.order("first")).status);
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(world.post(ORDERS, world.order("second")).status, 201);
        assert_eq!(first.join().unwrap(), 201);
    });
    assert_eq!(world.resting(), ["first", "second"], "newest first");
    world.is_well();
}

#[test]
fn a_stale_read_shows_what_was() {
    let world = World::with("[[faults]]\nroute = 'GET /portfolio/orders'\nfault = 'stale'\nnth = 2");
    assert!(world.resting().is_empty());
    assert_eq!(world.post(ORDERS, world.order("a")).status, 201);
    assert!(world.resting().is_empty(), "stale");
    assert_eq!(world.resting(), ["a"]);
    world.is_well();
}

#[test]
fn a_201_without_an_order() {
    let world = placed_as("fault = 'no_order'");
    let answer = world.post(ORDERS, world.order("a"));
    assert_eq!((answer.status, answer.json()), (201, serde_json::json!({})));
    assert_eq!(world.resting(), ["a"]);
    world.is_well();
}

#[test]
fn a_reply_of_malformed_json() {
    let world = placed_as("fault = 'malformed'");
    let answer = world.post(ORDERS, world.order("a"));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-length").unwrap(), answer.body.len().to_string());
    assert!(serde_json::from_slice::<Value>(&answer.body).is_err() && !answer.body.is_empty());
    world.is_well();
}

#[test]
fn a_reply_with_unknown_fields() {
    let world =
        World::with("[[faults]]\nroute = 'GET /markets/{ticker}'\nfault = 'unknown_fields'\ncount = 1");
    let path = format!("/markets/{}", world.markets[0]);
    let (strange, plain) = (world.get(&path).json(), world.get(&path).json());
    assert!(strange["x_unknown"].is_object() && strange["market"]["x_unknown"].is_object());
    assert!(plain["x_unknown"].is_null());
    assert_eq!(strange["market"]["ticker"], plain["market"]["ticker"]);
    world.is_well();
}

#[test]
fn a_huge_reply() {
    let world = World::with("[[faults]]\nroute = 'GET /markets'\nnth = 2\nfault = 'huge'\nbytes = 3_000_000");
    let answer = world.get("/markets");
    assert!(answer.body.len() > 3_000_000 && answer.json()["markets"].is_array());
    assert!(world.get("/markets").body.len() < 3_000_000);
    world.is_well();
}

#[test]
fn a_clock_that_is_off_shows_in_the_date_and_refuses_true_signatures() {
    let hour_ms = 3_600_000;
    let world =
        World::with("[[faults]]\nroute = '* /portfolio/balance'\nfault = 'skew'\nms = 3_600_000\ncount = 2");
    let refused = world.get("/portfolio/balance");
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (401, &Value::from("header_timestamp_expired"))
    );
    let date = |answer: &crate::world::Answer| {
        let text = answer.header("date").unwrap().replace("gmt", "GMT");
        jiff::fmt::rfc2822::parse(&text).unwrap().timestamp().as_millisecond()
    };
    let true_ms = date(&world.get("/exchange/status"));
    assert!((date(&refused) - true_ms - hour_ms).abs() < 60_000, "{}", refused.head);
    let request = crate::world::request("GET", "/portfolio/balance", None, hour_ms);
    assert_eq!(world.send(&request).status, 200, "signed by the clock that the Date tells");
    assert_eq!(world.get("/portfolio/balance").status, 200);
    world.is_well();
}

#[test]
fn the_same_seed_gives_the_same_faults() {
    let pattern = |seed| {
        let world = World::start(outrigger_simulator::Options {
            seed,
            faults: crate::world::rules(
                "[[faults]]\nroute = 'GET /exchange/status'\nfault = 'status'\nstatus = 500\npercent = 50",
            ),
            ..outrigger_simulator::Options::default()
        });
        (0..24).map(|_| world.get("/exchange/status").status).collect::<Vec<_>>()
    };
    let once = pattern(7);
    assert_eq!(once, pattern(7));
    assert_ne!(once, pattern(8));
    assert!(once.contains(&200) && once.contains(&500));
}
