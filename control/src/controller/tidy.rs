//! Tidying: rows and bits that nobody needs any more go, so that no disk fills up by itself.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::site::{Site, now};
use crate::blobs::{BUILD_CACHES, BlobError, Blobs, build_cache};
use crate::model::Micros;
use crate::store::{Lease, Store, StoreError};

/// Why something is still there.
#[derive(Debug, thiserror::Error)]
enum Untidy {
    #[error("the blobs could not be listed or removed")]
    Blobs(#[from] BlobError),
    #[error("the store could not be read or written")]
    Store(#[from] StoreError),
}

/// What has gone.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Gone {
    packages: usize,
    droplets: usize,
    caches: usize,
    blobs: usize,
}

/// Removes once what nobody needs any more. What fails is tried again the next time.
pub(super) async fn tidy(site: Arc<Site>, lease: Lease) {
    let gone = match sweep(&site.store, &site.blobs, &lease, now()).await {
        Ok(gone) => gone,
        Err(error) => return warn!(error = ?error, "leftovers-remain"),
    };
    if gone != Gone::default() {
        let Gone {
            packages,
            droplets,
            caches,
            blobs,
        } = gone;
        info!(packages, droplets, caches, blobs, "leftovers-removed");
    }
}

async fn sweep(store: &Store, blobs: &Blobs, lease: &Lease, now: Micros) -> Result<Gone, Untidy> {
    let mut gone = Gone::default();
    let mut tx = store.begin().await?;
    tx.check_epoch(lease).await?;
    tx.forget_before(earlier(now, JOBS_KEPT), earlier(now, EVENTS_KEPT))
        .await?;
    gone.packages = tx.forget_old_packages().await?;
    gone.droplets = tx.forget_old_droplets().await?;
    tx.commit().await?;
    gone.caches = sweep_caches(store, blobs).await?;
    gone.blobs = sweep_blobs(store, blobs, earlier(now, UNNAMED_KEPT)).await?;
    Ok(gone)
}

/// Takes back the names of caches whose applications have gone.
async fn sweep_caches(store: &Store, blobs: &Blobs) -> Result<usize, Untidy> {
    let named = blobs.names_in(BUILD_CACHES).await?;
    let apps = store.app_guids().await?;
    let mut gone = 0;
    for app in named.iter().filter(|app| !apps.contains(*app)) {
        blobs.forget(&build_cache(app)).await?;
        gone += 1;
    }
    Ok(gone)
}

/// Removes the blobs that nothing names, if they were stored before this instant.
async fn sweep_blobs(store: &Store, blobs: &Blobs, before: Micros) -> Result<usize, Untidy> {
    // invariant: what is named is read after what there is, so that a blob which was stored and named
    // in between is either not listed or known to be named.
    let old = blobs.stored_before(before).await?;
    let mut named = store.digests_in_use().await?;
    for app in blobs.names_in(BUILD_CACHES).await? {
        let cache = blobs.named(&build_cache(&app)).await?;
        named.extend(cache.map(|digest| digest.to_string()));
    }
    let mut gone = 0;
    for digest in old {
        if named.contains(&digest.to_string()) {
            continue;
        }
        // The same bits may be stored again meanwhile; then they are young.
        gone += usize::from(blobs.delete_stored_before(&digest, before).await?);
    }
    Ok(gone)
}

fn earlier(now: Micros, span: Duration) -> Micros {
    let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    Micros(now.0.saturating_sub(span))
}

/// How often it is looked for what nobody needs.
pub(super) const TIDY_EVERY: Duration = Duration::from_secs(600);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const JOBS_KEPT: Duration = DAY.saturating_mul(2);
const EVENTS_KEPT: Duration = DAY.saturating_mul(31);
/// Longer than any build: its droplet is stored before a row names it.
const UNNAMED_KEPT: Duration = Duration::from_secs(2 * 60 * 60);

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures_util::stream;
    use serde_json::Map;
    use tempfile::TempDir;

