//! A pool: all endpoints of one route, as they were published together.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use super::balance::{self, Algorithm, Choice, Unselectable};
use super::endpoint::{Endpoint, InFlight};
use super::key::{self, RouteKey, WrittenKey};
use super::member::Member;
use super::{Announcement, Millis};

/// All endpoints of one route. A change of membership publishes a new one; whoever holds the old
/// one sees what was true when it was found, except for marks, counts and evictions.
// perf: 80 bytes with a usual key, of which a million are kept (bench `route`, `--memory`).
pub struct Pool {
    /// See `RouteKey`: the key, then the written path where it differs.
    text: WrittenKey,
    members: Members,
    id: u32,
    /// Registered routes strictly below this one; kept by the writer over replacements.
    below: AtomicU32,
    key_bytes: u16,
    /// Member whose registration set the pool's attributes last.
    leader: AtomicU16,
    algorithm: Algorithm,
}

/// Who belongs to a pool.
pub(super) enum Members {
    /// No route: it only leads to the routes below.
    Waypoint,
    /// A route that has lost its last endpoint.
    Empty {
        /// When it did.
        since: Millis,
    },
    // perf: most routes of a large table have one endpoint; it needs no allocation of its own.
    One(Member),
    Many(Box<[Member]>),
}

impl Members {
    fn as_slice(&self) -> &[Member] {
        match self {
            Self::Waypoint | Self::Empty { .. } => &[],
            Self::One(member) => slice::from_ref(member),
            Self::Many(members) => members,
        }
    }

    fn of(mut members: Vec<Member>, now: Millis) -> Self {
        match members.len() {
            0 => Self::Empty { since: now },
            1 => members.pop().map_or(Self::Empty { since: now }, Self::One),
            _ => Self::Many(members.into_boxed_slice()),
        }
    }
}

impl Pool {
    pub(super) fn new(id: u32, key: RouteKey, algorithm: Algorithm, member: Member) -> Self {
        Self::at(id, key, algorithm, Members::One(member))
    }

    pub(super) fn waypoint(id: u32, key: RouteKey, algorithm: Algorithm) -> Self {
        Self::at(id, key, algorithm, Members::Waypoint)
    }

    fn at(id: u32, key: RouteKey, algorithm: Algorithm, members: Members) -> Self {
        let (text, key_bytes) = key.into_parts();
        let (below, leader) = (AtomicU32::new(0), AtomicU16::new(0));
        Self {
            text,
            members,
            id,
            below,
            key_bytes,
            leader,
            algorithm,
        }
    }

    /// Chooses an endpoint for one attempt and takes a slot of it.
    ///
    /// # Errors
    ///
    /// When nobody is left, or everybody is at the limit of `choice`.
    pub fn select(&self, choice: &Choice<'_>) -> Result<InFlight, Unselectable> {
        balance::select(self.algorithm, self.id, self.members(), choice)
    }

    /// The route key.
    #[must_use]
    pub fn key(&self) -> &str {
        key::key_of(&self.text, self.key_bytes)
    }

    /// The route key's bytes, for comparison.
    pub(super) fn key_bytes(&self) -> &[u8] {
        let text = self.text.as_bytes();
        text.get(..usize::from(self.key_bytes)).unwrap_or(text)
    }

    /// First segment of the key.
    #[must_use]
    pub fn host(&self) -> &str {
        key::host_of(self.key())
    }

    /// `/` and the rest of the key, as its first registrant wrote it.
    #[must_use]
    pub fn context_path(&self) -> &str {
        key::context_path_of(&self.text, self.key_bytes)
    }

    /// How endpoints are chosen.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The route service that the last registration asked for.
    ///
    // compat: gorouter keeps the text of the last registration even when that endpoint has left;
    // ours falls back to a registration that still stands.
    #[must_use]
    pub fn route_service_url(&self) -> Option<&str> {
        self.leader()
            .map(|member| member.endpoint().route_service_url())
            .filter(|url| !url.is_empty())
    }

