//! What happens in one step: what clients ask for, what the market and other programs do, what breaks.

use outrigger_engine::desk::DeskInput;
use outrigger_engine::desk::command::DeskCommand;
use outrigger_engine::domain::{Count, OrderId, Price, Side, TimeInForce};
use outrigger_engine::journal::{HaltMode, NewOrder};
use outrigger_engine::venue::{CreateOrder, VenueOrderStatus};

use crate::checks::Asked;
use crate::shared::{contracts, intent, market};
use crate::venue::TICKERS;
use crate::world::{World, note};

/// How long the venue's cancel-all reaches beyond itself.
const TAIL_MS: i64 = 1_500;

impl World {
    /// One thing happens, then time passes.
    pub(crate) fn step(&mut self) {
        match self.dice.roll(100) {
            0..=19 => self.place(),
            20..=24 => self.place_again(),
            25..=34 => self.cancel(),
            35..=42 => self.amend(),
            43..=57 => self.trade(),
            58..=64 => self.venue_ends_some(),
            65..=67 => self.others_trade(),
            68 | 69 => self.set_halt(),
            70 | 71 => self.stream_goes_down(),
            72..=74 if self.fuse.is_none() => {
                self.fuse = Some(self.dice.roll(6));
                note!(self, "the power will go");
            }
            75 => self.command(DeskCommand::CancelAll, Asked::CancelAll),
            _ => self.input(DeskInput::Tick),
        }
        self.settle_down();
        // Now and then much time passes, so that what is old lies before what reads reach back to.
        let ms = if self.dice.chance(1) { 90_000 } else { self.dice.between(0, 120) };
        self.pass(ms);
    }

    fn price(&mut self) -> Price {
        Price::from_ten_thousandths(4_000 + 500 * self.dice.roll(5) as u16).unwrap()
    }

    fn place(&mut self) {
        let n = self.number();
        let (key, side) = (n, if self.dice.chance(50) { Side::Bid } else { Side::Ask });
        let ticker = self.dice.pick(&TICKERS).unwrap_or(TICKERS[0]);
        let mut order = intent(n, ticker, side, contracts(1 + self.dice.roll(4)));
        order.price = self.price();
        match self.dice.roll(10) {
            0 => order.time_in_force = TimeInForce::ImmediateOrCancel,
            1 => order.time_in_force = TimeInForce::FillOrKill,
            2 => order.post_only = true,
            3 => order.expiration_time = Some(1),
            _ => {}
        }
        self.send_place(order, key);
    }

    fn send_place(&mut self, order: NewOrder, key: u64) {
        self.told.requests.entry(key).or_insert_with(|| order.clone());
        self.told.keys.insert(order.client_order_id.as_str().to_owned(), key);
        let ticker = order.ticker.clone();
        let asked = Asked::Place { key, order_id: order.order_id };
        self.command(DeskCommand::Place { order, market: market(ticker.as_str()) }, asked);
    }

    /// A client repeats a request: the same key and body, and ids minted afresh as the API mints them.
    fn place_again(&mut self) {
        let keys: Vec<u64> = self.told.requests.keys().copied().collect();
        let recent = keys.len().saturating_sub(6);
        let Some(key) = self.dice.pick(&keys[recent..]) else { return };
        let Some(first) = self.told.requests.get(&key).cloned() else { return };
        let n = self.number();
        let ids = intent(n, "", Side::Bid, Count::ZERO);
        let mut order = NewOrder { order_id: ids.order_id, client_order_id: ids.client_order_id, ..first };
        if self.dice.chance(10) {
            order.fingerprint = "another body".to_owned();
        }
        self.send_place(order, key);
    }

    fn an_open_order(&mut self) -> Option<OrderId> {
        let orders: Vec<OrderId> = self.desk.state().open_orders().map(|order| order.order_id).collect();
        self.dice.pick(&orders)
    }

    fn cancel(&mut self) {
        if let Some(order_id) = self.an_open_order() {
            self.command(DeskCommand::Cancel { order_id }, Asked::Change);
        }
    }

    fn amend(&mut self) {
        let Some(order_id) = self.an_open_order() else { return };
        let Some(order) = self.desk.state().orders.get(&order_id) else { return };
        let (ticker, count) = (order.ticker.clone(), order.count);
        let size = |change: i64| {
            let hundredths = (count.hundredths() as i64 + 100 * change).max(100);
            Count::from_hundredths(hundredths as u64)
        };
        let (price, count) = match self.dice.roll(4) {
            0 => (Some(self.price()), None),
            1 => (Some(self.price()), size(self.dice.between(-2, 2))),
            2 => (None, size(self.dice.between(-2, -1))),
            _ => (None, size(self.dice.between(1, 3))),
        };
        let market = market(ticker.as_str());
        self.command(DeskCommand::Amend { order_id, price, count, market }, Asked::Change);
    }

