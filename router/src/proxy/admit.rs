//! Admit: is this a request that may look for a route at all?

use super::Walk;
use super::refusal::Refusal;
use super::trace::Traced;
use crate::message::{FieldName, Method, TargetForm};

/// A request that has a host and may be routed.
#[derive(Debug)]
pub(super) struct Admitted<'r> {
    pub(super) traced: Traced<'r>,
    /// Only `admit` makes one.
    _proof: (),
}

impl Walk<'_> {
    /// Answers health probes, refuses what has no route to look for.
    ///
    /// # Errors
    ///
    /// Refuses `CONNECT`, answers `OPTIONS *` and the health probe, and refuses a missing host or
    /// one that is the client's own address.
    pub(super) fn admit<'r>(&self, traced: Traced<'r>) -> Result<Admitted<'r>, Refusal> {
        let head = traced.head;
        if head.block().value(FieldName::UserAgent)
            == Some(self.settings.forward.healthcheck_user_agent.as_bytes())
        {
            // compat: whatever its host and path (gorouter handlers/healthcheck.go).
            return Err(Refusal::HealthProbe {
                healthy: self.proxy.health.is_healthy(),
            });
        }
        match (head.method(), head.form()) {
            (Method::Connect, _) => return Err(Refusal::MethodNotAllowed),
            (_, TargetForm::Asterisk) => return Err(Refusal::ServerOptions),
            _ => {}
        }
        let host = head.host();
        // compat: a balancer that puts our client's address into Host knows no route
        // (gorouter handlers/lookup.go).
        if host.is_empty() || host == self.around.peer.ip_text().as_bytes() {
            return Err(Refusal::EmptyHost);
        }
        Ok(Admitted { traced, _proof: () })
    }
}
