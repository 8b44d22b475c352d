//! The hub against a model: clients that read at will, leave, resume; a keeper that owns the true books.

mod model;
mod properties;

use serde_json::Value;

use self::model::{World, small_limits};
use crate::stream::{AuditEvent, HubLimits, Taken};

fn subscribe(world: &mut World, client: u64, topics: &[&str]) {
    world.subscribe(client, topics, &[]);
}

#[test]
fn a_book_subscriber_gets_its_snapshot_in_line_and_then_every_delta() {
    let mut world = World::new(HubLimits::default());
    world.delta("A", 4700, 300);
    world.open(1);
    subscribe(&mut world, 1, &["book:A"]);
    world.delta("A", 4800, 100);
    world.serve_keeper();
    world.delta("A", 4700, 0);
    let frames = world.read(1);
    let kinds: Vec<&str> = frames.iter().filter_map(|f| f["kind"].as_str()).collect();
    assert_eq!(frames[0]["op"], "subscribed");
    assert_eq!(kinds, ["snapshot", "delta"]);
    assert_eq!(frames[1]["offset"], 2);
    assert_eq!(frames[2]["offset"], 3);
    assert_eq!(frames[2]["data"]["yes"], serde_json::json!([["0.4700", "0.00"]]));
}

#[test]
fn a_second_subscriber_costs_the_first_nothing() {
    let mut world = World::new(HubLimits::default());
    world.delta("A", 4700, 300);
    world.open(1);
    subscribe(&mut world, 1, &["book:A"]);
    world.serve_keeper();
    world.read(1);
    world.open(2);
    subscribe(&mut world, 2, &["book:*"]);
    world.serve_keeper();
    assert!(world.read(1).is_empty());
    assert_eq!(world.read(2).last().unwrap()["kind"], "snapshot");
}

#[test]
fn resume_answers_one_of_three() {
    let mut world = World::new(small_limits());
    world.open(1);
    for n in 1..=20 {
        world.alert(n);
    }
    let ask = |world: &mut World, epoch: &str, offset: u64| -> (Value, Vec<u64>, Vec<Value>) {
        let id = world.next_client();
        world.open(id);
        world.subscribe(id, &["alerts"], &[("alerts", epoch, offset)]);
        let mut frames = world.read(id);
        let answer = frames.remove(0);
        let offsets = frames.iter().map(|f| f["offset"].as_u64().unwrap()).collect();
        (answer["topics"][0]["resume"].clone(), offsets, frames)
    };
    assert_eq!(ask(&mut world, "e1", 20).0, "nothing_missed");
    let (resume, offsets, _) = ask(&mut world, "e1", 16);
    assert_eq!((resume, offsets), ("replayed".into(), vec![17, 18, 19, 20]));
    for (epoch, offset) in [("e1", 2), ("e1", 21), ("e0", 20)] {
        let (resume, offsets, frames) = ask(&mut world, epoch, offset);
        assert_eq!((resume, offsets), ("cannot".into(), vec![20]), "{epoch} {offset}");
        assert_eq!(frames[0]["kind"], "snapshot");
    }
}

#[test]
fn a_slow_client_of_a_stream_topic_is_closed_with_the_position_it_was_given() {
    let mut world = World::new(small_limits());
    world.open(1);
    subscribe(&mut world, 1, &["alerts"]);
    for n in 1..=40 {
        world.alert(n);
    }
    let frames = world.read(1);
    let last = frames.last().unwrap()["offset"].as_u64().unwrap();
    let Some(Taken::Ended(ending)) = world.take(1) else { panic!("must have ended") };
    assert_eq!(ending.code, 1013);
    assert!(ending.reason.ends_with(&format!("epoch e1 alerts={last}")), "{}", ending.reason);
    assert!(ending.reason.len() <= 123);
    world.alert(41);
    assert!(matches!(world.take(1), Some(Taken::Ended(_))));
}

#[test]
fn a_slow_client_of_a_book_gets_a_fresh_snapshot_when_it_reads_again() {
    let mut world = World::new(small_limits());
    world.delta("A", 100, 100);
    world.open(1);
    subscribe(&mut world, 1, &["book:A", "ticker:*"]);
    world.serve_keeper();
    for n in 0..100 {
        world.delta("A", 100 + n, 100);
        world.quote("A", n);
    }
    assert!(world.read(1).len() < 20);
    world.attend();
    world.serve_keeper();
    let frames = world.read(1);
    let kinds: Vec<&str> = frames.iter().filter_map(|f| f["kind"].as_str()).collect();
    assert_eq!(kinds, ["snapshot", "snapshot"], "one of the book, one of the quote");
    assert_eq!(frames.last().unwrap()["data"]["yes"].as_array().unwrap().len(), 100);
}

#[test]
fn requests_are_answered_by_id_and_bounded() {
    let mut world = World::new(small_limits());
    world.open(1);
    subscribe(&mut world, 1, &["orders", "orders"]);
    subscribe(&mut world, 1, &["orders", "fills", "alerts", "audit", "trades:A"]);
    let frames = world.read(1);
    assert_eq!(frames[0]["topics"][1]["already"], true);
    let refusal = frames.iter().find(|f| f["op"] == "error").expect("five topics are too many");
    assert_eq!((&refusal["code"], &refusal["id"]), (&"OUT-STREAM-004".into(), &2.into()));
    let event = AuditEvent {
        client: "t".into(),
        action: "order.place".into(),
        target: "x".into(),
        outcome: "ok".into(),
        request_id: "r".into(),
    };
    subscribe(&mut world, 1, &["audit"]);
    world.read(1);
    world.audit(&event);
    assert_eq!(world.read(1)[0]["data"]["action"], "order.place");
    world.unsubscribe(1, &["audit", "fills"]);
    assert_eq!(world.read(1)[0]["topics"], serde_json::json!(["audit"]));
    world.audit(&event);
    assert!(world.read(1).is_empty());
}

#[test]
fn silent_and_abandoned_clients_are_forgotten() {
    let mut world = World::new(small_limits());
    for client in [1, 2, 3] {
        world.open(client);
        subscribe(&mut world, client, &["alerts"]);
    }
    world.abandon(1);
    world.attend();
    assert_eq!(world.client_count(), 2);
    world.check_silence(2);
    world.heard(3);
    world.check_silence(2);
    world.check_silence(2);
    assert_eq!(world.client_count(), 1, "client 2 was silent for two checks in a row");
    world.read(2);
    assert!(matches!(world.take(2), Some(Taken::Ended(e)) if e.code == 1001));
}
