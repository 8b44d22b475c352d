//! Random histories of requests, quotes, batches and block trades: money is conserved, nobody owes.

use proptest::prelude::*;

use super::*;
use crate::venue::communications::{
    BatchAccept, ChildMarket, NewBatch, NewBatchQuote, NewChild, NewProposal,
};
use crate::venue::dice::Dice;
use crate::venue::event::Side;
use crate::venue::tests::new;

const TICKERS: [&str; 3] = ["KXT-1", "KXMVE-0", "KXMVE-1"];

fn money(venue: &Venue) -> i64 {
    let cash: i64 = venue.accounts.iter().map(|account| account.cash_total()).sum();
    let long = |ticker: &str| -> i64 {
        venue.accounts.iter().map(|account| account.position(ticker).net.max(0)).sum()
    };
    cash + TICKERS.iter().map(|ticker| long(ticker) * 10_000).sum::<i64>() + venue.fees_taken
}

fn check(venue: &Venue, total: i64) {
    assert_eq!(money(venue), total, "money is conserved");
    for ticker in TICKERS {
        let net: i64 = venue.accounts.iter().map(|account| account.position(ticker).net).sum();
        let long: i64 = venue.accounts.iter().map(|account| account.position(ticker).net.max(0)).sum();
        assert_eq!((net, long), (0, venue.market(ticker).unwrap().open_interest), "every YES has its NO");
    }
    assert!(venue.accounts.iter().all(|account| account.cash.values().all(|cash| *cash >= 0)));
    for rfq in venue.communications.rfqs.values() {
        let flying = rfq.quotes.iter().filter_map(|id| venue.communications.quotes.get(id));
        let flying = flying.filter(|quote| quote.accepted_side.is_some() && quote.executed_us.is_none());
        assert!(flying.count() <= 1, "one quote in flight");
    }
}

fn pick<T: Clone>(dice: &mut Dice, from: Vec<T>) -> Option<T> {
    let last = i64::try_from(from.len()).unwrap() - 1;
    (last >= 0).then(|| from[usize::try_from(dice.between(0, last)).unwrap()].clone())
}

fn price(dice: &mut Dice) -> i64 {
    100 * dice.between(30, 49)
}

fn act(venue: &mut Venue, dice: &mut Dice, now: i64) -> Option<()> {
    let member = usize::try_from(dice.between(0, 3)).unwrap();
    let side = if dice.chance(50) { Leg::Yes } else { Leg::No };
    let rfqs: Vec<_> = venue.communications.rfqs.keys().cloned().collect();
    let quotes: Vec<_> = venue.communications.quotes.values().cloned().collect();
    match dice.between(0, 8) {
        0 => {
            let ticker = pick(dice, TICKERS.to_vec())?;
            let size = if dice.chance(50) {
                Size::Contracts(dice.between(1, 40_000))
            } else {
                Size::TargetCost { cost: dice.between(1, 300) * 1_000_000, excludes_fees: dice.chance(50) }
            };
            let ask =
                NewRfq { rest_remainder: dice.chance(50), replace_existing: true, ..request(ticker, size) };
            venue.create_rfq(member, &ask, now).ok()?;
        }
        1 | 2 => {
            let id = pick(dice, rfqs)?;
            let bid = NewQuote {
                rest_remainder: dice.chance(50),
                post_only: dice.chance(20),
                ..bids(&id, price(dice), price(dice))
            };
            venue.create_quote(member, &bid, now).ok()?;
        }
        3 => {
            let quote = pick(dice, quotes)?;
            let owner = venue.communications.rfqs.get(&quote.rfq_id)?.creator.member;
            venue.accept_quote(owner, &quote.id, side, now).ok()?;
        }
        4 => {
            let quote = pick(dice, quotes)?;
            venue.confirm_quote(quote.creator.member, &quote.id, now).ok()?;
        }
        5 => {
            let book_side = if dice.chance(50) { Side::Bid } else { Side::Ask };
            let mut order = new(book_side, 100 * dice.between(40, 60), dice.between(1, 2_000));
            order.ticker = pick(dice, TICKERS.to_vec())?.into();
            venue.place(member, &order, now).ok()?;
        }
        6 => batch(venue, dice, side, now)?,
        7 => {
            let proposal = NewProposal {
                buyer_user_id: venue.accounts[member].user_id.to_string(),
                buyer_subaccount: None,
                seller_user_id: venue.accounts[(member + 1) % 4].user_id.to_string(),
                seller_subaccount: None,
                ticker: pick(dice, TICKERS.to_vec())?.into(),
                price: price(dice),
                count: dice.between(1, 50_000),
                maker_side: side,
                expires_us: now + SECOND,
            };
            let id = venue.propose_block(member, &proposal, now).ok()?;
            venue.accept_block(member, &id, None, now).ok()?;
            venue.accept_block((member + 1) % 4, &id, None, now).ok()?;
        }
        _ => venue.advance(now),
    }
    Some(())
}

