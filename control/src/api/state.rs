//! What the API stands on: store, controller, blobs, logs, keys and settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{ApiError, uaa};
use crate::blobs::{Blobs, Signer};
use crate::controller::Controller;
use crate::logs::Recent;
use crate::services::Services;
use crate::store::{Store, StoreError};

/// The API; clones share it.
#[derive(Clone, Debug)]
pub struct Api(Arc<Inner>);

/// What it is built from.
#[derive(Debug)]
pub struct ApiParts {
    /// The desired state.
    pub store: Store,
    /// Who is told of changes.
    pub controller: Controller,
    /// Packages, droplets and buildpacks.
    pub blobs: Blobs,
    /// Signs and checks the addresses that agents use.
    pub signer: Signer,
    /// The recent past of all logs.
    pub recent: Arc<Recent>,
    /// Who is told of operations at brokers.
    pub services: Services,
    /// What the operator wants.
    pub settings: ApiSettings,
}

/// What the operator wants of the API.
#[derive(Clone, Debug)]
pub struct ApiSettings {
    /// The domain of applications that name none, as in `localhost`.
    pub domain: String,
    /// Where clients reach the API when a request does not tell, as in `http://api.localhost`.
    pub external_url: String,
    /// The port at which routers take requests, where that is not the usual one.
    pub app_port: Option<u16>,
    /// The stack that applications run on when they name none.
    pub stack: String,
    /// How long an access token counts.
    pub access_token_lifetime: Duration,
    /// How long a login goes on without a password.
    pub refresh_token_lifetime: Duration,
    /// How much work a password's hash is.
    pub password_cost: PasswordCost,
}

impl ApiSettings {
    /// Settings for this domain, with the usual lifetimes: 10 minutes and 30 days.
    #[must_use]
    pub fn new(domain: &str, external_url: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            external_url: external_url.to_owned(),
            app_port: None,
            stack: "switchyard".to_owned(),
            access_token_lifetime: Duration::from_secs(600),
            refresh_token_lifetime: Duration::from_secs(30 * 24 * 3600),
            password_cost: PasswordCost::Usual,
        }
    }
}

/// How much work the hash of a password is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PasswordCost {
    /// As little as possible, for tests.
    Least,
    /// 19 MiB and two passes.
    Usual,
}

/// Why the API could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The first administrator could not be made.
    #[error("the administrator could not be made: {detail}")]
    Admin {
        /// What was refused.
        detail: String,
    },
    /// A signing key could not be made or read.
    #[error("the key that signs access tokens could not be made or read")]
    Key,
    /// A file could not be read or written.
    #[error("{} could not be read or written", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store refused what every platform begins with.
    #[error("the store refused what every platform begins with")]
    Store(#[from] StoreError),
}

#[derive(Debug)]
struct Inner {
    parts: ApiParts,
    keys: uaa::Keys,
    passwords: uaa::Passwords,
}

impl Api {
    /// Builds the API, and writes what every platform begins with: signing key, quota, default
    /// domain, stack and feature flags.
    ///
    /// # Errors
    ///
    /// Fails when the store does, or when a stored key is none.
    pub async fn start(parts: ApiParts) -> Result<Self, StartError> {
        let mut begun = super::v3::begin(&parts.store, &parts.settings).await;
        if matches!(begun, Err(StartError::Store(StoreError::Taken))) {
            // Another controller has begun at the same moment: now all of it is there.
            begun = super::v3::begin(&parts.store, &parts.settings).await;
        }
        begun?;
        let keys = uaa::Keys::load(&parts.store).await?;
        let passwords = uaa::Passwords::new(parts.settings.password_cost);
        Ok(Self(Arc::new(Inner {
            parts,
            keys,
            passwords,
        })))
    }

    /// The desired state.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// Who is told of changes.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        &self.0.parts.controller
    }

    /// Packages, droplets and buildpacks.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.0.parts.blobs
    }

    /// Signs and checks the addresses that agents use.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.0.parts.signer
    }

    /// The recent past of all logs.
    #[must_use]
    pub fn recent(&self) -> &Recent {
        &self.0.parts.recent
    }

    /// Who is told of operations at brokers.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.0.parts.services
    }

    /// What the operator wants.
    #[must_use]
    pub fn settings(&self) -> &ApiSettings {
        &self.0.parts.settings
    }

    pub(super) fn keys(&self) -> &uaa::Keys {
        &self.0.keys
    }

    pub(super) fn passwords(&self) -> &uaa::Passwords {
        &self.0.passwords
    }

    /// The hash of a password.
    pub(super) async fn hash(&self, password: &str) -> Result<String, ApiError> {
        self.passwords().hash(password).await
    }
}

/// A new guid.
pub(super) fn guid() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .hyphenated()
        .to_string()
}
