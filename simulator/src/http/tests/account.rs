use serde_json::json;

use super::specification::conforms;
use super::*;

fn basic() -> Setup {
    Setup { limits: Limits::of_tier("basic").unwrap(), ..Setup::default() }
}

#[test]
fn the_upgrade_is_for_those_who_traded_and_changes_the_buckets() {
    run(async {
        let world = World::new(basic());
        let client = client(&world).await;
        let path = "/account/api_usage_level/upgrade";
        let upgrade = || client.signed(1, Method::POST, path, None);
        let before = client.get("/account/limits").await;
        conforms("get", "/account/limits", &before);
        assert_eq!((&before.body["usage_tier"], &before.body["grants"]), (&json!("basic"), &json!([])));
        assert_eq!(upgrade().await.status, 403);
        client.place(1, order("KXT-26-A", "bid", "0.40", "1")).await;
        let done = upgrade().await;
        conforms("post", "/account/api_usage_level/upgrade", &done);
        assert_eq!(done.status, 201);
        let after = client.get("/account/limits").await;
        conforms("get", "/account/limits", &after);
        assert_eq!(after.body["usage_tier"], "advanced");
        assert_eq!(after.body["write"], json!({ "refill_rate": 300, "bucket_capacity": 900 }));
        assert_eq!(after.body["grants"][0]["level"], "advanced");
        // 900 write tokens: ninety orders at once, where the first tier had ten.
        for number in 0..40 {
            let price = format!("0.{:02}", 1 + number % 20);
            assert_eq!(client.place(1, order("KXT-26-A", "bid", &price, "1")).await.status, 201, "{number}");
        }
        let other = client.signed(2, Method::GET, "/account/limits", None).await;
        assert_eq!(other.body["usage_tier"], "basic", "the others stay where they are");
    });
}

#[test]
fn the_upgrade_costs_thirty_tokens() {
    run(async {
        let world = World::new(basic());
        let client = client(&world).await;
        // 400 tokens: thirteen upgrades, and one read of ten.
        for _ in 0..13 {
            let refused = client.signed(1, Method::POST, "/account/api_usage_level/upgrade", None).await;
            assert_eq!(refused.status, 403);
        }
        let last = client.signed(1, Method::POST, "/account/api_usage_level/upgrade", None).await;
        assert_eq!(last.status, 429);
        let costs = client.public("/account/endpoint_costs").await;
        conforms("get", "/account/endpoint_costs", &costs);
        let listed = costs.body["endpoint_costs"].as_array().unwrap();
        assert!(
            listed
                .iter()
                .any(|cost| cost["cost"] == 30 && cost["path"].as_str().unwrap().ends_with("/upgrade"))
        );
    });
}

#[test]
fn volume_is_measured_against_the_whole_exchange() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "1000")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "1000")).await;
        let answer = client.get("/account/api_usage_level/volume_progress").await;
        conforms("get", "/account/api_usage_level/volume_progress", &answer);
        let progress = &answer.body["volume_progress"][0];
        assert_eq!(progress["trailing_30d_volume_fp"], "1000.00");
        assert_eq!(
            progress["goals"][0],
            json!({ "level": "expert", "earn_volume_goal_fp": "0.75", "keep_volume_goal_fp": "0.50" })
        );
        assert_eq!(progress["goals"].as_array().unwrap().len(), 5);
    });
}
