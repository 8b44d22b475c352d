//! Whatever clients and the venue do, in any order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::model::{World, small_limits};
use crate::domain::{Count, Price, Ticker};
use crate::stream::Taken;

#[derive(Debug, Clone)]
enum Act {
    Delta { market: usize, price: u16, count: u64 },
    Replace { market: usize, price: u16 },
    Alert,
    Keeper,
    Read { client: u64 },
    Attend,
}

const MARKETS: [&str; 2] = ["A", "B"];
/// Client 1 reads everything, client 2 comes and goes at will, client 3 never reads, client 4 reads everything.
const READER: u64 = 1;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (0..2_usize, 1..40_u16, 0..3_u64)
            .prop_map(|(market, price, count)| Act::Delta { market, price, count: count * 100 }),
        1 => (0..2_usize, 1..40_u16).prop_map(|(market, price)| Act::Replace { market, price }),
        3 => Just(Act::Alert),
        3 => Just(Act::Keeper),
        4 => (1..3_u64).prop_map(|client| Act::Read { client }),
        3 => Just(Act::Attend),
    ];
    prop::collection::vec(act, 1..300)
}

/// What a well-behaved client program keeps of its topics, with the checks it may rely on.
#[derive(Default)]
struct Follower {
    offsets: BTreeMap<String, u64>,
    books: BTreeMap<Ticker, BTreeMap<Price, Count>>,
    alerts: Vec<u64>,
}

impl Follower {
    fn take(&mut self, frame: &Value) {
        let Some(topic) = frame["topic"].as_str() else { return };
        let offset = frame["offset"].as_u64().unwrap();
        let last = self.offsets.insert(topic.to_owned(), offset);
        let kind = frame["kind"].as_str().unwrap();
        match kind {
            "snapshot" => assert!(last.is_none_or(|last| last <= offset), "{topic} went back"),
            _ => assert_eq!(Some(offset), last.map(|last| last + 1), "{topic} has a hole"),
        }
        let data = &frame["data"];
        if topic == "alerts" && kind == "event" {
            self.alerts.push(data["message"].as_str().unwrap().parse().unwrap());
        }
        if let Some(ticker) = topic.strip_prefix("book:") {
            let book = self.books.entry(Ticker::from(ticker)).or_default();
            if kind == "snapshot" {
                book.clear();
            }
            for level in data["yes"].as_array().unwrap() {
                let price = level[0].as_str().unwrap().parse().unwrap();
                let count: Count = level[1].as_str().unwrap().parse().unwrap();
                if count.is_zero() {
                    book.remove(&price)
                } else {
                    book.insert(price, count)
                };
            }
        }
    }

    fn take_all(&mut self, frames: &[Value]) {
        frames.iter().for_each(|frame| self.take(frame));
    }
}

/// Reads until nothing more comes, answering what the hub asks meanwhile.
fn drain(world: &mut World, client: u64, follower: &mut Follower) {
    for _ in 0..10 {
        follower.take_all(&world.read(client));
        world.attend();
        world.serve_keeper();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn slow_or_not_a_book_is_never_torn_and_offsets_have_no_hole(acts in acts()) {
        let mut world = World::new(small_limits());
        let mut followers: BTreeMap<u64, Follower> = BTreeMap::new();
        for market in MARKETS {
            world.replace(market, 50);
        }
        for client in [READER, 2] {
            world.open(client);
            world.subscribe(client, &["book:*", "ticker:*"], &[]);
            followers.insert(client, Follower::default());
        }
        for act in acts {
            match act {
                Act::Delta { market, price, count } => world.delta(MARKETS[market], price, count),
                Act::Replace { market, price } => world.replace(MARKETS[market], price),
                Act::Alert => world.quote("A", 7),
                Act::Keeper => world.serve_keeper(),
                Act::Attend => world.attend(),
                Act::Read { client } => {
                    let frames = world.read(client);
                    followers.get_mut(&client).unwrap().take_all(&frames);
                }
            }
        }
        for (client, mut follower) in followers {
            drain(&mut world, client, &mut follower);
            prop_assert_eq!(&follower.books, &world.books, "client {}", client);
        }
    }

    #[test]
    fn a_client_that_is_cut_and_resumes_sees_what_one_never_cut_sees(
        steps in prop::collection::vec((1..12_u64, any::<bool>(), any::<bool>()), 1..25),
    ) {
        let mut world = World::new(small_limits());
        let (mut whole, mut cut) = (Follower::default(), Follower::default());
        world.open(1);
        world.subscribe(1, &["alerts"], &[]);
        let mut client = 2;
        world.open(client);
        world.subscribe(client, &["alerts"], &[]);
        whole.take_all(&world.read(1));
        cut.take_all(&world.read(client));
        let mut n = 0;
        let mut gaps_told = 0;
        for (alerts, reads, is_cut) in steps {
            for _ in 0..alerts {
                n += 1;
                world.alert(n);
                whole.take_all(&world.read(1));
            }
            if reads {
                cut.take_all(&world.read(client));
            }
            if is_cut {
                world.abandon(client);
                client = world.next_client();
                world.open(client);
                let offset = cut.offsets["alerts"];
                world.subscribe(client, &["alerts"], &[("alerts", "e1", offset)]);
                let frames = world.read(client);
                let resume = frames[0]["topics"][0]["resume"].as_str().unwrap().to_owned();
                let missed = n - offset;
                match resume.as_str() {
                    "nothing_missed" => prop_assert_eq!(missed, 0),
                    "replayed" => prop_assert_eq!(frames.len() as u64, 1 + missed),
                    "cannot" => {
                        prop_assert!(missed > 8, "the window holds eight");
                        gaps_told += missed;
                    }
                    other => prop_assert!(false, "{}", other),
                }
                cut.take_all(&frames);
            }
        }
        cut.take_all(&world.read(client));
        prop_assert_eq!(whole.alerts.len() as u64, n);
        if gaps_told == 0 && !matches!(world.take(client), Some(Taken::Ended(_))) {
            prop_assert_eq!(&cut.alerts, &whole.alerts);
        }
    }

    #[test]
    fn one_that_never_reads_holds_bounded_memory_and_slows_nobody(
        acts in prop::collection::vec((0..2_usize, 1..40_u16), 50..300),
    ) {
        let limits = small_limits();
        let mut world = World::new(limits);
        world.replace("A", 50);
        world.replace("B", 50);
        for client in [1, 3] {
            world.open(client);
            world.subscribe(client, &["book:*", "alerts"], &[]);
            world.serve_keeper();
        }
        let mut reader = Follower::default();
        for (n, (market, price)) in acts.iter().enumerate() {
            world.delta(MARKETS[*market], *price, 100);
            world.alert(n as u64);
            reader.take_all(&world.read(1));
        }
        prop_assert_eq!(&reader.books, &world.books);
        prop_assert_eq!(reader.alerts.len(), acts.len());
        let Some(Taken::Frames(frames)) = world.take(3) else { panic!("some frames were queued") };
        prop_assert!(frames.len() <= limits.outbox.frames_max);
        prop_assert!(frames.iter().map(|f| f.len()).sum::<usize>() <= limits.outbox.bytes_max);
        prop_assert!(matches!(world.take(3), Some(Taken::Ended(e)) if e.code == 1013));
    }
}
