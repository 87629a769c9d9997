//! Affinity: which instance a session is bound to, and the cookie that binds it (gorouter 3.6).

use crate::config::ForwardConfig;
use crate::message::{FieldName, RequestHead, ResponseHead};
use crate::route::{Endpoint, Pool};

/// The cookie that names an instance.
const COOKIE: &str = "__VCAP_ID__";

/// What the request asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Affinity {
    /// The instance that the session is bound to.
    instance: Option<Box<str>>,
    /// Must it be this one (`sticky_sessions_for_auth_negotiate`)?
    required: bool,
}

impl Affinity {
    /// Reads the request's cookies.
    pub(super) fn asked(head: &RequestHead, config: &ForwardConfig) -> Self {
        // perf: most requests have no cookie, and then nothing is searched.
        if head.block().value(FieldName::Cookie).is_none() {
            return Self::default();
        }
        let Some(instance) = cookie(head, COOKIE).filter(|id| !id.is_empty()) else {
            return Self::default();
        };
        let required = config.sticky_sessions_for_auth_negotiate && negotiates(head);
        let has_session = || {
            config
                .sticky_session_cookie_names
                .iter()
                .any(|name| cookie(head, name).is_some())
        };
        if required || has_session() {
            Self {
                instance: Some(instance.into()),
                required,
            }
        } else {
            Self::default()
        }
    }

    /// The instance that is preferred.
    pub(super) fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// Must it be that instance, or none?
    pub(super) fn is_required(&self) -> bool {
        self.required
    }

    /// The `Set-Cookie` that binds the session to the endpoint that has answered.
    pub(super) fn cookie(
        &self,
        head: &ResponseHead,
        endpoint: &Endpoint,
        pool: &Pool,
        config: &ForwardConfig,
    ) -> Option<String> {
        let id = endpoint.bytes().instance_id;
        let moved = self.instance().is_some_and(|asked| asked.as_bytes() != id);
        let mut session = None;
        for value in head.block().values(FieldName::SetCookie) {
            let value = std::str::from_utf8(value).unwrap_or_default();
            let name = value.split('=').next().unwrap_or_default().trim();
            if name == COOKIE {
                return None;
            }
            if session.is_none()
                && config
                    .sticky_session_cookie_names
                    .iter()
                    .any(|known| known == name)
            {
                session = Some(Attributes::of(value));
            }
        }
        let asks = config.sticky_sessions_for_auth_negotiate
            && (moved || self.instance.is_none())
            && head
                .block()
                .value(FieldName::WwwAuthenticate)
                .is_some_and(starts_with_negotiate);
        if id.is_empty() || !(session.is_some() || moved || asks) {
            return None;
        }
        let attributes = match session {
            Some(attributes) => attributes,
            None if asks => Attributes::for_negotiation(),
            None => Attributes::default(),
        };
        Some(attributes.write(
            endpoint.instance_id(),
            pool.context_path(),
            config.secure_cookies,
        ))
    }
}

/// What the session's cookie carries over to ours.
#[derive(Debug, Default)]
struct Attributes {
    secure: bool,
    partitioned: bool,
    same_site: Option<String>,
    expires: Option<String>,
    max_age: Option<i64>,
}

impl Attributes {
    fn of(set_cookie: &str) -> Self {
        let mut attributes = Self::default();
        for part in set_cookie.split(';').skip(1).map(str::trim) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.to_ascii_lowercase().as_str() {
                "secure" => attributes.secure = true,
                "partitioned" => attributes.partitioned = true,
                "samesite" => attributes.same_site = same_site(value),
                "expires" => attributes.expires = Some(value.to_owned()),
                // compat: only a deletion is copied (gorouter handlers/proxy round tripper, BASE).
                "max-age" => {
                    attributes.max_age = value.parse().ok().filter(|age: &i64| *age <= 0).map(|_| 0)
                }
                _ => {}
            }
        }
        attributes
    }

    fn for_negotiation() -> Self {
        Self {
            max_age: Some(60),
            same_site: Some("Strict".to_owned()),
            ..Self::default()
        }
    }

    /// In the order in which Go writes a cookie.
    fn write(&self, id: &str, path: &str, always_secure: bool) -> String {
        let mut text = format!("{COOKIE}={id}; Path={path}");
        if let Some(expires) = &self.expires {
            text.push_str("; Expires=");
            text.push_str(expires);
        }
        if let Some(age) = self.max_age {
            text.push_str(&format!("; Max-Age={age}"));
        }
        text.push_str("; HttpOnly");
        if self.secure || always_secure {
            text.push_str("; Secure");
        }
        if let Some(same_site) = &self.same_site {
            text.push_str("; SameSite=");
            text.push_str(same_site);
        }
        if self.partitioned {
            text.push_str("; Partitioned");
        }
        text
    }
}

fn same_site(value: &str) -> Option<String> {
    ["Lax", "Strict", "None"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(value))
        .map(str::to_owned)
}

/// The value of a request cookie.
fn cookie<'h>(head: &'h RequestHead, name: &str) -> Option<&'h str> {
    head.block()
        .values(FieldName::Cookie)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.trim_matches('"'))
}

fn negotiates(head: &RequestHead) -> bool {
    head.block()
        .value(FieldName::Authorization)
        .is_some_and(starts_with_negotiate)
}

fn starts_with_negotiate(value: &[u8]) -> bool {
    value
        .get(..9)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"negotiate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_the_session_cookie_are_carried_over_in_gos_order() {
        let attributes = Attributes::of(
            "JSESSIONID=x; path=/app; secure; SameSite=none; Partitioned; Expires=Wed, 01 Jan 2031 00:00:00 GMT",
        );
        assert_eq!(
            attributes.write("id-1", "/ctx", false),
            "__VCAP_ID__=id-1; Path=/ctx; Expires=Wed, 01 Jan 2031 00:00:00 GMT; HttpOnly; Secure; SameSite=None; Partitioned"
        );
    }

    #[test]
    fn a_positive_max_age_is_not_copied_and_a_deletion_is() {
        assert_eq!(
            Attributes::of("S=x; Max-Age=60").write("i", "/", false),
            "__VCAP_ID__=i; Path=/; HttpOnly"
        );
        assert_eq!(
            Attributes::of("S=x; Max-Age=-1").write("i", "/", false),
            "__VCAP_ID__=i; Path=/; Max-Age=0; HttpOnly"
        );
    }

    #[test]
    fn secure_cookies_forces_secure() {
        assert_eq!(
            Attributes::default().write("i", "/", true),
            "__VCAP_ID__=i; Path=/; HttpOnly; Secure"
        );
    }
}
