//! Each transition of the subscriptions, as commands out for answers in.

use outrigger_engine::domain::{Monotonic, Ticker};
use outrigger_engine::venue::Channel;

use super::super::commands::{ANSWER_WITHIN_MS, REPEAT_AFTER_MS};
use super::{OPTIONAL_AFTER_MS, RETRY_MS, Subscriptions, TICKERS_PER_COMMAND, Todo};

fn tickers(names: &[&str]) -> Vec<Ticker> {
    names.iter().map(|name| Ticker::from(*name)).collect()
}

/// `cmd:channel-or-action:tickers` of every frame.
fn sent(todo: &Todo) -> Vec<String> {
    let word = |frame: &String| {
        let frame: serde_json::Value = serde_json::from_str(frame).unwrap();
        let params = &frame["params"];
        let what = params["channels"][0].as_str().or(params["action"].as_str()).unwrap_or("-").to_owned();
        let names = params["market_tickers"].as_array().into_iter().flatten();
        let names: Vec<&str> = names.filter_map(|name| name.as_str()).collect();
        format!("{}:{what}:{}", frame["cmd"].as_str().unwrap(), names.join(","))
    };
    todo.send.iter().map(word).collect()
}

/// A connection with all channels live; sids are 1 to 10 in the order of asking, the optional ones last.
fn live(names: &[&str]) -> Subscriptions {
    let mut subscriptions = Subscriptions::new();
    subscriptions.want(tickers(names), 0);
    let todo = subscriptions.connect(0);
    for (index, channel) in super::ALL_CHANNELS.into_iter().enumerate().take(todo.send.len()) {
        let number = index as u64 + 1;
        subscriptions.subscribed(Some(number), number, channel, 0);
    }
    for ticker in tickers(names) {
        subscriptions.snapshot_came(&ticker);
    }
    assert!(subscriptions.is_settled() && !subscriptions.awaits_snapshots());
    // The optional ones follow.
    for frame in subscriptions.tick(OPTIONAL_AFTER_MS).send {
        let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
        let id = frame["id"].as_u64().unwrap();
        let name = frame["params"]["channels"][0].as_str().unwrap();
        let channel = super::ALL_CHANNELS.into_iter().find(|channel| super::channel_name(*channel) == name);
        subscriptions.subscribed(Some(id), id, channel.unwrap(), 0);
    }
    subscriptions
}

#[test]
fn the_account_comes_first_and_markets_only_when_some_are_wanted() {
    let mut subscriptions = Subscriptions::new();
    assert_eq!(
        sent(&subscriptions.connect(0)),
        [
            "subscribe:fill:",
            "subscribe:user_orders:",
            "subscribe:market_positions:",
            "subscribe:market_lifecycle_v2:"
        ]
    );
    assert!(!subscriptions.is_settled() && subscriptions.awaits_sid());
    let todo = subscriptions.want(tickers(&["B", "A"]), 1);
    let expected = ["subscribe:orderbook_delta:A,B", "subscribe:trade:A,B", "subscribe:ticker:A,B"];
    assert_eq!(sent(&todo), expected);
    assert!(todo.send[0].contains("\"use_yes_price\":false"), "{}", todo.send[0]);
    assert!(!todo.send[1].contains("use_yes_price"));
}

#[test]
fn markets_wanted_later_are_added_once_and_kept_for_the_next_connection() {
    let mut subscriptions = live(&["A"]);
    let todo = subscriptions.want(tickers(&["A", "B"]), 1);
    assert_eq!(sent(&todo), ["update_subscription:add_markets:B"; 3]);
    assert!(!subscriptions.is_settled());
    for id in 11..=13 {
        subscriptions.acknowledged(Some(id));
    }
    assert!(subscriptions.is_settled());
    assert_eq!(subscriptions.want(tickers(&["B"]), 2), Todo::default());
    let todo = subscriptions.connect(3);
    assert_eq!(
        sent(&todo)[4..],
        ["subscribe:orderbook_delta:A,B", "subscribe:trade:A,B", "subscribe:ticker:A,B"]
    );
}

#[test]
fn many_markets_go_in_parts() {
    let mut subscriptions = Subscriptions::new();
    let names: Vec<String> = (0..TICKERS_PER_COMMAND * 2 + 1).map(|number| format!("T{number:05}")).collect();
    subscriptions.want(names.iter().map(|name| Ticker::from(name.as_str())).collect(), 0);
    subscriptions.connect(0);
    let todo = subscriptions.subscribed(Some(5), 5, Channel::OrderbookDelta, 0);
    let parts: Vec<usize> = sent(&todo).iter().map(|frame| frame.split(',').count()).collect();
    assert_eq!(parts, [TICKERS_PER_COMMAND, 1]);
}

#[test]
fn markets_wanted_while_a_channel_is_asked_follow_its_acknowledgement() {
    let mut subscriptions = Subscriptions::new();
    subscriptions.want(tickers(&["A"]), 0);
    subscriptions.connect(0);
    assert_eq!(subscriptions.want(tickers(&["B"]), 1), Todo::default());
    let todo = subscriptions.subscribed(Some(5), 9, Channel::OrderbookDelta, 2);
    assert_eq!(sent(&todo), ["update_subscription:add_markets:B"]);
    assert!(todo.send[0].contains("\"sids\":[9]"));
}

