//! Block trades: agreed elsewhere, proposed here, and traded off the book once both sides have accepted.

use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::collateral::Claim;
use crate::venue::event::{Leg, Side};
use crate::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};
use crate::venue::place::COUNT_MAX;
use crate::venue::refusal::Refusal;
use crate::venue::units::{Count, Price, price_text};

use super::deadline::{Due, ENDED_KEPT_US};
use super::model::Party;
use super::refusal;
use super::state::{ProposalStatus, ProposalStep};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub number: u64,
    pub id: Arc<str>,
    pub proposer_user_id: Arc<str>,
    pub proposer: AccountId,
    /// Buys YES.
    pub buyer: Participant,
    /// Sells YES.
    pub seller: Participant,
    pub ticker: Arc<str>,
    /// On the YES leg.
    pub price: Price,
    pub count: Count,
    /// YES if the buyer is the maker.
    pub maker_side: Leg,
    pub expires_us: i64,
    pub status: ProposalStatus,
    pub created_us: i64,
    pub updated_us: i64,
    pub executed_us: Option<i64>,
}

/// One side of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    pub party: Party,
    pub accepted_us: Option<i64>,
    pub order_id: Option<Arc<str>>,
}

/// What a member proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProposal {
    pub buyer_user_id: String,
    pub buyer_subaccount: Option<i64>,
    pub seller_user_id: String,
    pub seller_subaccount: Option<i64>,
    pub ticker: String,
    pub price: Price,
    pub count: Count,
    pub maker_side: Leg,
    pub expires_us: i64,
}

impl Venue {
    /// Proposes a block trade between two members, one of them the proposer.
    pub fn propose_block(
        &mut self,
        member: AccountId,
        new: &NewProposal,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let buyer = self.participant("buyer_user_id", &new.buyer_user_id, new.buyer_subaccount)?;
        let seller = self.participant("seller_user_id", &new.seller_user_id, new.seller_subaccount)?;
        if buyer.party.trader == seller.party.trader {
            return Err(refusal::invalid("buyer and seller are the same account"));
        }
        if member != buyer.party.member && member != seller.party.member {
            return Err(refusal::forbidden("only its buyer or its seller can propose a block trade"));
        }
        let market = self.tradable(&new.ticker, now_us)?;
        let grid = market.listing.grid;
        if !grid.allows(new.price) {
            return Err(Refusal::invalid_price(&price_text(new.price), grid.name));
        }
        if new.count <= 0 || new.count > COUNT_MAX {
            return Err(refusal::invalid("centicount must be 1 to 100000000"));
        }
        if new.expires_us <= now_us {
            return Err(refusal::invalid("expiration_ts is in the past"));
        }
        let ticker = Arc::clone(&market.ticker);
        let proposer = if member == buyer.party.member { &buyer } else { &seller };
        let proposer_user_id = Arc::clone(&proposer.party.user_id);
        let (number, id) = self.new_id();
        let proposal = Proposal {
            number,
            id: Arc::clone(&id),
            proposer_user_id,
            proposer: member,
            buyer,
            seller,
            ticker,
            price: new.price,
            count: new.count,
            maker_side: new.maker_side,
            expires_us: new.expires_us,
            status: ProposalStatus::Pending,
            created_us: now_us,
            updated_us: now_us,
            executed_us: None,
        };
        self.communications.proposals.insert(Arc::clone(&id), proposal);
        self.set_due(new.expires_us, Due::Proposal(Arc::clone(&id)));
        Ok(id)
    }

    /// Accepts a proposal for the member's side; the second acceptance trades.
    pub fn accept_block(
        &mut self,
        member: AccountId,
        id: &str,
        subaccount: Option<i64>,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let stored = self.communications.proposals.get(id);
        let mut proposal = stored.ok_or_else(|| refusal::not_found("proposal not found"))?.clone();
        let side = proposal.open_side_of(member).ok_or_else(|| refusal::not_found("proposal not found"))?;
        if proposal.status != ProposalStatus::Pending {
            return Err(refusal::invalid(format!("the proposal is {}", proposal.status.name())));
        }
        if subaccount.is_some() {
            let party = self.party(member, subaccount)?;
            proposal.participant_mut(side).party = party;
        }
        let accepted = proposal.participant_mut(side);
        if accepted.accepted_us.is_some() {
            return Err(refusal::invalid("the proposal is accepted already"));
        }
        accepted.accepted_us = Some(now_us);
        let trader = accepted.party.trader;
        let market = self.tradable(&proposal.ticker, now_us)?;
        let claim = Claim { side, price: proposal.price, count: proposal.count };
        if !self.affords(trader, market, claim, None) {
            return Err(Refusal::insufficient_balance());
        }
        proposal.updated_us = now_us;
        if proposal.buyer.accepted_us.is_some() && proposal.seller.accepted_us.is_some() {
            self.trade_block(&mut proposal, now_us)?;
        }
        self.communications.proposals.insert(Arc::clone(&proposal.id), proposal);
        Ok(())
    }

