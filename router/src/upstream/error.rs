//! Why one try at one endpoint failed.

use std::io;

use thiserror::Error;

use crate::wire::h1::HeadFault;

/// One try at one endpoint failed. The texts are those that gorouter puts into
/// `X-Cf-RouterError: endpoint_failure (…)`, where operators look for them.
#[derive(Debug, Error)]
pub enum AttemptError {
    /// The client left while the endpoint worked.
    #[error("context canceled")]
    ClientGone,
    /// The endpoint closed the connection before the first byte of an answer.
    #[error("EOF")]
    Closed,
    /// No TCP connection.
    #[error("dial tcp {address}: {}", dial_text(.source))]
    Dial {
        /// The endpoint's address.
        address: Box<str>,
        /// Why not.
        source: io::Error,
    },
    /// The TCP connection did not come in time.
    #[error("dial tcp {address}: i/o timeout")]
    DialTimeout {
        /// The endpoint's address.
        address: Box<str>,
    },
    /// The answer's head is larger than `max_response_header_bytes`.
    #[error(
        "net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded {limit} bytes; aborted"
    )]
    HeadTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The answer is no HTTP/1 message, or its end is ambiguous.
    #[error("net/http: HTTP/1.x transport connection broken: malformed HTTP response ({0:?})")]
    Malformed(HeadFault),
    /// All endpoints are at their limit.
    #[error("No endpoints available")]
    NoEndpoints,
    /// The connection failed while the answer was awaited.
    #[error("read tcp: {}", reset_text(.0))]
    Reset(io::Error),
    /// No answer began within `endpoint_timeout`.
    #[error("context deadline exceeded")]
    Timeout,
    /// The TLS handshake failed.
    #[error("{0}")]
    Tls(TlsFailure),
    /// The answer has more fields than `max_response_headers`.
    #[error("Too many response headers")]
    TooManyFields,
    /// More interim answers than any endpoint needs.
    #[error("net/http: too many 1xx informational responses")]
    TooManyInterim,
    /// A 101 that nobody asked for, or to another protocol than was asked for.
    #[error("net/http: unexpected protocol switch")]
    UnaskedSwitch,
    /// The head could not be written in full: the endpoint cannot have acted on it.
    #[error("incomplete request ({0})")]
    Unsent(io::Error),
}

/// Why a TLS handshake with an endpoint failed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum TlsFailure {
    /// It wants a certificate of ours, or another one.
    #[error("remote error: tls: bad certificate")]
    CertificateRequired,
    /// The handshake broke off.
    #[error("remote error: tls: handshake failure")]
    Handshake,
    /// The name in its certificate is another.
    #[error("x509: certificate is valid for another name")]
    Name,
    /// It does not speak TLS.
    #[error("tls: first record does not look like a TLS handshake")]
    NotTls,
    /// The handshake did not end in time.
    #[error("net/http: TLS handshake timeout")]
    Timeout,
    /// Its certificate is expired or not signed by an authority that we trust.
    #[error("x509: certificate signed by unknown authority")]
    Untrusted,
}

fn dial_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connect: connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "connect: no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "connect: network is unreachable".to_owned(),
        io::ErrorKind::ConnectionReset => "connect: connection reset by peer".to_owned(),
        _ => error.to_string(),
    }
}

fn reset_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "read: connection reset by peer".to_owned(),
        io::ErrorKind::BrokenPipe => "write: broken pipe".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_are_those_that_operators_look_for() {
        let refused = AttemptError::Dial {
            address: "10.0.0.1:80".into(),
            source: io::ErrorKind::ConnectionRefused.into(),
        };
        assert_eq!(
            refused.to_string(),
            "dial tcp 10.0.0.1:80: connect: connection refused"
        );
        assert_eq!(AttemptError::Closed.to_string(), "EOF");
        assert_eq!(
            AttemptError::Timeout.to_string(),
            "context deadline exceeded"
        );
        assert_eq!(AttemptError::ClientGone.to_string(), "context canceled");
        assert_eq!(
            AttemptError::NoEndpoints.to_string(),
            "No endpoints available"
        );
        assert_eq!(
            AttemptError::TooManyFields.to_string(),
            "Too many response headers"
        );
    }
}
