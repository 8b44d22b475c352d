//! The connector's gateway against the simulated exchange: every operation, and full load without one refusal for the rate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test: what fails is a panic that says where"
)]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use outrigger_connectors::{
    Credential, NewQuote, NewRfq, OperationError, Operations, ShardTransfer, SubaccountTransfer, VenueConfig,
    VenuePorts, VenueStatus, VenueTasks, VenueUrls, start,
};
use outrigger_engine::actors::messages::{BooksMessage, DeskMessage};
use outrigger_engine::domain::{
    Catalog, Market, MarketStatus, Monotonic, Now, OrderId, SelfTradePrevention, Side, TimeInForce,
    VenueOrderId, WallTime,
};
use outrigger_engine::risk::HaltSwitch;
use outrigger_engine::venue::{
    CancelTarget, CreateOrder, FeedCommand, VenueRequest, VenueWrite, WriteOutcome,
};
use outrigger_simulator::{KeyEntry, Options, Scenario};
use outrigger_tests::keys::Key;
use outrigger_tests::wait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const WITHIN: Duration = Duration::from_secs(30);

/// An exchange in this process and a connector to it.
struct Pair {
    exchange: Option<outrigger_simulator::Running>,
    tasks: VenueTasks,
    status: Arc<VenueStatus>,
    catalog: Arc<Catalog>,
    requests: mpsc::Sender<VenueRequest>,
    desk: mpsc::Receiver<DeskMessage>,
    _books: mpsc::Receiver<BooksMessage>,
    _commands: mpsc::Sender<FeedCommand>,
    _folder: tempfile::TempDir,
}

impl Drop for Pair {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            // It joins threads, which must not be done on the runtime's.
            std::thread::spawn(move || exchange.stop());
        }
    }
}

async fn pair(tier: &str) -> anyhow::Result<Pair> {
    let folder = tempfile::tempdir()?;
    let key = Key::make(folder.path(), "member")?;
    let public_pem = std::fs::read_to_string(&key.public_file)?;
    let scenario = Scenario { usage_tier: tier.to_owned(), ..Scenario::default() };
    let keys = vec![KeyEntry { id: key.id.clone(), public_pem }];
    let listen = "127.0.0.1:0".parse()?;
    let exchange = outrigger_simulator::spawn(Options { listen, scenario, keys, ..Options::default() })?;
    let credential = Credential::from_pem(&key.id, &std::fs::read(&key.private_file)?)?;
    let urls = VenueUrls::at(&format!("http://{}", exchange.addr()))?;
    let (books, books_ends) = mpsc::channel(1_024);
    let (desk_lane, desk) = mpsc::channel(8_192);
    let (requests, requests_lane) = mpsc::channel(1_024);
    let (commands, feed_commands) = mpsc::channel(64);
    let (_, look_ups) = mpsc::channel(1);
    let (_, samples) = mpsc::channel(1);
    let (status, catalog) = (Arc::new(VenueStatus::default()), Arc::new(Catalog::default()));
    let started = Instant::now();
    let ports = VenuePorts {
        books,
        desk: desk_lane,
        catalog: Arc::clone(&catalog),
        requests: requests_lane,
        feed_commands,
        look_ups,
        samples,
        status: Arc::clone(&status),
        halt: Arc::new(HaltSwitch::default()),
        clock: Arc::new(move || {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
            let elapsed = u64::try_from(started.elapsed().as_nanos()).unwrap();
            Now { wall: WallTime(i64::try_from(wall).unwrap()), monotonic: Monotonic(elapsed) }
        }),
        frames: None,
    };
    let runtime = tokio::runtime::Handle::current();
    let tasks =
        start(VenueConfig::new(urls, Arc::new(credential)), ports, &runtime, CancellationToken::new())?;
    let pair = Pair {
        exchange: Some(exchange),
        tasks,
        status,
        catalog,
        requests,
        desk,
        _books: books_ends,
        _commands: commands,
        _folder: folder,
    };
    wait::until("limits and markets are read", WITHIN, || async {
        ensure!(pair.status.is_limits_read() && !pair.catalog.is_empty(), "not yet");
        Ok(())
    })
    .await?;
    Ok(pair)
}

impl Pair {
    fn market(&self) -> Arc<Market> {
        let markets = self.catalog.page(None, 1, |market| market.status == MarketStatus::Active);
        Arc::new(markets.into_iter().next().expect("an active market"))
    }

    fn order(&self, market: &Market, id: &str) -> CreateOrder {
        CreateOrder {
            client: "ui".to_owned(),
            client_order_id: id.into(),
            ticker: market.ticker.clone(),
            side: Side::Bid,
            price: "0.01".parse().unwrap(),
            count: "1".parse().unwrap(),
            time_in_force: TimeInForce::GoodTillCanceled,
            self_trade_prevention: SelfTradePrevention::TakerAtCross,
            post_only: false,
            reduce_only: false,
            cancel_order_on_pause: false,
            expiration_time: None,
            exchange_index: market.exchange_index,
        }
    }

