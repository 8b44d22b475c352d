//! Where members say they are: once their word runs out, some kinds of markets are closed to them.

use super::Venue;
use super::account::AccountId;
use super::market::Market;
use super::refusal::Refusal;

const RESTRICTED: [&str; 3] = ["Sports", "Elections", "Entertainment"];

impl Venue {
    /// Refuses an order in a restricted market once the attestation is over. The population needs none.
    pub(super) fn check_region(
        &self,
        account: AccountId,
        market: &Market,
        now_us: i64,
    ) -> Result<(), Refusal> {
        let is_over = self.region_expires_us.is_some_and(|at_us| now_us >= at_us);
        let is_member = self.accounts.get(account).is_some_and(|holder| !holder.has_credit);
        if is_over && is_member && self.is_restricted(market) {
            Err(Refusal::region_expired())
        } else {
            Ok(())
        }
    }

    /// A combo is restricted if one of its legs is.
    fn is_restricted(&self, market: &Market) -> bool {
        let series = self.series.get(&market.listing.series_ticker);
        let legs = market.combo.iter().flat_map(|combo| &combo.legs);
        series.is_some_and(|series| RESTRICTED.contains(&series.category.as_str()))
            || legs
                .filter_map(|(leg, _)| self.market(&leg.market_ticker))
                .any(|leg| leg.combo.is_none() && self.is_restricted(leg))
    }
}
