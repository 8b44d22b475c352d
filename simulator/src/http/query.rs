//! Query parameters, read strictly: a value that cannot be used is refused, never guessed at.

use std::ops::RangeInclusive;

use actix_web::HttpRequest;
use actix_web::web::Query as ActixQuery;

use super::error::ApiError;

/// The largest number of tickers that one filter may name.
const NAMES_MAX: usize = 100;
/// The highest number of a subaccount.
pub(super) const SUBACCOUNT_MAX: i64 = 63;

/// The parameters of one request, in their order; a name may occur more than once.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        ActixQuery::<Vec<(String, String)>>::from_query(request.query_string())
            .map(|pairs| Self(pairs.into_inner()))
            .map_err(|_| ApiError::parameter("query"))
    }

    /// Returns a parameter; an empty one counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Returns all values of a parameter that may be repeated, or hold several values between commas.
    pub(super) fn names(&self, name: &str) -> Result<Vec<&str>, ApiError> {
        let values = self.0.iter().filter(|(key, _)| key == name).flat_map(|(_, value)| value.split(','));
        let names: Vec<&str> = values.map(str::trim).filter(|value| !value.is_empty()).collect();
        if names.len() > NAMES_MAX { Err(ApiError::parameter(name)) } else { Ok(names) }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.text(name).map(|value| value.parse().map_err(|_| ApiError::parameter(name))).transpose()
    }

    /// Returns a number inside its bounds.
    pub(super) fn bounded(&self, name: &str, bounds: RangeInclusive<i64>) -> Result<Option<i64>, ApiError> {
        match self.number(name)? {
            Some(number) if !bounds.contains(&number) => Err(ApiError::parameter(name)),
            number => Ok(number),
        }
    }

    /// Returns a flag; absent is false.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            None | Some("false" | "False" | "0") => Ok(false),
            Some("true" | "True" | "1") => Ok(true),
            Some(_) => Err(ApiError::parameter(name)),
        }
    }

    /// Returns the page size. Too large a limit is refused, not cut.
    pub(super) fn limit(&self, default: usize, max: usize) -> Result<usize, ApiError> {
        match self.number("limit")? {
            None | Some(0) => Ok(default),
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| *limit <= max)
                .ok_or_else(|| ApiError::parameter("limit")),
        }
    }

    /// Returns a filter on times: seconds after `min_<name>` and not after `max_<name>`.
    pub(super) fn span(&self, min: &str, max: &str) -> Result<Span, ApiError> {
        Ok(Span { min_s: self.number(min)?, max_s: self.number(max)? })
    }

    /// Returns the subaccount that is asked for.
    pub(super) fn subaccount(&self) -> Result<Option<i64>, ApiError> {
        self.bounded("subaccount", 0..=SUBACCOUNT_MAX)
    }

    /// Returns the shard that a list is asked for.
    pub(super) fn shard(&self) -> Result<Option<i64>, ApiError> {
        self.bounded("exchange_index", 0..=i64::from(i32::MAX))
    }
}

/// A span of time in Unix seconds, both ends included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    min_s: Option<i64>,
    max_s: Option<i64>,
}

impl Span {
    pub(super) fn is_set(self) -> bool {
        self.min_s.is_some() || self.max_s.is_some()
    }

    /// Tells whether a time in microseconds is inside.
    pub(super) fn holds(self, at_us: i64) -> bool {
        let after = self.min_s.is_none_or(|min| at_us >= min.saturating_mul(1_000_000));
        let before = self.max_s.is_none_or(|max| at_us < max.saturating_add(1).saturating_mul(1_000_000));
        after && before
    }

    /// Tells whether a time is inside, where there may be none.
    pub(super) fn holds_some(self, at_us: Option<i64>) -> bool {
        !self.is_set() || at_us.is_some_and(|at_us| self.holds(at_us))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn query(text: &str) -> Query {
        Query::of(&TestRequest::with_uri(&format!("/?{text}")).to_http_request()).unwrap()
    }

    #[test]
    fn values_are_read_or_refused() {
        let query = query("limit=7&tickers=A,B&tickers=C&status=&flag=True&bad=x");
        assert_eq!(query.limit(100, 1_000), Ok(7));
        assert_eq!(query.names("tickers"), Ok(vec!["A", "B", "C"]));
        assert_eq!((query.text("status"), query.flag("flag")), (None, Ok(true)));
        assert_eq!(query.number("bad"), Err(ApiError::parameter("bad")));
    }

    #[test]
    fn a_limit_over_the_maximum_is_refused() {
        assert_eq!(query("limit=1001").limit(100, 1_000), Err(ApiError::parameter("limit")));
        assert_eq!(query("limit=-1").limit(100, 1_000), Err(ApiError::parameter("limit")));
        assert_eq!(query("").limit(100, 1_000), Ok(100));
    }

    #[test]
    fn spans_include_both_ends() {
        let span = query("min_ts=10&max_ts=20").span("min_ts", "max_ts").unwrap();
        assert!(span.holds(10_000_000) && span.holds(20_999_999));
        assert!(!span.holds(9_999_999) && !span.holds(21_000_000));
    }
}
