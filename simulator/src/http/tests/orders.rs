use serde_json::json;

use super::*;

#[test]
fn an_order_rests_is_read_amended_decreased_and_cancelled() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let created =
            client.place(1, with(order("KXT-26-A", "bid", "0.40", "10"), "client_order_id", "mine-1")).await;
        assert_eq!((created.status, &created.body["remaining_count"]), (201, &json!("10.00")), "{created:?}");
        assert!(created.body.get("average_fill_price").is_none());
        let id = created.body["order_id"].as_str().unwrap().to_owned();
        let path = format!("/portfolio/events/orders/{id}");

        let read = client.get(&format!("/portfolio/orders/{id}")).await.body["order"].clone();
        assert_eq!((&read["status"], &read["no_price_dollars"]), (&json!("resting"), &json!("0.6000")));

        let amend = json!({"ticker":"KXT-26-A","side":"bid","price":"0.41","count":"12.00"});
        let amended = client.post(&format!("{path}/amend"), amend).await;
        assert_eq!((amended.status, &amended.body["remaining_count"]), (200, &json!("12.00")), "{amended:?}");

        let decreased = client.post(&format!("{path}/decrease"), json!({"reduce_by":"2.5"})).await;
        assert_eq!(decreased.body["remaining_count"], "9.50", "{decreased:?}");

        let canceled = client.delete(&path).await;
        assert_eq!((canceled.status, &canceled.body["reduced_by"]), (200, &json!("9.50")));
        let again = client.delete(&path).await;
        assert_eq!((again.status, again.code()), (404, "not_found"));
        let read = client.get(&format!("/portfolio/orders/{id}")).await.body["order"].clone();
        assert_eq!((&read["status"], &read["remaining_count_fp"]), (&json!("canceled"), &json!("0.00")));
    });
}

#[test]
fn a_pure_price_amend_answers_ids_only_and_a_mismatch_is_named() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let created = client.place(1, order("KXT-26-A", "bid", "0.40", "10")).await;
        let path = format!("/portfolio/events/orders/{}/amend", created.body["order_id"].as_str().unwrap());
        let amend = json!({"ticker":"KXT-26-A","side":"bid","price":"0.39","count":"10"});
        let amended = client.post(&path, amend.clone()).await;
        assert_eq!(amended.status, 200);
        assert!(amended.body.get("remaining_count").is_none(), "{amended:?}");
        for (key, value, code) in [
            ("ticker", "KXT-26-B", "order_ticker_mismatch"),
            ("side", "ask", "order_side_mismatch"),
            ("client_order_id", "other", "order_id_and_client_order_id_mismatch"),
            ("price", "0.395", "invalid_price"),
        ] {
            let refused = client.post(&path, with(amend.clone(), key, value)).await;
            assert_eq!((refused.status, refused.code()), (400, code), "{refused:?}");
        }
    });
}

#[test]
fn refusals_have_their_recorded_shapes() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let good = order("KXT-26-A", "bid", "0.40", "10");
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        client.place(1, with(good.clone(), "client_order_id", "once")).await;
        for (body, status, code) in [
            (with(good.clone(), "client_order_id", "once"), 409, "order_already_exists"),
            (with(good.clone(), "price", "0.405"), 400, "invalid_price"),
            (with(good.clone(), "price", 0.4), 400, "bad_request"),
            (with(good.clone(), "count", 10), 400, "bad_request"),
            (with(good.clone(), "count", "0"), 400, "invalid_order_size"),
            (with(good.clone(), "count", "100000"), 400, "insufficient_balance"),
            (with(good.clone(), "ticker", "KXNO-1"), 404, "market_not_found"),
            (with(good.clone(), "exchange_index", 2), 404, "market_not_found"),
            (with(good.clone(), "side", "yes"), 400, "bad_request"),
            (with(good.clone(), "time_in_force", "GTT"), 400, "bad_request"),
            (with(with(good.clone(), "price", "0.50"), "post_only", true), 400, "invalid_order"),
            (with(good.clone(), "reduce_only", true), 400, "invalid_order"),
            (with(good.clone(), "expiration_time", 1), 400, "invalid_order"),
            (
                with(with(good.clone(), "price", "0.50"), "time_in_force", "fill_or_kill"),
                409,
                "fill_or_kill_insufficient_resting_volume",
            ),
            (with(good.clone(), "subaccount", 3), 404, "not_found"),
        ] {
            let refused = client.place(1, body.clone()).await;
            assert_eq!((refused.status, refused.code()), (status, code), "{body}: {refused:?}");
        }
        let crossing = client.place(1, with(with(good, "price", "0.50"), "post_only", true)).await;
        assert_eq!(crossing.body["error"]["details"], "post only cross");
    });
}

