//! Refusal: we answer in the endpoint's place, and this is why (gorouter 7.2).
//!
//! The statuses, texts and header values are what operators alert on: they live here and
//! nowhere else.

use std::borrow::Cow;

use crate::observe::metrics::RequestMetrics;
use crate::upstream::{AttemptError, TlsFailure};

/// We answer in the endpoint's place.
#[derive(Debug)]
pub enum Refusal {
    /// Every endpoint is at `backends.max_conns`.
    ConnectionLimit {
        /// The Host as it was sent.
        host: Box<str>,
    },
    /// No host, or the client's own address as host.
    EmptyHost,
    /// The attempts at endpoints failed; this is how the last one did.
    Exhausted(AttemptError),
    /// The head is larger than configured.
    HeadersTooLarge,
    /// A health probe: no refusal, but our own answer.
    HealthProbe {
        /// Whether traffic should be sent to us.
        healthy: bool,
    },
    /// A malformed `X-CF-App-Instance`.
    InvalidAppInstance,
    /// A request body that breaks its framing halfway.
    InvalidBody,
    /// A malformed `X-CF-Process-Instance`.
    InvalidProcessInstance,
    /// `CONNECT`: this is no tunnel.
    MethodNotAllowed,
    /// The route has no endpoint left.
    NoEndpoints {
        /// The Host as it was sent.
        host: Box<str>,
    },
    /// The route is bound to a route service, and there are none here.
    RouteServiceUnsupported,
    /// `OPTIONS *`: no refusal, but our own answer.
    ServerOptions,
    /// The named instance does not exist.
    UnknownInstance {
        /// gorouter's sentence.
        message: Box<str>,
    },
    /// No such route.
    UnknownRoute {
        /// The Host as it was sent.
        host: Box<str>,
    },
}

/// How long an intermediary may keep a refusal.
const NO_STORE: Option<&str> = Some("no-cache, no-store");
const TWO_SECONDS: Option<&str> = Some("public,max-age=2");