#[test]
fn markets_nobody_needs_are_taken_off_and_the_last_ends_the_subscription() {
    let mut subscriptions = live(&["A", "B"]);
    let todo = subscriptions.forget(&tickers(&["A", "X"]), 1);
    assert_eq!(sent(&todo), ["update_subscription:delete_markets:A"; 3]);
    let todo = subscriptions.forget(&tickers(&["B"]), 1);
    assert_eq!(sent(&todo), ["unsubscribe:-:"; 3]);
    assert!(subscriptions.is_retired(5) && subscriptions.channel_of(5).is_none());
    assert!(subscriptions.channel_of(1).is_some(), "the account stays");
    let todo = subscriptions.want(tickers(&["B"]), 2);
    assert_eq!(sent(&todo)[0], "subscribe:orderbook_delta:B", "it starts anew");
    subscriptions.forget(&tickers(&["B"]), 3);
    assert_eq!(sent(&subscriptions.connect(4)).len(), 4, "nothing is wanted any more");
}

#[test]
fn a_market_dropped_while_its_channel_is_asked_is_taken_off_when_it_is_live() {
    let mut subscriptions = Subscriptions::new();
    subscriptions.want(tickers(&["A", "B"]), 0);
    subscriptions.connect(0);
    assert_eq!(subscriptions.forget(&tickers(&["A"]), 1), Todo::default());
    let todo = subscriptions.subscribed(Some(5), 9, Channel::OrderbookDelta, 2);
    assert_eq!(sent(&todo), ["update_subscription:delete_markets:A"]);
}

#[test]
fn a_snapshot_of_a_market_that_was_dropped_is_not_waited_for() {
    let mut subscriptions = live(&["A", "B"]);
    subscriptions.snapshot(5, &tickers(&["A"]), at(1_000));
    let todo = subscriptions.forget(&tickers(&["A"]), 1_001);
    (11..=11 + todo.send.len() as u64).for_each(|id| subscriptions.acknowledged(Some(id)));
    assert_eq!(subscriptions.tick(9_000), Todo::default());
}

const fn at(ms: u64) -> Monotonic {
    Monotonic(ms * 1_000_000)
}

#[test]
fn a_snapshot_that_does_not_come_makes_the_channel_start_anew() {
    let mut subscriptions = live(&["A", "B"]);
    for ticker in tickers(&["A", "B"]) {
        subscriptions.snapshot_came(&ticker);
    }
    let now = 20_000;
    let todo = subscriptions.snapshot(5, &tickers(&["A", "B"]), at(now));
    assert_eq!(sent(&todo), ["update_subscription:get_snapshot:A,B"]);
    assert_eq!(subscriptions.asked_at(Some(11)), Some(at(now)));
    assert!(subscriptions.is_settled(), "the answer is the snapshots");
    subscriptions.snapshot_came(&Ticker::from("A"));
    assert_eq!(sent(&subscriptions.tick(now + 1_000)), ["update_subscription:get_snapshot:B"]);
    assert_eq!(sent(&subscriptions.tick(now + 3_000)), ["update_subscription:get_snapshot:B"]);
    let todo = subscriptions.tick(now + 7_000);
    assert_eq!(sent(&todo), ["unsubscribe:-:", "subscribe:orderbook_delta:A,B"]);
    assert_eq!(todo.lost, [5]);
    assert!(subscriptions.is_retired(5) && subscriptions.channel_of(5).is_none());
    assert_eq!(subscriptions.snapshot(5, &tickers(&["A"]), at(28_000)), Todo::default(), "that sid is gone");
}

#[test]
fn a_numbering_that_broke_makes_the_channel_start_anew_but_not_in_a_storm() {
    let mut subscriptions = live(&["A"]);
    let todo = subscriptions.resubscribe(6, 1_000);
    assert_eq!(sent(&todo), ["unsubscribe:-:", "subscribe:trade:A"]);
    assert_eq!(subscriptions.resubscribe(6, 1_001), Todo::default(), "gone already");
    assert_eq!(subscriptions.resubscribe(5, 1_002), Todo::default(), "not so soon after the last");
    assert_eq!(sent(&subscriptions.resubscribe(5, 4_000)).len(), 2);
    assert_eq!(
        subscriptions.resubscribe(1, 60_000),
        Todo::default(),
        "the account's messages have no numbers"
    );
}

#[test]
fn a_connection_without_an_optional_channel_is_of_use() {
    let mut subscriptions = Subscriptions::new();
    subscriptions.connect(0);
    for number in 1..=4 {
        subscriptions.subscribed(Some(number), number, super::ALL_CHANNELS[number as usize - 1], 0);
    }
    let asked = sent(&subscriptions.tick(OPTIONAL_AFTER_MS));
    let optional = ["order_group_updates", "multivariate_market_lifecycle", "communications"];
    assert_eq!(asked, optional.map(|name| format!("subscribe:{name}:")));
    assert!(subscriptions.is_settled());
    assert_eq!(subscriptions.refused(Some(5), None, 8, "unknown channel", 1), Todo::default());
    subscriptions.subscribed(Some(6), 6, Channel::MultivariateLifecycle, 1);
    let todo = subscriptions.refused(None, Some(6), 25, "overflow", 2);
    assert_eq!((todo.lost, todo.give_up), (vec![6], None));
    assert_eq!(
        subscriptions.tick(OPTIONAL_AFTER_MS + ANSWER_WITHIN_MS + 1).give_up,
        None,
        "one never answered"
    );
}

