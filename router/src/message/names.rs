//! The field names that some room asks about; everything else crosses untouched.

macro_rules! field_names {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// A field name as the walk sees it: one of those it acts on, or any other.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum FieldName {
            $(#[doc = concat!("`", $text, "`")] $variant,)+
            /// Any name that no room acts on.
            Other,
        }

        impl FieldName {
            #[cfg(test)]
            const KNOWN: &[(Self, &str)] = &[$((Self::$variant, $text)),+];

            /// The name as we write it.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other => "",
                }
            }
        }
    };
}

field_names! {
    Authorization = "Authorization",
    Connection = "Connection",
    ContentLength = "Content-Length",
    ContentType = "Content-Type",
    Cookie = "Cookie",
    Date = "Date",
    Expect = "Expect",
    Host = "Host",
    Http2Settings = "HTTP2-Settings",
    IdempotencyKey = "Idempotency-Key",
    KeepAlive = "Keep-Alive",
    ProxyAuthenticate = "Proxy-Authenticate",
    ProxyAuthorization = "Proxy-Authorization",
    ProxyConnection = "Proxy-Connection",
    Referer = "Referer",
    SetCookie = "Set-Cookie",
    Te = "TE",
    Trailer = "Trailer",
    TransferEncoding = "Transfer-Encoding",
    Upgrade = "Upgrade",
    UserAgent = "User-Agent",
    WwwAuthenticate = "WWW-Authenticate",
    XCfAppInstance = "X-CF-App-Instance",
    XCfApplicationId = "X-CF-ApplicationID",
    XCfInstanceId = "X-CF-InstanceID",
    XCfInstanceIndex = "X-CF-InstanceIndex",
    XCfProcessInstance = "X-CF-Process-Instance",
    XCfProxySignature = "X-CF-Proxy-Signature",
    XCfRouterError = "X-Cf-RouterError",
    XForwardedClientCert = "X-Forwarded-Client-Cert",
    XForwardedFor = "X-Forwarded-For",
    XForwardedProto = "X-Forwarded-Proto",
    XIdempotencyKey = "X-Idempotency-Key",
    XRequestStart = "X-Request-Start",
    XVcapRequestId = "X-Vcap-Request-Id",
    XVcapTrace = "X-Vcap-Trace",
}

impl FieldName {
    /// Recognises a name in any case.
    #[must_use]
    pub fn recognise(name: &[u8]) -> Self {
        // perf: the length and the last byte leave one candidate or none for nearly every name,
        // so that the usual name costs one comparison and an unknown one none.
        let Some(last) = name.last() else {
            return Self::Other;
        };
        let candidates = match (name.len(), last | 0x20) {
            (2, b'e') => [Self::Te, Self::Other, Self::Other],
            (4, b't') => [Self::Host, Self::Other, Self::Other],
            (4, b'e') => [Self::Date, Self::Other, Self::Other],
            (6, b'e') => [Self::Cookie, Self::Other, Self::Other],
            (6, b't') => [Self::Expect, Self::Other, Self::Other],
            (7, b'r') => [Self::Referer, Self::Trailer, Self::Other],
            (7, b'e') => [Self::Upgrade, Self::Other, Self::Other],
            (10, b'n') => [Self::Connection, Self::Other, Self::Other],
            (10, b'e') => [Self::KeepAlive, Self::SetCookie, Self::Other],
            (10, b't') => [Self::UserAgent, Self::Other, Self::Other],
            (12, b'e') => [Self::ContentType, Self::XVcapTrace, Self::Other],
            (13, b'n') => [Self::Authorization, Self::Other, Self::Other],
            (14, b'h') => [Self::ContentLength, Self::Other, Self::Other],
            (14, b's') => [Self::Http2Settings, Self::Other, Self::Other],
            (15, b'r') => [Self::XForwardedFor, Self::Other, Self::Other],
            (15, b'd') => [Self::XCfInstanceId, Self::Other, Self::Other],
            (15, b't') => [Self::XRequestStart, Self::Other, Self::Other],
            (15, b'y') => [Self::IdempotencyKey, Self::Other, Self::Other],
            (16, b'e') => [Self::WwwAuthenticate, Self::Other, Self::Other],
            (16, b'n') => [Self::ProxyConnection, Self::Other, Self::Other],
            (16, b'r') => [Self::XCfRouterError, Self::Other, Self::Other],
            (17, b'g') => [Self::TransferEncoding, Self::Other, Self::Other],
            (17, b'o') => [Self::XForwardedProto, Self::Other, Self::Other],
            (17, b'd') => [Self::XVcapRequestId, Self::Other, Self::Other],
            (17, b'e') => [Self::XCfAppInstance, Self::Other, Self::Other],
            (17, b'y') => [Self::XIdempotencyKey, Self::Other, Self::Other],
            (18, b'e') => [Self::ProxyAuthenticate, Self::Other, Self::Other],
            (18, b'x') => [Self::XCfInstanceIndex, Self::Other, Self::Other],
            (18, b'd') => [Self::XCfApplicationId, Self::Other, Self::Other],
            (19, b'n') => [Self::ProxyAuthorization, Self::Other, Self::Other],
            (21, b'e') => [Self::XCfProcessInstance, Self::Other, Self::Other],
            (20, b'e') => [Self::XCfProxySignature, Self::Other, Self::Other],
            (23, b't') => [Self::XForwardedClientCert, Self::Other, Self::Other],
            _ => return Self::Other,
        };
        candidates
            .into_iter()
            .find(|candidate| {
                let text = candidate.text().as_bytes();
                // perf: most senders spell a name as we do, and then one comparison of memory will do.
                text == name || text.eq_ignore_ascii_case(name)
            })
            .unwrap_or(Self::Other)
    }

    /// A bit of its own.
    #[must_use]
    pub const fn bit(self) -> u64 {
        // invariant: there are fewer than 64 names.
        1 << (self as u8)
    }

    /// Is this field about one hop only, so that it never crosses (RFC 9110 7.6.1, and what Go's
    /// `ReverseProxy` removes)?
    #[must_use]
    pub const fn is_hop_by_hop(self) -> bool {
        matches!(
            self,
            Self::Connection
                | Self::KeepAlive
                | Self::ProxyAuthenticate
                | Self::ProxyAuthorization
                | Self::ProxyConnection
                | Self::Te
                | Self::Trailer
                | Self::TransferEncoding
                | Self::Upgrade
                | Self::Http2Settings
        )
    }

    /// Must this field never stand in a trailer (RFC 9110 6.5.1: framing, routing, request
    /// modifiers, authentication)?
    #[must_use]
    pub const fn is_forbidden_in_trailer(self) -> bool {
        self.is_hop_by_hop()
            || matches!(
                self,
                Self::Authorization
                    | Self::ContentLength
                    | Self::ContentType
                    | Self::Cookie
                    | Self::Expect
                    | Self::Host
                    | Self::SetCookie
                    | Self::WwwAuthenticate
                    | Self::XForwardedClientCert
                    | Self::XForwardedFor
                    | Self::XForwardedProto
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_recognised_in_any_case() {
        for (name, text) in FieldName::KNOWN {
            for spelling in [text.to_string(), text.to_lowercase(), text.to_uppercase()] {
                assert_eq!(
                    FieldName::recognise(spelling.as_bytes()),
                    *name,
                    "{spelling}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_is_other() {
        for text in [
            "",
            "X",
            "Accept",
            "Hosu",
            "X-Forwarded-Fox",
            "Content-Lengtg",
        ] {
            assert_eq!(
                FieldName::recognise(text.as_bytes()),
                FieldName::Other,
                "{text}"
            );
        }
    }
}