impl Refusal {
    /// The status that the client is told.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::HealthProbe { healthy: true } | Self::ServerOptions => 200,
            Self::EmptyHost
            | Self::InvalidAppInstance
            | Self::InvalidBody
            | Self::InvalidProcessInstance
            | Self::UnknownInstance { .. } => 400,
            Self::UnknownRoute { .. } => 404,
            Self::MethodNotAllowed => 405,
            Self::HeadersTooLarge => 431,
            Self::RouteServiceUnsupported => 502,
            Self::ConnectionLimit { .. }
            | Self::HealthProbe { healthy: false }
            | Self::NoEndpoints { .. } => 503,
            Self::Exhausted(error) => attempt_status(error),
        }
    }

    /// The reason phrase that belongs to it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self.status() {
            496 => "SSL Certificate Required",
            499 => "Request Cancelled",
            525 => "SSL Handshake Failed",
            526 => "Invalid SSL Certificate",
            status => http::StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or(""),
        }
    }

    /// The value of `X-Cf-RouterError`.
    #[must_use]
    pub fn router_error(&self) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::HealthProbe { .. } | Self::ServerOptions | Self::MethodNotAllowed => return None,
            Self::ConnectionLimit { .. } => "Connection Limit Reached".into(),
            Self::EmptyHost => "empty_host".into(),
            Self::Exhausted(error) => format!("endpoint_failure ({error})").into(),
            Self::HeadersTooLarge => "max-request-size-exceeded".into(),
            Self::InvalidAppInstance => "invalid_cf_app_instance_header".into(),
            Self::InvalidBody => "invalid_request_body".into(),
            Self::InvalidProcessInstance => "invalid_cf_process_instance_header".into(),
            Self::NoEndpoints { .. } => "no_endpoints".into(),
            Self::RouteServiceUnsupported => "route_service_unsupported".into(),
            Self::UnknownInstance { .. } | Self::UnknownRoute { .. } => "unknown_route".into(),
        })
    }

    /// The sentence in the body, without the status in front of it.
    #[must_use]
    pub fn message(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::HealthProbe { .. } | Self::HeadersTooLarge | Self::ServerOptions => return None,
            Self::ConnectionLimit { host } => {
                format!("Requested route ('{host}') has reached the connection limit.").into()
            }
            Self::EmptyHost => "Request had empty Host header".into(),
            Self::Exhausted(error) if attempt_status(error) == 502 => {
                "Registered endpoint failed to handle the request.".into()
            }
            Self::Exhausted(_) => return None,
            Self::InvalidAppInstance => "Invalid X-CF-App-Instance Header".into(),
            Self::InvalidBody => "Request body was malformed".into(),
            Self::InvalidProcessInstance => "Invalid X-CF-Process-Instance Header".into(),
            Self::MethodNotAllowed => "CONNECT is not supported".into(),
            Self::NoEndpoints { host } => {
                format!("Requested route ('{host}') has no available endpoints.").into()
            }
            Self::RouteServiceUnsupported => "Support for route services is disabled.".into(),
            Self::UnknownInstance { message } => (&**message).into(),
            Self::UnknownRoute { host } => {
                format!("Requested route ('{host}') does not exist.").into()
            }
        })
    }

    /// The whole body.
    #[must_use]
    pub fn body(&self) -> String {
        match (self, self.message()) {
            (Self::HealthProbe { healthy: true }, _) => "ok\n".to_owned(),
            (
                Self::HealthProbe { healthy: false } | Self::HeadersTooLarge | Self::ServerOptions,
                _,
            ) => String::new(),
            (_, Some(message)) => format!("{} {}: {message}\n", self.status(), self.reason()),
            (_, None) => format!("{} {}\n", self.status(), self.reason()),
        }
    }

    /// The value of `Cache-Control`.
    #[must_use]
    pub fn cache_control(&self) -> Option<&'static str> {
        match self {
            Self::EmptyHost | Self::NoEndpoints { .. } => TWO_SECONDS,
            Self::InvalidAppInstance
            | Self::InvalidProcessInstance
            | Self::UnknownInstance { .. }
            | Self::UnknownRoute { .. } => NO_STORE,
            Self::HealthProbe { .. } => Some("private, max-age=0"),
            Self::ConnectionLimit { .. }
            | Self::Exhausted(_)
            | Self::HeadersTooLarge
            | Self::InvalidBody
            | Self::MethodNotAllowed
            | Self::RouteServiceUnsupported
            | Self::ServerOptions => None,
        }
    }

    /// Does the client's connection end with it?
    #[must_use]
    pub fn closes(&self) -> bool {
        matches!(
            self,
            Self::HeadersTooLarge
                | Self::InvalidBody
                | Self::MethodNotAllowed
                | Self::Exhausted(AttemptError::ClientGone)
        )
    }

    /// Counts it where operators look.
    pub fn count(&self, metrics: &RequestMetrics) {
        match self {
            Self::EmptyHost
            | Self::InvalidAppInstance
            | Self::InvalidProcessInstance
            | Self::UnknownInstance { .. }
            | Self::UnknownRoute { .. } => metrics.rejected(),
            Self::ConnectionLimit { .. } => metrics.exhausted(),
            Self::Exhausted(AttemptError::Tls(failure)) => count_tls(failure, metrics),
            Self::Exhausted(AttemptError::ClientGone) => {}
            Self::Exhausted(_) => metrics.bad_gateway(),
            Self::HeadersTooLarge
            | Self::HealthProbe { .. }
            | Self::InvalidBody
            | Self::MethodNotAllowed
            | Self::NoEndpoints { .. }
            | Self::RouteServiceUnsupported
            | Self::ServerOptions => {}
        }
    }
}

