//! The core against the plain model, against the venue's own buckets, and its rules one by one.

use std::collections::BTreeMap;

use outrigger_engine::domain::Monotonic;

use super::reference::{Plain, PlainAsk};
use super::{Ask, BucketId, Buckets, Charge, Client, Core, Denied, Lane, Polled, Rates, Terms};
use crate::kalshi::budget::bucket::JITTER_US;

const SECOND: u64 = 1_000_000_000;
const NANO: i128 = 1_000_000_000;
const WRITE: Buckets = Buckets::Write(0);

fn rates(read: u32, write: u32, burst: u32) -> Rates {
    let terms = |refill| Terms { refill, capacity: refill * burst };
    Rates { read: terms(read), write: terms(write), balance: Terms { refill: 1, capacity: 1 } }
}

/// A core whose buckets have filled, at ten seconds.
fn full() -> Core<u32> {
    Core::new(rates(200, 100, 1), Monotonic(0))
}
const START: Monotonic = Monotonic(10 * SECOND);

fn ask(core: &mut Core<u32>, lane: Lane, client: &Client, charge: (Buckets, u32), ticket: u32) {
    let charge = Charge { buckets: charge.0, tokens: charge.1 };
    core.ask(Ask { lane, client: client.clone(), charge, deadline: Monotonic(u64::MAX), ticket });
}

#[test]
fn a_cancel_goes_before_all_placements_and_uses_the_kept_share() {
    let mut core = full();
    let own = Client::own();
    for ticket in 0..1_000 {
        ask(&mut core, Lane::Order, &own, (WRITE, 10), ticket);
    }
    ask(&mut core, Lane::Cancel, &own, (WRITE, 2), 9_999);
    let polled = core.poll(START);
    assert_eq!(polled.granted.first(), Some(&9_999));
    assert_eq!(polled.granted.len(), 9, "ten tokens are kept for cancels, five for the way");
    for ticket in 9_990..9_995 {
        ask(&mut core, Lane::Cancel, &own, (WRITE, 2), ticket);
    }
    assert_eq!(core.poll(START).granted, [9_990, 9_991, 9_992, 9_993, 9_994]);
}

#[test]
fn buckets_do_not_touch_each_other_and_one_charge_takes_from_all_or_none() {
    let mut core = full();
    let own = Client::own();
    ask(&mut core, Lane::Cancel, &own, (Buckets::Write(2), 90), 0);
    ask(&mut core, Lane::Cancel, &own, (Buckets::EveryWrite, 50), 1);
    ask(&mut core, Lane::Order, &own, (Buckets::Write(3), 10), 2);
    ask(&mut core, Lane::Reconcile, &own, (Buckets::Balance, 1), 3);
    let polled = core.poll(START);
    leave(&mut core, START);
    let polled = Polled { next_ns: core.poll(START).next_ns, ..polled };
    assert_eq!(polled.granted, [0, 3], "what waits for every shard keeps them all");
    assert_eq!(polled.next_ns, Some(SECOND * 45 / 100), "ten tokens are left of the shard's hundred");
    let levels: BTreeMap<BucketId, u64> =
        core.levels(START).into_iter().map(|(id, level)| (id, level.tokens)).collect();
    assert_eq!((levels[&BucketId::Write(2)], levels[&BucketId::Write(3)]), (10, 100));
    assert_eq!(core.poll(Monotonic(START.0 + SECOND)).granted, [1, 2]);
}

#[test]
fn what_can_never_be_granted_and_what_is_too_late_is_told() {
    let mut core = full();
    ask(&mut core, Lane::Order, &Client::own(), (WRITE, 91), 1);
    for (ticket, deadline) in [(2, START.0 + 5), (3, START.0 + 5)] {
        let (lane, client, charge) = (Lane::Order, Client::own(), Charge { buckets: WRITE, tokens: 80 });
        core.ask(Ask { lane, client, charge, deadline: Monotonic(deadline), ticket });
    }
    let polled = core.poll(START);
    assert_eq!((polled.granted, polled.next_ns), (vec![2], Some(5)));
    assert_eq!((polled.refused[0].0, polled.refused[0].1.why), (1, Denied::NeverFits));
    let late = core.poll(Monotonic(START.0 + 5)).refused;
    assert_eq!((late[0].0, late[0].1.why, late[0].1.retry_after_ms), (3, Denied::Late, 650));
}

