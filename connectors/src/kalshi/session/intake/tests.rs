//! Where frames end up: in order, early, lost, or nobody's.

use outrigger_engine::domain::{Generation, Now, SubscriptionId, Ticker};
use outrigger_engine::venue::{FeedItem, FeedState, MarketFrame, PrivateItem};

use super::{EARLY_MAX, Intake, Place, Taken};
use crate::kalshi::session::subscriptions::{Subscriptions, Todo};
use crate::kalshi::status::Counters;

struct Bench {
    intake: Intake,
    subscriptions: Subscriptions,
    counters: Counters,
}

impl Bench {
    /// A connection that has asked for everything and had no answer yet; the book channel's command has id 5.
    fn asked() -> Bench {
        let mut subscriptions = Subscriptions::new();
        subscriptions.want(vec![Ticker::from("A")], 0);
        subscriptions.connect(0);
        Bench { intake: Intake::new(Generation(3)), subscriptions, counters: Counters::default() }
    }

    fn take(&mut self, frame: &str) -> (Taken, Todo) {
        let mut taken = Taken::default();
        let decoded = self.intake.decode(frame, &mut taken);
        let at = Place {
            received: Now::default(),
            subscriptions: &mut self.subscriptions,
            counters: &self.counters,
            taken: &mut taken,
        };
        let todo = self.intake.place(decoded.decoded, at);
        (taken, todo)
    }

    /// All but the optional channels acknowledged: sids 1 to 4 are unfiltered, 5 books, 6 trades, 7 quotes.
    fn live() -> Bench {
        let mut bench = Bench::asked();
        let names = [
            "fill",
            "user_orders",
            "market_positions",
            "market_lifecycle_v2",
            "orderbook_delta",
            "trade",
            "ticker",
        ];
        for (index, name) in names.into_iter().enumerate() {
            let number = index + 1;
            bench.take(&format!(
                r#"{{"type":"subscribed","id":{number},"msg":{{"channel":"{name}","sid":{number}}}}}"#
            ));
        }
        bench
    }
}

/// `sid/seq` of each frame item, with its kind's first letter; `+sid` for an acknowledged subscription.
fn market(taken: &Taken) -> Vec<String> {
    let word = |item: &FeedItem| match item {
        FeedItem::Frame { sid, seq, frame, generation: Generation(3), .. } => {
            let kind = match frame {
                MarketFrame::Unreadable { .. } => "unreadable",
                MarketFrame::Ack => "ack",
                MarketFrame::Delta { .. } => "delta",
                MarketFrame::Snapshot { .. } => "snapshot",
                _ => "other",
            };
            format!("{kind} {}/{}", sid.0, seq.map_or("-".to_owned(), |seq| seq.to_string()))
        }
        FeedItem::Subscribed { sid: SubscriptionId(sid), generation: Generation(3), .. } => format!("+{sid}"),
        other => format!("{other:?}"),
    };
    taken.market.iter().map(word).collect()
}

const DELTA: &str = r#"{"type":"orderbook_delta","sid":5,"seq":2,"msg":{"market_ticker":"A","price_dollars":"0.5","delta_fp":"1","side":"yes"}}"#;

fn nudges(taken: &Taken) -> usize {
    let is_nudge = |item: &&PrivateItem| {
        matches!(item, PrivateItem::StreamState { generation: Generation(3), state: FeedState::Live })
    };
    taken.private.iter().filter(is_nudge).count()
}

#[test]
fn frames_before_their_acknowledgement_follow_it() {
    let mut bench = Bench::asked();
    let snapshot = r#"{"type":"orderbook_snapshot","sid":5,"seq":1,"msg":{"market_ticker":"A"}}"#;
    assert_eq!(market(&bench.take(snapshot).0), [""; 0]);
    assert_eq!(market(&bench.take(DELTA).0), [""; 0]);
    let (taken, _) =
        bench.take(r#"{"type":"subscribed","id":5,"msg":{"channel":"orderbook_delta","sid":5}}"#);
    assert_eq!(market(&taken), ["+5", "snapshot 5/1", "delta 5/2"]);
}

#[test]
fn early_frames_are_bounded() {
    let mut bench = Bench::asked();
    for _ in 0..EARLY_MAX {
        assert_eq!(bench.take(DELTA).1, Todo::default());
    }
    assert!(bench.take(DELTA).1.give_up.is_some());
}

#[test]
fn numbers_are_never_lost() {
    let mut bench = Bench::live();
    let rows = [
        (DELTA, "delta 5/2"),
        (r#"{"type":"ok","id":9,"sid":5,"seq":3,"msg":{}}"#, "ack 5/3"),
        (r#"{"type":"a_new_type","sid":5,"seq":4,"msg":{}}"#, "ack 5/4"),
        (r#"{"type":"orderbook_delta","sid":5,"seq":5,"msg":{"market_ticker":"A"}}"#, "unreadable 5/5"),
        (r#"{"type":"orderbook_delta","sid":5,"seq":6,"msg":{"market_ti"#, "unreadable 5/6"),
        (r#"{"type":"orderbook_delta","sid":5,"se"#, "unreadable 5/-"),
        (r#"{"type":"event_lifecycle","sid":4,"seq":7,"msg":{"event_ticker":"E"}}"#, "other 4/7"),
    ];
    for (frame, expected) in rows {
        let (taken, todo) = bench.take(frame);
        assert_eq!((market(&taken), todo), (vec![expected.to_owned()], Todo::default()), "{frame}");
    }
}

#[test]
fn what_could_be_anyones_makes_everyone_suspect() {
    let mut bench = Bench::live();
    for frame in ["", "{", "{\"type\":\"orderb"] {
        let (taken, _) = bench.take(frame);
        assert_eq!(market(&taken), ["unreadable 4/-", "unreadable 5/-", "unreadable 6/-"], "{frame}");
        assert_eq!(nudges(&taken), 1, "{frame}");
    }
    let nobodys = DELTA.replace("\"sid\":5", "\"sid\":77");
    assert!(bench.take(&nobodys).1.give_up.is_some());
}

#[test]
fn an_unreadable_message_about_the_account_makes_it_be_read_back() {
    let mut bench = Bench::live();
    for frame in
        [r#"{"type":"fill","sid":1,"msg":{"trade_id":"t"}}"#, r#"{"type":"fill","sid":1,"msg":{"tra"#]
    {
        let (taken, _) = bench.take(frame);
        assert_eq!((market(&taken), nudges(&taken)), (Vec::new(), 1), "{frame}");
    }
    let lifecycle = r#"{"type":"market_lifecycle_v2","sid":4,"seq":1,"msg":{"market_ticker":"A","event_type":"settled"}}"#;
    let (taken, _) = bench.take(lifecycle);
    assert_eq!((market(&taken).len(), taken.private.len(), taken.lifecycle.len()), (1, 1, 1));
}

#[test]
fn frames_of_a_retired_subscription_are_dropped() {
    let mut bench = Bench::live();
    let (taken, todo) = bench.take(r#"{"type":"error","sid":5,"seq":2,"msg":{"code":25,"msg":"overflow"}}"#);
    assert_eq!((market(&taken), todo.lost), (vec!["ack 5/2".to_owned()], vec![5]));
    assert_eq!(market(&bench.take(DELTA).0), [""; 0]);
}