fn attempt_status(error: &AttemptError) -> u16 {
    match error {
        AttemptError::ClientGone => 499,
        AttemptError::Tls(TlsFailure::CertificateRequired) => 496,
        AttemptError::Tls(TlsFailure::Handshake | TlsFailure::NotTls) => 525,
        AttemptError::Tls(TlsFailure::Name) => 503,
        AttemptError::Tls(TlsFailure::Untrusted) => 526,
        _ => 502,
    }
}

fn count_tls(failure: &TlsFailure, metrics: &RequestMetrics) {
    match failure {
        TlsFailure::Name => metrics.invalid_id(),
        TlsFailure::Untrusted => metrics.invalid_tls_cert(),
        TlsFailure::Handshake | TlsFailure::NotTls => metrics.tls_handshake_failed(),
        TlsFailure::CertificateRequired => {}
        TlsFailure::Timeout => metrics.bad_gateway(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::too_many_lines, reason = "a table, one row a refusal")]
    fn all() -> Vec<(Refusal, u16, Option<&'static str>, &'static str)> {
        let host = || "a.example:80".into();
        vec![
            (
                Refusal::ConnectionLimit { host: host() },
                503,
                Some("Connection Limit Reached"),
                "503 Service Unavailable: Requested route ('a.example:80') has reached the connection limit.\n",
            ),
            (
                Refusal::EmptyHost,
                400,
                Some("empty_host"),
                "400 Bad Request: Request had empty Host header\n",
            ),
            (
                Refusal::Exhausted(AttemptError::Closed),
                502,
                Some("endpoint_failure (EOF)"),
                "502 Bad Gateway: Registered endpoint failed to handle the request.\n",
            ),
            (
                Refusal::Exhausted(AttemptError::ClientGone),
                499,
                Some("endpoint_failure (context canceled)"),
                "499 Request Cancelled\n",
            ),
            (
                Refusal::Exhausted(AttemptError::Tls(TlsFailure::Handshake)),
                525,
                Some("endpoint_failure (remote error: tls: handshake failure)"),
                "525 SSL Handshake Failed\n",
            ),
            (
                Refusal::Exhausted(AttemptError::Tls(TlsFailure::Name)),
                503,
                Some("endpoint_failure (x509: certificate is valid for another name)"),
                "503 Service Unavailable\n",
            ),
            (
                Refusal::Exhausted(AttemptError::Tls(TlsFailure::Untrusted)),
                526,
                Some("endpoint_failure (x509: certificate signed by unknown authority)"),
                "526 Invalid SSL Certificate\n",
            ),
            (
                Refusal::HeadersTooLarge,
                431,
                Some("max-request-size-exceeded"),
                "",
            ),
            (Refusal::HealthProbe { healthy: true }, 200, None, "ok\n"),
            (Refusal::HealthProbe { healthy: false }, 503, None, ""),
            (
                Refusal::InvalidAppInstance,
                400,
                Some("invalid_cf_app_instance_header"),
                "400 Bad Request: Invalid X-CF-App-Instance Header\n",
            ),
            (
                Refusal::InvalidProcessInstance,
                400,
                Some("invalid_cf_process_instance_header"),
                "400 Bad Request: Invalid X-CF-Process-Instance Header\n",
            ),
            (
                Refusal::NoEndpoints { host: host() },
                503,
                Some("no_endpoints"),
                "503 Service Unavailable: Requested route ('a.example:80') has no available endpoints.\n",
            ),
            (
                Refusal::RouteServiceUnsupported,
                502,
                Some("route_service_unsupported"),
                "502 Bad Gateway: Support for route services is disabled.\n",
            ),
            (
                Refusal::UnknownRoute { host: host() },
                404,
                Some("unknown_route"),
                "404 Not Found: Requested route ('a.example:80') does not exist.\n",
            ),
        ]
    }

    #[test]
    fn each_refusal_says_what_gorouter_says() {
        for (refusal, status, error, body) in all() {
            assert_eq!(refusal.status(), status, "{refusal:?}");
            assert_eq!(refusal.router_error().as_deref(), error, "{refusal:?}");
            assert_eq!(refusal.body(), body, "{refusal:?}");
        }
    }
}