#[test]
fn a_full_queue_refuses_orders_and_still_takes_cancels() {
    let mut core = full();
    for ticket in 0..=super::WAITING_MAX as u32 {
        ask(&mut core, Lane::Order, &Client::own(), (WRITE, 10), ticket);
    }
    ask(&mut core, Lane::Cancel, &Client::own(), (WRITE, 2), 0);
    let polled = core.poll(START);
    assert_eq!(polled.refused.len(), 1);
    assert_eq!(polled.refused[0].1.why, Denied::QueueFull);
    assert_eq!((polled.granted[0], core.waiting(Lane::Cancel)), (0, 0));
}

/// Nothing of what was granted is held any more.
fn leave(core: &mut Core<u32>, now: Monotonic) {
    for (buckets, tokens) in [(Buckets::EveryWrite, 1_000), (Buckets::Read, 1_000), (Buckets::Balance, 1)] {
        core.left(Charge { buckets, tokens }, now);
    }
}

/// Polls until `count` were granted, all of which leave at once; returns their tickets in order.
fn drive(core: &mut Core<u32>, from: Monotonic, count: usize) -> Vec<u32> {
    let (mut now, mut granted) = (from, Vec::new());
    while granted.len() < count {
        let polled = core.poll(now);
        leave(core, now);
        granted.extend(polled.granted);
        now = Monotonic(now.0 + polled.next_ns.unwrap_or(1));
    }
    granted
}

#[test]
fn clients_take_turns_by_their_shares_whoever_asked_first() {
    let mut core = full();
    let (one, other) = (Client::named("one"), Client::named("other").with_share(3));
    for ticket in 0..400 {
        ask(&mut core, Lane::Order, &one, (WRITE, 10), ticket);
    }
    for ticket in 1_000..1_400 {
        ask(&mut core, Lane::Order, &other, (WRITE, 10), ticket);
    }
    let granted = drive(&mut core, START, 400);
    let of_one = granted[..400].iter().filter(|ticket| **ticket < 1_000).count();
    assert!((99..=101).contains(&of_one), "{of_one} of 400 at a share of one in four");
}

#[test]
fn who_always_asks_anew_gets_no_more_than_its_turn() {
    let mut core = full();
    let (patient, eager) = (Client::named("patient"), Client::named("eager"));
    for ticket in 0..200 {
        ask(&mut core, Lane::Order, &patient, (WRITE, 10), ticket);
    }
    let mut granted = Vec::new();
    ask(&mut core, Lane::Order, &eager, (WRITE, 10), 1_000);
    let mut now = START;
    while granted.len() < 200 {
        let polled = core.poll(now);
        leave(&mut core, now);
        if polled.granted.contains(&1_000) {
            ask(&mut core, Lane::Order, &eager, (WRITE, 10), 1_000);
        }
        granted.extend(polled.granted);
        now = Monotonic(now.0 + polled.next_ns.unwrap_or(1));
    }
    let eager = granted.iter().filter(|ticket| **ticket == 1_000).count();
    assert!((90..=101).contains(&eager), "{eager} of 200");
}

#[test]
fn a_tenth_is_left_to_each_lane_below_and_cancels_are_never_passed() {
    let mut core = full();
    let own = Client::own();
    for ticket in 0..1_000 {
        ask(&mut core, Lane::Reconcile, &own, (Buckets::Read, 10), ticket);
        ask(&mut core, Lane::UserRead, &own, (Buckets::Read, 10), 10_000 + ticket);
        ask(&mut core, Lane::Background, &own, (Buckets::Read, 10), 20_000 + ticket);
        ask(&mut core, Lane::Cancel, &own, (WRITE, 10), 30_000 + ticket);
        ask(&mut core, Lane::Order, &own, (WRITE, 10), 40_000 + ticket);
    }
    let granted = drive(&mut core, START, 1_000);
    let share =
        |from: u32| granted.iter().filter(|ticket| (from..from + 10_000).contains(ticket)).count() as u32;
    let (first, second, third) = (share(0), share(10_000), share(20_000));
    assert!(second * 10 >= first && third * 10 >= first + second, "a tenth each: {first} {second} {third}");
    assert!(first * 10 >= (first + second + third) * 7, "and no more: {first} {second} {third}");
    assert_eq!(share(40_000), 0, "orders wait for cancels");
}

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::try_from(self.roll(list.len() as u64)).unwrap()]
    }
}

/// The venue's own buckets: full at the start, each request counted when it arrives.
struct Venue {
    /// Billionths of a token, and when they were counted.
    levels: BTreeMap<BucketId, (i128, u64)>,
    rates: Rates,
    arrivals: Vec<(u64, Charge)>,
    raises: Vec<(u64, Rates)>,
}