    /// The members, in the order of their first registration.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.members.as_slice()
    }

    /// Calls `visit` for each endpoint that is not evicted.
    pub fn for_each_endpoint(&self, mut visit: impl FnMut(&Arc<Endpoint>)) {
        for member in self
            .members()
            .iter()
            .filter(|member| !member.endpoint().is_evicted())
        {
            visit(member.endpoint());
        }
    }

    /// Whether no endpoint is left but evicted ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members()
            .iter()
            .all(|member| member.endpoint().is_evicted())
    }

    /// When the last member left; nothing while there is one.
    pub(super) fn empty_since(&self) -> Option<Millis> {
        match &self.members {
            Members::Empty { since } => Some(*since),
            Members::Waypoint | Members::One(_) | Members::Many(_) => None,
        }
    }

    pub(super) fn is_waypoint(&self) -> bool {
        matches!(self.members, Members::Waypoint)
    }

    pub(super) fn is_route(&self) -> bool {
        !self.is_waypoint()
    }

    /// Whether routes lie below.
    pub(super) fn leads_deeper(&self) -> bool {
        self.below.load(Ordering::Acquire) > 0
    }

    pub(super) fn add_below(&self) {
        self.below.fetch_add(1, Ordering::Release);
    }

    pub(super) fn remove_below(&self) {
        self.below.fetch_sub(1, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn below_count(&self) -> u32 {
        self.below.load(Ordering::Relaxed)
    }

    /// Where the announced address stands among the members.
    pub(super) fn position(&self, tag: u32, announcement: &Announcement<'_>) -> Option<usize> {
        self.members()
            .iter()
            .position(|member| member.is_at(tag, announcement))
    }

    /// A member was announced again, and nothing about it is new.
    pub(super) fn renew(&self, position: usize, now: Millis) {
        let Some(member) = self.members().get(position) else {
            return;
        };
        member.touch(now);
        if member.endpoint().is_evicted() {
            member.endpoint().readmit();
        }
        self.follow(position);
    }

    /// Makes a member's registration the one that sets the attributes, if that changes any.
    fn follow(&self, position: usize) {
        let url = self
            .members()
            .get(position)
            .map_or("", |member| member.endpoint().route_service_url());
        if self.route_service_url().unwrap_or_default() != url {
            self.leader.store(leader(position), Ordering::Relaxed);
        }
    }

    /// This pool as a route whose first member is `member`, though it was none or empty.
    pub(super) fn with_added(&self, member: Member, algorithm: Algorithm) -> Self {
        let mut members: Vec<_> = self.members().iter().map(Member::copy).collect();
        members.push(member);
        let last = members.len() - 1;
        self.replaced(members, algorithm, last, Millis(0))
    }

    /// This pool with the member at `position` replaced.
    pub(super) fn with_replaced(
        &self,
        position: usize,
        member: Member,
        algorithm: Algorithm,
    ) -> Self {
        let mut members: Vec<_> = self.members().iter().map(Member::copy).collect();
        if let Some(place) = members.get_mut(position) {
            *place = member;
        }
        self.replaced(members, algorithm, position, Millis(0))
    }

    /// This pool without the members that `goes` names; `now` dates its emptiness.
    pub(super) fn without(&self, now: Millis, goes: impl Fn(&Member) -> bool) -> Self {
        let members: Vec<_> = self
            .members()
            .iter()
            .filter(|member| !goes(member))
            .map(Member::copy)
            .collect();
        let old_leader = self.leader().map(|leader| leader.endpoint().id());
        let leader = members
            .iter()
            .position(|member| Some(member.endpoint().id()) == old_leader)
            .or_else(|| {
                (0..members.len()).max_by_key(|&at| members.get(at).map(Member::last_seen))
            });
        self.replaced(members, self.algorithm, leader.unwrap_or(0), now)
    }

    /// This pool as a mere waypoint.
    pub(super) fn emptied_to_waypoint(&self) -> Self {
        Self {
            members: Members::Waypoint,
            ..self.replaced(Vec::new(), self.algorithm, 0, Millis(0))
        }
    }

    /// This waypoint as a route; the key's spelling is the new registrant's.
    pub(super) fn promoted(&self, key: RouteKey, algorithm: Algorithm, member: Member) -> Self {
        let pool = Self::new(self.id, key, algorithm, member);
        pool.below
            .store(self.below.load(Ordering::Relaxed), Ordering::Relaxed);
        pool
    }

    fn replaced(
        &self,
        members: Vec<Member>,
        algorithm: Algorithm,
        led_by: usize,
        now: Millis,
    ) -> Self {
        Self {
            text: self.text.clone(),
            members: Members::of(members, now),
            id: self.id,
            below: AtomicU32::new(self.below.load(Ordering::Relaxed)),
            key_bytes: self.key_bytes,
            leader: AtomicU16::new(leader(led_by)),
            algorithm,
        }
    }

    fn leader(&self) -> Option<&Member> {
        self.members()
            .get(usize::from(self.leader.load(Ordering::Relaxed)))
    }
}

/// A pool larger than 65 536 cannot name its last members as leader; the last nameable stands in.
fn leader(position: usize) -> u16 {
    u16::try_from(position).unwrap_or(u16::MAX)
}
