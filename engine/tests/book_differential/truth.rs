//! What every live book must be: the state of its market after the last change numbered up to here, or after the snapshot
//! that told more.

use outrigger_engine::book::{BookView, Trust};
use outrigger_engine::domain::{Count, Leg, Price, Ticker};
use outrigger_engine::stream::Announcement;

use crate::venue::{LEVELS, Levels, MARKETS, Market};

#[derive(Default, Clone, Copy)]
struct State {
    levels: Levels,
    index: u64,
}

/// The truth of all markets as far as the connection has told it, lost frames included.
pub(crate) struct Truth {
    states: Vec<State>,
    tickers: Vec<Ticker>,
    /// The books as a client of the local stream builds them.
    mirrors: Vec<Mirror>,
}

#[derive(Default, Clone)]
struct Mirror {
    levels: Levels,
    trust: Option<Trust>,
}

pub(crate) fn price(level: usize) -> Price {
    Price::from_ten_thousandths(100 + level as u16 * 100).unwrap()
}

fn level(price: Price) -> usize {
    usize::from(price.ten_thousandths() / 100) - 1
}

fn legs(yes: &[(Price, Count)], no: &[(Price, Count)]) -> Levels {
    let mut levels = Levels::default();
    for (leg, rows) in [yes, no].into_iter().enumerate() {
        for (price, count) in rows {
            levels[leg][level(*price)] = count.hundredths() as i64;
        }
    }
    levels
}

impl Truth {
    pub(crate) fn new() -> Truth {
        let tickers = (0..MARKETS).map(|market| Ticker::new(format!("KXDIFF-26NOV21-{market:02}"))).collect();
        Truth { states: vec![State::default(); MARKETS], tickers, mirrors: vec![Mirror::default(); MARKETS] }
    }

    pub(crate) fn ticker(&self, market: usize) -> &Ticker {
        &self.tickers[market]
    }

    pub(crate) fn market(&self, ticker: &Ticker) -> usize {
        self.tickers.iter().position(|known| known == ticker).unwrap()
    }

    /// The connection has told a market up to `index`.
    pub(crate) fn reach(&mut self, number: usize, index: u64, market: &Market) {
        let state = &mut self.states[number];
        if index.saturating_sub(state.index) > 2_000 {
            // Told in one piece, by a snapshot after a long break: what came since is taken back.
            (state.levels, state.index) = (market.levels, market.index);
            while state.index > index {
                let change = market.logged(state.index);
                state.levels[change.leg][change.level] -= change.by;
                state.index -= 1;
            }
        }
        while state.index < index {
            let change = market.logged(state.index + 1);
            state.levels[change.leg][change.level] += change.by;
            state.index += 1;
        }
    }

    /// Compares a book with the truth; returns whether it is live.
    pub(crate) fn check(&self, number: usize, view: Option<&BookView>) -> Result<bool, String> {
        let Some(view) = view.filter(|view| view.trust == Trust::Live) else { return Ok(false) };
        let state = &self.states[number];
        let shown = legs(&view.yes, &view.no);
        let count = shown.iter().flatten().filter(|held| **held != 0).count();
        if shown != state.levels || count != view.yes.len() + view.no.len() {
            let (have, want) = (shown, state.levels);
            let at = state.index;
            return Err(format!("{} after change {at}: have {have:?}, want {want:?}", view.ticker));
        }
        Ok(true)
    }

    /// Does what a client does with an announcement.
    pub(crate) fn announced(&mut self, announcement: &Announcement) {
        match announcement {
            Announcement::BookSnapshot { view, .. } => {
                let market = self.market(&view.ticker);
                self.mirrors[market] = Mirror { levels: legs(&view.yes, &view.no), trust: Some(view.trust) };
            }
            Announcement::BookDelta { ticker, leg, price, count, .. } => {
                let market = self.market(ticker);
                let leg = usize::from(*leg == Leg::No);
                self.mirrors[market].levels[leg][level(*price)] = count.hundredths() as i64;
            }
            Announcement::BookTrust { ticker, trust, .. } => {
                let market = self.market(ticker);
                self.mirrors[market].trust = Some(*trust);
            }
            _ => {}
        }
    }

    /// Compares what a client holds with the keeper's book.
    pub(crate) fn check_mirror(&self, number: usize, view: Option<&BookView>) {
        let mirror = &self.mirrors[number];
        assert_eq!(mirror.trust, view.map(|view| view.trust), "{}: trust announced", self.tickers[number]);
        if let Some(view) = view {
            assert_eq!(mirror.levels, legs(&view.yes, &view.no), "{}: levels announced", view.ticker);
            assert_eq!(
                view.yes.len() + view.no.len(),
                mirror.levels.iter().flatten().filter(|c| **c != 0).count()
            );
        }
    }
}

/// The rows of one leg, as the feed delivers them.
pub(crate) fn rows(levels: &[i64; LEVELS]) -> Vec<(Price, Count)> {
    let held = levels.iter().enumerate().filter(|(_, held)| **held > 0);
    held.map(|(at, held)| (price(at), Count::from_hundredths(*held as u64).unwrap())).collect()
}