    /// The market trades with one of the account's orders; now and then two of them meet and share the trade's id.
    fn trade(&mut self) {
        let (now, resting) = (self.venue_ms(), self.venue.resting());
        let Some(at) = self.dice.pick(&resting) else { return };
        let (size, trade) = (contracts(1 + self.dice.roll(2)), self.venue.next_trade());
        self.venue.fill(at, size, trade, now);
        let other = self.dice.pick(&resting).filter(|other| *other != at && self.dice.chance(10));
        if let Some(other) = other {
            self.venue.fill(other, size, trade, now);
        }
    }

    /// The venue ends orders for its own reasons.
    fn venue_ends_some(&mut self) {
        let now = self.venue_ms();
        let ticker = self.dice.pick(&TICKERS).unwrap_or(TICKERS[0]);
        let kind = self.dice.roll(60);
        note!(self, "the venue's own doing {kind}");
        match kind {
            0..=19 => self.venue.end_all("ExpiryCancel", now, |log| log.expires),
            20..=39 => {
                let resting = self.venue.resting();
                if let Some(at) = self.dice.pick(&resting) {
                    let reasons = ["SelfTradeCancel", "", "MarginCancel", "ReduceOnlyCancel"];
                    let reason = self.dice.pick(&reasons).unwrap_or("");
                    self.venue.end(at, reason, now);
                }
            }
            // A pause ends: everything of the market is wiped. A group triggers: all bids of a price.
            40..=45 => self.venue.end_all("HaltCancel", now, |log| log.now().ticker.as_str() == ticker),
            46..=53 => {
                let price = self.price();
                self.venue.end_all("", now, |log| log.now().price == price);
            }
            54..=57 => self.venue.cancel_all(now, TAIL_MS),
            58 => self.venue.close(ticker, now),
            _ => self.venue.settle(ticker, now),
        }
    }

    /// Another program trades with the same account.
    fn others_trade(&mut self) {
        let (now, resting) = (self.venue_ms(), self.venue.resting());
        if self.dice.chance(60) {
            let n = self.number();
            let ticker = self.dice.pick(&TICKERS).unwrap_or(TICKERS[0]);
            let price = self.price();
            let create = CreateOrder {
                client: String::new(),
                client_order_id: format!("other{n}").as_str().into(),
                ticker: ticker.into(),
                side: Side::Ask,
                price,
                count: contracts(1 + self.dice.roll(3)),
                time_in_force: TimeInForce::GoodTillCanceled,
                self_trade_prevention: Default::default(),
                post_only: false,
                reduce_only: false,
                cancel_order_on_pause: false,
                expiration_time: None,
                exchange_index: 0,
            };
            self.venue.foreign(&create, now);
        } else if let Some(at) = self.dice.pick(&resting) {
            let (price, rest) = (self.price(), contracts(1 + self.dice.roll(4)));
            note!(self, "another program amends order {at}");
            self.venue.foreign_amend(at, price, rest, now);
        }
    }

    fn set_halt(&mut self) {
        let modes = [HaltMode::Halted, HaltMode::Active, HaltMode::Active, HaltMode::ReduceOnly];
        let mode = self.dice.pick(&modes).unwrap_or_default();
        let number = self.told.halt_asked(mode);
        self.command(DeskCommand::SetHalt { mode, reason: "test".to_owned() }, Asked::Halt(number));
    }

    /// Faults end and the connection is there again: within ten seconds everything must be as the venue has it (I5).
    pub(crate) fn heal(&mut self) {
        (self.faulty, self.fuse) = (false, None);
        note!(self, "faults end");
        self.stream_goes_down();
        self.stream_comes_up();
        let tick_ms = 200;
        for _ in 0..(10_000 / tick_ms) {
            self.input(DeskInput::Tick);
            self.pass(tick_ms);
            if self.broken.is_some() {
                return;
            }
        }
        self.compare();
    }

    /// Returns how an order stands at the venue, if the venue knows it.
    pub(crate) fn at_venue(&self, client_id: &str) -> Option<VenueOrderStatus> {
        self.venue.order_of(client_id).map(|log| log.now().status)
    }
}
