//! Site: which pages a port has.

use std::sync::Arc;

use hyper::Request;
use hyper::header::HeaderMap;

use super::auth::Credentials;
use super::page::{self, Page};
use super::routes::Routes;
use super::varz::Varz;
use super::{AdminState, metrics, probe};

/// What a port is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Site {
    /// The legacy port: health, `/varz` and `/routes` together.
    Component,
    /// Prometheus.
    Metrics,
    /// Health.
    Probe,
    /// Health over TLS.
    ProbeTls,
    /// The table, and `/varz`.
    Routes,
}

impl Site {
    /// Its name in errors and events.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Component => "status (legacy)",
            Self::Metrics => "prometheus",
            Self::Probe => "health",
            Self::ProbeTls => "health over TLS",
            Self::Routes => "routes",
        }
    }
}

/// Every page, shared by all ports.
pub(super) struct Pages {
    pub(super) state: AdminState,
    pub(super) credentials: Credentials,
    pub(super) routes: Routes,
    pub(super) varz: Varz,
}

impl Pages {
    pub(super) fn new(state: AdminState, credentials: Credentials, host: String) -> Arc<Self> {
        let routes = Routes::new(Arc::clone(&state.table));
        let varz = Varz::new(state.clone(), credentials.clone(), host);
        Arc::new(Self {
            state,
            credentials,
            routes,
            varz,
        })
    }

    /// Answers one request; any method will do.
    pub(super) async fn answer<B>(&self, site: Site, request: &Request<B>) -> Page {
        let path = request.uri().path();
        match (site, path) {
            (Site::Probe | Site::ProbeTls | Site::Component, "/health") => {
                probe::health(&self.state.health)
            }
            (Site::Probe | Site::ProbeTls, "/is-process-alive-do-not-use-for-loadbalancing") => {
                probe::alive()
            }
            (Site::Component, "/healthz") => probe::healthz(),
            (Site::Component | Site::Routes, "/routes") => match self.admit(request.headers()) {
                Ok(()) => self.routes.page().await,
                Err(refused) => *refused,
            },
            (Site::Component | Site::Routes, "/varz") => match self.admit(request.headers()) {
                Ok(()) => self.varz.page(),
                Err(refused) => *refused,
            },
            (Site::Metrics, "/metrics") => metrics::metrics(&self.state.metrics),
            _ => page::not_found(),
        }
    }

    fn admit(&self, headers: &HeaderMap) -> Result<(), Box<Page>> {
        match self.credentials.admit(headers) {
            true => Ok(()),
            false => Err(Box::new(page::unauthorized())),
        }
    }
}