    use super::*;
    use crate::blobs::Digest;
    use crate::model::{App, AppState, Droplet, DropletState, Lifecycle};
    use crate::store::{
        AuditEvent, Filter, Job, KEPT_PER_APP, Organization, OrganizationQuota, Party, QuotaLimits,
        Space,
    };

    struct Scene {
        store: Store,
        blobs: Blobs,
        lease: Lease,
        _directory: TempDir,
    }

    impl Scene {
        async fn begin() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/state.db?mode=rwc", directory.path().display());
            let store = Store::open(&url).await.unwrap();
            let lease = store.acquire_lease("controller", "one", now(), DAY).await;
            Self {
                blobs: Blobs::local(&directory.path().join("blobs")).unwrap(),
                lease: lease.unwrap().unwrap(),
                store,
                _directory: directory,
            }
        }

        async fn blob(&self, bytes: &'static [u8]) -> Digest {
            let chunk = Ok::<_, Infallible>(Bytes::from_static(bytes));
            let stored = self.blobs.put_stream(stream::iter([chunk]), 1000).await;
            stored.unwrap().digest
        }

        async fn has(&self, digest: &Digest) -> bool {
            self.blobs.size_bytes(digest).await.unwrap().is_some()
        }

        async fn app(&self, guid: &str) {
            let (created_at, updated_at) = (Micros(1), Micros(1));
            let quota = OrganizationQuota {
                guid: "q".to_owned(),
                name: "q".to_owned(),
                limits: QuotaLimits::default(),
                created_at,
                updated_at,
            };
            let organization = Organization {
                guid: "o".to_owned(),
                name: "o".to_owned(),
                suspended: false,
                quota_guid: "q".to_owned(),
                created_at,
                updated_at,
            };
            let space = Space {
                guid: "s".to_owned(),
                name: "s".to_owned(),
                organization_guid: "o".to_owned(),
                created_at,
                updated_at,
            };
            let app = App {
                guid: guid.to_owned(),
                name: guid.to_owned(),
                space_guid: "s".to_owned(),
                state: AppState::Stopped,
                lifecycle: Lifecycle::Docker,
                environment: Map::new(),
                features: Map::new(),
                droplet_guid: Some("d0".to_owned()),
                created_at,
                updated_at,
            };
            let mut tx = self.store.begin().await.unwrap();
            tx.write_organization_quota(&quota).await.unwrap();
            tx.insert_organization(&organization).await.unwrap();
            tx.insert_space(&space).await.unwrap();
            tx.insert_app(&app).await.unwrap();
            tx.update_app(&app).await.unwrap();
            tx.commit().await.unwrap();
        }

        async fn droplet(&self, app: &str, number: i64, digest: &Digest) {
            let droplet = Droplet {
                guid: format!("d{number}"),
                app_guid: app.to_owned(),
                package_guid: None,
                state: DropletState::Staged,
                error: None,
                sha1: None,
                sha256: Some(digest.to_string()),
                size_bytes: Some(1),
                process_types: Map::new(),
                buildpacks: Vec::new(),
                execution_metadata: String::new(),
                stack: None,
                image: None,
                created_at: Micros(number),
                updated_at: Micros(number),
            };
            let mut tx = self.store.begin().await.unwrap();
            tx.insert_droplet(&droplet).await.unwrap();
            tx.commit().await.unwrap();
        }

