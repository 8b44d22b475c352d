//! What must hold of a served book after everything that arrives, and of the trades that are told.

use std::collections::{HashMap, HashSet};

use outrigger_engine::book::{BookView, Trust};
use outrigger_engine::domain::{Count, Leg, Price, Ticker, TradeId, VenueTime};
use outrigger_engine::stream::Announcement;

use crate::strand::{Strand, Well};
use crate::venue::{Levels, MARKETS, Position, Venue};

/// How long a book may be served that a strand left behind, or that is of before clocks were set back: the longest stall, the
/// wait, and a sweep.
const BEHIND_MS_MAX: u64 = 3_000 + 2_000 + 1_100;
const WAIT_MS: u64 = 2_000;

#[derive(Default, Clone, Copy)]
struct Shown {
    /// The state that is served, if it is live.
    state: Option<usize>,
    /// Since when no strand that is well has told as much.
    alone_since: Option<u64>,
    /// Since when a strand has told what came after the clocks were set back, and this has not.
    behind_since: Option<u64>,
}

/// The books as a client of the announcements builds them.
#[derive(Default, Clone)]
struct Mirror {
    levels: Levels,
    trust: Option<Trust>,
}

#[derive(Default)]
pub(crate) struct Oracle {
    shown: [Shown; MARKETS],
    mirrors: [Mirror; MARKETS],
    told: HashSet<TradeId>,
    newest: HashMap<Ticker, VenueTime>,
    /// Looks at which a book was served that waits for a strand.
    pub(crate) waited: u64,
}

fn level(price: Price) -> usize {
    usize::from(price.ten_thousandths() / 100) - 1
}

fn levels(yes: &[(Price, Count)], no: &[(Price, Count)]) -> Levels {
    let mut levels = Levels::default();
    for (leg, rows) in [yes, no].into_iter().enumerate() {
        for (price, count) in rows {
            levels[leg][level(*price)] = count.hundredths() as i64;
        }
    }
    levels
}

impl Oracle {
    /// Judges a book; returns whether it is live.
    pub(crate) fn judge(
        &mut self,
        number: usize,
        view: Option<&BookView>,
        clock: Option<i64>,
        venue: &Venue,
        strands: &[Strand; 2],
        now_ms: u64,
    ) -> Result<bool, String> {
        let market = &venue.markets[number];
        let mirror = &self.mirrors[number];
        if mirror.trust != view.map(|view| view.trust) {
            return Err(format!("{}: {:?} was announced, {view:?} is read", market.ticker, mirror.trust));
        }
        let well: Vec<&Strand> = strands.iter().filter(|strand| strand.well[number] == Well::Yes).collect();
        let is_possible = strands.iter().any(|strand| strand.well[number] != Well::No);
        let Some(view) = view.filter(|view| view.trust == Trust::Live) else {
            self.shown[number] = Shown::default();
            let is_dead = !well.is_empty();
            return if is_dead { Err(format!("{} is not live", market.ticker)) } else { Ok(false) };
        };
        if !is_possible {
            return Err(format!("{} is live, and no strand is well", market.ticker));
        }
        let have = levels(&view.yes, &view.no);
        if have != mirror.levels {
            return Err(format!("{}: {:?} was announced, {have:?} is read", market.ticker, mirror.levels));
        }
        let before = self.shown[number];
        let possible = strands.iter().filter(|strand| strand.well[number] != Well::No);
        let told = possible.map(|strand| strand.told[number]).chain(before.state);
        let position = |state: usize| market.states[state].1;
        // Equal levels at another clock are another state.
        let is_it = |state: &usize| {
            market.states[*state].0 == have && clock.is_none_or(|clock| position(*state).1 == clock)
        };
        let matching = told.filter(is_it).max_by_key(|state| position(*state));
        let Some(state) = matching else {
            let told: Vec<usize> = strands.iter().map(|strand| strand.told[number]).collect();
            return Err(format!(
                "{} is wrong: {have:?} is neither of {told:?}, {:?}",
                market.ticker, before.state
            ));
        };
        let told: Vec<usize> = well.iter().map(|strand| strand.told[number]).collect();
        let mut shown = Shown { state: Some(state), ..before };
        self.judge_age(&mut shown, &told, before, position, venue.has_clock, now_ms)
            .map_err(|wrong| format!("{}: {wrong}", market.ticker))?;
        self.shown[number] = shown;
        Ok(true)
    }

