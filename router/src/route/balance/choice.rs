//! Choice: what one attempt knows, and whom each pass over the members lets it take.

use arrayvec::ArrayVec;

use super::Cursors;
use crate::route::member::Member;
use crate::route::{EndpointId, InFlight, Millis};

/// Endpoints that this request has tried already.
pub type Tried = ArrayVec<EndpointId, 8>;

/// What one attempt knows when it chooses.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// Now, for failure marks.
    pub now: Millis,
    /// Round-robin positions of this core.
    pub cursors: &'a Cursors,
    /// Fresh random bits for this attempt.
    pub random: u64,
    /// What was tried; an untried endpoint is preferred.
    pub tried: &'a Tried,
    /// Instance that a sticky session names.
    pub preferred_instance: Option<&'a str>,
    /// Slots per endpoint; 0 for no limit.
    pub max_in_flight: u32,
}

/// Why no endpoint can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unselectable {
    /// The pool has no endpoint, or only evicted ones.
    Empty,
    /// Every endpoint is at its limit.
    Full,
}

/// Who may be chosen in one pass over the members, strictest first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Healthy and not tried.
    Fresh,
    /// Healthy, though it was tried.
    Healthy,
    /// Cooling down, but not tried.
    FailedFresh,
    /// Anybody who is not evicted.
    Anybody,
}

impl Choice<'_> {
    /// The preferred instance, when it is present, has room, has not failed and was not tried.
    pub(super) fn preferred(&self, members: &[Member]) -> Option<InFlight> {
        let wanted = self.preferred_instance.filter(|id| !id.is_empty())?;
        // compat: of several with one id, the last registered is meant (gorouter 1.4).
        let member = members
            .iter()
            .rev()
            .find(|member| member.endpoint().instance_id() == wanted)?;
        self.take(member, Pass::Fresh)
    }

    /// Takes a slot of the member if this pass may choose it.
    pub(super) fn take(&self, member: &Member, pass: Pass) -> Option<InFlight> {
        if self.allows(member, pass) {
            member.endpoint().admit(self.max_in_flight)
        } else {
            None
        }
    }

    pub(super) fn allows(&self, member: &Member, pass: Pass) -> bool {
        let endpoint = member.endpoint();
        let has_room = self.max_in_flight == 0 || endpoint.in_flight() < self.max_in_flight;
        let is_untried = !self.tried.contains(&endpoint.id());
        has_room
            && match pass {
                Pass::Fresh => is_untried && !endpoint.is_failed(self.now),
                Pass::Healthy => !endpoint.is_failed(self.now),
                Pass::FailedFresh => is_untried && !endpoint.is_evicted(),
                Pass::Anybody => !endpoint.is_evicted(),
            }
    }
}
