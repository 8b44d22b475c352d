use serde_json::json;

use super::*;

#[test]
fn a_trade_shows_in_fills_positions_and_balance_of_both() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.52", "3")).await;
        let taken = client.place(1, order("KXT-26-A", "bid", "0.99", "1")).await;
        assert_eq!(taken.body["average_fill_price"], "0.5200", "{taken:?}");
        assert_eq!(taken.body["average_fee_paid"], "0.0175");

        let fills = client.get("/portfolio/fills").await.body;
        let fill = &fills["fills"][0];
        assert_eq!((&fill["fee_cost"], &fill["is_taker"]), (&json!("0.017500"), &json!(true)));
        assert_eq!((&fill["yes_price_dollars"], &fill["outcome_side"]), (&json!("0.5200"), &json!("yes")));
        assert_eq!(fills["cursor"], "");

        let positions = client.get("/portfolio/positions").await.body;
        assert_eq!(positions["market_positions"][0]["position_fp"], "1.00");
        assert_eq!(positions["event_positions"][0]["event_ticker"], "KXT-26");
        assert_eq!(positions["event_positions"][0]["total_cost_shares_fp"], "1.00");
        let other = client.signed(2, Method::GET, "/portfolio/positions?count_filter=position", None).await;
        assert_eq!(other.body["market_positions"][0]["position_fp"], "-1.00");
        assert_eq!(other.body["market_positions"][0]["market_exposure_dollars"], "0.480000");

        let balance = client.get("/portfolio/balance?exchange_index=0").await.body;
        assert_eq!(balance["balance_dollars"], "999.4625");
        assert_eq!(balance["balance"], 99_946);
        let all = client.get("/portfolio/balance").await.body;
        assert_eq!(all["balance_dollars"], "1999.4625");
        assert_eq!(all["balance_breakdown"][2], json!({"exchange_index": 2, "balance": "1000.0000"}));
    });
}

#[test]
fn a_settled_market_pays_out_and_leaves_the_open_positions() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "2")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
        let close_us = wall_us() + 2 * HOUR_US;
        world.exchange.with(|venue| {
            venue.advance(close_us);
            venue.advance(close_us + 60 * SECOND_US);
        });
        let row = client.get("/portfolio/settlements").await.body["settlements"][0].clone();
        assert_eq!(
            (&row["market_result"], &row["revenue"], &row["value"]),
            (&json!("yes"), &json!(200), &json!(100))
        );
        assert_eq!(
            (&row["yes_count_fp"], &row["yes_total_cost_dollars"]),
            (&json!("2.00"), &json!("1.000000"))
        );
        let open = client.get("/portfolio/positions").await.body;
        assert_eq!(open["market_positions"], json!([]));
        let settled = client.get("/portfolio/positions?settlement_status=settled").await.body;
        assert_eq!(settled["market_positions"][0]["position_fp"], "0.00");
        let market = client.public("/markets/KXT-26-A").await.body["market"].clone();
        assert_eq!((&market["status"], &market["result"]), (&json!("finalized"), &json!("yes")));
        assert_eq!(market["settlement_value_dollars"], "1.0000");
    });
}

#[test]
fn reads_lag_behind_writes_where_the_scenario_says_so() {
    run(async {
        let world = World::new(Setup { read_lag_us: 200_000, ..Setup::default() });
        let client = client(&world).await;
        let created = client.place(1, order("KXT-26-A", "bid", "0.40", "10")).await;
        let id = created.body["order_id"].as_str().unwrap().to_owned();
        let path = format!("/portfolio/orders/{id}");
        assert_eq!(client.get(&path).await.status, 404, "not visible yet");
        let deadline_us = wall_us() + 10 * SECOND_US;
        while client.get(&path).await.status == 404 {
            assert!(wall_us() < deadline_us);
            actix_web::rt::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        client.delete(&format!("/portfolio/events/orders/{id}")).await;
        assert_eq!(client.get(&path).await.body["order"]["status"], "resting", "still the state before");
        assert_eq!(client.delete(&format!("/portfolio/events/orders/{id}")).await.status, 404);
        let as_of = client.public("/exchange/user_data_timestamp").await.body["as_of_time"].clone();
        let as_of: jiff::Timestamp = as_of.as_str().unwrap().parse().unwrap();
        assert!(as_of.as_microsecond() <= wall_us() - 200_000);
    });
}
