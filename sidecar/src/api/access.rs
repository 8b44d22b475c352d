//! Who may ask at all: Host and Origin allow-lists against web pages and rebound names, tokens against everyone else.

use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN, WWW_AUTHENTICATE};

use super::ports::{Principal, TokenPort};
use super::problem::{self, Problem};

/// Names this sidecar answers to, and pages that may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRules {
    /// Host names, with or without a port. Without one, any port.
    pub hosts: Vec<String>,
    /// Whole origins, e.g. `http://localhost:3000`.
    pub origins: Vec<String>,
}

impl Default for AccessRules {
    /// Loopback only, and no foreign pages.
    fn default() -> AccessRules {
        let hosts = ["127.0.0.1", "localhost", "[::1]"];
        AccessRules { hosts: hosts.map(str::to_owned).to_vec(), origins: Vec::new() }
    }
}

impl AccessRules {
    /// Loopback, and what the configuration adds.
    pub fn with(extra_hosts: &[String], origins: &[String]) -> AccessRules {
        let mut rules = AccessRules { origins: origins.to_vec(), ..AccessRules::default() };
        rules.hosts.extend(extra_hosts.iter().cloned());
        rules
    }

    /// Checks that the client meant this machine: a page on a name that was rebound to loopback did not.
    pub(crate) fn check_host(&self, headers: &HeaderMap, authority: Option<&str>) -> Result<(), Problem> {
        let named: Vec<&str> = headers.get_all(HOST).filter_map(|value| value.to_str().ok()).collect();
        let known = |host: &&str| self.hosts.iter().any(|ours| matches_host(ours, host));
        if named.len() == 1 && named.iter().chain(authority.iter()).all(known) {
            return Ok(());
        }
        let said = named.first().copied().unwrap_or("nothing");
        let detail = format!("Host is {said:?}; this sidecar answers to {}", self.hosts.join(", "));
        Err(Problem::new(problem::HOST, detail))
    }

    /// Returns the origin of the page that asks, if a page asks, once it is allowed.
    pub(crate) fn check_origin<'h>(
        &self,
        headers: &'h HeaderMap,
    ) -> Result<Option<&'h HeaderValue>, Problem> {
        let Some(origin) = headers.get(ORIGIN) else { return Ok(None) };
        let text = origin.to_str().unwrap_or("unreadable");
        let own = headers.get(HOST).and_then(|host| host.to_str().ok()).map(|host| format!("http://{host}"));
        if own.as_deref() == Some(text) || self.origins.iter().any(|allowed| allowed == text) {
            return Ok(Some(origin));
        }
        let detail = format!("pages of {text:?} may not ask; allowed origins are a setting of the sidecar");
        Err(Problem::new(problem::ORIGIN, detail))
    }
}

fn matches_host(ours: &str, host: &str) -> bool {
    if ours.eq_ignore_ascii_case(host) {
        return true;
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) | None => return false,
    };
    ours.eq_ignore_ascii_case(name)
}

/// Finds out who asks by the bearer token.
pub(crate) fn authenticate(headers: &HeaderMap, tokens: &dyn TokenPort) -> Result<Principal, Problem> {
    let challenge = |error: &'static str| HeaderValue::from_static(error);
    let Some(value) = headers.get(AUTHORIZATION) else {
        let detail =
            "send Authorization: Bearer TOKEN; the first token is in admin.token in the data directory";
        let missing = Problem::new(problem::AUTH_MISSING, detail);
        return Err(missing.with_header(WWW_AUTHENTICATE, challenge("Bearer realm=\"outrigger\"")));
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    token.and_then(|token| tokens.check(token)).ok_or_else(|| {
        let invalid = Problem::new(problem::AUTH_INVALID, "the token is unknown or was revoked");
        let value = challenge("Bearer realm=\"outrigger\", error=\"invalid_token\"");
        invalid.with_header(WWW_AUTHENTICATE, value)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};

    use super::AccessRules;

    #[test]
    fn only_our_names_pass_whatever_the_port() {
        let rules = AccessRules::default();
        let check = |hosts: &[&'static str]| {
            let mut headers = HeaderMap::new();
            hosts.iter().for_each(|host| headers.append(HOST, HeaderValue::from_static(host)));
            rules.check_host(&headers, None).is_ok()
        };
        for good in ["127.0.0.1:7373", "localhost", "LOCALHOST:1", "[::1]:7373"] {
            assert!(check(&[good]), "{good}");
        }
        for bad in
            ["evil.example", "127.0.0.1.evil.example:7373", "localhost:", "localhost:x", "", "[::1]x:1"]
        {
            assert!(!check(&[bad]), "{bad}");
        }
        assert!(!check(&[]) && !check(&["localhost", "localhost"]));
    }

    #[test]
    fn pages_pass_only_from_here_or_by_name() {
        let rules = AccessRules { origins: vec!["http://ui.test:3000".into()], ..AccessRules::default() };
        let check = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:7373"));
            headers.insert(ORIGIN, HeaderValue::from_static(origin));
            rules.check_origin(&headers).is_ok()
        };
        assert!(check("http://127.0.0.1:7373") && check("http://ui.test:3000"));
        for bad in ["null", "http://ui.test", "https://127.0.0.1:7373", "http://127.0.0.1:7374", ""] {
            assert!(!check(bad), "{bad}");
        }
    }
}