    pub(super) fn expire_proposal(&mut self, id: &Arc<str>, now_us: i64) {
        let Some(proposal) = self.communications.proposals.get_mut(id) else { return };
        let Some(status) = proposal.status.after(ProposalStep::Expire) else { return };
        proposal.status = status;
        proposal.updated_us = now_us;
        self.set_due(now_us.saturating_add(ENDED_KEPT_US), Due::ForgetProposal(Arc::clone(id)));
    }

    fn trade_block(&mut self, proposal: &mut Proposal, now_us: i64) -> Result<(), Refusal> {
        let status = proposal.status.after(ProposalStep::Execute).ok_or_else(Refusal::not_found)?;
        let (buyer, seller) = (proposal.buyer.party.trader, proposal.seller.party.trader);
        if buyer == seller {
            return Err(refusal::invalid("buyer and seller are the same account"));
        }
        let market = self.markets.get(&proposal.ticker).ok_or_else(Refusal::market_not_found)?;
        for (account, side) in [(buyer, Side::Bid), (seller, Side::Ask)] {
            let claim = Claim { side, price: proposal.price, count: proposal.count };
            if !self.affords(account, market, claim, None) {
                return Err(Refusal::insufficient_balance());
            }
        }
        let bid = self.admit_block(proposal, Side::Bid, now_us);
        let ask = self.admit_block(proposal, Side::Ask, now_us);
        let (maker, taker) = if proposal.maker_side == Leg::Yes { (bid, ask) } else { (ask, bid) };
        self.trade_off_book(taker, maker, proposal.price, now_us);
        let order_id = |number| self.orders.get(&number).map(|order| Arc::clone(&order.order_id));
        proposal.buyer.order_id = order_id(bid);
        proposal.seller.order_id = order_id(ask);
        proposal.status = status;
        proposal.executed_us = Some(now_us);
        self.set_due(now_us.saturating_add(ENDED_KEPT_US), Due::ForgetProposal(Arc::clone(&proposal.id)));
        Ok(())
    }

    /// Makes the order of one side.
    fn admit_block(&mut self, proposal: &Proposal, side: Side, now_us: i64) -> u64 {
        let party = if side == Side::Bid { &proposal.buyer.party } else { &proposal.seller.party };
        let order = NewOrder {
            ticker: proposal.ticker.to_string(),
            client_order_id: None,
            side,
            price: proposal.price,
            count: proposal.count,
            time_in_force: TimeInForce::FillOrKill,
            self_trade_prevention: SelfTradePrevention::TakerAtCross,
            post_only: false,
            reduce_only: false,
            cancel_order_on_pause: false,
            expiration_time: None,
            subaccount: party.number(),
            order_group_id: None,
            exchange_index: None,
        };
        self.admit(party.trader, &order, proposal.count, None, now_us)
    }

    fn participant(
        &self,
        name: &str,
        user_id: &str,
        subaccount: Option<i64>,
    ) -> Result<Participant, Refusal> {
        let member = self.accounts.iter().position(|account| *account.user_id == *user_id);
        let member = member.ok_or_else(|| refusal::invalid(format!("{name}: no such user")))?;
        Ok(Participant { party: self.party(member, subaccount)?, accepted_us: None, order_id: None })
    }
}

impl Proposal {
    /// Tells whether a member may see the proposal.
    pub fn concerns(&self, member: AccountId) -> bool {
        [self.proposer, self.buyer.party.member, self.seller.party.member].contains(&member)
    }

    /// Returns the member's side; of a member that has both, the one that is not accepted yet.
    fn open_side_of(&self, member: AccountId) -> Option<Side> {
        let (buys, sells) = (self.buyer.party.member == member, self.seller.party.member == member);
        match (buys, sells) {
            (true, true) if self.buyer.accepted_us.is_some() => Some(Side::Ask),
            (true, _) => Some(Side::Bid),
            (false, true) => Some(Side::Ask),
            (false, false) => None,
        }
    }

    fn participant_mut(&mut self, side: Side) -> &mut Participant {
        match side {
            Side::Bid => &mut self.buyer,
            Side::Ask => &mut self.seller,
        }
    }
}
