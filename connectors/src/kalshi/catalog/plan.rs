//! What the catalogue must look at next: plain data, time handed in.

use std::collections::{BTreeMap, BTreeSet};

use outrigger_engine::domain::{Catalog, Market, MarketStatus, Ticker};
use outrigger_engine::venue::LifecycleEvent;

/// The stream is ahead of the lists, which may be cached: for so long its word on a status counts more.
const STREAM_COUNTS_MS: i64 = 60_000;
/// A market that is not found, or not open yet, is looked at again so often and so many times.
const LOOK_AGAIN_MS: i64 = 2_000;
const LOOKS_MAX: u32 = 30;

#[derive(Debug)]
struct Heard {
    status: MarketStatus,
    result: Option<String>,
    until_ms: i64,
}

#[derive(Debug)]
struct Look {
    due_ms: i64,
    looks: u32,
}

#[derive(Debug)]
pub(super) struct Plan {
    /// The only markets that are kept; `None` keeps all.
    scope: Option<BTreeSet<Ticker>>,
    heard: BTreeMap<Ticker, Heard>,
    looks: BTreeMap<Ticker, Look>,
    /// Openings and closings to come, by time.
    clock: BTreeSet<(i64, Ticker)>,
}

impl Plan {
    pub(super) fn new(scope: Option<BTreeSet<Ticker>>) -> Plan {
        let (heard, looks, clock) = Default::default();
        Plan { scope, heard, looks, clock }
    }

    /// Somebody needs markets that are in no list; each is read once.
    pub(super) fn look_up(&mut self, tickers: Vec<Ticker>, now_ms: i64) {
        for ticker in tickers {
            if let Some(scope) = &mut self.scope {
                scope.insert(ticker.clone());
            }
            self.looks.entry(ticker).or_insert(Look { due_ms: now_ms, looks: LOOKS_MAX - 1 });
        }
    }

    /// The stream said something about a market: its row is read again.
    pub(super) fn heard(&mut self, event: &LifecycleEvent, now_ms: i64) {
        if !self.is_in_scope(&event.ticker) {
            return;
        }
        if let Some(status) = status_after(&event.event_type) {
            let until_ms = now_ms.saturating_add(STREAM_COUNTS_MS);
            self.heard.insert(event.ticker.clone(), Heard { status, result: event.result.clone(), until_ms });
        }
        self.looks.insert(event.ticker.clone(), Look { due_ms: now_ms, looks: 0 });
    }

