//! Auth: user and password of the operator's pages.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HeaderMap};

/// Who may see `/routes` and `/varz`.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) user: Box<str>,
    pub(super) pass: Box<str>,
}

impl Credentials {
    pub(super) fn new(user: &str, pass: &str) -> Self {
        Self {
            user: user.into(),
            pass: pass.into(),
        }
    }

    /// Whether a request carries them.
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let encoded = given.and_then(|given| given.strip_prefix("Basic "));
        let decoded = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
        let Some(decoded) = decoded else { return false };
        let mut parts = decoded.split(|byte| *byte == b':');
        // compat: a password with a colon never fits (gorouter common/http/basic_auth.go).
        let (Some(user), Some(pass), None) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        same(user, self.user.as_bytes()) & same(pass, self.pass.as_bytes())
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Compares in a time that tells only the length.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(user: &str, pass: &str, header: &str) -> bool {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
        Credentials::new(user, pass).admit(&headers)
    }

    fn basic(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[test]
    fn only_the_right_pair_is_admitted() {
        assert!(admits("user", "secret", &basic("user:secret")));
        for wrong in ["user:wrong!", "other:secret", "user:secret1", "user", ""] {
            assert!(!admits("user", "secret", &basic(wrong)), "{wrong}");
        }
        for broken in [
            "Basic %%%",
            "Bearer dXNlcjpzZWNyZXQ=",
            "dXNlcjpzZWNyZXQ=",
            "",
        ] {
            assert!(!admits("user", "secret", broken), "{broken}");
        }
        assert!(!Credentials::new("", "").admit(&HeaderMap::new()));
    }

    #[test]
    fn a_password_with_a_colon_never_fits() {
        assert!(!admits("user", "a:b", &basic("user:a:b")));
    }

    #[test]
    fn secrets_are_not_printed() {
        let printed = format!("{:?}", Credentials::new("user", "secret"));
        assert!(!printed.contains("secret"));
    }
}
