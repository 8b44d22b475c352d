//! Pages of a list: newest first, with an opaque cursor that is empty on the last page.
//!
//! A cursor names the last item that was shown, so a list that grows between two pages repeats and skips nothing.
//! An unreadable cursor counts as none, as the exchange was recorded to do; the lists of communications refuse it.

use std::cmp::Reverse;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::ApiError;
use super::query::Query;

/// The place of an item: the larger number first, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(Reverse<i64>, String);

impl Place {
    pub(super) fn new(number: i64, name: impl Into<String>) -> Self {
        Self(Reverse(number), name.into())
    }

    fn cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}|{}", self.0.0, self.1))
    }

    fn from_cursor(cursor: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (number, name) = text.split_once('|')?;
        Some(Self::new(number.parse().ok()?, name))
    }
}

/// Which part of a list is asked for.
#[derive(Debug)]
pub(super) struct Page {
    limit: usize,
    after: Option<Place>,
}

impl Page {
    pub(super) fn of(query: &Query, default: usize, max: usize) -> Result<Self, ApiError> {
        let after = query.text("cursor").and_then(Place::from_cursor);
        Ok(Self { limit: query.limit(default, max)?, after })
    }

    /// As [`Page::of`], where an unreadable cursor is refused.
    pub(super) fn strict(query: &Query, default: usize, max: usize) -> Result<Self, ApiError> {
        let page = Self::of(query, default, max)?;
        match query.text("cursor") {
            Some(_) if page.after.is_none() => Err(ApiError::parameter("cursor")),
            _ => Ok(page),
        }
    }

    /// Returns the items of the page and the cursor of the next one.
    pub(super) fn cut<T>(&self, items: Vec<(Place, T)>) -> (Vec<T>, String) {
        self.cut_weighed(items, |_| 0, 0)
    }

    /// As [`Page::cut`], with a page that ends before its items weigh more than `max`. The first always fits.
    pub(super) fn cut_weighed<T>(
        &self,
        mut items: Vec<(Place, T)>,
        weigh: impl Fn(&T) -> usize,
        max: usize,
    ) -> (Vec<T>, String) {
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        let rest =
            items.into_iter().filter(|(place, _)| self.after.as_ref().is_none_or(|after| place > after));
        let (mut shown, mut last, mut weight, mut more) = (Vec::new(), None, 0, false);
        for (place, item) in rest {
            weight += weigh(&item);
            more = shown.len() >= self.limit || (weight > max && !shown.is_empty());
            if more {
                break;
            }
            last = Some(place);
            shown.push(item);
        }
        let cursor = last.filter(|_| more).map(|place| place.cursor()).unwrap_or_default();
        (shown, cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(count: i64) -> Vec<(Place, i64)> {
        (0..count).map(|number| (Place::new(number / 2, number.to_string()), number)).collect()
    }

    #[test]
    fn pages_show_every_item_once_even_when_the_list_grows() {
        let mut page = Page { limit: 3, after: None };
        let mut seen = Vec::new();
        for grown in 10.. {
            let (items, cursor) = page.cut(list(grown));
            seen.extend(items);
            if cursor.is_empty() {
                break;
            }
            page.after = Place::from_cursor(&cursor);
        }
        assert_eq!(seen, [8, 9, 6, 7, 4, 5, 2, 3, 0, 1]);
    }

    #[test]
    fn garbage_is_the_first_page() {
        assert_eq!(Place::from_cursor("garbage!"), None);
        assert_eq!(Place::from_cursor(""), None);
        let place = Place::new(-5, "a|b");
        assert_eq!(Place::from_cursor(&place.cursor()), Some(place));
    }
}