    fn is_in_scope(&self, ticker: &Ticker) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(ticker))
    }

    /// Takes rows as read, puts right what the stream knows better, and learns what is to come.
    pub(super) fn reconcile(&mut self, mut markets: Vec<Market>, now_ms: i64) -> Vec<Market> {
        self.heard.retain(|_, heard| heard.until_ms > now_ms);
        for market in &mut markets {
            if let Some(heard) = self.heard.get(&market.ticker) {
                market.status = heard.status;
                if let Some(result) = &heard.result {
                    market.result = result.clone();
                }
            }
            let to_come = match market.status {
                MarketStatus::Initialized => market.open_time.as_deref(),
                MarketStatus::Active | MarketStatus::Inactive => market.close_time.as_deref(),
                _ => None,
            };
            if let Some(at) = to_come.and_then(millis) {
                if at > now_ms {
                    self.clock.insert((at, market.ticker.clone()));
                } else if !self.looks.contains_key(&market.ticker) {
                    // The list is older than the moment: look once more.
                    let due_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
                    self.looks.insert(market.ticker.clone(), Look { due_ms, looks: 1 });
                }
            }
        }
        markets
    }

    /// Returns known markets, not over yet, that the lists do not have any more.
    pub(super) fn left(&self, catalog: &Catalog, listed: &[Market]) -> Vec<Ticker> {
        let listed: BTreeSet<&Ticker> = listed.iter().map(|market| &market.ticker).collect();
        let gone = catalog.page(None, usize::MAX, |market| {
            market.status != MarketStatus::Finalized && !listed.contains(&market.ticker)
        });
        gone.into_iter().map(|market| market.ticker).collect()
    }

    /// Closes markets whose time has come, and has those looked at that should be open now.
    pub(super) fn watch_clock(&mut self, catalog: &Catalog, now_ms: i64) {
        while let Some((at, ticker)) = self.clock.pop_first() {
            if at > now_ms {
                self.clock.insert((at, ticker));
                return;
            }
            let Some(market) = catalog.get(ticker.as_str()) else { continue };
            let is_due =
                |time: &Option<String>| time.as_deref().and_then(millis).is_some_and(|at| at <= now_ms);
            match market.status {
                MarketStatus::Active | MarketStatus::Inactive if is_due(&market.close_time) => {
                    catalog.set_status(ticker.as_str(), MarketStatus::Closed, None);
                }
                MarketStatus::Initialized if is_due(&market.open_time) => {}
                // Its times were moved meanwhile.
                _ => continue,
            }
            self.looks.insert(ticker, Look { due_ms: now_ms, looks: 0 });
        }
    }

    /// Returns the markets to read now.
    pub(super) fn due(&self, now_ms: i64) -> Vec<Ticker> {
        let due = self.looks.iter().filter(|(_, look)| look.due_ms <= now_ms);
        due.map(|(ticker, _)| ticker.clone()).collect()
    }

    /// Those found are done with (their rows say what comes next), the others are looked at again. Returns those the venue
    /// does not know however often it was asked.
    pub(super) fn answered(
        &mut self,
        asked: &[Ticker],
        found: &BTreeSet<Ticker>,
        now_ms: i64,
    ) -> Vec<Ticker> {
        let mut absent = Vec::new();
        for ticker in asked {
            let Some(look) = self.looks.get_mut(ticker) else { continue };
            look.looks += 1;
            look.due_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
            let is_found = found.contains(ticker);
            // A row that is found but behind the clock comes back through `reconcile`.
            if is_found || look.looks >= LOOKS_MAX {
                self.looks.remove(ticker);
            }
            if !is_found && !self.looks.contains_key(ticker) {
                absent.push(ticker.clone());
            }
        }
        absent
    }

    /// The venue could not be read: everything is asked again later, and none of it counts as an answer.
    pub(super) fn unanswered(&mut self, asked: &[Ticker], now_ms: i64) {
        for ticker in asked {
            if let Some(look) = self.looks.get_mut(ticker) {
                look.due_ms = now_ms.saturating_add(LOOK_AGAIN_MS);
            }
        }
    }
}

/// Returns the status a life-cycle event leads to; the others change something else.
pub(super) fn status_after(event_type: &str) -> Option<MarketStatus> {
    match event_type {
        "activated" => Some(MarketStatus::Active),
        "deactivated" => Some(MarketStatus::Inactive),
        "determined" => Some(MarketStatus::Determined),
        "settled" => Some(MarketStatus::Finalized),
        _ => None,
    }
}