impl Venue {
    fn new(rates: Rates) -> Venue {
        let full = |id| (id, (i128::from(rates.of(id).capacity) * NANO, 0));
        let levels = BucketId::all().map(full).collect();
        Venue { levels, rates, arrivals: Vec::new(), raises: Vec::new() }
    }

    fn count(&mut self, at: u64) {
        for (id, (level, since)) in &mut self.levels {
            let terms = self.rates.of(*id);
            let more = i128::from(at - *since) * i128::from(terms.refill);
            (*level, *since) = ((*level + more).min(i128::from(terms.capacity) * NANO), at);
        }
    }

    /// Lets everything arrive, and tells what did not fit.
    fn judge(mut self) -> Result<(), String> {
        self.arrivals.sort_by_key(|(at, _)| *at);
        let mut raises = std::mem::take(&mut self.raises).into_iter().peekable();
        for (at, charge) in std::mem::take(&mut self.arrivals) {
            while let Some((raised_at, rates)) = raises.next_if(|(raised_at, _)| *raised_at <= at) {
                self.count(raised_at);
                self.rates = rates;
            }
            self.count(at);
            for id in charge.buckets.each() {
                let (level, _) = self.levels.get_mut(&id).unwrap();
                *level -= i128::from(charge.tokens) * NANO;
                if *level < 0 {
                    return Err(format!("over quota at {at} ns: {id:?} is short of {} nanotokens", -*level));
                }
            }
        }
        Ok(())
    }
}

struct Schedule {
    dice: Dice,
    now: u64,
    rates: Rates,
    core: Core<u32>,
    plain: Plain,
    clients: [Client; 3],
    asked: Vec<Charge>,
    /// Granted and not yet sent, with when.
    held: Vec<(u32, u64)>,
    /// Sent and not answered.
    flying: Vec<Charge>,
    sent: Vec<(u32, u64)>,
    venue: Venue,
}

impl Schedule {
    fn new(seed: u64) -> Schedule {
        let mut dice = Dice(seed);
        let rates = rates(dice.of(&[7, 200, 300]), dice.of(&[11, 100, 1_200]), dice.of(&[1, 2, 3]));
        let names = ["", "a", "b"].map(Client::named);
        let [own, one, other] = names;
        Schedule {
            now: 0,
            rates,
            core: Core::new(rates, Monotonic(0)),
            plain: Plain::new(&rates),
            clients: [own, one, other.with_share(3)],
            asked: Vec::new(),
            held: Vec::new(),
            flying: Vec::new(),
            sent: Vec::new(),
            venue: Venue::new(rates),
            dice,
        }
    }

    fn ask(&mut self) {
        let lane = self.dice.of(&Lane::ALL);
        let buckets = match lane {
            Lane::Cancel | Lane::Order => {
                self.dice.of(&[WRITE, WRITE, Buckets::Write(2), Buckets::EveryWrite])
            }
            Lane::Reconcile | Lane::UserRead | Lane::Background => {
                self.dice.of(&[Buckets::Read, Buckets::Read, Buckets::Read, Buckets::Balance])
            }
        };
        let tokens = match buckets {
            Buckets::Balance => 1,
            _ => self.dice.of(&[2, 2, 10, 10, 10, 30, 90]),
        };
        let (client, charge) = (self.dice.roll(3), Charge { buckets, tokens });
        let client = self.clients[usize::try_from(client).unwrap()].clone();
        let deadline = self.now + self.dice.of(&[1, 50_000_000, SECOND, 20 * SECOND, 500 * SECOND]);
        let ticket = u32::try_from(self.asked.len()).unwrap();
        self.asked.push(charge);
        self.plain.waiting.push(PlainAsk { lane, client: client.clone(), charge, deadline, ticket });
        self.core.ask(Ask { lane, client, charge, deadline: Monotonic(deadline), ticket });
    }

