//! Routes: names that reach applications, and where each one leads.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Micros;

/// One name that reaches applications.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its guid.
    pub guid: String,
    /// The space that owns it.
    pub space_guid: String,
    /// The domain that it is under.
    pub domain_guid: String,
    /// The domain's name.
    pub domain_name: String,
    /// `http`, or `tcp` when it has a port.
    pub protocol: String,
    /// The label before the domain; empty for the domain itself.
    pub host: String,
    /// With its leading slash; empty for all paths.
    pub path: String,
    /// The port of a `tcp` route; 0 for none.
    pub port: u16,
    /// Per-route options, such as `loadbalancing`.
    pub options: Map<String, Value>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

impl Route {
    /// The name that requests carry, as in `shop.example.com/basket`.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = fqdn(&self.host, &self.domain_name);
        if self.port != 0 {
            url.push_str(&format!(":{}", self.port));
        }
        url.push_str(&self.path);
        url
    }
}

/// What routers are told of names besides where they lead: a route's options, and the `protocol` of its
/// destination. Names of which there is nothing to tell are left out.
pub type UriOptions = BTreeMap<String, Map<String, Value>>;

/// The ways to choose among instances that routers know.
pub const LOAD_BALANCING: [&str; 2] = ["round-robin", "least-connection"];

/// Changes a route's options; `null` takes one away.
pub fn change_options(options: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        if value.is_null() {
            options.remove(name);
        } else {
            options.insert(name.clone(), value.clone());
        }
    }
}

/// One place that a route leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Destination {
    /// Its guid.
    pub guid: String,
    /// The route that leads there.
    pub route_guid: String,
    /// The application.
    pub app_guid: String,
    /// Which of its processes.
    pub process_type: String,
    /// The port that the application listens on.
    pub port: u16,
    /// `http1`, `http2` or `tcp`.
    pub protocol: String,
    /// When it was made.
    pub created_at: Micros,
}

/// A route as a manifest writes it: `host.domain/path`, before its domain is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RouteText {
    /// Host and domain in lower case.
    pub name: String,
    /// With its leading slash; empty for all paths.
    pub path: String,
    /// The port of a `tcp` route.
    pub port: Option<u16>,
}

impl RouteText {
    /// Reads `[scheme://]host.domain[:port][/path]`; nothing when it is no such name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.split_once("://").map_or(text, |(_scheme, rest)| rest);
        let (name, path) = rest
            .find('/')
            .map_or((rest, ""), |slash| rest.split_at(slash));
        let (name, port) = match name.split_once(':') {
            Some((name, port)) => (
                name,
                Some(port.parse().ok().filter(|&port: &u16| port > 0)?),
            ),
            None => (name, None),
        };
        let path = if path == "/" { "" } else { path };
        let name = name.to_ascii_lowercase();
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        let proper = !labels.is_empty() && labels.split('.').all(is_label) && is_path(path);
        proper.then(|| Self {
            name,
            path: path.to_owned(),
            port,
        })
    }

    /// Splits the name at `domain`: the host, or nothing when the name is not under it.
    #[must_use]
    pub fn host_under(&self, domain: &str) -> Option<&str> {
        if self.name == domain {
            return Some("");
        }
        self.name
            .strip_suffix(domain)
            .and_then(|front| front.strip_suffix('.'))
            .filter(|host| !host.is_empty())
    }
}

/// Joins host and domain; the host may be empty.
#[must_use]
pub fn fqdn(host: &str, domain: &str) -> String {
    if host.is_empty() {
        domain.to_owned()
    } else {
        format!("{host}.{domain}")
    }
}

/// Whether a route may have this host: labels, or a `*` alone.
#[must_use]
pub fn is_host(host: &str) -> bool {
    host.is_empty() || host == "*" || host.split('.').all(is_label)
}

/// Whether a route may have this path: nothing, or a slash and at least one character more.
#[must_use]
pub fn is_path(path: &str) -> bool {
    path.is_empty()
        || (path.len() > 1
            && path.len() <= LONGEST_PATH
            && path.starts_with('/')
            && !path.contains(['?', '#'])
            && !path.contains(|c: char| c.is_whitespace() || c.is_control()))
}

/// Makes the host of an application's default route out of its name; nothing when it cannot be one.
#[must_use]
pub fn default_host(app_name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let fits = !app_name.is_empty() && app_name.len() <= LONGEST_LABEL;
    (fits && app_name.chars().all(plain)).then(|| app_name.to_ascii_lowercase())
}

fn is_label(label: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=LONGEST_LABEL).contains(&label.len()) && label.chars().all(plain)
}

const LONGEST_LABEL: usize = 63;
const LONGEST_PATH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_with_its_path_and_without_its_scheme() {
        let route = RouteText::parse("https://Shop.Example.com/basket").unwrap();
        assert_eq!(
            (&*route.name, &*route.path),
            ("shop.example.com", "/basket")
        );
        assert_eq!(
            RouteText::parse("tcp.example.com:1234").unwrap().port,
            Some(1234)
        );
        assert_eq!(RouteText::parse("a.example.com/").unwrap().path, "");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "/x",
            "a b.com",
            "a..com",
            "host:port",
            "a.com:0",
            "a.com/?x",
            "é.com",
        ] {
            assert_eq!(RouteText::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_host_is_what_stands_before_the_domain() {
        let route = RouteText::parse("a.b.example.com").unwrap();
        assert_eq!(route.host_under("b.example.com"), Some("a"));
        assert_eq!(route.host_under("example.com"), Some("a.b"));
        assert_eq!(route.host_under("a.b.example.com"), Some(""));
        assert_eq!(route.host_under("ample.com"), None);
    }

    #[test]
    fn a_default_host_needs_a_name_of_plain_letters() {
        assert_eq!(default_host("My_App-1").as_deref(), Some("my_app-1"));
        assert_eq!(default_host("my app"), None);
        assert_eq!(default_host(&"a".repeat(64)), None);
    }
}
