//! Decides which fault happens, if any. Pure: the same seed, rules, places and times give the same faults.
//!
//! Every rule that matches counts the match; the first that fires gives the fault, later ones do not fire.

use serde::Serialize;

use crate::venue::dice::Dice;

use super::rule::{Fault, Place, Rule};
use super::spec::FaultSpec;

#[derive(Debug)]
pub(crate) struct Rules {
    seed: u64,
    last_id: u64,
    list: Vec<Set>,
}

/// A rule that is set, and what it has seen.
#[derive(Debug)]
struct Set {
    id: u64,
    rule: Rule,
    set_us: i64,
    seen: u64,
    hits: u64,
}

/// A rule as the control route shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    id: u64,
    /// Matches while the rule was awake.
    seen: u64,
    hits: u64,
    #[serde(flatten)]
    spec: FaultSpec,
}

impl Rules {
    pub(crate) fn new(seed: u64) -> Rules {
        Rules { seed, last_id: 0, list: Vec::new() }
    }

    /// Sets a rule behind those that are set already and returns its id.
    pub(crate) fn add(&mut self, rule: Rule, now_us: i64) -> u64 {
        self.last_id += 1;
        self.list.push(Set { id: self.last_id, rule, set_us: now_us, seen: 0, hits: 0 });
        self.last_id
    }

    /// Removes one rule, or all; returns how many.
    pub(crate) fn remove(&mut self, id: Option<u64>) -> usize {
        let before = self.list.len();
        self.list.retain(|set| id.is_some_and(|id| set.id != id));
        before - self.list.len()
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        let shown =
            |set: &Set| Shown { id: set.id, seen: set.seen, hits: set.hits, spec: set.rule.spec.clone() };
        self.list.iter().map(shown).collect()
    }

    /// Tells whether any rule is about frames or commands.
    pub(crate) fn has_stream_rules(&self) -> bool {
        self.list.iter().any(|set| set.rule.is_of_stream())
    }

    /// Tells whether replies at this place must be kept for stale reads.
    pub(crate) fn keeps(&self, at: &Place<'_>) -> bool {
        self.list.iter().any(|set| set.rule.fault == Fault::Stale && set.rule.matches(at))
    }

    pub(crate) fn decide(&mut self, at: &Place<'_>, now_us: i64) -> Option<Fault> {
        let seed = self.seed;
        let mut decided = None;
        for set in self.list.iter_mut().filter(|set| set.rule.matches(at) && set.is_awake(now_us)) {
            set.seen += 1;
            if decided.is_none() && set.fires(seed) {
                set.hits += 1;
                decided = Some(set.rule.fault);
            }
        }
        decided
    }
}

impl Set {
    fn is_awake(&self, now_us: i64) -> bool {
        let spec = &self.rule.spec;
        let age_ms = now_us.saturating_sub(self.set_us).div_euclid(1_000);
        let begin_ms = spec.after_ms.unwrap_or(0);
        age_ms >= begin_ms && spec.for_ms.is_none_or(|span_ms| age_ms < begin_ms.saturating_add(span_ms))
    }

