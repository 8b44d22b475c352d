//! Moves a market's life by hand: the same steps as by time, each with what it needs to have happened before.
//!
//! Invariant: whatever is asked for, a market only takes steps of the table in `life`.

use std::sync::Arc;

use super::Venue;
use super::event::LifecycleKind;
use super::grid::Grid;
use super::life::Step;
use super::market::{Market, Outcome, Status};
use super::refusal::Refusal;

/// What a market is made to do. Where no outcome is given, it is the planned one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Steer {
    Pause,
    Resume,
    /// Closes now.
    Close,
    /// Moves the close; a closed market trades again until then.
    MoveClose {
        close_us: i64,
    },
    /// Closes first if need be. Ends a dispute, and an amendment at once.
    Determine(Option<Outcome>),
    Dispute,
    Amend(Outcome),
    /// Determines first if need be.
    Settle(Option<Outcome>),
    ChangeGrid(Grid),
    Rename {
        yes_sub_title: String,
    },
}

impl Venue {
    /// Steers a market. One that has not opened yet cannot be closed; one that is past a step is refused it.
    pub fn steer(&mut self, ticker: &str, steer: Steer, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        let brings_result =
            matches!(steer, Steer::Determine(Some(_)) | Steer::Settle(Some(_)) | Steer::Amend(_));
        if brings_result && market.combo.is_some() {
            return Err(Refusal::bad_request("a combo's result follows from its legs"));
        }
        let ticker = &Arc::clone(&market.ticker);
        match steer {
            Steer::Pause => self.take_step(ticker, Step::Pause, now_us),
            Steer::Resume => self.take_step(ticker, Step::Resume, now_us),
            Steer::Close => self.close_market(ticker, now_us),
            Steer::MoveClose { close_us } => self.move_close(ticker, close_us, now_us),
            Steer::Determine(outcome) => self.determine_market(ticker, outcome, now_us),
            Steer::Dispute => self.take_step(ticker, Step::Dispute, now_us),
            Steer::Amend(outcome) => {
                self.take_step(ticker, Step::Amend, now_us)?;
                self.market_mut(ticker)?.listing.outcome = outcome;
                Ok(())
            }
            Steer::Settle(outcome) => self.settle_market(ticker, outcome, now_us),
            Steer::ChangeGrid(grid) => self.change_grid(ticker, grid, now_us),
            Steer::Rename { yes_sub_title } => self.rename(ticker, yes_sub_title, now_us),
        }
    }

    /// Gives a market another grid. Resting orders whose price is not on it are cancelled before the change is told,
    /// with the reason of a halt, as it is the exchange that takes them out.
    pub fn change_grid(&mut self, ticker: &str, grid: Grid, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        refuse_combo(market)?;
        if market.listing.grid == grid {
            return Err(Refusal::bad_request(format!("the market's grid is {} already", grid.name)));
        }
        let ticker = &Arc::clone(&market.ticker);
        self.take_step(ticker, Step::ChangeGrid, now_us)?;
        self.market_mut(ticker)?.listing.grid = grid;
        self.cancel_resting_if(ticker, "HaltCancel", |order| !grid.allows(order.price), now_us);
        let changed = LifecycleKind::PriceLevelStructureUpdated {
            price_level_structure: grid.name,
            ranges: grid.ranges,
        };
        self.tell_life(ticker, changed, now_us);
        Ok(())
    }

    /// Closes an open market now; subscribers are told of its new close.
    fn close_market(&mut self, ticker: &Arc<str>, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        refuse(market.status, Step::Close)?;
        refuse_early(market, now_us)?;
        market.listing.close_us = now_us;
        self.tell_life(ticker, LifecycleKind::CloseDateUpdated { close_ts: now_us / 1_000_000 }, now_us);
        self.take_step(ticker, Step::Close, now_us)
    }

    fn move_close(&mut self, ticker: &Arc<str>, close_us: i64, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        if close_us <= now_us.max(market.listing.open_us) {
            return Err(Refusal::bad_request("a market's new close must lie ahead, and after it opens"));
        }
        let reopens = market.status == Status::Closed;
        let step = if reopens { Step::Reopen } else { Step::MoveClose };
        refuse(market.status, step)?;
        if !reopens {
            refuse_early(market, close_us)?;
        }
        market.listing.close_us = close_us;
        self.tell_life(ticker, LifecycleKind::CloseDateUpdated { close_ts: close_us / 1_000_000 }, now_us);
        self.take_step(ticker, step, now_us)
    }

    fn determine_market(
        &mut self,
        ticker: &Arc<str>,
        outcome: Option<Outcome>,
        now_us: i64,
    ) -> Result<(), Refusal> {
        if matches!(self.market_mut(ticker)?.status, Status::Active | Status::Inactive) {
            self.close_market(ticker, now_us)?;
        }
        let market = self.market_mut(ticker)?;
        refuse(market.status, Step::Determine)?;
        if let Some(outcome) = outcome {
            market.listing.outcome = outcome;
        }
        self.take_step(ticker, Step::Determine, now_us)
    }

    fn settle_market(
        &mut self,
        ticker: &Arc<str>,
        outcome: Option<Outcome>,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let status = self.market_mut(ticker)?.status;
        match (status, outcome) {
            (Status::Determined, Some(_)) => {
                return Err(Refusal::bad_request("the market has its result already; it can be amended"));
            }
            (Status::Determined, None) => {}
            (Status::Finalized, _) => refuse(status, Step::Settle)?,
            _ => self.determine_market(ticker, outcome, now_us)?,
        }
        self.take_step(ticker, Step::Settle, now_us)
    }

    fn rename(&mut self, ticker: &Arc<str>, yes_sub_title: String, now_us: i64) -> Result<(), Refusal> {
        let market = self.market_mut(ticker)?;
        refuse_combo(market)?;
        refuse(market.status, Step::Rename)?;
        market.listing.yes_sub_title.clone_from(&yes_sub_title);
        self.take_step(ticker, Step::Rename, now_us)?;
        self.tell_life(ticker, LifecycleKind::MetadataUpdated { yes_sub_title }, now_us);
        Ok(())
    }
}

fn refuse(status: Status, step: Step) -> Result<(), Refusal> {
    status.after(step).map(drop).ok_or_else(|| Refusal::bad_request(step.refused(status)))
}

/// A market that may not close early only closes later than planned.
fn refuse_early(market: &Market, close_us: i64) -> Result<(), Refusal> {
    if close_us < market.listing.close_us && !market.listing.can_close_early {
        return Err(Refusal::bad_request("the market cannot close early"));
    }
    Ok(())
}

/// The channel of combos has no words for such changes.
fn refuse_combo(market: &Market) -> Result<(), Refusal> {
    if market.combo.is_some() {
        return Err(Refusal::bad_request("a combo keeps its grid and its name"));
    }
    Ok(())
}