/// Opens a batch, quotes it from both sides and takes the best; most of its winners confirm.
fn batch(venue: &mut Venue, dice: &mut Dice, side: Leg, now: i64) -> Option<()> {
    let child = |ticker: &str| NewChild { market: ChildMarket::Ticker(ticker.into()), size: None };
    let new = NewBatch {
        children: vec![child("KXMVE-0"), child("KXMVE-1")],
        collection_ticker: None,
        size: Some(Size::Contracts(dice.between(1, 30_000))),
        is_obscured: false,
        replace_existing: true,
        client_batch_id: None,
        subaccount: None,
    };
    let id = venue.create_batch(0, &new, now).ok()?;
    let children = venue.communications.batches[&id].rfqs.clone();
    let mut sent = Vec::new();
    for maker in 1..3 {
        let bids = children.iter().map(|id| (id.to_string(), price(dice), price(dice))).collect();
        let new = NewBatchQuote { bids, rest_remainder: false, post_only: dice.chance(50), subaccount: None };
        sent.push((maker, venue.create_batch_quote(maker, &id, &new, now).ok()?));
    }
    let min_bids = children.iter().map(|id| (id.to_string(), 100)).collect();
    venue.accept_batch(0, &id, &BatchAccept { side, min_bids, client_order_id: None }, now).ok()?;
    for (maker, quote) in sent.into_iter().filter(|_| dice.chance(90)) {
        let _ = venue.confirm_batch_quote(maker, &id, &quote, now);
    }
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_history_conserves_money(seed in any::<u64>()) {
        let mut venue = with_combos(&[&[0, 1], &[0, 2]]);
        let total = money(&venue);
        let mut dice = Dice::new(seed);
        let mut now = START;
        for _ in 0..150 {
            now += dice.between(0, 2 * SECOND);
            let _ = act(&mut venue, &mut dice, now);
            check(&venue, total);
        }
        venue.advance(now + 60 * SECOND);
        check(&venue, total);
    }
}

#[test]
fn histories_of_this_kind_do_trade() {
    let mut venue = with_combos(&[&[0, 1], &[0, 2]]);
    let mut dice = Dice::new(5);
    let (mut quotes, mut batches, mut blocks) = (0, 0, 0);
    for step in 0..3_000 {
        let _ = act(&mut venue, &mut dice, START + step * SECOND);
        for notice in notices(&mut venue) {
            quotes += usize::from(matches!(notice, Notice::QuoteExecuted(_)));
            batches += usize::from(
                matches!(&notice, Notice::BatchExecuted { ended, .. } if ended.failed.is_empty()),
            );
        }
        blocks = venue.communications.proposals.values().filter(|block| block.executed_us.is_some()).count();
    }
    assert!(quotes > 20 && batches > 5 && blocks > 20, "{quotes} {batches} {blocks}");
}
