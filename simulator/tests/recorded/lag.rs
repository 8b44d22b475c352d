//! Section 4 of the protocol: reads that lag behind writes.

use serde_json::json;

use crate::pattern::{check, row};
use crate::world::{ORDERS, Who, World, order};

#[test]
fn a_canceled_order_still_reads_as_resting() {
    let world = World::with(|scenario| scenario.read_lag_ms = 1_500);
    let id = world.place(Who::Alice, order(world.fresh(), "bid", "0.01", "1"));
    let (read, write) = (format!("/portfolio/orders/{id}"), format!("{ORDERS}/{id}"));
    let before = world.until(&read, |answer| answer.status == 200).json();
    assert_eq!(before["order"]["status"], "resting");
    let canceled = world.delete(&write);
    let stale = world.get(&read);
    let again = world.delete(&write);
    check(vec![
        row(
            "4: DELETE",
            canceled,
            200,
            json!({ "order_id": id, "client_order_id": "<any>", "reduced_by": "1.00", "ts_ms": "<ms>" }),
        ),
        row("4: GET shows what was", stale, 200, before),
        row(
            "4: a second DELETE knows",
            again,
            404,
            json!({ "error": { "code": "not_found", "message": "not found" } }),
        ),
    ]);
    let after = world.until(&read, |answer| answer.json()["order"]["status"] == "canceled").json();
    assert_eq!(after["order"]["remaining_count_fp"], "0.00");
}

#[test]
fn a_new_order_group_is_not_found_at_first() {
    let world = World::with(|scenario| scenario.read_lag_ms = 1_000);
    let created = world.post("/portfolio/order_groups/create", json!({ "contracts_limit": 10 })).json();
    let path = format!("/portfolio/order_groups/{}", created["order_group_id"].as_str().unwrap());
    let (early, list) = (world.get(&path), world.get("/portfolio/order_groups"));
    check(vec![
        row("7.5: too early", early, 404, json!("<any>")),
        row("7.5: no list yet", list, 200, json!({})),
    ]);
    world.until(&path, |answer| answer.status == 200);
}
