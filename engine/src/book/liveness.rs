//! Whether data still flows, told by contradiction and never by silence: a market may be quiet for hours. One channel owes
//! something when another one reports what it must have seen too.
//!
//! The best prices of a quote change: the book must have changed. The volume of a quote rises: a trade must have been told. A
//! trade is told: a quote must follow, because its volume rose. What is owed and does not come is a doubt at first, so that the
//! book can be read in another way, then an alarm. A market that does not match orders owes nothing.

use std::collections::BTreeMap;

use crate::domain::{Count, Monotonic, Price, Ticker};
use crate::venue::Quote;

/// Quotes and changes of books travel on channels of their own; one may be so much ahead of the other.
const SLACK_MS: u64 = 5_000;
const DOUBT_AFTER_MS: u64 = 5_000;
const ALARM_AFTER_MS: u64 = 20_000;

/// A kind of data that comes on a channel of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataClass {
    Book,
    Trade,
    Ticker,
}

impl DataClass {
    pub const fn as_str(self) -> &'static str {
        match self {
            DataClass::Book => "book",
            DataClass::Trade => "trade",
            DataClass::Ticker => "ticker",
        }
    }
}

/// What a look at one market's debts led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataVerdict {
    /// The class owes something; it may still come.
    Doubt { class: DataClass, ticker: Ticker },
    /// It did not come.
    Alarm { class: DataClass, ticker: Ticker, reason: &'static str },
    /// The class was heard again after an alarm.
    Over { class: DataClass, ticker: Ticker },
}

/// Something another channel reported.
#[derive(Debug, Clone, Copy)]
struct Debt {
    /// The class must have been heard at this moment or later.
    since: Monotonic,
    /// When the other channel reported it.
    reported: Monotonic,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Owed,
    Doubted,
    Alarmed,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    yes_bid: Option<Price>,
    yes_ask: Option<Price>,
    volume: Option<Count>,
    at: Monotonic,
}

#[derive(Debug, Default)]
struct MarketData {
    quote: Option<Seen>,
    trade_at: Option<Monotonic>,
    debts: BTreeMap<DataClass, Debt>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Liveness {
    markets: BTreeMap<Ticker, MarketData>,
}

impl Liveness {
    /// Takes a quote in.
    pub fn quote(&mut self, quote: &Quote, now: Monotonic) {
        if !self.markets.contains_key(&quote.ticker) {
            self.markets.insert(quote.ticker.clone(), MarketData::default());
        }
        let Some(market) = self.markets.get_mut(&quote.ticker) else { return };
        let Quote { yes_bid, yes_ask, volume, .. } = *quote;
        let seen = Seen { yes_bid, yes_ask, volume, at: now };
        let Some(before) = market.quote.replace(seen) else { return };
        if (before.yes_bid, before.yes_ask) != (yes_bid, yes_ask) {
            market.owe(DataClass::Book, before.at, now);
        }
        if before.volume.is_some() && volume > before.volume {
            market.owe(DataClass::Trade, before.at, now);
        }
    }

    /// Takes a public trade in.
    pub fn trade(&mut self, ticker: &Ticker, now: Monotonic) {
        if !self.markets.contains_key(ticker) {
            self.markets.insert(ticker.clone(), MarketData::default());
        }
        let Some(market) = self.markets.get_mut(ticker) else { return };
        market.trade_at = Some(now);
        // Without a first quote nothing says that quotes come for this market at all.
        if market.quote.is_some() {
            market.owe(DataClass::Ticker, now, now);
        }
    }

    /// The book was read in another way and found right: the stream owes nothing.
    pub fn book_is_right(&mut self, ticker: &Ticker) {
        if let Some(debt) = self.markets.get_mut(ticker).and_then(|m| m.debts.get_mut(&DataClass::Book))
            && debt.stage != Stage::Alarmed
        {
            debt.since = Monotonic(0);
        }
    }

    /// Looks at what is owed. `book_heard` tells when a live book's last frame came, `None` where there is no live book;
    /// `is_active` whether the market matches orders. Call about once a second.
    pub fn judge(
        &mut self,
        now: Monotonic,
        book_heard: impl Fn(&Ticker) -> Option<Monotonic>,
        is_active: impl Fn(&Ticker) -> bool,
    ) -> Vec<DataVerdict> {
        let mut verdicts = Vec::new();
        for (ticker, market) in &mut self.markets {
            if market.debts.is_empty() {
                continue;
            }
            let is_excused = !is_active(ticker);
            let quote_at = market.quote.map(|quote| quote.at);
            let trade_at = market.trade_at;
            market.debts.retain(|class, debt| {
                let heard = match class {
                    DataClass::Book => book_heard(ticker),
                    DataClass::Trade => trade_at,
                    DataClass::Ticker => quote_at,
                };
                // A book that is not live is known not to be; it is healed in its own way.
                let is_moot = is_excused || (*class == DataClass::Book && heard.is_none());
                let is_paid = is_moot || heard.is_some_and(|at| at >= debt.since);
                debt.judge(*class, ticker, is_paid, now, &mut verdicts);
                !is_paid
            });
        }
        verdicts
    }

    /// Returns the alarms that stand.
    pub fn alarms(&self) -> impl Iterator<Item = (DataClass, &Ticker)> {
        self.markets.iter().flat_map(|(ticker, market)| {
            let alarmed = market.debts.iter().filter(|(_, debt)| debt.stage == Stage::Alarmed);
            alarmed.map(move |(class, _)| (*class, ticker))
        })
    }

    pub fn forget(&mut self, ticker: &Ticker) {
        self.markets.remove(ticker);
    }

    /// Begins anew: what came before a break of the connection proves nothing after it.
    pub fn reset(&mut self) {
        self.markets.clear();
    }
}

impl MarketData {
    /// `since` is the last moment at which the class could have told it and been counted already.
    fn owe(&mut self, class: DataClass, since: Monotonic, reported: Monotonic) {
        let since = Monotonic(since.0.saturating_sub(SLACK_MS * 1_000_000));
        // The oldest debt counts: a channel that is silent for good owes more and more.
        self.debts.entry(class).or_insert(Debt { since, reported, stage: Stage::Owed });
    }
}

impl Debt {
    fn judge(
        &mut self,
        class: DataClass,
        ticker: &Ticker,
        is_paid: bool,
        now: Monotonic,
        out: &mut Vec<DataVerdict>,
    ) {
        let waited_ms = now.millis_since(self.reported);
        match self.stage {
            Stage::Alarmed if is_paid => out.push(DataVerdict::Over { class, ticker: ticker.clone() }),
            Stage::Owed if !is_paid && waited_ms >= DOUBT_AFTER_MS => {
                self.stage = Stage::Doubted;
                out.push(DataVerdict::Doubt { class, ticker: ticker.clone() });
            }
            Stage::Doubted if !is_paid && waited_ms >= ALARM_AFTER_MS => {
                self.stage = Stage::Alarmed;
                let reason = match class {
                    DataClass::Book => "its quotes move and its book does not",
                    DataClass::Trade => "its volume rises and no trade is told",
                    DataClass::Ticker => "it trades and no quote is told",
                };
                out.push(DataVerdict::Alarm { class, ticker: ticker.clone(), reason });
            }
            Stage::Owed | Stage::Doubted | Stage::Alarmed => {}
        }
    }
}

#[cfg(test)]
mod tests;