    fn fires(&self, seed: u64) -> bool {
        let spec = &self.rule.spec;
        if spec.count.is_some_and(|count| self.hits >= count) {
            return false;
        }
        if let Some(nth) = spec.nth {
            return self.seen == nth;
        }
        if let Some(every) = spec.every {
            return self.seen.is_multiple_of(every);
        }
        let Some(percent) = spec.percent else { return true };
        let own = spec.seed.unwrap_or_else(|| Dice::new(seed ^ self.id).bits());
        Dice::new(own ^ Dice::new(self.seen).bits()).chance(i64::from(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Place<'_> = Place::Request { method: "GET", path: "/markets" };

    fn hits(spec: FaultSpec, seed: u64, times: usize) -> Vec<bool> {
        let spec = FaultSpec { route: Some("GET /markets".into()), fault: "drop".into(), ..spec };
        let mut rules = Rules::new(seed);
        rules.add(Rule::new(spec).unwrap(), 0);
        (0..times).map(|_| rules.decide(&AT, 0).is_some()).collect()
    }

    #[test]
    fn rules_say_which_matches_they_hit() {
        let of = |spec| hits(spec, 7, 6);
        assert_eq!(of(FaultSpec::default()), [true; 6]);
        assert_eq!(
            of(FaultSpec { nth: Some(2), ..FaultSpec::default() }),
            [false, true, false, false, false, false]
        );
        assert_eq!(
            of(FaultSpec { every: Some(2), count: Some(2), ..FaultSpec::default() }),
            [false, true, false, true, false, false]
        );
    }

    #[test]
    fn chance_follows_the_seed_alone() {
        let half = FaultSpec { percent: Some(50), ..FaultSpec::default() };
        let once = hits(half.clone(), 7, 400);
        assert_eq!(once, hits(half.clone(), 7, 400));
        assert_ne!(once, hits(half.clone(), 8, 400));
        let count = once.iter().filter(|hit| **hit).count();
        assert!((150..250).contains(&count), "{count}");
        let own = FaultSpec { seed: Some(3), ..half };
        assert_eq!(hits(own.clone(), 7, 400), hits(own, 8, 400), "a rule's own seed counts alone");
    }

    #[test]
    fn rules_sleep_work_and_end_and_the_first_that_fires_counts() {
        let spec = FaultSpec { route: Some("* /**".into()), fault: "drop".into(), ..FaultSpec::default() };
        let mut rules = Rules::new(1);
        let windowed = FaultSpec { after_ms: Some(10), for_ms: Some(5), ..spec.clone() };
        rules.add(Rule::new(windowed).unwrap(), 0);
        let at_ms = |rules: &mut Rules, ms: i64| rules.decide(&AT, ms * 1_000).is_some();
        assert_eq!([9, 10, 14, 15].map(|ms| at_ms(&mut rules, ms)), [false, true, true, false]);
        let reset = FaultSpec { fault: "reset".into(), ..spec };
        rules.add(Rule::new(reset).unwrap(), 0);
        assert_eq!(rules.decide(&AT, 12_000), Some(Fault::Drop { executed: false }));
        assert_eq!(rules.decide(&AT, 20_000), Some(Fault::Reset { executed: false }));
        let shown: Vec<_> = rules.shown().iter().map(|shown| (shown.seen, shown.hits)).collect();
        assert_eq!(shown, [(3, 3), (2, 1)]);
        assert_eq!((rules.remove(Some(1)), rules.remove(None)), (1, 1));
    }

    #[test]
    fn bad_rules_are_refused_with_their_mistake() {
        let told = |text: &str| Rule::new(toml::from_str(text).unwrap()).unwrap_err();
        for (text, expected) in [
            ("fault='drop'", "where?"),
            ("route='GET /x'\nsocket='frame'\nfault='drop'", "exclude each other"),
            ("socket='open'\nfault='drop'", "upgrade, command or frame"),
            ("channel='books'\nfault='drop'", "no channel \"books\""),
            ("route='GET /x'\nfault='gap'", "a route has no fault \"gap\""),
            ("route='GET /x'\nfault='drop'\nms=1", "drop takes no ms"),
            ("route='GET /x'\nfault='status'", "status needs status"),
            ("route='GET /x'\nfault='status'\nstatus=200", "from 400 to 599"),
            ("route='GET /x'\nfault='delay'\nms=-1", "ms must be"),
            ("route='GET /x'\nfault='drop'\nnth=1\nevery=2", "exclude each other"),
            ("route='GET /x'\nfault='drop'\npercent=101", "percent must be"),
            ("route='GET /x'\nfault='drop'\nseed=1", "seed is for percent"),
            ("route='GET /x'\nfault='drop'\ncount=0", "count must be at least 1"),
        ] {
            let told = told(text);
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