#[test]
fn a_batch_has_an_outcome_for_each() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let good = order("KXT-26-A", "bid", "0.40", "10");
        let orders = json!({"orders": [
            with(good.clone(), "client_order_id", "a"),
            with(good.clone(), "price", "0.401"),
            with(good.clone(), "client_order_id", "a"),
            with(good, "count", 1),
        ]});
        let created = client.post("/portfolio/events/orders/batched", orders).await;
        assert_eq!(created.status, 201);
        let outcomes = created.body["orders"].as_array().unwrap();
        let codes: Vec<_> = outcomes.iter().map(|outcome| outcome["error"]["code"].as_str()).collect();
        let expected = [None, Some("invalid_price"), Some("order_already_exists"), Some("bad_request")];
        assert_eq!(codes, expected);
        let id = &outcomes[0]["order_id"];
        let cancels = json!({"orders": [{"order_id": id}, {"order_id": "none"}]});
        let canceled =
            client.signed(1, Method::DELETE, "/portfolio/events/orders/batched", Some(cancels)).await;
        assert_eq!(canceled.body["orders"][0]["reduced_by"], "10.00");
        assert_eq!(canceled.body["orders"][1]["error"]["code"], "not_found");
        assert_eq!(canceled.body["orders"][1]["reduced_by"], "0.00");
    });
}

#[test]
fn cancel_all_reaches_every_shard_and_only_ones_own() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(1, order("KXT-26-A", "bid", "0.40", "10")).await;
        client.place(1, order("KXU-26-C", "bid", "0.40", "10")).await;
        client.place(2, order("KXT-26-A", "bid", "0.40", "10")).await;
        assert_eq!(client.delete("/portfolio/events/orders").await.status, 204);
        let resting = client.get("/portfolio/orders?status=resting").await;
        assert_eq!(resting.body["orders"], json!([]));
        let others = client.signed(2, Method::GET, "/portfolio/orders?status=resting", None).await;
        assert_eq!(others.body["orders"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn an_order_of_another_shard_is_found_by_ticker_or_shard_only() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let mut paths = Vec::new();
        for _ in 0..3 {
            let created = client.place(1, order("KXU-26-C", "bid", "0.40", "10")).await;
            paths.push(format!("/portfolio/events/orders/{}", created.body["order_id"].as_str().unwrap()));
        }
        assert_eq!(client.delete(&paths[0]).await.code(), "not_found");
        assert_eq!(client.delete(&format!("{}?exchange_index=2", paths[0])).await.status, 200);
        assert_eq!(client.delete(&format!("{}?market_ticker=KXU-26-C", paths[1])).await.status, 200);
        let wrong = client.delete(&format!("{}?market_ticker=KXT-26-A", paths[2])).await;
        assert_eq!(wrong.code(), "order_ticker_mismatch");
        let lone = client.delete(&format!("{}?exchange_index=-1", paths[2])).await;
        assert_eq!((lone.status, lone.code()), (400, "bad_request"));
    });
}

#[test]
fn orders_come_in_pages_newest_first() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        let mut placed = Vec::new();
        for _ in 0..5 {
            let created = client.place(1, order("KXT-26-A", "bid", "0.40", "1")).await;
            placed.push(created.body["order_id"].as_str().unwrap().to_owned());
        }
        placed.reverse();
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/portfolio/orders?limit=2&cursor={cursor}")).await;
            let orders = page.body["orders"].as_array().unwrap().clone();
            seen.extend(orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()));
            cursor = page.body["cursor"].as_str().unwrap().to_owned();
            if cursor.is_empty() {
                break;
            }
        }
        assert_eq!(seen, placed);
        let bad = client.get("/portfolio/orders?status=active").await;
        assert_eq!((bad.status, bad.code()), (400, "invalid_status_filter"));
        let queue = client.get("/portfolio/orders/queue_positions?market_tickers=KXT-26-A").await;
        let ahead: Vec<_> = queue.body["queue_positions"].as_array().unwrap().clone();
        assert_eq!(ahead[0]["queue_position_fp"], "4.00", "{queue:?}");
        let one = client.get(&format!("/portfolio/orders/{}/queue_position", placed[4])).await;
        assert_eq!(one.body, json!({"queue_position_fp": "0.00"}));
    });
}
