//! Holds every message of the live channels to the exchange's own AsyncAPI document.
//!
//! The document is not part of the project; where it is absent the test says so and passes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::fake::{created, delta, event, fill, lifecycle, own_delta, position, ticker, trade, user_order};
use super::message::{BookDelta, Created, EventFee, MarketChange, MarketLifecycle};
use super::{encode, encode_lifecycle, encode_private};
use crate::socket::book_frame::{Snapshot, snapshot};
use crate::socket::channel::Channel;
use crate::socket::command::Refusal;
use crate::socket::control::{self, Scope};
use crate::socket::fanout::Fanout;
use crate::socket::outbox::{Outbox, Payload};
use crate::socket::subscription::{Filter, Subscription};
use crate::time::Clock;
use crate::venue::event::Leg;
use crate::venue::fees::{FeeKind, FeeSchedule};
use crate::venue::grid::GRIDS;

pub(super) fn specification() -> Option<Value> {
    let shared = std::env::var_os("OUTRIGGER_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let file = shared.join("kalshi/asyncapi.yaml");
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(yaml_serde::from_str(&text).unwrap()),
        Err(_) => {
            println!("skipped: {} is absent", file.display());
            None
        }
    }
}

fn subscription() -> Subscription {
    Subscription {
        sid: 3,
        channel: Channel::OrderbookDelta,
        filter: Filter::All,
        use_yes_price: true,
        skip_ticker_ack: false,
        fanout: Fanout::default(),
        seq: 0,
    }
}

pub(super) fn encoded(write: impl FnOnce(&mut Payload)) -> Value {
    let mut to = Payload::default();
    write(&mut to);
    serde_json::from_slice(&to).unwrap()
}

/// Returns the one frame that was sent, past its WebSocket header.
fn sent(send: impl FnOnce(&mut Outbox)) -> Value {
    let mut out = Outbox::new(Arc::new(Clock::real()), None);
    send(&mut out);
    let bytes = out.take_chunk();
    let start = bytes.iter().position(|byte| *byte == b'{').unwrap();
    serde_json::from_slice(&bytes[start..]).unwrap()
}

fn book_delta(delta: &BookDelta<'_>) -> Value {
    encoded(|to| encode::book_delta(to, &mut subscription(), delta, 0))
}

fn book_snapshot(yes: &[(i64, i64)], no: &[(i64, i64)]) -> Value {
    sent(|out| {
        let (market_ticker, market_id) = ("A", super::fake::ID_A);
        let (yes, no) = (yes.iter().copied(), no.iter().copied());
        let clock = Some(4);
        snapshot(
            out,
            Snapshot {
                id: Some(2),
                sid: 1,
                seq: 1,
                market_ticker,
                market_id,
                clock,
                yes,
                no,
                use_yes_price: false,
            },
        );
    })
}

fn market(change: MarketChange<'static>) -> Value {
    encoded(|to| encode_lifecycle::market(to, 1, 2, &lifecycle(change)))
}

fn event_fee(fees: Option<FeeSchedule>) -> Value {
    encoded(|to| encode_lifecycle::event_fee(to, 1, 2, &EventFee { event_ticker: "EV", fees }))
}

fn messages() -> Vec<(&'static str, Value)> {
    let scope = Scope { sid: 1, seq: Some(4) };
    vec![
        ("orderbookSnapshotPayload", book_snapshot(&[(1, 1), (2, 5)], &[(9_999, 100)])),
        ("orderbookSnapshotPayload", book_snapshot(&[], &[])),
        ("orderbookDeltaPayload", book_delta(&own_delta(1))),
        ("orderbookDeltaPayload", book_delta(&delta("A", 1, Leg::Yes, 1, -1))),
        ("tickerPayload", encoded(|to| encode::ticker(to, 2, &ticker(7)))),
        ("tradePayload", encoded(|to| encode::trade(to, &mut subscription(), &trade()))),
        ("fillPayload", encoded(|to| encode_private::fill(to, 2, &fill()))),
        ("userOrderPayload", encoded(|to| encode_private::user_order(to, 2, &user_order()))),
        ("marketPositionPayload", encoded(|to| encode_private::position(to, 2, &position(), "user"))),
        ("marketLifecycleV2Payload", encoded(|to| encode_lifecycle::market(to, 1, 2, &created()))),
        ("marketLifecycleV2Payload", market(MarketChange::Activated)),
        ("marketLifecycleV2Payload", market(MarketChange::Deactivated)),
        ("marketLifecycleV2Payload", market(MarketChange::CloseDateUpdated { close_ts: 1 })),
        (
            "marketLifecycleV2Payload",
            market(MarketChange::Determined { determination_ts: 1, result: "no", settlement_value: 0 }),
        ),
        ("marketLifecycleV2Payload", market(MarketChange::Settled { settled_ts: 1 })),
        (
            "marketMetadataUpdatedPayload",
            market(MarketChange::MetadataUpdated { yes_sub_title: "62° or more" }),
        ),
        (
            "multivariateMarketLifecyclePayload",
            encoded(|to| {
                encode_lifecycle::market(to, 1, 2, &MarketLifecycle { is_combo: true, ..created() })
            }),
        ),
        ("eventLifecyclePayload", encoded(|to| encode_lifecycle::event(to, 1, 2, &event()))),
        ("eventFeeUpdatePayload", event_fee(None)),
        (
            "eventFeeUpdatePayload",
            event_fee(Some(FeeSchedule { kind: FeeKind::QuadraticWithComboMakerFees, multiplier: 50 })),
        ),
        ("subscribedResponsePayload", sent(|out| control::subscribed(out, Some(1), Channel::Fill, 2))),
        ("unsubscribedResponsePayload", sent(|out| control::unsubscribed(out, None, 2, 7))),
        (
            "okResponsePayload",
            sent(|out| control::ok_markets(out, Some(1), scope, Some(("market_tickers", ["A"].into_iter())))),
        ),
        (
            "listSubscriptionsResponsePayload",
            sent(|out| control::ok_subscriptions(out, Some(1), [(Channel::Fill, 2)].into_iter())),
        ),
        (
            "errorResponsePayload",
            sent(|out| control::error(out, Some(1), Some(scope), &Refusal::standard(25))),
        ),
    ]
}

/// Every grid, when a market is created on it and when it changes to it.
fn grids() -> impl Iterator<Item = (&'static str, Value)> {
    GRIDS.iter().flat_map(|grid| {
        let (price_level_structure, price_ranges) = (grid.name, grid.ranges);
        let changed = MarketChange::PriceLevelStructureUpdated { price_level_structure, price_ranges };
        let MarketChange::Created(on_it) = created().change else { unreachable!() };
        let on_it = MarketChange::Created(Created { price_level_structure, price_ranges, ..on_it });
        [("marketLifecycleV2Payload", market(changed)), ("marketLifecycleV2Payload", market(on_it))]
    })
}

#[test]
fn every_message_has_the_shape_of_the_specification() {
    let Some(specification) = specification() else { return };
    for (name, message) in messages().into_iter().chain(grids()) {
        let schema = json!({
            "$ref": format!("#/components/schemas/{name}"),
            "components": specification["components"],
        });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&message).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?} in {message}");
        // Members that the specification does not know are a misspelling of ours.
        let known = &specification["components"]["schemas"][name]["properties"]["msg"]["properties"];
        if let (Some(known), Some(members)) = (known.as_object(), message["msg"].as_object()) {
            let unknown: Vec<_> = members.keys().filter(|key| !known.contains_key(*key)).collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
        }
    }
}
