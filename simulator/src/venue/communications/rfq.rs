//! Creating and deleting RFQs.

use std::sync::Arc;

use crate::venue::Venue;
use crate::venue::account::AccountId;
use crate::venue::place::COUNT_MAX;
use crate::venue::refusal::Refusal;
use crate::venue::units::Micros;

use super::model::{Combo, Party, Rfq, Size};
use super::notice::Notice;
use super::refusal;
use super::state::RfqStatus;

/// Open RFQs that a member may have, batches not counted.
const OPEN_MAX: usize = 100;
/// The largest target cost: a million dollars.
const COST_MAX: Micros = 1_000_000_000_000;

/// What a member asks quotes for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRfq {
    pub ticker: String,
    pub size: Size,
    pub rest_remainder: bool,
    pub is_obscured: bool,
    pub replace_existing: bool,
    pub subaccount: Option<i64>,
}

impl Venue {
    /// Opens an RFQ: one per market and member.
    pub fn create_rfq(&mut self, member: AccountId, new: &NewRfq, now_us: i64) -> Result<Arc<str>, Refusal> {
        check_size(new.size)?;
        let creator = self.party(member, new.subaccount)?;
        self.tradable(&new.ticker, now_us)?;
        self.make_room(member, new, now_us)?;
        let rfq = self.open_rfq(creator, &new.ticker, new.size, None, now_us)?;
        let stored = self.communications.rfqs.get_mut(&rfq).ok_or_else(Refusal::not_found)?;
        stored.rest_remainder = new.rest_remainder;
        stored.is_obscured = new.is_obscured;
        let told = stored.clone();
        self.tell(Notice::RfqCreated(told));
        Ok(rfq)
    }

    /// Closes an open RFQ of the member. What is accepted can no longer be withdrawn.
    pub fn delete_rfq(&mut self, member: AccountId, id: &str, now_us: i64) -> Result<(), Refusal> {
        let rfq = self.communications.rfqs.get(id).filter(|rfq| rfq.creator.member == member);
        let rfq = rfq.ok_or_else(|| refusal::not_found("RFQ not found"))?;
        if rfq.status != RfqStatus::Open {
            return Err(refusal::rfq_closed());
        }
        if rfq.batch_id.is_some() {
            return Err(refusal::invalid("the RFQ is a child of a batch, which closes as a whole"));
        }
        if rfq.in_flight.is_some() {
            return Err(refusal::invalid("a quote on the RFQ is accepted"));
        }
        let id = Arc::clone(&rfq.id);
        self.close_rfq(&id, Some("deleted by creator"), now_us);
        Ok(())
    }

    /// Puts an RFQ among the open ones, without a word to anyone.
    pub(super) fn open_rfq(
        &mut self,
        creator: Party,
        ticker: &str,
        size: Size,
        batch_id: Option<Arc<str>>,
        now_us: i64,
    ) -> Result<Arc<str>, Refusal> {
        let market = self.markets.get(ticker).ok_or_else(Refusal::market_not_found)?;
        let (ticker, event_ticker) =
            (Arc::clone(&market.ticker), Arc::from(market.listing.event_ticker.as_str()));
        let combo = market.combo.as_ref().map(|combo| Combo {
            collection_ticker: combo.collection.as_str().into(),
            legs: combo.legs.iter().map(|(leg, _)| leg.clone()).collect(),
        });
        let (number, id) = self.new_id();
        let rfq = Rfq {
            number,
            id: Arc::clone(&id),
            creator,
            ticker,
            event_ticker,
            combo,
            size,
            rest_remainder: false,
            is_obscured: false,
            status: RfqStatus::Open,
            has_executed: false,
            cancellation_reason: None,
            cancelled_us: None,
            created_us: now_us,
            updated_us: now_us,
            batch_id,
            in_flight: None,
            quotes: Vec::new(),
        };
        self.communications.open.insert((number, Arc::clone(&id)));
        self.communications.rfqs.insert(Arc::clone(&id), rfq);
        Ok(id)
    }

    /// Deletes what a new RFQ replaces, or refuses it.
    fn make_room(&mut self, member: AccountId, new: &NewRfq, now_us: i64) -> Result<(), Refusal> {
        let open = self.communications.open.iter().filter_map(|(_, id)| self.communications.rfqs.get(id));
        let own: Vec<&Rfq> =
            open.filter(|rfq| rfq.creator.member == member && rfq.batch_id.is_none()).collect();
        let on_market = own.iter().find(|rfq| *rfq.ticker == *new.ticker).copied();
        let is_full = own.len() >= OPEN_MAX;
        let replaced = match (on_market, is_full) {
            (None, false) => return Ok(()),
            (Some(rfq), _) if !new.replace_existing => {
                return Err(refusal::conflict("rfq_already_exists", format!("RFQ {} is open on it", rfq.id)));
            }
            (None, true) if !new.replace_existing => {
                return Err(refusal::conflict("max_open_rfqs_reached", format!("{OPEN_MAX} RFQs are open")));
            }
            (Some(rfq), _) => Some(rfq),
            (None, true) => own.iter().find(|rfq| rfq.in_flight.is_none()).copied(),
        };
        let Some(replaced) = replaced.filter(|rfq| rfq.in_flight.is_none()) else {
            return Err(refusal::conflict("rfq_already_exists", "a quote on the existing RFQ is accepted"));
        };
        let id = Arc::clone(&replaced.id);
        self.close_rfq(&id, Some("replaced"), now_us);
        Ok(())
    }
}

/// Refuses a size that no order could have.
pub(super) fn check_size(size: Size) -> Result<(), Refusal> {
    match size {
        Size::Contracts(count) if count <= 0 || count > COUNT_MAX => {
            Err(refusal::invalid("contracts must be more than zero and at most 1000000.00"))
        }
        Size::TargetCost { cost, .. } if cost <= 0 || cost > COST_MAX => {
            Err(refusal::invalid("target_cost_dollars must be more than zero and at most 1000000"))
        }
        Size::Contracts(_) | Size::TargetCost { .. } => Ok(()),
    }
}
