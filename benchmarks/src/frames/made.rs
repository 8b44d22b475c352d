//! A loud exchange from a seed: two hundred markets on one subscription, as the simulated exchange's scenario `busy` has them.
//!
//! Prices step by 0.0010 below 0.10 and above 0.90 and by 0.0100 between; one change in eight is a fraction of a contract.

use std::collections::BTreeMap;

const SEED: u64 = 7;
const MARKETS: usize = 200;
const DELTAS: usize = 100_000;
/// Levels of each leg at the start.
const DEPTH: usize = 40;
const START_MS: i64 = 1_790_000_000_000;

pub(super) fn name() -> String {
    format!("made from seed {SEED}, {MARKETS} markets")
}

struct Market {
    ticker: String,
    clock: i64,
    legs: [BTreeMap<i64, i64>; 2],
}

pub(super) fn connection() -> Vec<String> {
    let mut dice = Dice(SEED);
    let prices: Vec<i64> = (1..=99)
        .map(|tenth| tenth * 10)
        .chain((10..=90).map(|cent| cent * 100))
        .chain((901..=999).map(|tenth| tenth * 10))
        .collect();
    let mut markets: Vec<Market> = (0..MARKETS).map(|number| market(number, &prices, &mut dice)).collect();
    let mut frames =
        vec![r#"{"type":"subscribed","id":5,"msg":{"channel":"orderbook_delta","sid":1}}"#.to_owned()];
    let mut seq = 0;
    for market in &markets {
        seq += 1;
        frames.push(snapshot(market, seq));
    }
    for step in 0..DELTAS {
        seq += 1;
        let at = dice.below(MARKETS);
        frames.push(delta(&mut markets[at], &prices, seq, step, &mut dice));
    }
    frames
}

fn market(number: usize, prices: &[i64], dice: &mut Dice) -> Market {
    let leg =
        |dice: &mut Dice| (0..DEPTH).map(|_| (prices[dice.below(prices.len() / 2)], count(dice))).collect();
    Market {
        ticker: format!("KXMADECOIN-26OCT2612-T{number:03}99.99"),
        clock: 1,
        legs: [leg(dice), leg(dice)],
    }
}

fn count(dice: &mut Dice) -> i64 {
    let whole = 1 + i64::try_from(dice.below(500)).unwrap_or(0);
    if dice.below(8) == 0 { whole * 100 + 37 } else { whole * 100 }
}

fn snapshot(market: &Market, seq: usize) -> String {
    let levels = |leg: &BTreeMap<i64, i64>| {
        let each = leg.iter().map(|(at, count)| format!(r#"["{}","{}"]"#, price(*at), size(*count)));
        each.collect::<Vec<_>>().join(",")
    };
    let [yes, no] = &market.legs;
    format!(
        r#"{{"type":"orderbook_snapshot","sid":1,"seq":{seq},"sending_ts_ms":{START_MS},"msg":{{"market_ticker":"{}","market_id":"{}","clock":{},"yes_dollars_fp":[{}],"no_dollars_fp":[{}]}}}}"#,
        market.ticker,
        id(market),
        market.clock,
        levels(yes),
        levels(no)
    )
}

/// Changes a level that is there twice as often as not; a third of those changes empties it.
fn delta(market: &mut Market, prices: &[i64], seq: usize, step: usize, dice: &mut Dice) -> String {
    let leg = dice.below(2);
    let held = &market.legs[leg];
    let known = (dice.below(3) > 0 && held.len() > 2).then(|| dice.below(held.len()));
    let (at, by) = match known.and_then(|index| held.iter().nth(index)) {
        Some((at, held)) if dice.below(3) == 0 => (*at, -held),
        Some((at, _)) => (*at, count(dice)),
        None => (prices[dice.below(prices.len() / 2)], count(dice)),
    };
    let level = market.legs[leg].entry(at).or_insert(0);
    *level += by;
    if *level == 0 {
        market.legs[leg].remove(&at);
    }
    market.clock += 1;
    let side = if leg == 0 { "yes" } else { "no" };
    let now_us = START_MS * 1_000 + i64::try_from(step).unwrap_or(0) * 437;
    let (ms, us) = (now_us.div_euclid(1_000), now_us.rem_euclid(1_000_000));
    let (minute, second) = (now_us / 60_000_000 % 60, now_us / 1_000_000 % 60);
    format!(
        r#"{{"type":"orderbook_delta","sid":1,"seq":{seq},"sending_ts_ms":{ms},"msg":{{"market_ticker":"{}","market_id":"{}","clock":{},"price_dollars":"{}","delta_fp":"{}","side":"{side}","ts":"2026-09-21T14:{minute:02}:{second:02}.{us:06}Z","ts_ms":{ms}}}}}"#,
        market.ticker,
        id(market),
        market.clock,
        price(at),
        size(by),
    )
}

fn id(market: &Market) -> String {
    format!("0b7a1c55-6a0e-4a63-9c1f-{:>012}", market.ticker.len())
}

fn price(ten_thousandths: i64) -> String {
    format!("0.{ten_thousandths:04}")
}

fn size(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", hundredths.abs() / 100, hundredths.abs() % 100)
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap_or(1)).unwrap_or(0)
    }
}
