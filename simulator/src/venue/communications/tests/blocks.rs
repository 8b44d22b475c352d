//! Block trades: both accept, then they trade past the book; or they expire.

use super::*;
use crate::venue::communications::NewProposal;
use crate::venue::communications::state::ProposalStatus;
use crate::venue::event::Side;
use crate::venue::tests::new;

fn proposal(venue: &Venue) -> NewProposal {
    NewProposal {
        buyer_user_id: venue.accounts[0].user_id.to_string(),
        buyer_subaccount: None,
        seller_user_id: venue.accounts[1].user_id.to_string(),
        seller_subaccount: None,
        ticker: "KXT-1".into(),
        price: 4_500,
        count: 1_000,
        maker_side: Leg::Yes,
        expires_us: START + 60 * SECOND,
    }
}

#[test]
fn the_second_acceptance_trades_off_the_book() {
    let mut venue = quiet();
    // Better prices in the book do not matter.
    venue.place(2, &new(Side::Bid, 4_600, 500), START).unwrap();
    venue.place(3, &new(Side::Ask, 4_700, 500), START).unwrap();
    let id = venue.propose_block(0, &proposal(&venue), START).unwrap();
    venue.accept_block(0, &id, None, START).unwrap();
    assert!(venue.accept_block(0, &id, None, START).is_err(), "once is enough");
    assert_eq!(venue.communications.proposals[&id].status, ProposalStatus::Pending);
    assert_eq!(venue.accept_block(2, &id, None, START).unwrap_err().status, 404, "not a party");
    venue.accept_block(1, &id, None, START + 1).unwrap();
    let done = &venue.communications.proposals[&id];
    assert_eq!((done.status, done.executed_us), (ProposalStatus::Executed, Some(START + 1)));
    let fill = &venue.accounts[0].fills[0];
    assert_eq!(
        (fill.yes_price, fill.count, fill.is_taker),
        (4_500, 1_000, false),
        "the buyer made the price"
    );
    assert_eq!(Some(&fill.order_id), done.buyer.order_id.as_ref());
    assert_eq!(venue.accounts[1].position("KXT-1").net, -1_000);
    let market = venue.market("KXT-1").unwrap();
    assert!(market.trades[0].is_block_trade && market.open_interest == 1_000);
    assert_eq!((market.best_bid(), market.best_ask()), (Some((4_600, 500)), Some((4_700, 500))));
    assert!(venue.accept_block(1, &id, None, START + 2).is_err());
}

#[test]
fn a_proposal_expires() {
    let mut venue = quiet();
    let id = venue.propose_block(1, &proposal(&venue), START).unwrap();
    venue.accept_block(0, &id, None, START).unwrap();
    venue.advance(START + 60 * SECOND);
    assert_eq!(venue.communications.proposals[&id].status, ProposalStatus::Expired);
    assert!(venue.accept_block(1, &id, None, START + 60 * SECOND).is_err());
    assert!(venue.accounts[0].fills.is_empty());
}

#[test]
fn proposals_that_make_no_sense_are_refused() {
    let mut venue = quiet();
    let good = proposal(&venue);
    let refused = |venue: &mut Venue, member, new: NewProposal| {
        venue.propose_block(member, &new, START).unwrap_err().status
    };
    assert_eq!(refused(&mut venue, 2, good.clone()), 403, "not a party");
    assert_eq!(refused(&mut venue, 0, NewProposal { buyer_user_id: "x".into(), ..good.clone() }), 400);
    let same = NewProposal { seller_user_id: good.buyer_user_id.clone(), ..good.clone() };
    assert_eq!(refused(&mut venue, 0, same), 400);
    assert_eq!(refused(&mut venue, 0, NewProposal { price: 4_550, ..good.clone() }), 400);
    assert_eq!(refused(&mut venue, 0, NewProposal { count: 0, ..good.clone() }), 400);
    assert_eq!(refused(&mut venue, 0, NewProposal { expires_us: START, ..good.clone() }), 400);
    assert_eq!(refused(&mut venue, 0, NewProposal { ticker: "X".into(), ..good }), 400);
}

#[test]
fn both_must_be_able_to_pay_when_it_trades() {
    let mut venue = quiet();
    let big = NewProposal { count: 100_000, ..proposal(&venue) };
    let id = venue.propose_block(0, &big, START).unwrap();
    assert_eq!(venue.accept_block(1, &id, None, START).unwrap_err().code, "insufficient_balance");
    venue.accept_block(0, &id, None, START).unwrap();
    let small = venue.propose_block(0, &proposal(&venue), START).unwrap();
    venue.accept_block(0, &small, None, START).unwrap();
    // The buyer's money goes elsewhere before the seller accepts.
    venue.place(0, &new(Side::Bid, 100, 4_660_000), START).unwrap();
    assert_eq!(venue.accept_block(1, &small, None, START).unwrap_err().code, "insufficient_balance");
    assert_eq!(venue.communications.proposals[&small].status, ProposalStatus::Pending);
    assert!(venue.communications.proposals[&small].seller.accepted_us.is_none());
}
