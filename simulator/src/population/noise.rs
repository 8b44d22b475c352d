//! Noise traders: they take what is there, small mostly, now and then through several levels.

use std::sync::Arc;

use super::Population;
use crate::venue::Venue;
use crate::venue::event::Side;
use crate::venue::order::{NewOrder, SelfTradePrevention, TimeInForce};

impl Population {
    /// One act: an immediate order against the best price, in the direction of the belief more often than not.
    pub(super) fn take(&mut self, venue: &mut Venue, ticker: &Arc<str>, now_us: i64) {
        let Some(market) = venue.market(ticker) else { return };
        let (bid, ask) = (market.best_bid(), market.best_ask());
        let grid = market.listing.grid;
        let side = if self.dice.chance(50) { Side::Bid } else { Side::Ask };
        let Some((best, size)) = (if side == Side::Bid { ask } else { bid }) else { return };
        let sweeps = self.dice.chance(8);
        let reach = if sweeps { 3 } else { 0 } * grid.step_at(best);
        let price = grid.floor(if side == Side::Bid { best + reach } else { best - reach });
        let count =
            if sweeps { size + self.dice.between(100, 20_000) } else { self.dice.between(100, 15_000) };
        let trader = self.noise_trader();
        let order = NewOrder {
            ticker: ticker.to_string(),
            client_order_id: None,
            side,
            price,
            count: if self.dice.chance(70) { (count / 100).max(1) * 100 } else { count },
            time_in_force: TimeInForce::ImmediateOrCancel,
            self_trade_prevention: SelfTradePrevention::TakerAtCross,
            post_only: false,
            reduce_only: false,
            cancel_order_on_pause: false,
            expiration_time: None,
            subaccount: 0,
            order_group_id: None,
            exchange_index: None,
        };
        // Nothing to take any more is no mistake.
        let _ = venue.place(trader, &order, now_us);
    }
}
