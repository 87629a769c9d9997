//! Record: the facts of one access-log line.

use std::time::{Duration, SystemTime};

/// What one access-log line says (gorouter 9.1). Borrowed: nothing is copied before the line.
///
/// Where a field says so, empty means that it is not known, which prints as `"-"`.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The Host header as it came.
    pub host: &'a [u8],
    /// When the request was received.
    pub received_at: SystemTime,
    /// The request's method.
    pub method: &'a [u8],
    /// The target in origin form, with its query: redaction is done here.
    pub uri: &'a [u8],
    /// `HTTP/1.1`, `HTTP/1.0` or `HTTP/2.0`.
    pub protocol: &'a str,
    /// The answer's status; 0 when there was none.
    pub status: u16,
    /// Bytes read of the request's body.
    pub request_bytes: u64,
    /// Bytes written of the answer's body; 0 for a tunnel.
    pub response_bytes: u64,
    /// The Referer header; empty when absent.
    pub referer: &'a [u8],
    /// The User-Agent header; empty when absent.
    pub user_agent: &'a [u8],
    /// The client's `ip:port`, as the connection printed it once.
    pub client: &'a [u8],
    /// The endpoint's `host:port`; empty when there was none.
    pub endpoint: &'a [u8],
    /// X-Forwarded-For as sent to the endpoint; empty when absent.
    pub forwarded_for: &'a [u8],
    /// X-Forwarded-Proto as sent to the endpoint; empty when absent.
    pub forwarded_proto: &'a [u8],
    /// X-Vcap-Request-Id as sent to the endpoint; empty when absent.
    pub request_id: &'a [u8],
    /// From the request's arrival to the end of the answer.
    pub response_time: Duration,
    /// The response time without the time at the endpoint: zero when it was never computed,
    /// `None` when it is not known.
    pub gorouter_time: Option<Duration>,
    /// The endpoint's application; empty when not known.
    pub app_id: &'a [u8],
    /// The endpoint's index in its application; empty when not known.
    pub app_index: &'a [u8],
    /// The endpoint's instance; empty when not known.
    pub instance_id: &'a [u8],
    /// What `logging.extra_access_log_fields` may ask for.
    pub extra: Extra<'a>,
    /// The answer's X-Cf-RouterError, whoever set it; empty when absent.
    pub router_error: &'a [u8],
    /// The values of `extra_headers_to_log`, in its order; empty or missing ones are absent.
    pub extra_headers: &'a [&'a [u8]],
}

/// Facts that are logged only when asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extra<'a> {
    /// The successful attempt.
    pub backend_time: Option<Duration>,
    /// Its TCP connect.
    pub dial_time: Option<Duration>,
    /// Its name resolution.
    pub dns_time: Option<Duration>,
    /// Its TLS handshake.
    pub tls_time: Option<Duration>,
    /// How many attempts failed.
    pub failed_attempts: u32,
    /// What they took together.
    pub failed_attempts_time: Option<Duration>,
    /// Our `ip:port` on the client's connection; empty when not known.
    pub local_address: &'a [u8],
}
