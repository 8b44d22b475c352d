//! Subaccounts ask and quote with money of their own, under their member's name.

use super::*;
use crate::venue::communications::NewProposal;
use crate::venue::communications::state::QuoteStatus;

/// A venue in which members 0 and 1 have a funded subaccount 1.
fn with_subaccounts() -> (Venue, [usize; 2]) {
    let mut venue = quiet();
    let accounts = [0, 1].map(|member| {
        let number = venue.open_subaccount(member).unwrap();
        assert_eq!(number, 1);
        let account = venue.subaccount(member, 1).unwrap();
        venue.accounts[account].cash.insert(0, 100_000_000);
        account
    });
    (venue, accounts)
}

#[test]
fn the_subaccounts_that_asked_and_quoted_trade() {
    let (mut venue, [requester, maker]) = with_subaccounts();
    let ask = NewRfq { subaccount: Some(1), ..request("KXT-1", Size::Contracts(1_000)) };
    let rfq_id = venue.create_rfq(0, &ask, START).unwrap();
    let own = NewQuote { subaccount: Some(1), ..bids(&rfq_id, 4_000, 0) };
    assert!(venue.create_quote(0, &own, START).is_err(), "a member does not quote itself");
    let quote_id = venue.create_quote(1, &own, START).unwrap();
    venue.accept_quote(0, &quote_id, Leg::Yes, START).unwrap();
    venue.confirm_quote(1, &quote_id, START).unwrap();
    venue.advance(START + 15 * SECOND);
    assert_eq!(quote(&venue, &quote_id).status, QuoteStatus::Executed);
    assert_eq!(venue.accounts[requester].position("KXT-1").net, -1_000);
    assert_eq!(venue.accounts[maker].position("KXT-1").net, 1_000);
    assert_eq!(venue.accounts[0].position("KXT-1").net, 0);
    let order = quote(&venue, &quote_id).rfq_creator_order.clone().unwrap();
    assert_eq!(venue.order_of(0, &order.order_id).unwrap().subaccount, 1);
}

#[test]
fn a_block_is_accepted_for_a_subaccount() {
    let (mut venue, [buyer, _]) = with_subaccounts();
    let proposal = NewProposal {
        buyer_user_id: venue.accounts[0].user_id.to_string(),
        buyer_subaccount: None,
        seller_user_id: venue.accounts[1].user_id.to_string(),
        seller_subaccount: None,
        ticker: "KXT-1".into(),
        price: 4_500,
        count: 1_000,
        maker_side: Leg::No,
        expires_us: START + SECOND,
    };
    let id = venue.propose_block(0, &proposal, START).unwrap();
    assert!(venue.accept_block(0, &id, Some(7), START).is_err(), "there is no subaccount 7");
    venue.accept_block(0, &id, Some(1), START).unwrap();
    venue.accept_block(1, &id, None, START).unwrap();
    assert_eq!(venue.accounts[buyer].position("KXT-1").net, 1_000);
    assert_eq!(venue.accounts[1].position("KXT-1").net, -1_000);
}

#[test]
fn a_subaccount_that_is_not_there_is_refused() {
    let mut venue = quiet();
    let ask = NewRfq { subaccount: Some(1), ..request("KXT-1", Size::Contracts(1_000)) };
    let refused = venue.create_rfq(0, &ask, START).unwrap_err();
    assert_eq!(refused.details.as_deref(), Some("subaccount 1 does not exist"));
}
