//! The breaker's whole bounded space: every order of asking, ending and waiting, with a few requests on their way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Breaker, BreakerLimits, BreakerState, Inner, Pass, Passenger, Verdict};

const LIMITS: BreakerLimits = BreakerLimits { failures_max: 3, open_ms_min: 2, open_ms_max: 8 };
/// Requests on their way at once.
const FLYING_MAX: usize = 3;
const PASSENGERS: [Passenger; 3] = [Passenger::Careful, Passenger::Repeatable, Passenger::Urgent];
const VERDICTS: [Verdict; 3] = [Verdict::Answered, Verdict::Failed, Verdict::Nothing];

/// A breaker and what passed it. Times are relative to now and probes numbered by who carries them, so that the space is finite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    state: (u8, u64, u64, Option<usize>),
    /// Who flies, and whether it carries the present probe, an old one, or none.
    flying: Vec<(Passenger, u8)>,
}

#[derive(Debug, Clone)]
struct World {
    breaker: Breaker,
    flying: Vec<(Passenger, Pass)>,
    now_ms: u64,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Ask(Passenger),
    End(usize, Verdict),
    Wait,
}

fn steps(world: &World) -> Vec<Step> {
    let mut steps = vec![Step::Wait];
    if world.flying.len() < FLYING_MAX {
        steps.extend(PASSENGERS.map(Step::Ask));
    }
    for at in 0..world.flying.len() {
        steps.extend(VERDICTS.map(|verdict| Step::End(at, verdict)));
    }
    steps
}

fn node(world: &World) -> Node {
    let present = match world.breaker.inner {
        Inner::HalfOpen { probe, .. } => probe,
        Inner::Closed { .. } | Inner::Open { .. } => None,
    };
    let state = match world.breaker.inner {
        Inner::Closed { failures } => (0, failures.into(), 0, None),
        Inner::Open { until_ms, open_ms } => (1, until_ms.saturating_sub(world.now_ms), open_ms, None),
        Inner::HalfOpen { probe, open_ms } => (2, 0, open_ms, probe.map(|_| 0)),
    };
    let role = |pass: &Pass| match pass.probe {
        None => 0,
        probe if probe == present => 1,
        Some(_) => 2,
    };
    let mut flying: Vec<_> = world.flying.iter().map(|(who, pass)| (*who, role(pass))).collect();
    flying.sort_unstable();
    Node { state, flying }
}

/// Makes a step and checks what must hold of it.
fn make(world: &World, step: Step) -> World {
    let mut next = world.clone();
    match step {
        Step::Wait => next.now_ms += 1,
        Step::Ask(passenger) => {
            let before = world.breaker.probe_in_ms(world.now_ms);
            let admitted = next.breaker.admit(passenger, world.now_ms);
            match (passenger, admitted) {
                (Passenger::Urgent, answer) => assert!(answer.is_ok(), "what is urgent always passes"),
                (Passenger::Careful, answer) => {
                    assert_eq!(answer.is_ok(), before.is_none(), "careful ones pass while closed, only then");
                }
                (Passenger::Repeatable, Ok(pass)) if before.is_some() => {
                    assert!(
                        pass.probe.is_some() && before == Some(0),
                        "only as a probe, not before its time"
                    );
                }
                (Passenger::Repeatable, _) => {}
            }
            if let Err(refused) = admitted {
                assert!((1..=LIMITS.open_ms_max).contains(&refused.retry_after_ms), "{refused:?}");
            }
            next.flying.extend(admitted.ok().map(|pass| (passenger, pass)));
        }
        Step::End(at, verdict) => {
            let (_, pass) = next.flying.remove(at);
            next.breaker.ended(pass, verdict, world.now_ms);
            check_end(world, &next, pass, verdict);
        }
    }
    let probes = node(&next).flying.iter().filter(|(_, role)| *role == 1).count();
    assert!(probes <= 1, "one probe at a time");
    if let Inner::HalfOpen { probe: Some(_), .. } = next.breaker.inner {
        assert_eq!(probes, 1, "the probe is on its way: it cannot be waited for in vain");
    }
    next
}

fn check_end(world: &World, next: &World, pass: Pass, verdict: Verdict) {
    let (before, after) = (world.breaker.inner, next.breaker.inner);
    match (before, verdict) {
        (_, Verdict::Answered) => assert_eq!(after, Inner::Closed { failures: 0 }, "an answer closes it"),
        (Inner::Closed { failures }, Verdict::Failed) => {
            let opens = failures + 1 == LIMITS.failures_max;
            assert_eq!(next.breaker.state() == BreakerState::Open, opens, "the third in a row, no other");
        }
        (Inner::HalfOpen { probe: Some(probe), open_ms }, Verdict::Failed) if pass.probe == Some(probe) => {
            let open_ms = (open_ms * 2).min(LIMITS.open_ms_max);
            assert_eq!(after, Inner::Open { until_ms: world.now_ms + open_ms, open_ms }, "twice as long");
        }
        (Inner::HalfOpen { probe: Some(probe), open_ms }, Verdict::Nothing) if pass.probe == Some(probe) => {
            assert_eq!(after, Inner::HalfOpen { probe: None, open_ms }, "the next one is the probe");
        }
        _ => assert_eq!(before, after, "nothing new"),
    }
}

#[test]
fn the_whole_space_keeps_its_rules_and_has_no_dead_end() {
    let start = World { breaker: Breaker::new(LIMITS), flying: Vec::new(), now_ms: 0 };
    let mut seen: BTreeSet<Node> = BTreeSet::from([node(&start)]);
    let mut came_from: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
    let mut todo = VecDeque::from([start]);
    let mut closed = Vec::new();
    while let Some(world) = todo.pop_front() {
        let here = node(&world);
        if world.breaker.state() == BreakerState::Closed {
            closed.push(here.clone());
        }
        for step in steps(&world) {
            let next = make(&world, step);
            let there = node(&next);
            came_from.entry(there.clone()).or_default().push(here.clone());
            if seen.insert(there) {
                todo.push_back(next);
            }
        }
    }
    // From everywhere there is a way back to closed.
    let mut returns: BTreeSet<Node> = closed.iter().cloned().collect();
    let mut todo = closed;
    while let Some(node) = todo.pop() {
        for before in came_from.get(&node).into_iter().flatten() {
            if returns.insert(before.clone()) {
                todo.push(before.clone());
            }
        }
    }
    assert_eq!(returns.len(), seen.len(), "dead ends");
    assert!(seen.len() > 200, "{} states: the space shrank, does the walk still reach it?", seen.len());
    println!("{} states, all of them", seen.len());
}

#[test]
fn a_venue_that_is_back_is_found_within_one_wait() {
    let mut breaker = Breaker::new(LIMITS);
    for _ in 0..3 {
        let pass = breaker.admit(Passenger::Careful, 0).unwrap();
        breaker.ended(pass, Verdict::Failed, 0);
    }
    assert_eq!((breaker.state(), breaker.probe_in_ms(0)), (BreakerState::Open, Some(2)));
    assert_eq!(breaker.admit(Passenger::Careful, 1).unwrap_err().retry_after_ms, 1);
    let probe = breaker.admit(Passenger::Repeatable, 2).unwrap();
    assert!(breaker.admit(Passenger::Repeatable, 2).is_err(), "one is enough");
    breaker.ended(probe, Verdict::Answered, 3);
    assert_eq!(breaker.state(), BreakerState::Closed);
    breaker.admit(Passenger::Careful, 3).unwrap();
}
