//! When events open and close, and what they are called. Pure: the same plan and time give the same listings.

use jiff::Timestamp;

use super::series::SeriesPlan;
use crate::venue::dice::Dice;
use crate::venue::fees::FeeSchedule;
use crate::venue::market::{Listing, Outcome};
use crate::venue::units::DOLLAR;

const SECOND_US: i64 = 1_000_000;

/// Lists events as their time comes.
#[derive(Debug)]
pub struct Calendar {
    plans: Vec<SeriesPlan>,
    /// For each plan, when the next event opens.
    next_open_us: Vec<i64>,
    started_us: i64,
}

impl Calendar {
    pub fn new(plans: Vec<SeriesPlan>, now_us: i64) -> Calendar {
        let next_open_us = plans.iter().map(|_| now_us).collect();
        Calendar { plans, next_open_us, started_us: now_us }
    }

    pub fn plans(&self) -> &[SeriesPlan] {
        &self.plans
    }

    /// Returns the markets that must be listed by `now_us`. The first event of a series with several at once closes early,
    /// so that from the start their closes follow each other evenly.
    pub fn due(&mut self, now_us: i64, dice: &mut Dice) -> Vec<Listing> {
        let mut listings = Vec::new();
        for (plan, next) in self.plans.iter().zip(&mut self.next_open_us) {
            let spacing_us = (plan.lasts_s * SECOND_US / i64::from(plan.at_once.max(1))).max(SECOND_US);
            if *next == self.started_us {
                for early in 1..i64::from(plan.at_once) {
                    listings.extend(event(plan, *next, *next + early * spacing_us, dice));
                }
            }
            while *next <= now_us {
                listings.extend(event(plan, *next, *next + plan.lasts_s * SECOND_US, dice));
                *next += spacing_us;
            }
        }
        listings
    }
}

/// Returns the markets of one event. Thresholds get less likely as they rise; the truth is drawn now and told at the end.
fn event(plan: &SeriesPlan, open_us: i64, close_us: i64, dice: &mut Dice) -> Vec<Listing> {
    let event_ticker = format!("{}-{}", plan.ticker, stamp(close_us, plan.lasts_s));
    let middle = i64::from(plan.markets) * 50;
    let truth = dice.between(0, middle * 2);
    (0..i64::from(plan.markets))
        .map(|number| {
            let strike = plan.first_strike + number * plan.strike_step;
            let position = number * 100 + 50;
            let likely = DOLLAR / 2 + (middle - position) * 3_200 / middle.max(1);
            let first_price = (likely + dice.between(-400, 400)).clamp(300, 9_700);
            let wins = if plan.markets == 1 { dice.chance(50) } else { truth > position };
            let outcome =
                Outcome { result: if wins { "yes" } else { "no" }, value: if wins { DOLLAR } else { 0 } };
            Listing {
                ticker: format!("{event_ticker}-{strike}"),
                event_ticker: event_ticker.clone(),
                series_ticker: plan.ticker.clone(),
                event_title: plan.title.clone(),
                title: plan.question.replace("{strike}", &strike.to_string()),
                yes_sub_title: strike.to_string(),
                exchange_index: plan.exchange_index,
                grid: plan.grid,
                fees: FeeSchedule { kind: plan.fee_kind(), multiplier: 1_000 },
                open_us,
                close_us,
                settlement_timer_s: plan.settlement_timer_s,
                can_close_early: plan.can_close_early,
                outcome,
                first_price,
            }
        })
        .collect()
}

/// Returns the part of a ticker that says when it closes: the day, and the time where it matters.
fn stamp(close_us: i64, lasts_s: i64) -> String {
    let Ok(at) = Timestamp::from_microsecond(close_us) else { return close_us.to_string() };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC);
    let format = if lasts_s >= 24 * 60 * 60 { "%y%b%d" } else { "%y%b%d%H%M%S" };
    at.strftime(format).to_string().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::Calendar;
    use crate::scenario::Scenario;
    use crate::venue::dice::Dice;

    #[test]
    fn dozens_of_markets_at_once_and_never_the_same_ticker_twice() {
        let start = 1_790_000_000_000_000;
        let mut calendar = Calendar::new(Scenario::default().series, start);
        let mut dice = Dice::new(7);
        let mut tickers = std::collections::BTreeSet::new();
        for second in 0..600 {
            for listing in calendar.due(start + second * 1_000_000, &mut dice) {
                assert!(tickers.insert(listing.ticker.clone()), "{} twice", listing.ticker);
                assert!(listing.close_us > listing.open_us);
            }
            if second == 0 {
                assert!(tickers.len() >= 24, "{}", tickers.len());
            }
        }
        assert!(tickers.len() > 40);
    }
}