#[test]
fn a_subscription_the_venue_ends_is_lost_and_asked_for_again() {
    let mut subscriptions = live(&["A"]);
    let todo = subscriptions.refused(None, Some(5), 25, "overflow", 1_000);
    assert_eq!((todo.lost, todo.give_up), (vec![5], None));
    assert_eq!(subscriptions.tick(1_000 + RETRY_MS - 1), Todo::default());
    assert_eq!(sent(&subscriptions.tick(1_000 + RETRY_MS)), ["subscribe:orderbook_delta:A"]);
    let todo = subscriptions.refused(None, Some(1), 25, "overflow", 9_000);
    assert!(todo.give_up.is_some(), "without the account's messages the connection is of no use");
    assert_eq!(subscriptions.refused(None, None, 7, "unknown sid", 9_000), Todo::default());
}

#[test]
fn refused_commands_and_missing_answers() {
    let mut subscriptions = Subscriptions::new();
    subscriptions.want(tickers(&["A"]), 0);
    subscriptions.connect(0);
    assert!(subscriptions.refused(Some(1), None, 9, "authentication", 1).give_up.is_some());
    let todo = subscriptions.refused(Some(5), None, 11, "no such market", 1);
    assert_eq!(todo, Todo::default());
    assert!(
        subscriptions.complaint().is_some_and(|why| why.contains("orderbook_delta") && why.contains("11"))
    );
    let retried = sent(&subscriptions.tick(1 + RETRY_MS));
    assert!(retried.contains(&"subscribe:orderbook_delta:A".to_owned()), "{retried:?}");
    let todo = subscriptions.tick(ANSWER_WITHIN_MS + 1);
    assert!(todo.is_unanswered && todo.give_up.is_some_and(|reason| reason.contains("no answer")));
}

#[test]
fn a_command_whose_answer_is_lost_is_repeated_once_as_it_stands_and_then_the_connection_is_given_up() {
    let mut subscriptions = live(&["A"]);
    let first = subscriptions.want(tickers(&["B"]), 1_000);
    subscriptions.snapshot_came(&Ticker::from("B"));
    subscriptions.acknowledged(Some(11));
    subscriptions.acknowledged(Some(12));
    assert_eq!(subscriptions.tick(1_000 + REPEAT_AFTER_MS - 1), Todo::default());
    assert_eq!(subscriptions.complaint(), None);
    assert_eq!(subscriptions.tick(1_000 + REPEAT_AFTER_MS).send, first.send[2..]);
    assert!(subscriptions.complaint().unwrap().contains("ticker"));
    assert_eq!(subscriptions.tick(1_000 + ANSWER_WITHIN_MS), Todo::default(), "once");
    let mut answered = subscriptions.tick(1_001 + ANSWER_WITHIN_MS);
    assert!(answered.give_up.take().unwrap().contains("asked twice"));
    subscriptions.acknowledged(Some(13));
    assert_eq!((subscriptions.tick(60_000), subscriptions.complaint()), (Todo::default(), None));
}

#[test]
fn a_silent_peer_is_asked_only_when_no_answer_is_awaited_anyway() {
    let mut subscriptions = live(&["A"]);
    assert_eq!(sent(&subscriptions.ask(1_000)), ["list_subscriptions:-:"]);
    assert_eq!(subscriptions.ask(2_000), Todo::default());
    subscriptions.acknowledged(Some(11));
    assert!(subscriptions.is_settled());
    subscriptions.ask(3_000);
    assert!(subscriptions.tick(3_001 + ANSWER_WITHIN_MS).is_unanswered, "mute");
}

#[test]
fn a_first_snapshot_that_does_not_come_is_asked_for_and_holds_nothing_up_for_long() {
    let mut subscriptions = live(&["A"]);
    subscriptions.want(tickers(&["B", "C"]), 1_000);
    for id in 11..=13 {
        subscriptions.acknowledged(Some(id));
    }
    subscriptions.snapshot_came(&Ticker::from("C"));
    assert!(subscriptions.is_settled() && subscriptions.awaits_snapshots());
    assert_eq!(subscriptions.tick(5_999), Todo::default());
    assert_eq!(sent(&subscriptions.tick(6_000)), ["update_subscription:get_snapshot:B"]);
    assert!(subscriptions.awaits_snapshots());
    assert_eq!(sent(&subscriptions.tick(7_000)), ["update_subscription:get_snapshot:B"]);
    assert!(!subscriptions.awaits_snapshots(), "a market may have no book yet");
    subscriptions.forget(&tickers(&["B"]), 40_000);
    assert_eq!(subscriptions.tick(40_001), Todo::default());
}