    /// Judges how far the shown state has come.
    fn judge_age(
        &mut self,
        shown: &mut Shown,
        told: &[usize],
        before: Shown,
        position: impl Fn(usize) -> Position,
        has_clock: bool,
        now_ms: u64,
    ) -> Result<(), String> {
        let at = position(shown.state.unwrap());
        let newest = told.iter().map(|state| position(*state)).max();
        let has_come_as_far = |state: &usize| position(*state).0 == at.0 && position(*state) >= at;
        let is_alone = !told.iter().any(has_come_as_far);
        shown.alone_since = is_alone.then(|| before.alone_since.unwrap_or(now_ms));
        self.waited += u64::from(is_alone);
        let over = |since: Option<u64>, ms| since.is_some_and(|since| now_ms - since > ms);
        if newest.is_some_and(|newest| newest < at) && over(shown.alone_since, BEHIND_MS_MAX) {
            return Err("no strand has come as far for long".to_owned());
        }
        let is_of_before = newest.is_some_and(|newest| newest.0 > at.0);
        shown.behind_since = is_of_before.then(|| before.behind_since.unwrap_or(now_ms));
        if over(shown.behind_since, BEHIND_MS_MAX) {
            return Err("it is of before the clocks were set back".to_owned());
        }
        if has_clock && !is_of_before && newest.is_some_and(|newest| newest > at) {
            return Err(format!("at {at:?} it is behind a strand that is well and at {newest:?}"));
        }
        let was = before.state.map(position);
        // What is on its way from before clocks were set back looks newer, for as long as it is on its way.
        let is_of_another_era = was.is_some_and(|was| at.0 < was.0);
        let may_go_back = !has_clock || is_of_another_era || over(before.alone_since, WAIT_MS - 1);
        if was.is_some_and(|was| at < was) && !may_go_back {
            return Err(format!("went back from {was:?} to {at:?}"));
        }
        Ok(())
    }

    /// Does what a client does with an announcement.
    pub(crate) fn announced(&mut self, announcement: &Announcement, venue: &Venue) -> Result<(), String> {
        let number = |ticker: &Ticker| venue.markets.iter().position(|m| m.ticker == *ticker).unwrap();
        match announcement {
            Announcement::BookSnapshot { view, .. } => {
                let levels = levels(&view.yes, &view.no);
                self.mirrors[number(&view.ticker)] = Mirror { levels, trust: Some(view.trust) };
            }
            Announcement::BookDelta { ticker, leg, price, count, .. } => {
                let leg = usize::from(*leg == Leg::No);
                self.mirrors[number(ticker)].levels[leg][level(*price)] = count.hundredths() as i64;
            }
            Announcement::BookTrust { ticker, trust, .. } => {
                self.mirrors[number(ticker)].trust = Some(*trust);
            }
            Announcement::Trade { trade, backfilled, .. } => {
                if !self.told.insert(trade.trade_id.clone()) {
                    return Err(format!("{} was told twice", trade.trade_id));
                }
                let newest = self.newest.entry(trade.ticker.clone()).or_insert(trade.ts_ms);
                if trade.ts_ms < *newest && !backfilled {
                    return Err(format!("{} was told after a newer one, and not marked", trade.trade_id));
                }
                *newest = trade.ts_ms.max(*newest);
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn missing_trades(&self, venue: &Venue) -> Vec<TradeId> {
        let ids = venue.trades.iter().map(|trade| trade.trade_id.clone());
        ids.filter(|id| !self.told.contains(id)).collect()
    }
}
