//! Markets that members may combine.

use serde::Deserialize;

use crate::venue::Venue;
use crate::venue::combo::Collection;
use crate::venue::market::Series;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionPlan {
    pub ticker: String,
    /// Of the combos.
    pub series_ticker: String,
    pub title: String,
    pub category: String,
    /// Series whose open markets can be combined.
    pub source_series: Vec<String>,
    pub size_min: usize,
    pub size_max: usize,
    /// Seconds for which it can be used.
    pub lasts_s: i64,
}

impl CollectionPlan {
    /// Puts the collection and its series on the exchange.
    pub(crate) fn open(&self, venue: &mut Venue, now_us: i64) {
        let described = Series {
            title: self.title.clone(),
            category: self.category.clone(),
            frequency: "custom".to_owned(),
            tags: vec!["Simulated".to_owned()],
        };
        venue.series.insert(self.series_ticker.clone(), described);
        let collection = Collection {
            ticker: self.ticker.clone(),
            series_ticker: self.series_ticker.clone(),
            title: self.title.clone(),
            description: "YES pays if every selected market ends on its selected side.".to_owned(),
            open_us: now_us,
            close_us: now_us.saturating_add(self.lasts_s.saturating_mul(1_000_000)),
            source_series: self.source_series.clone(),
            size_min: self.size_min,
            size_max: self.size_max,
        };
        venue.collections.by_ticker.insert(self.ticker.clone(), collection);
    }
}
