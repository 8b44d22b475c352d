//! The running budget: its order under concurrency, permits that come back, and the instant of waking.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use outrigger_engine::domain::{Clock, Monotonic, Now, WallTime};

use super::{Budget, Grant};
use crate::kalshi::budget::core::reference::{Plain, PlainAsk};
use crate::kalshi::budget::terms::{Buckets, Charge, Client, Lane, Rates};

const WRITE: Buckets = Buckets::Write(0);
const SECOND: u64 = 1_000_000_000;

/// A clock that stands until it is set.
fn still(at: &Arc<AtomicU64>) -> Clock {
    let at = Arc::clone(at);
    Arc::new(move || Now { wall: WallTime(0), monotonic: Monotonic(at.load(SeqCst)) })
}

fn running() -> Clock {
    let started = Instant::now();
    Arc::new(move || {
        let elapsed = u64::try_from(started.elapsed().as_nanos()).unwrap();
        Now { wall: WallTime(0), monotonic: Monotonic(elapsed) }
    })
}

struct Asked {
    lane: Lane,
    client: Client,
    charge: Charge,
    grant: Grant,
    was_granted: bool,
}

fn thread_asks(budget: &Budget, thread: usize) -> Vec<Asked> {
    let ask = |number: usize| {
        let lane = Lane::ALL[(thread + number) % 2];
        let client = Client::named(["a", "b", "c"][(thread * 7 + number) % 3]);
        let charge = Charge { buckets: WRITE, tokens: [2, 10, 30][number % 3] };
        let grant = budget.ask(lane, client.clone(), charge, 3_600_000);
        Asked { lane, client, charge, grant, was_granted: false }
    };
    (0..40).map(ask).collect()
}

/// Whatever the threads do, the outcome is that of the same requests asked one after the other in the order of their places.
#[tokio::test]
async fn the_order_of_asking_decides_whichever_thread_asks() {
    for round in 0..50 {
        let at = Arc::new(AtomicU64::new(0));
        let budget = Budget::start(Rates::LOWEST, still(&at));
        let mut plain = Plain::new(&Rates::LOWEST);
        at.store(10 * SECOND + round, SeqCst);
        let mut asked: Vec<Asked> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| {
                    scope.spawn({
                        let budget = &budget;
                        move || thread_asks(budget, n)
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        asked.sort_by_key(|asked| asked.grant.place);
        let mut expected = Vec::new();
        let mut poll = |plain: &mut Plain| expected.extend(plain.poll(Monotonic(at.load(SeqCst))).0);
        for (ticket, Asked { lane, client, charge, .. }) in asked.iter().enumerate() {
            let (lane, client, charge, ticket) =
                (*lane, client.clone(), *charge, u32::try_from(ticket).unwrap());
            plain.waiting.push(PlainAsk { lane, client, charge, deadline: u64::MAX, ticket });
            poll(&mut plain);
        }
        let mut kept = Vec::new();
        for _ in 0..20 {
            for asked in &mut asked {
                if let Ok(permit) = asked.grant.reply.try_recv() {
                    asked.was_granted = true;
                    drop(permit.unwrap().spend());
                    plain.left(asked.charge, at.load(SeqCst));
                    poll(&mut plain);
                }
            }
            at.fetch_add(SECOND / 3, SeqCst);
            budget.set_rates(&Rates::LOWEST);
            poll(&mut plain);
        }
        for asked in &mut asked {
            let last = asked.grant.reply.try_recv();
            asked.was_granted |= last.is_ok();
            kept.extend(last);
        }
        let granted: Vec<usize> = (0..asked.len()).filter(|at| asked[*at].was_granted).collect();
        let mut expected: Vec<usize> = expected.into_iter().map(|ticket| ticket as usize).collect();
        expected.sort_unstable();
        assert!(granted.len() > 40, "{}", granted.len());
        assert_eq!(granted, expected, "round {round}");
    }
}

#[tokio::test]
async fn what_is_not_used_comes_back_and_what_nobody_waits_for_is_not_lost() {
    let at = Arc::new(AtomicU64::new(0));
    let budget = Budget::start(Rates::LOWEST, still(&at));
    at.store(10 * SECOND, SeqCst);
    let charge = Charge { buckets: WRITE, tokens: 90 };
    let ask = || budget.ask(Lane::Cancel, Client::own(), charge, 60_000);
    let left = || budget.figures().buckets.iter().find(|bucket| bucket.bucket == "write").unwrap().left;
    drop(ask().wait().await.unwrap());
    assert_eq!(left(), 100, "dropped unused");
    ask().wait().await.unwrap().spend().never_left();
    assert_eq!(left(), 100, "not connected");
    let spent = ask().wait().await.unwrap().spend();
    let (gone, waits) = (ask(), ask());
    drop(gone);
    assert_eq!(left(), 10);
    spent.never_left();
    assert_eq!(waits.wait().await.unwrap().charge(), charge, "behind one that was given up");
    let figures = budget.figures();
    let cancels = figures.lanes.iter().find(|lane| (lane.lane, lane.client) == ("cancel", "own")).unwrap();
    assert_eq!((cancels.granted, cancels.waited.count()), (5, 5));
}

#[tokio::test]
async fn a_429_empties_the_bucket_and_is_counted() {
    let at = Arc::new(AtomicU64::new(0));
    let budget = Budget::start(Rates::LOWEST, still(&at));
    at.store(10 * SECOND, SeqCst);
    let charge = Charge { buckets: WRITE, tokens: 10 };
    budget.ask(Lane::Order, Client::named("ui"), charge, 1).wait().await.unwrap().spend().throttled();
    let figures = budget.figures();
    let write = figures.buckets.iter().find(|bucket| bucket.bucket == "write").unwrap();
    assert_eq!((write.left, write.percent, write.spent, write.throttled), (0, 80, 10, 1));
    let orders = figures.lanes.iter().find(|lane| (lane.lane, lane.client) == ("order", "client")).unwrap();
    assert_eq!((orders.granted, orders.throttled), (1, 1));
    let late = budget.ask(Lane::Order, Client::own(), charge, 0).wait().await.unwrap_err();
    assert_eq!(late.retry_after_ms, 175, "10 tokens at 80 a second, and the slack of the way");
}

#[tokio::test]
async fn waiting_ends_when_the_tokens_exist_and_without_them_when_patience_does() {
    let budget = Budget::start(Rates::LOWEST, running());
    let charge = Charge { buckets: WRITE, tokens: 20 };
    let asked = Instant::now();
    let _first = budget.ask(Lane::Cancel, Client::own(), charge, 60_000).wait().await.unwrap().spend();
    assert!(asked.elapsed() >= Duration::from_millis(200), "{:?}", asked.elapsed());
    let refused = budget.ask(Lane::Cancel, Client::own(), charge, 20).wait().await.unwrap_err();
    assert!(refused.retry_after_ms > 20);
    let _second = budget.ask(Lane::Cancel, Client::own(), charge, 60_000).wait().await.unwrap().spend();
    assert!(asked.elapsed() >= Duration::from_millis(400), "{:?}", asked.elapsed());
}
