use serde_json::json;

use super::specification::conforms;
use super::*;

/// Lets time pass until the markets of the world are settled, or beyond.
fn pass(world: &World, us: i64) {
    let now_us = wall_us();
    world.exchange.with(|venue| {
        let tickers: Vec<_> = venue.markets.keys().cloned().collect();
        for ticker in tickers {
            let market = venue.markets.get_mut(&ticker).unwrap();
            market.listing.close_us -= us;
            market.determined_us = market.determined_us.map(|at_us| at_us - us);
            market.settled_us = market.settled_us.map(|at_us| at_us - us);
            market.trades.iter_mut().for_each(|trade| trade.ts_us -= us);
        }
        for order in venue.orders.values_mut() {
            order.updated_us -= us;
        }
        for account in &mut venue.accounts {
            account.fills.iter_mut().for_each(|fill| fill.ts_us -= us);
        }
        venue.advance(now_us);
    });
}

fn tickers(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["ticker"].as_str().unwrap()).collect()
}

/// Trades in A, rests in C, and lets a day pass whose end settles all markets.
async fn aged<S, B>(world: &World, client: &Client<S>)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
    client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
    pass(world, 2 * HOUR_US);
    // Determination first, then the payout.
    pass(world, HOUR_US);
    world.exchange.with(|venue| venue.history_after_us = 24 * HOUR_US);
    pass(world, 12 * HOUR_US);
}

#[test]
fn what_is_younger_than_the_cutoff_is_live_only() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        aged(&world, &client).await;
        let cutoff = client.public("/historical/cutoff").await;
        conforms("get", "/historical/cutoff", &cutoff);
        assert_eq!(tickers(&client.public("/markets?status=settled").await.body["markets"]).len(), 3);
        assert_eq!(client.public("/historical/markets").await.body["markets"], json!([]));
        assert_eq!(tickers(&client.get("/portfolio/fills").await.body["fills"]).len(), 1);
        assert_eq!(client.get("/historical/fills").await.body["fills"], json!([]));
    });
}

#[test]
fn what_is_older_than_the_cutoff_is_archived_only() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        aged(&world, &client).await;
        pass(&world, 24 * HOUR_US);
        for (path, list, archived) in [
            ("/markets/KXT-26-A", "", ""),
            ("/markets", "markets", "KXT-26-A"),
            ("/markets/trades?ticker=KXT-26-A", "trades", "KXT-26-A"),
            ("/portfolio/fills", "fills", "KXT-26-A"),
            ("/portfolio/orders", "orders", "KXT-26-A"),
            ("/portfolio/positions?settlement_status=all", "market_positions", "KXT-26-A"),
        ] {
            let live = client.get(path).await;
            if list.is_empty() {
                assert_eq!(live.status, 404, "{path}");
                continue;
            }
            assert_eq!((live.status, &live.body[list]), (200, &json!([])), "{path}");
            let name = path.split(['?', '/']).rfind(|part| list.ends_with(part)).unwrap();
            let old = client.get(&format!("/historical/{name}")).await;
            conforms("get", &format!("/historical/{name}"), &old);
            assert!(tickers(&old.body[list]).contains(&archived), "{path}: {old:?}");
        }
        let market = client.public("/historical/markets/KXT-26-A").await;
        conforms("get", "/historical/markets/{ticker}", &market);
        assert_eq!(market.body["market"]["status"], "finalized");
        let day_s = wall_us() / SECOND_US / 86_400 * 86_400;
        let range = format!("start_ts={day_s}&end_ts={}&period_interval=1440", day_s + 86_400);
        let candles = client.public(&format!("/historical/markets/KXT-26-A/candlesticks?{range}")).await;
        conforms("get", "/historical/markets/{ticker}/candlesticks", &candles);
        assert_eq!(candles.body["candlesticks"][0]["volume"], "2.00");
        let path = format!("/series/KXT/markets/KXT-26-A/candlesticks?{range}");
        assert_eq!(client.public(&path).await.status, 404);
        let event = client.public("/events/KXT-26?with_nested_markets=true").await;
        conforms("get", "/events/{event_ticker}", &event);
        assert_eq!(event.body["event"]["markets"], json!([]), "the event stays, without its markets");
    });
}

#[test]
fn resting_orders_and_open_positions_stay_live() {
    run(async {
        let world = World::new(Setup::default());
        let client = client(&world).await;
        client.place(2, order("KXT-26-A", "ask", "0.50", "5")).await;
        client.place(1, order("KXT-26-A", "bid", "0.50", "2")).await;
        client.place(1, order("KXT-26-A", "bid", "0.40", "2")).await;
        world.exchange.with(|venue| venue.history_after_us = -HOUR_US);
        assert_eq!(client.get("/portfolio/orders").await.body["orders"].as_array().unwrap().len(), 1);
        assert_eq!(tickers(&client.get("/portfolio/positions").await.body["market_positions"]), ["KXT-26-A"]);
        assert_eq!(client.get("/historical/orders").await.body["orders"].as_array().unwrap().len(), 1);
        assert_eq!(client.get("/historical/positions").await.body["market_positions"], json!([]));
        assert_eq!(client.public("/markets/KXT-26-A").await.status, 200);
        let limit = client.get("/historical/orders?limit=1001").await;
        assert_eq!(limit.status, 400);
    });
}
