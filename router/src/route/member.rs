//! A member: one endpoint's place in one pool, and when it was announced for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::endpoint::Endpoint;
use super::{Announcement, Fingerprint, Millis};

/// One endpoint's place in one pool.
pub struct Member {
    endpoint: Arc<Endpoint>,
    /// Hash of the address, so that a large pool is searched without visiting its endpoints.
    tag: u32,
    last_seen: LastSeen,
    /// Of the message that has renewed it last; 0 before the first did.
    // invariant: a message of this fingerprint has found that the endpoint, as it stands here, says the same.
    renewed_by: AtomicU64,
}

/// When a member was announced last, in tenths of a second, and whether that is hearsay.
struct LastSeen(AtomicU32);

/// Set while a member is known only from a snapshot.
const HEARSAY: u32 = 1 << 31;
const TICK_MILLIS: u64 = 100;

impl LastSeen {
    fn at(now: Millis) -> Self {
        Self(AtomicU32::new(Self::tick(now)))
    }

    fn hearsay(now: Millis) -> Self {
        Self(AtomicU32::new(Self::tick(now) | HEARSAY))
    }

    /// Rounds up, so that nothing is stale too early.
    fn tick(now: Millis) -> u32 {
        u32::try_from(now.0.div_ceil(TICK_MILLIS)).unwrap_or(u32::MAX) & !HEARSAY
    }

    fn load(&self) -> (Millis, bool) {
        let word = self.0.load(Ordering::Relaxed);
        (
            Millis(u64::from(word & !HEARSAY) * TICK_MILLIS),
            word & HEARSAY != 0,
        )
    }
}

impl Member {
    pub(super) fn announced(endpoint: Arc<Endpoint>, tag: u32, now: Millis) -> Self {
        Self {
            endpoint,
            tag,
            last_seen: LastSeen::at(now),
            renewed_by: AtomicU64::new(0),
        }
    }

    pub(super) fn restored(endpoint: Arc<Endpoint>, tag: u32, now: Millis) -> Self {
        Self {
            endpoint,
            tag,
            last_seen: LastSeen::hearsay(now),
            renewed_by: AtomicU64::new(0),
        }
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// When it was announced last for this route, to a tenth of a second.
    #[must_use]
    pub fn last_seen(&self) -> Millis {
        self.last_seen.load().0
    }

    /// Whether it is known only from a snapshot, and nobody has announced it since.
    #[must_use]
    pub fn is_hearsay(&self) -> bool {
        self.last_seen.load().1
    }

    /// Whether this is where the announced address, of this hash, is.
    pub(super) fn is_at(&self, tag: u32, announcement: &Announcement<'_>) -> bool {
        self.tag == tag && self.endpoint.is_at(announcement)
    }

    /// Notes that it was announced again.
    pub(super) fn touch(&self, now: Millis) {
        self.last_seen
            .0
            .store(LastSeen::tick(now), Ordering::Relaxed);
    }

    /// Whether a message of this fingerprint has renewed it last.
    pub(super) fn is_renewed_by(&self, print: Fingerprint) -> bool {
        self.renewed_by.load(Ordering::Relaxed) == print.word()
    }

    /// Notes which message has renewed it.
    pub(super) fn note_renewal(&self, print: Fingerprint) {
        self.renewed_by.store(print.word(), Ordering::Relaxed);
    }

    /// Whether it has to go: evicted, or not announced for its threshold (gorouter 1.6).
    ///
    /// Nothing counts as unheard of since before `heard_floor`.
    pub(super) fn is_gone(&self, now: Millis, heard_floor: Millis) -> bool {
        let (seen, hearsay) = self.last_seen.load();
        let threshold = Duration::from_secs(u64::from(self.endpoint.stale_threshold_secs()));
        // compat: TLS endpoints do not age (gorouter 1.6), but a remembered one that nobody
        // confirms would stay for ever.
        let ages = hearsay || !self.endpoint.is_tls();
        self.endpoint.is_evicted() || (ages && now.since(seen.max(heard_floor)) > threshold)
    }

    /// The same as a part of another pool.
    pub(super) fn copy(&self) -> Self {
        let last_seen = LastSeen(AtomicU32::new(self.last_seen.0.load(Ordering::Relaxed)));
        Self {
            endpoint: Arc::clone(&self.endpoint),
            tag: self.tag,
            last_seen,
            renewed_by: AtomicU64::new(self.renewed_by.load(Ordering::Relaxed)),
        }
    }
}