fn millis(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use outrigger_engine::domain::{Catalog, Market, MarketStatus, PriceGrid, Ticker};
    use outrigger_engine::venue::LifecycleEvent;

    use super::{Plan, STREAM_COUNTS_MS};

    /// 2026-10-26T12:00:00Z
    const NOON: i64 = 1_793_016_000_000;

    fn market(ticker: &str, status: MarketStatus) -> Market {
        Market {
            ticker: Ticker::from(ticker),
            event_ticker: "E".into(),
            title: "T".into(),
            status,
            grid: PriceGrid::default(),
            exchange_index: 0,
            open_time: Some("2026-10-26T12:00:10Z".into()),
            close_time: Some("2026-10-26T12:01:00Z".into()),
            result: String::new(),
        }
    }

    fn event(ticker: &str, kind: &str) -> LifecycleEvent {
        LifecycleEvent { result: Some("yes".into()), ..LifecycleEvent::new(Ticker::from(ticker), kind) }
    }

    fn put(plan: &mut Plan, catalog: &Catalog, row: Market, now_ms: i64) {
        catalog.put(plan.reconcile(vec![row], now_ms));
    }

    #[test]
    fn openings_and_closings_are_noticed_by_the_clock() {
        let (mut plan, catalog) = (Plan::new(None), Catalog::default());
        put(&mut plan, &catalog, market("A", MarketStatus::Initialized), NOON);
        plan.watch_clock(&catalog, NOON + 9_999);
        assert!(plan.due(NOON + 9_999).is_empty());
        plan.watch_clock(&catalog, NOON + 10_000);
        let due = plan.due(NOON + 10_000);
        assert_eq!(due, [Ticker::from("A")]);
        // The list still says unopened: it is looked at again.
        plan.answered(&due, &due.iter().cloned().collect(), NOON + 10_000);
        put(&mut plan, &catalog, market("A", MarketStatus::Initialized), NOON + 10_100);
        assert!(plan.due(NOON + 10_200).is_empty());
        let due = plan.due(NOON + 12_100);
        assert_eq!(due, [Ticker::from("A")]);
        plan.answered(&due, &due.iter().cloned().collect(), NOON + 12_100);
        put(&mut plan, &catalog, market("A", MarketStatus::Active), NOON + 12_200);
        assert_eq!(catalog.get("A").unwrap().status, MarketStatus::Active);
        plan.watch_clock(&catalog, NOON + 60_000);
        assert_eq!(catalog.get("A").unwrap().status, MarketStatus::Closed);
    }

    #[test]
    fn the_stream_is_ahead_of_the_lists_for_a_while() {
        let (mut plan, catalog) = (Plan::new(None), Catalog::default());
        plan.heard(&event("A", "determined"), NOON);
        put(&mut plan, &catalog, market("A", MarketStatus::Active), NOON + 1_000);
        let row = catalog.get("A").unwrap();
        assert_eq!((row.status, row.result.as_str()), (MarketStatus::Determined, "yes"));
        let later = NOON + STREAM_COUNTS_MS;
        put(&mut plan, &catalog, market("A", MarketStatus::Finalized), later);
        assert_eq!(catalog.get("A").unwrap().status, MarketStatus::Finalized);
    }

    #[test]
    fn a_new_market_is_looked_for_until_it_is_found() {
        let mut plan = Plan::new(None);
        plan.heard(&event("NEW", "created"), NOON);
        let mut looks = 0;
        let mut now = NOON;
        while !plan.due(now).is_empty() {
            looks += 1;
            plan.answered(&[Ticker::from("NEW")], &Default::default(), now);
            now += super::LOOK_AGAIN_MS;
        }
        assert_eq!(looks, super::LOOKS_MAX, "and not for ever");
    }

    #[test]
    fn markets_that_left_the_lists_are_read_one_by_one() {
        let (mut plan, catalog) = (Plan::new(None), Catalog::default());
        for (ticker, status) in
            [("A", MarketStatus::Active), ("B", MarketStatus::Closed), ("C", MarketStatus::Finalized)]
        {
            put(&mut plan, &catalog, market(ticker, status), NOON);
        }
        assert_eq!(plan.left(&catalog, &[market("A", MarketStatus::Active)]), [Ticker::from("B")]);
    }

    #[test]
    fn markets_out_of_scope_are_left_alone_until_they_are_looked_up() {
        let mut plan = Plan::new(Some([Ticker::from("P")].into()));
        plan.heard(&event("X", "created"), NOON);
        assert!(plan.due(NOON).is_empty());
        plan.look_up(vec![Ticker::from("X")], NOON);
        assert_eq!(plan.due(NOON), [Ticker::from("X")]);
        let found = [Ticker::from("X")].into();
        assert!(plan.answered(&[Ticker::from("X")], &found, NOON).is_empty());
        assert!(plan.due(NOON + 60_000).is_empty());
        plan.heard(&event("X", "activated"), NOON + 60_000);
        assert_eq!(plan.due(NOON + 60_000), [Ticker::from("X")]);
    }

    #[test]
    fn what_the_venue_does_not_know_is_asked_once_and_a_failed_read_is_no_answer() {
        let (mut plan, asked) = (Plan::new(None), [Ticker::from("NONE")]);
        plan.look_up(asked.to_vec(), NOON);
        for n in 0..100 {
            let now = NOON + n * super::LOOK_AGAIN_MS;
            assert_eq!(plan.due(now), asked);
            plan.unanswered(&asked, now);
            assert!(plan.due(now).is_empty(), "not at once");
        }
        let now = NOON + 100 * super::LOOK_AGAIN_MS;
        assert_eq!(plan.answered(&asked, &Default::default(), now), asked);
        assert!(plan.due(i64::MAX).is_empty());
    }
}
