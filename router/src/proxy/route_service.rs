//! Route service: does this route want a detour?

use super::Walk;
use super::lookup::Routed;
use super::refusal::Refusal;

impl Walk<'_> {
    /// Refuses routes that are bound to a route service: without its detour the application
    /// would be open where its owner wanted a guard in front of it.
    ///
    /// # Errors
    ///
    /// Refuses every bound route, as gorouter does without a `route_services_secret`.
    pub(super) fn route_service<'r>(&self, routed: Routed<'r>) -> Result<Routed<'r>, Refusal> {
        match routed.pool.route_service_url() {
            Some(_) => Err(Refusal::RouteServiceUnsupported),
            None => Ok(routed),
        }
    }
}