        async fn sweep(&self, now: Micros) -> Gone {
            sweep(&self.store, &self.blobs, &self.lease, now)
                .await
                .unwrap()
        }
    }

    #[tokio::test]
    async fn a_blob_that_nothing_names_goes_once_it_is_old() {
        let scene = Scene::begin().await;
        let digest = scene.blob(b"left over").await;
        assert_eq!(scene.sweep(now()).await.blobs, 0);
        assert!(scene.has(&digest).await);
        assert_eq!(scene.sweep(now().after(DAY)).await.blobs, 1);
        assert!(!scene.has(&digest).await);
    }

    #[tokio::test]
    async fn the_last_droplets_of_an_application_stay_and_the_one_that_it_runs() {
        let scene = Scene::begin().await;
        scene.app("shop").await;
        let kinds: [&'static [u8]; 8] = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"];
        let mut digests = Vec::new();
        for (number, bytes) in (0..).zip(kinds) {
            let digest = scene.blob(bytes).await;
            scene.droplet("shop", number, &digest).await;
            digests.push(digest);
        }
        let gone = scene.sweep(now().after(DAY)).await;
        assert_eq!((gone.droplets, gone.blobs), (2, 2));
        let mut kept = Vec::new();
        for (number, digest) in (0_i64..).zip(&digests) {
            if scene.has(digest).await {
                kept.push(number);
            }
        }
        assert_eq!(kept, [0, 3, 4, 5, 6, 7]);
        assert_eq!(i64::try_from(kept.len()), Ok(KEPT_PER_APP + 1));
    }

    #[tokio::test]
    async fn a_cache_goes_with_its_application() {
        let scene = Scene::begin().await;
        scene.app("shop").await;
        let (kept, left) = (scene.blob(b"kept").await, scene.blob(b"left").await);
        for (app, digest) in [("shop", &kept), ("gone", &left)] {
            scene.blobs.name(&build_cache(app), digest).await.unwrap();
        }
        let gone = scene.sweep(now().after(DAY)).await;
        assert_eq!((gone.caches, gone.blobs), (1, 1));
        assert!(scene.has(&kept).await && !scene.has(&left).await);
    }

    #[tokio::test]
    async fn jobs_and_events_are_forgotten_after_their_keep() {
        let scene = Scene::begin().await;
        let (old, young) = (earlier(now(), EVENTS_KEPT + DAY), earlier(now(), DAY));
        let party = Party {
            guid: "x".to_owned(),
            kind: "app".to_owned(),
            name: "x".to_owned(),
        };
        let mut tx = scene.store.begin().await.unwrap();
        for (guid, at) in [("old", old), ("young", young)] {
            let job = Job {
                guid: guid.to_owned(),
                operation: "app.delete".to_owned(),
                state: "COMPLETE".to_owned(),
                errors: Vec::new(),
                warnings: Vec::new(),
                created_at: at,
                updated_at: at,
            };
            let event = AuditEvent {
                guid: guid.to_owned(),
                kind: "audit.app.create".to_owned(),
                actor: party.clone(),
                target: party.clone(),
                space_guid: String::new(),
                organization_guid: String::new(),
                data: serde_json::Value::Null,
                created_at: at,
            };
            tx.write_job(&job).await.unwrap();
            tx.insert_audit_event(&event).await.unwrap();
        }
        tx.commit().await.unwrap();
        scene.sweep(now()).await;
        let is_kept = |guid| vec![Filter::equals("t.guid", guid)];
        let jobs: Vec<Job> = scene.store.all(Vec::new()).await.unwrap();
        let left: Vec<&str> = jobs.iter().map(|job| job.guid.as_str()).collect();
        assert_eq!(left, ["young"]);
        let events: Vec<AuditEvent> = scene.store.all(is_kept("old")).await.unwrap();
        assert!(events.is_empty());
        let events: Vec<AuditEvent> = scene.store.all(is_kept("young")).await.unwrap();
        assert_eq!(events.len(), 1);
    }

    #[tokio::test]
    async fn who_does_not_lead_removes_nothing() {
        let scene = Scene::begin().await;
        let digest = scene.blob(b"left over").await;
        let later = now().after(DAY * 2);
        let other = scene.store.acquire_lease("controller", "two", later, DAY);
        assert!(other.await.unwrap().is_some());
        let refused = sweep(&scene.store, &scene.blobs, &scene.lease, later).await;
        assert!(matches!(refused, Err(Untidy::Store(StoreError::LeaseLost))));
        assert!(scene.has(&digest).await);
    }
}
