use serde_json::json;

use super::*;

fn small() -> Setup {
    let bucket = Bucket { refill_rate: 1, bucket_capacity: 20 };
    let limits =
        Limits { usage_tier: "basic".to_owned(), read: bucket, write: bucket, balance_per_second: 1 };
    Setup { limits, ..Setup::default() }
}

#[test]
fn an_unsigned_call_of_a_signed_route_is_refused() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for path in [
            "/portfolio/balance",
            "/portfolio/orders",
            "/portfolio/orders/x",
            "/portfolio/orders/x/queue_position",
            "/portfolio/orders/queue_positions",
            "/portfolio/positions",
            "/portfolio/fills",
            "/portfolio/settlements",
            "/account/limits",
        ] {
            let refused = client.public(path).await;
            assert_eq!(
                (refused.status, refused.code()),
                (401, "signature_is_missing_from_headers"),
                "{path}"
            );
        }
        for (method, path) in [
            (Method::POST, "/portfolio/events/orders"),
            (Method::DELETE, "/portfolio/events/orders"),
            (Method::POST, "/portfolio/events/orders/batched"),
            (Method::DELETE, "/portfolio/events/orders/batched"),
            (Method::DELETE, "/portfolio/events/orders/x"),
            (Method::POST, "/portfolio/events/orders/x/amend"),
            (Method::POST, "/portfolio/events/orders/x/decrease"),
            (Method::POST, "/portfolio/orders"),
        ] {
            let request = TestRequest::with_uri(&format!("{BASE}{path}")).method(method).set_json(json!({}));
            assert_eq!(client.send(request).await.status, 401, "{path}");
        }
    });
}

#[test]
fn too_many_calls_are_refused_without_a_hint() {
    run(async {
        let world = World::new(small());
        let client = client(&world).await;
        assert_eq!(client.get("/portfolio/fills").await.status, 200);
        assert_eq!(client.get("/portfolio/fills").await.status, 200);
        let refused = client.get("/portfolio/fills").await;
        assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
        assert!(refused.headers.keys().all(|name| !name.contains("retry") && !name.contains("ratelimit")));
        assert_eq!(client.get("/portfolio/balance").await.status, 200, "a bucket of its own");
        assert_eq!(client.get("/portfolio/balance").await.status, 429);
        let other = client.signed(2, Method::GET, "/portfolio/fills", None).await;
        assert_eq!(other.status, 200, "buckets belong to accounts");
    });
}

#[test]
fn a_batch_fits_whole_or_not_at_all() {
    run(async {
        let world = World::new(small());
        let client = client(&world).await;
        let one = order("KXT-26-A", "bid", "0.40", "1");
        let three = json!({"orders": [one, one, one]});
        assert_eq!(client.post("/portfolio/events/orders/batched", three).await.status, 429);
        assert_eq!(client.get("/portfolio/orders").await.body["orders"], json!([]));
        let two = json!({"orders": [one, one]});
        assert_eq!(client.post("/portfolio/events/orders/batched", two).await.status, 201);
    });
}

#[test]
fn limits_and_costs_are_told() {
    run(async {
        let world = World::new(small());
        let client = client(&world).await;
        let limits = client.get("/account/limits").await.body;
        assert_eq!(limits["write"], json!({"refill_rate": 1, "bucket_capacity": 20}));
        let costs = client.public("/account/endpoint_costs").await.body;
        assert_eq!(costs["default_cost"], 10);
        let cancel =
            json!({"method":"DELETE","path":"/trade-api/v2/portfolio/events/orders/:order_id","cost":2});
        assert!(costs["endpoint_costs"].as_array().unwrap().contains(&cancel));
    });
}

#[test]
fn old_order_writes_are_gone_and_odd_paths_are_nowhere() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for (method, path) in [
            (Method::POST, "/portfolio/orders"),
            (Method::DELETE, "/portfolio/orders/x"),
            (Method::POST, "/portfolio/orders/batched"),
            (Method::POST, "/portfolio/orders/x/amend"),
            (Method::POST, "/portfolio/orders/x/decrease"),
        ] {
            let gone = client.signed(1, method, path, Some(json!({}))).await;
            assert_eq!((gone.status, gone.code()), (410, "deprecated_v1_order_endpoint"), "{path}");
        }
        assert_eq!(client.public("/nothing/here").await.code(), "not_found");
        assert_eq!(client.send(TestRequest::get().uri("/")).await.status, 404);
        let moved = client.public("/markets/?limit=1").await;
        assert_eq!(
            (moved.status, moved.headers["location"].as_str()),
            (301, "/trade-api/v2/markets?limit=1")
        );
        let put = client.send(TestRequest::put().uri(&format!("{BASE}/markets"))).await;
        assert_eq!(put.status, 404);
    });
}
