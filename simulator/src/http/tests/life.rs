//! What REST tells of markets' lives and of the weekly hours, held to the exchange's document.

use serde_json::json;

use super::specification::conforms;
use super::*;
use crate::venue::grid::GRIDS;
use crate::venue::steer::Steer;

#[test]
fn every_state_and_every_grid_is_shown() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for grid in GRIDS.into_iter().chain([LINEAR_CENT]) {
            let _ = steer(&world, Steer::ChangeGrid(grid));
            let answer = client.public("/markets/KXT-26-A").await;
            conforms("get", "/markets/{ticker}", &answer);
            assert_eq!(answer.body["market"]["price_level_structure"], grid.name);
            let ranges = answer.body["market"]["price_ranges"].as_array().unwrap().len();
            assert_eq!(ranges, grid.ranges.len(), "{}", grid.name);
        }
        client.place(1, order("KXT-26-A", "bid", "0.5000", "1.16")).await;
        client.place(2, order("KXT-26-A", "ask", "0.5000", "1.16")).await;
        for (step, status, filter) in [
            (Steer::Pause, "inactive", "paused"),
            (Steer::Resume, "active", "open"),
            (Steer::Close, "closed", "closed"),
            (Steer::Determine(Some(Outcome::NO)), "determined", "closed"),
            (Steer::Dispute, "disputed", "closed"),
            (Steer::Amend(Outcome::scalar(4_325)), "amended", "closed"),
            (Steer::Settle(None), "finalized", "settled"),
        ] {
            steer(&world, step).unwrap();
            let listed = client.public(&format!("/markets?status={filter}&tickers=KXT-26-A")).await;
            conforms("get", "/markets", &listed);
            assert_eq!(listed.body["markets"][0]["status"], status);
        }
        let market = client.public("/markets/KXT-26-A").await.body["market"].clone();
        assert_eq!(
            (&market["result"], &market["settlement_value_dollars"]),
            (&json!("scalar"), &json!("0.4325"))
        );
        let settled = client.get("/portfolio/settlements").await;
        conforms("get", "/portfolio/settlements", &settled);
        let row = &settled.body["settlements"][0];
        assert_eq!((&row["revenue"], &row["fee_cost"]), (&json!(50), &json!("0.001700")));
    });
}

fn steer(world: &World, step: Steer) -> Result<(), crate::venue::refusal::Refusal> {
    world.exchange.with(|venue| venue.steer("KXT-26-A", step, world.exchange.now_us()))
}

#[test]
fn hours_are_told_with_and_without_the_weekly_pause() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        for (pauses, resume_us) in [(false, None), (true, Some(1_790_000_000_000_000))] {
            world.exchange.with(|venue| {
                venue.hours.thursday_pause = pauses;
                venue.hours.resume_us = resume_us;
            });
            let schedule = client.public("/exchange/schedule").await;
            conforms("get", "/exchange/schedule", &schedule);
            let schedule = &schedule.body["schedule"];
            let sessions = schedule["standard_hours"][0]["thursday"].as_array().unwrap().len();
            let windows = schedule["maintenance_windows"].as_array().unwrap().len();
            assert_eq!((sessions, windows), if pauses { (2, 1) } else { (1, 0) });
            let status = client.public("/exchange/status").await;
            conforms("get", "/exchange/status", &status);
            assert_eq!(status.body["exchange_estimated_resume_time"].is_null(), !pauses);
        }
    });
}
