//! Patterns of routes: a method and a path with wildcards.

use crate::http::BASE;

const METHODS: [&str; 6] = ["*", "GET", "POST", "PUT", "PATCH", "DELETE"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoutePattern {
    method: String,
    segments: Vec<String>,
    /// The path may go on.
    open: bool,
}

impl RoutePattern {
    pub(super) fn new(text: &str) -> Result<RoutePattern, String> {
        let Some((method, path)) = text.split_once(' ').filter(|(_, path)| path.starts_with('/')) else {
            return Err(format!(
                "route \"{text}\" is not METHOD /path, such as POST /portfolio/events/orders"
            ));
        };
        if !METHODS.contains(&method) {
            return Err(format!("route \"{text}\": the method can be {}", METHODS.join(", ")));
        }
        let below = path.strip_prefix(BASE).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        if below.starts_with("/trade-api/") || below.starts_with("/control/") {
            let hint = "the WebSocket is socket = \"upgrade\", and control never fails";
            return Err(format!("route \"{text}\" is not below {BASE}; {hint}"));
        }
        if below.contains(['?', ' ']) {
            return Err(format!("route \"{text}\": a path has no query and no spaces"));
        }
        let mut segments: Vec<String> = below.split('/').skip(1).map(str::to_owned).collect();
        let open = segments.last().is_some_and(|last| last == "**");
        if open {
            segments.pop();
        }
        if segments.iter().any(|segment| segment == "**") {
            return Err(format!("route \"{text}\": ** stands only at the end"));
        }
        Ok(RoutePattern { method: method.to_owned(), segments, open })
    }

    pub(super) fn matches(&self, method: &str, path: &str) -> bool {
        if self.method != "*" && self.method != method {
            return false;
        }
        let mut given = path.split('/').skip(1);
        for wanted in &self.segments {
            let is_wild = wanted == "*" || (wanted.starts_with('{') && wanted.ends_with('}'));
            match given.next() {
                Some(segment) if is_wild || segment == wanted => {}
                _ => return false,
            }
        }
        self.open || given.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::RoutePattern;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, method, path, expected) in [
            ("POST /portfolio/events/orders", "POST", "/portfolio/events/orders", true),
            ("POST /portfolio/events/orders", "GET", "/portfolio/events/orders", false),
            ("POST /portfolio/events/orders", "POST", "/portfolio/events/orders/batched", false),
            ("* /portfolio/**", "DELETE", "/portfolio/events/orders/1", true),
            ("* /**", "GET", "/exchange/status", true),
            ("GET /markets/{ticker}/orderbook", "GET", "/markets/A/orderbook", true),
            ("GET /markets/*", "GET", "/markets/A/orderbook", false),
            ("GET /trade-api/v2/markets", "GET", "/markets", true),
        ] {
            assert_eq!(
                RoutePattern::new(pattern).unwrap().matches(method, path),
                expected,
                "{pattern} {path}"
            );
        }
        for (text, told) in [
            ("/markets", "is not METHOD /path"),
            ("FETCH /markets", "method can be"),
            ("GET /trade-api/ws/v2", "socket = \"upgrade\""),
            ("GET /**/x", "only at the end"),
            ("GET /markets?limit=1", "no query"),
        ] {
            assert!(RoutePattern::new(text).unwrap_err().contains(told), "{text}");
        }
    }
}
