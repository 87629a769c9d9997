//! Key: the canonical form of a registered URI.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use thiserror::Error;

use super::text::SmallText;

/// Longest route key that can be registered, in bytes. A longer request is matched by its prefixes.
pub const MAX_KEY_BYTES: usize = 2048;

/// Canonical host and context path of a route: lower case, no query, no outer slashes.
///
/// It remembers the context path as its first registrant wrote it, for the sticky cookie's `Path`.
#[derive(Clone)]
pub struct RouteKey {
    /// The key, followed by the written context path where the two differ.
    text: WrittenKey,
    key_bytes: u16,
}

/// Why a URI cannot be a route key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RouteKeyError {
    /// The URI has no host.
    #[error("the uri has no host")]
    Empty,
    /// The URI is longer than [`MAX_KEY_BYTES`].
    #[error("the uri is longer than {MAX_KEY_BYTES} bytes")]
    TooLong,
}

impl RouteKey {
    /// Reads one element of a message's `uris` (gorouter 2.1).
    ///
    /// # Errors
    ///
    /// When no host is left, or the key is longer than [`MAX_KEY_BYTES`].
    pub fn parse(uri: &str) -> Result<Self, RouteKeyError> {
        Ok(Self::with_written_path(&KeyText::parse(uri)?, uri))
    }

    /// Joins a key that was already parsed from `uri` with the path that `uri` spells.
    pub(super) fn with_written_path(key: &KeyText<'_>, uri: &str) -> Self {
        let key = key.as_str();
        let written = written_context_path(uri);
        let plain = written.len() == 1
            || key
                .split_once('/')
                .is_some_and(|(_, path)| path == &written[1..]);
        // perf: most routes have no path or a lower-case one, so the second text is rare.
        let text = if plain {
            WrittenKey::new(key)
        } else {
            WrittenKey::new(&[key, written].concat())
        };
        Self {
            text,
            key_bytes: u16::try_from(key.len()).unwrap_or(u16::MAX),
        }
    }

    /// The key as `/routes` prints it, such as `shop.example.com/cart`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        key_of(&self.text, self.key_bytes)
    }

    /// The first segment.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(self.as_str())
    }

    /// `/` and the remaining segments, in the letter case of the first registrant.
    #[must_use]
    pub fn context_path(&self) -> &str {
        context_path_of(&self.text, self.key_bytes)
    }

    pub(super) fn into_parts(self) -> (WrittenKey, u16) {
        (self.text, self.key_bytes)
    }
}

impl fmt::Debug for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RouteKey").field(&self.as_str()).finish()
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for RouteKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RouteKey {}

impl Hash for RouteKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

/// A key and perhaps a written path; the usual length needs no memory of its own.
pub(super) type WrittenKey = SmallText<30>;

pub(super) fn key_of(text: &WrittenKey, key_bytes: u16) -> &str {
    text.slice(0, usize::from(key_bytes))
}

pub(super) fn host_of(key: &str) -> &str {
    key.split_once('/').map_or(key, |(host, _)| host)
}

pub(super) fn context_path_of(text: &WrittenKey, key_bytes: u16) -> &str {
    let written = text.slice(usize::from(key_bytes), text.len());
    if !written.is_empty() {
        return written;
    }
    let key = key_of(text, key_bytes);
    key.find('/')
        .and_then(|slash| key.get(slash..))
        .unwrap_or("/")
}

/// The part of `uri` after its host, `/` at least; always begins with a slash.
fn written_context_path(uri: &str) -> &str {
    let uri = before_query(uri);
    let uri = uri.strip_prefix('/').unwrap_or(uri);
    uri.find('/')
        .and_then(|slash| uri.get(slash..))
        .unwrap_or("/")
}

fn before_query(uri: &str) -> &str {
    uri.split_once('?').map_or(uri, |(before, _)| before)
}

/// A canonical key, borrowed from its URI where that is canonical already.
// perf: nearly every announced URI is, so a repeated registration needs no heap and copies nothing.
pub(super) struct KeyText<'a>(Cow<'a, str>);

impl<'a> KeyText<'a> {
    pub(super) fn parse(uri: &'a str) -> Result<Self, RouteKeyError> {
        let uri = before_query(uri);
        let uri = uri.strip_suffix('/').unwrap_or(uri);
        let uri = uri.strip_prefix('/').unwrap_or(uri);
        if host_of(uri).is_empty() {
            return Err(RouteKeyError::Empty);
        }
        if uri.len() > MAX_KEY_BYTES {
            return Err(RouteKeyError::TooLong);
        }
        // compat: Go folds all of Unicode here, but a request cannot carry a host or an escaped path
        // outside ASCII, so ASCII folding matches the same requests (gorouter 2.1).
        let folds = uri.bytes().any(|byte| byte.is_ascii_uppercase());
        Ok(Self(if folds {
            uri.to_ascii_lowercase().into()
        } else {
            uri.into()
        }))
    }

    /// A prefix of a key is canonical already, whatever slashes it ends with.
    pub(super) fn canonical(prefix: &'a str) -> Self {
        Self(prefix.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ignores_case_query_and_outer_slashes() {
        let key = RouteKey::parse("/API.Example.com/V2/?x=1").unwrap();
        assert_eq!(key.as_str(), "api.example.com/v2");
        assert_eq!(key, RouteKey::parse("api.example.com/v2").unwrap());
    }

    #[test]
    fn key_keeps_percent_encoding_and_inner_empty_segments() {
        assert_eq!(
            RouteKey::parse("h/a%2FB//c").unwrap().as_str(),
            "h/a%2fb//c"
        );
    }

    #[test]
    fn only_one_outer_slash_is_trimmed() {
        assert_eq!(RouteKey::parse("h//").unwrap().as_str(), "h/");
        assert_eq!(RouteKey::parse("//h").unwrap_err(), RouteKeyError::Empty);
    }

    #[test]
    fn a_key_without_host_is_refused() {
        for uri in ["", "/", "//", "?q", "/?q"] {
            assert_eq!(
                RouteKey::parse(uri).unwrap_err(),
                RouteKeyError::Empty,
                "{uri:?}"
            );
        }
    }

    #[test]
    fn a_key_that_is_too_long_is_refused() {
        let uri = "h/".to_owned() + &"a".repeat(MAX_KEY_BYTES - 2);
        assert!(RouteKey::parse(&uri).is_ok());
        assert_eq!(
            RouteKey::parse(&(uri + "b")).unwrap_err(),
            RouteKeyError::TooLong
        );
    }

    #[test]
    fn context_path_keeps_the_letters_of_the_registrant() {
        assert_eq!(
            RouteKey::parse("h.example.com").unwrap().context_path(),
            "/"
        );
        assert_eq!(
            RouteKey::parse("h.example.com/cart")
                .unwrap()
                .context_path(),
            "/cart"
        );
        let key = RouteKey::parse("H.example.com/Cart/Items?x").unwrap();
        assert_eq!(
            (key.host(), key.context_path()),
            ("h.example.com", "/Cart/Items")
        );
        assert_eq!(key.as_str(), "h.example.com/cart/items");
    }
}