    /// Sends what was granted, or gives it back; rarely, the venue refuses what was sent.
    fn use_up(&mut self) {
        for charge in std::mem::take(&mut self.flying) {
            self.left(charge);
        }
        for (ticket, granted_at) in std::mem::take(&mut self.held) {
            let charge = self.asked[ticket as usize];
            match self.dice.roll(8) {
                0 => {
                    let held_ns = self.dice.roll(100_000_000);
                    self.pass(held_ns);
                    self.core.refund(charge, Monotonic(granted_at), Monotonic(self.now));
                    self.plain.refund(charge, granted_at, self.now);
                }
                _ => {
                    let on_the_way_ns = self.dice.roll(JITTER_US * 1_000 + 1);
                    self.venue.arrivals.push((granted_at + on_the_way_ns, charge));
                    self.sent.push((ticket, granted_at));
                    match self.dice.roll(2) {
                        0 => self.left(charge),
                        _ => self.flying.push(charge),
                    }
                }
            }
        }
        if !self.sent.is_empty() && self.dice.roll(12) == 0 {
            let (ticket, granted_at) = self.dice.of(&self.sent);
            let charge = self.asked[ticket as usize];
            self.core.throttled(charge, Monotonic(granted_at), Monotonic(self.now));
            self.plain.throttled(charge, granted_at, self.now);
        }
        if self.dice.roll(40) == 0 {
            // Better terms; worse ones would make the venue refuse what was granted before.
            for terms in [&mut self.rates.read, &mut self.rates.write] {
                terms.capacity += terms.refill;
            }
            self.venue.raises.push((self.now, self.rates));
            self.core.set_rates(&self.rates, Monotonic(self.now));
            self.plain.set_rates(&self.rates, self.now);
        }
    }

    fn left(&mut self, charge: Charge) {
        self.core.left(charge, Monotonic(self.now));
        self.plain.left(charge, self.now);
    }

    /// Both look at what is due now.
    fn poll(&mut self) -> Option<u64> {
        let polled = self.core.poll(Monotonic(self.now));
        let refused: Vec<(u32, Denied)> =
            polled.refused.iter().map(|(ticket, refusal)| (*ticket, refusal.why)).collect();
        let expected = self.plain.poll(Monotonic(self.now));
        assert_eq!((&polled.granted, refused), (&expected.0, expected.1), "at {} ns", self.now);
        self.held.extend(polled.granted.into_iter().map(|ticket| (ticket, self.now)));
        polled.next_ns
    }

    /// Lets time pass, stopping whenever the core wants to be asked again. Between those moments there is nothing to do.
    fn pass(&mut self, elapsed_ns: u64) {
        let until = self.now + elapsed_ns;
        let mut next_ns = self.poll();
        while let Some(wake) = next_ns.map(|next_ns| self.now + next_ns).filter(|wake| *wake <= until) {
            let idle = self.plain.clone().poll(Monotonic(wake - 1));
            assert_eq!(idle, (vec![], vec![]), "idle at {} ns, woken at {wake}", wake - 1);
            self.now = wake;
            next_ns = self.poll();
        }
        self.now = until;
        let idle = self.plain.clone().poll(Monotonic(until.saturating_sub(1)));
        assert_eq!(idle, (vec![], vec![]), "idle before {until} ns");
    }

    fn run(mut self) -> Result<(), String> {
        // Now and then the buckets have filled before anything is asked.
        let start = self.dice.of(&[0, SECOND / 3, 10 * SECOND]);
        self.pass(start);
        for _ in 0..4 + self.dice.roll(24) {
            for _ in 0..1 + self.dice.roll(4) {
                self.ask();
            }
            let elapsed_ns = self.dice.of(&[0, 1_000, 10_000_000, 100_000_000, SECOND]);
            let elapsed_ns = self.dice.roll(elapsed_ns + 1);
            self.pass(elapsed_ns);
            self.use_up();
        }
        for _ in 0..50 {
            self.pass(12 * SECOND);
            self.use_up();
        }
        assert!(self.plain.waiting.is_empty(), "someone waits for ever: {:?}", self.plain.waiting);
        assert!(Lane::ALL.into_iter().all(|lane| self.core.waiting(lane) == 0));
        self.venue.judge()
    }
}

/// How many schedules; `make soak` asks for a million.
fn schedules() -> u64 {
    std::env::var("OUTRIGGER_BUDGET_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// Never over quota at the venue's own buckets, whatever the way there takes; never idle while tokens and work exist; the same
/// grants in the same order as the plain model.
#[test]
fn random_schedules_do_as_the_plain_model_does_and_the_venue_never_refuses() {
    let seed: u64 = std::env::var("OUTRIGGER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    for seed in seed..seed + schedules() {
        let run = std::panic::catch_unwind(|| Schedule::new(seed).run());
        match run {
            Ok(Ok(())) => {}
            Ok(Err(complaint)) => panic!("seed {seed}: {complaint}"),
            Err(_) => panic!("seed {seed}: see above"),
        }
    }
}
