//! The configuration as YAML again, for an operator to read. Secrets are masked.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use serde_json::{Map, Value};

use super::duration;
use super::{Config, KeyPair, Secret};

impl Config {
    /// Writes every key that is in effect, sorted; what is secret is written as `***`.
    pub fn to_yaml(&self) -> String {
        let mut tree = Tree(Map::new());
        self.admin.show(&mut tree);
        self.bus.show(&mut tree);
        self.drain.show(&mut tree);
        self.forward.show(&mut tree);
        self.listen.show(&mut tree);
        self.observe.show(&mut tree);
        self.registry.show(&mut tree);
        self.upstream.show(&mut tree);
        let mut text = String::new();
        block(&tree.0, 0, &mut text);
        text
    }
}

/// A map of maps, filled by full paths.
pub(super) struct Tree(Map<String, Value>);

impl Tree {
    pub(super) fn put(&mut self, path: &str, value: impl Into<Value>) {
        put(&mut self.0, path, value.into());
    }

    pub(super) fn time(&mut self, path: &str, time: Duration) {
        self.put(path, duration::format(time));
    }

    /// A time that may be off, which is zero in the file.
    pub(super) fn limit(&mut self, path: &str, time: Option<Duration>) {
        self.time(path, time.unwrap_or_default());
    }

    pub(super) fn secret(&mut self, path: &str, secret: &Secret) {
        self.put(path, if secret.is_empty() { "" } else { MASK });
    }

    pub(super) fn path(&mut self, path: &str, file: Option<&Path>) {
        self.put(
            path,
            file.map_or_else(String::new, |file| file.display().to_string()),
        );
    }

    pub(super) fn choice<T: PartialEq>(
        &mut self,
        path: &str,
        choices: &[(&'static str, T)],
        value: &T,
    ) {
        self.put(path, name_of(choices, value));
    }

    /// A certificate with its key, under two names.
    pub(super) fn pair(&mut self, chain: &str, key: &str, pair: Option<&KeyPair>) {
        self.put(
            chain,
            pair.map_or_else(String::new, |pair| masked(&pair.cert_chain)),
        );
        self.put(key, if pair.is_some() { MASK } else { "" });
    }
}

fn put(map: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        map.insert(path.to_owned(), value);
        return;
    };
    let below = map
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(below) = below {
        put(below, rest, value);
    }
}

/// Maps in block form; everything else as JSON, which is YAML as well.
fn block(map: &Map<String, Value>, depth: usize, text: &mut String) {
    let mut keys: Vec<_> = map.iter().collect();
    keys.sort_by_key(|(key, _)| *key);
    for (key, value) in keys {
        let indent = "  ".repeat(depth);
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Object(below) => {
                let written = writeln!(text, "{indent}{key}:");
                block(below, depth + 1, text);
                written
            }
            value => writeln!(text, "{indent}{key}: {value}"),
        };
    }
}

pub(super) fn name_of<T: PartialEq>(choices: &[(&'static str, T)], value: &T) -> &'static str {
    choices
        .iter()
        .find(|(_, other)| other == value)
        .map_or("", |(name, _)| name)
}

pub(super) fn masked(certificates: &[CertificateDer<'_>]) -> String {
    match certificates.len() {
        0 => String::new(),
        1 => format!("{MASK} 1 certificate"),
        n => format!("{MASK} {n} certificates"),
    }
}

pub(super) fn count_of(limit: Option<std::num::NonZeroUsize>) -> usize {
    limit.map_or(0, std::num::NonZero::get)
}

pub(super) const MASK: &str = "***";

#[cfg(test)]
mod tests {
    use super::{Config, Secret};

    #[test]
    fn what_is_shown_says_the_same_again() {
        let mut config = Config::default();
        assert_eq!(
            Config::parse(&config.to_yaml(), "shown").unwrap().config,
            config
        );

        config.forward.zone = "on # \"z1\"".into();
        config.forward.endpoint_timeout = None;
        config.listen.port = None;
        config.listen.port = Some(0);
        config.upstream.max_idle_conns_per_host = 0;
        config.upstream.max_idle_conns = 0;
        config.registry.snapshot = Some("/var/lib/routes".into());
        config.bus.hosts.push(super::super::NatsHost {
            hostname: "::1".into(),
            port: 1,
        });
        assert_eq!(
            Config::parse(&config.to_yaml(), "shown").unwrap().config,
            config
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let mut config = Config::default();
        config.bus.pass = Secret::new("hunter2");
        config.bus.nats_token = Some(Secret::new("hunter2"));
        config.admin.pass = Secret::new("hunter2");
        config.forward.trace_key = Secret::new("hunter2");
        assert!(!config.to_yaml().contains("hunter2"));
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(config.to_yaml().matches("***").count(), 4);
    }
}
