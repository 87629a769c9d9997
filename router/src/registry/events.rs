//! The registry's lines in the log, with gorouter's names, and a limit on their rate.

use tracing::{debug, info, warn};

use crate::route::{Endpoint, Millis, Pruned, RouteFate};

/// Writes what happens to routes and endpoints, up to a rate.
///
/// A million routes that arrive at once would be two million lines; the table must not wait for
/// whoever reads them.
#[derive(Debug, Default)]
pub(super) struct Events {
    second: u64,
    written: u32,
    withheld: u64,
}

/// Lines about membership per second.
const PER_SECOND: u32 = 2_000;

impl Events {
    pub(super) fn endpoint_added(&mut self, uri: &str, endpoint: &Endpoint, now: Millis) {
        if self.admits(now) {
            endpoint_event!(info, uri, endpoint, "endpoint-registered");
        }
    }

    pub(super) fn endpoint_updated(&mut self, uri: &str, endpoint: &Endpoint, now: Millis) {
        if self.admits(now) {
            endpoint_event!(debug, uri, endpoint, "endpoint-registered");
        }
    }

    pub(super) fn endpoint_unregistered(&mut self, uri: &str, endpoint: &Endpoint, now: Millis) {
        if self.admits(now) {
            endpoint_event!(info, uri, endpoint, "endpoint-unregistered");
        }
    }

    pub(super) fn endpoint_not_unregistered(&mut self, uri: &str, backend: &str, now: Millis) {
        if self.admits(now) {
            info!(uri, backend, "endpoint-not-unregistered");
        }
    }

    pub(super) fn route_added(&mut self, uri: &str, now: Millis) {
        if self.admits(now) {
            info!(uri, "route-registered");
            debug!(uri, "uri-added");
        }
    }

    pub(super) fn route_removed(&mut self, uri: &str, now: Millis) {
        if self.admits(now) {
            info!(uri, "route-unregistered");
        }
    }

    pub(super) fn pruned(&mut self, pruned: &Pruned, now: Millis) {
        if let Some(first) = pruned.endpoints.first()
            && self.admits(now)
        {
            let endpoints: Vec<_> = pruned
                .endpoints
                .iter()
                .map(|endpoint| endpoint.address())
                .collect();
            let isolation_segment = dash(first.isolation_segment());
            info!(
                uri = pruned.pool.key(),
                ?endpoints,
                isolation_segment,
                "pruned-route"
            );
        }
        if pruned.route == RouteFate::Removed {
            self.route_removed(pruned.pool.key(), now);
        }
    }

    pub(super) fn invalid(
        &mut self,
        subject: &str,
        payload: &[u8],
        error: &dyn std::fmt::Display,
        now: Millis,
    ) {
        if self.admits(now) {
            let payload =
                String::from_utf8_lossy(payload.get(..MAX_PAYLOAD_SHOWN).unwrap_or(payload));
            tracing::error!(subject, %payload, %error, "validation-error");
        }
    }

    pub(super) fn invalid_uri(&mut self, uri: &str, error: &dyn std::fmt::Display, now: Millis) {
        if self.admits(now) {
            tracing::error!(uri, %error, "validation-error");
        }
    }

    pub(super) fn unknown_algorithm(&mut self, name: &str, now: Millis) {
        if self.admits(now) {
            tracing::error!(algorithm = name, "invalid-loadbalancing-algorithm");
        }
    }

    /// Whether one more line may be written in this second.
    fn admits(&mut self, now: Millis) -> bool {
        let second = now.0 / 1000;
        if second != self.second {
            if self.withheld > 0 {
                warn!(lines = self.withheld, "registry-events-withheld");
            }
            *self = Self {
                second,
                written: 0,
                withheld: 0,
            };
        }
        let admits = self.written < PER_SECOND;
        if admits {
            self.written += 1;
        } else {
            self.withheld += 1;
        }
        admits
    }
}

/// Bytes of a bad message that are shown.
const MAX_PAYLOAD_SHOWN: usize = 1024;

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// One event about one endpoint, with the fields that gorouter gives it.
macro_rules! endpoint_event {
    ($level:ident, $uri:expr, $endpoint:expr, $name:literal) => {
        $level!(
            uri = $uri,
            route_service_url = $endpoint.route_service_url(),
            backend = $endpoint.address(),
            application_id = $endpoint.app_id(),
            instance_id = $endpoint.instance_id(),
            server_cert_domain_san = $endpoint.server_cert_domain_san(),
            protocol = $endpoint.protocol_name(),
            modification_tag = "",
            isolation_segment = dash($endpoint.isolation_segment()),
            isTLS = $endpoint.is_tls(),
            $name
        )
    };
}
use endpoint_event;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_rate_are_counted_and_the_next_second_is_free() {
        let mut events = Events::default();
        let written = (0..PER_SECOND + 5)
            .filter(|_| events.admits(Millis(1500)))
            .count();
        assert_eq!((written, events.withheld), (PER_SECOND as usize, 5));
        assert!(events.admits(Millis(2000)));
        assert_eq!(events.withheld, 0);
    }
}
