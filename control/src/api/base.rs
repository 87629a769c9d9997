//! The beginning of every link: the address under which the client reached us.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;
use serde_json::{Value, json};

use super::{Api, ApiError};

/// `http://api.example.com`: scheme and authority of the request, so that links lead where the
/// client came from, whatever name or port it uses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Base(String);

impl Base {
    /// The address itself, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An absolute address; `path` begins with a slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// A link to a path.
    #[must_use]
    pub fn link(&self, path: &str) -> Value {
        json!({"href": self.url(path)})
    }

    /// A link that asks for another method than GET.
    #[must_use]
    pub fn link_with(&self, path: &str, method: &str) -> Value {
        json!({"href": self.url(path), "method": method})
    }

    #[cfg(test)]
    pub(super) fn for_tests(address: &str) -> Self {
        Self(address.to_owned())
    }

    fn of(parts: &Parts, fallback: &str) -> Self {
        let named = parts
            .uri
            .authority()
            .map(http::uri::Authority::as_str)
            .or_else(|| text(&parts.headers, HOST.as_str()));
        match named.filter(|host| is_authority(host)) {
            Some(host) => Self(format!("{}://{host}", scheme(&parts.headers))),
            None => Self(fallback.trim_end_matches('/').to_owned()),
        }
    }
}

impl FromRequestParts<Api> for Base {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, &api.settings().external_url))
    }
}

/// A router in front of us ends TLS and says so.
fn scheme(headers: &HeaderMap) -> &'static str {
    let said = text(headers, FORWARDED_PROTO).unwrap_or_default();
    if said.eq_ignore_ascii_case("https") {
        "https"
    } else {
        "http"
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// What is repeated in links must be a host and perhaps a port, and nothing else.
fn is_authority(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    !host.is_empty() && host.len() <= 255 && host.bytes().all(fits)
}

const FORWARDED_PROTO: &str = "x-forwarded-proto";

#[cfg(test)]
mod tests {
    use super::*;

    fn base_of(headers: &[(&str, &str)]) -> String {
        let mut request = http::Request::builder().uri("/v3");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Base::of(&parts, "http://api.localhost/").0
    }

    #[test]
    fn links_repeat_the_authority_of_the_request() {
        assert_eq!(
            base_of(&[("host", "127.0.0.1:9000")]),
            "http://127.0.0.1:9000"
        );
        let behind = [("host", "api.a.com"), ("x-forwarded-proto", "https")];
        assert_eq!(base_of(&behind), "https://api.a.com");
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        assert_eq!(base_of(&[]), "http://api.localhost");
        assert_eq!(base_of(&[("host", "a.com/x?\"")]), "http://api.localhost");
    }
}