    /// Returns how many answers with `status` the exchange gave.
    fn answers(&self, status: &str) -> u64 {
        self.status
            .requests()
            .iter()
            .filter(|(_, answered, _)| answered == status)
            .map(|(.., count)| count)
            .sum()
    }
}

fn accepted(outcome: &WriteOutcome) -> anyhow::Result<VenueOrderId> {
    match outcome {
        WriteOutcome::Accepted(accepted) => Ok(accepted.venue_order_id.clone()),
        other => anyhow::bail!("{other:?}"),
    }
}

#[tokio::test]
async fn batches_are_answered_row_by_row() -> anyhow::Result<()> {
    let pair = pair("premier").await?;
    let (operations, market) = (pair.tasks.operations(), pair.market());
    let mut orders: Vec<CreateOrder> = ["a", "b", "c"].map(|id| pair.order(&market, id)).into();
    // More money than anyone has.
    orders[1].price = "0.99".parse()?;
    orders[1].count = "100000000".parse()?;
    let made = operations.create_orders(&orders).await?;
    let (first, third) = (accepted(&made[0])?, accepted(&made[2])?);
    ensure!(matches!(made[1], WriteOutcome::Refused(_)), "{:?}", made[1]);
    let again = operations.create_orders(&orders[..1]).await?;
    ensure!(matches!(again[0], WriteOutcome::Unknown { .. }), "an id used before proves nothing: {again:?}");
    let positions = operations.queue_positions(std::slice::from_ref(&market.ticker)).await?;
    ensure!(positions.iter().any(|position| position.order_id == first), "{positions:?}");
    operations.queue_position(&first).await?;
    let target = |id: &VenueOrderId| CancelTarget {
        venue_order_id: id.clone(),
        ticker: market.ticker.clone(),
        exchange_index: market.exchange_index,
    };
    let nobody = VenueOrderId::new("00000000-0000-4000-8000-000000000000");
    let canceled = operations.cancel_orders(&[target(&first), target(&nobody)]).await?;
    accepted(&canceled[0])?;
    ensure!(matches!(canceled[1], WriteOutcome::Unknown { .. }), "not found proves nothing: {canceled:?}");
    operations.cancel_all(None).await?;
    wait::until("nothing rests", WITHIN, || async {
        let positions = operations.queue_positions(std::slice::from_ref(&market.ticker)).await?;
        ensure!(positions.iter().all(|position| position.order_id != third), "{positions:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn order_groups_live_and_end() -> anyhow::Result<()> {
    let pair = pair("premier").await?;
    let (operations, shard) = (pair.tasks.operations(), pair.market().exchange_index);
    ensure!(operations.order_groups().await?.is_empty());
    let id = operations.create_order_group("10".parse()?, shard).await?;
    let group =
        wait::until("the group is read", WITHIN, || async { Ok(operations.order_group(&id).await?) }).await?;
    ensure!(!group.is_triggered && group.orders.is_empty() && group.exchange_index == shard, "{group:?}");
    operations.limit_order_group(&id, shard, "20".parse()?).await?;
    operations.trigger_order_group(&id, shard).await?;
    let listed = operations.order_groups().await?;
    let listed = listed.iter().find(|group| group.id == id).context("listed")?;
    ensure!(listed.is_triggered && listed.limit == Some("20".parse()?), "{listed:?}");
    operations.reset_order_group(&id, shard).await?;
    ensure!(!operations.order_group(&id).await?.is_triggered);
    operations.delete_order_group(&id, shard).await?;
    let gone = operations.order_group(&id).await;
    ensure!(matches!(gone, Err(OperationError::Refused(_))), "{gone:?}");
    Ok(())
}

#[tokio::test]
async fn subaccounts_and_money_between_them() -> anyhow::Result<()> {
    let pair = pair("premier").await?;
    let operations = pair.tasks.operations();
    let number = operations.create_subaccount().await?;
    let transfer = SubaccountTransfer {
        client_transfer_id: Uuid::from_u128(1),
        from_subaccount: 0,
        to_subaccount: number,
        amount_cents: 150,
        exchange_index: 0,
    };
    operations.transfer_between_subaccounts(&transfer).await?;
    let has_it = |row: &outrigger_connectors::SubaccountBalance| {
        row.subaccount_number == number && row.exchange_index == 0 && row.balance.to_string() == "1.500000"
    };
    wait::until("the money is there", WITHIN, || async {
        let balances = operations.subaccount_balances().await?;
        ensure!(balances.iter().any(has_it), "{balances:?}");
        Ok(())
    })
    .await?;
    let broken = SubaccountTransfer { to_subaccount: 60, client_transfer_id: Uuid::from_u128(2), ..transfer };
    let refused = operations.transfer_between_subaccounts(&broken).await;
    ensure!(matches!(refused, Err(OperationError::Refused(_))), "{refused:?}");
    operations.set_netting(number, true).await?;
    ensure!(operations.netting().await?.contains(&(number, true)));
    let shards = ShardTransfer {
        client_transfer_id: Uuid::from_u128(3),
        from_shard: 0,
        to_shard: 2,
        amount_centicents: 5_000,
    };
    ensure!(!operations.transfer_between_shards(&shards).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn quotes_are_asked_for_and_withdrawn() -> anyhow::Result<()> {
    let pair = pair("premier").await?;
    let (operations, market) = (pair.tasks.operations(), pair.market());
    let rfq =
        NewRfq { market_ticker: market.ticker.clone(), contracts_fp: "5".parse()?, rest_remainder: false };
    let id = operations.create_rfq(&rfq).await?;
    let read = wait::until("the RFQ is read", WITHIN, || async { Ok(operations.rfq(&id).await?) }).await?;
    ensure!(read.market_ticker == market.ticker && read.status == "open", "{read:?}");
    ensure!(operations.rfqs().await?.iter().any(|rfq| rfq.id == id));
    let quote = NewQuote {
        rfq_id: id.clone(),
        yes_bid: "0.4".parse()?,
        no_bid: "0.5".parse()?,
        rest_remainder: false,
    };
    // One's own RFQ cannot be quoted; the words for it are the exchange's.
    let refused = operations.create_quote(&quote).await;
    ensure!(matches!(refused, Err(OperationError::Refused(_))), "{refused:?}");
    let nobody = "00000000-0000-4000-8000-000000000000";
    for ended in [
        operations.accept_quote(&id, nobody, "yes").await,
        operations.confirm_quote(&id, nobody).await,
        operations.delete_quote(&id, nobody).await,
        operations.quote(&id, nobody).await.map(drop),
    ] {
        ensure!(matches!(ended, Err(OperationError::Refused(_))), "{ended:?}");
    }
    operations.delete_rfq(&id).await?;
    Ok(())
}

/// Ten times more is asked than the lowest tier allows, of orders, cancels and reads: the exchange's own buckets refuse nothing,
/// and what they allow is used.
#[tokio::test]
async fn full_load_is_never_refused_for_the_rate() -> anyhow::Result<()> {
    const LASTS: Duration = Duration::from_secs(5);
    let mut pair = pair("basic").await?;
    let (market, operations) = (pair.market(), pair.tasks.operations());
    let before = spent(&pair);
    let readers: Vec<_> =
        (0..40).map(|_| tokio::spawn(read_on(operations.clone(), Arc::clone(&market)))).collect();
    let began = Instant::now();
    let mut attempt = 0;
    while began.elapsed() < LASTS {
        for _ in 0..5 {
            attempt += 1;
            let order_id = OrderId(Uuid::from_u128(attempt.into()));
            let write = if attempt % 7 == 0 {
                let (ticker, exchange_index) = (market.ticker.clone(), market.exchange_index);
                VenueWrite::Cancel(CancelTarget { venue_order_id: "nobody".into(), ticker, exchange_index })
            } else {
                VenueWrite::Create(pair.order(&market, &format!("c{attempt}")))
            };
            pair.requests.send(VenueRequest::Write { order_id, attempt, write }).await?;
        }
        while pair.desk.try_recv().is_ok() {}
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    let (lasted, after) = (began.elapsed().as_secs_f64(), spent(&pair));
    assert_eq!(pair.answers("429"), 0, "of {} answers", pair.answers("200") + pair.answers("201"));
    let name = if market.exchange_index == 0 {
        "write".to_owned()
    } else {
        format!("write_{}", market.exchange_index)
    };
    for (bucket, per_second) in [(name.as_str(), 100.0), ("read", 200.0)] {
        let used = after(bucket) - before(bucket);
        assert!(used >= 0.8 * per_second * lasted, "{bucket}: {used} tokens in {lasted} s");
    }
    Ok(())
}

async fn read_on(operations: Operations, market: Arc<Market>) {
    loop {
        let _ = operations.queue_positions(std::slice::from_ref(&market.ticker)).await;
    }
}

/// Returns what was spent of each bucket until now.
fn spent(pair: &Pair) -> impl Fn(&str) -> f64 + use<> {
    let buckets = pair.status.budget().buckets;
    move |name| {
        let bucket = buckets.iter().find(|bucket| bucket.bucket == name).expect("a bucket");
        u32::try_from(bucket.spent).map(f64::from).expect("few tokens")
    }
}
