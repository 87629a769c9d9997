//! Routes: method, path, what it does and who serves it, for the server and for its description.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use utoipa::openapi::HttpMethod;

use super::Api;

/// The routes of one resource, or of many. A route that is not described cannot be added.
pub struct Routes {
    tag: &'static str,
    router: Router<Api>,
    described: Vec<Described>,
}

/// What the description says of one route.
pub(super) struct Described {
    pub(super) tag: &'static str,
    pub(super) method: HttpMethod,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
}

impl Routes {
    /// No routes yet; the tag groups them in the description.
    #[must_use]
    pub fn new(tag: &'static str) -> Self {
        Self {
            tag,
            router: Router::new(),
            described: Vec::new(),
        }
    }

    /// Adds `GET path`; parameters are `{in_braces}`.
    #[must_use]
    pub fn get<H, T>(self, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(HttpMethod::Get, path, summary, axum::routing::get(handler))
    }

    /// Adds `POST path`.
    #[must_use]
    pub fn post<H, T>(self, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(
            HttpMethod::Post,
            path,
            summary,
            axum::routing::post(handler),
        )
    }

    /// Adds `POST path` for bodies of any length; its function limits and streams them.
    #[must_use]
    pub fn upload<H, T>(self, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let served = axum::routing::post(handler).layer(DefaultBodyLimit::disable());
        self.add(HttpMethod::Post, path, summary, served)
    }

    /// Adds `PATCH path`.
    #[must_use]
    pub fn patch<H, T>(self, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(
            HttpMethod::Patch,
            path,
            summary,
            axum::routing::patch(handler),
        )
    }

    /// Adds `PUT path`.
    #[must_use]
    pub fn put<H, T>(self, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(HttpMethod::Put, path, summary, axum::routing::put(handler))
    }

    /// Adds `DELETE path`.
    #[must_use]
    pub fn delete<H, T>(self, path: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        self.add(
            HttpMethod::Delete,
            path,
            summary,
            axum::routing::delete(handler),
        )
    }

    /// Adds all routes of another.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.described.extend(other.described);
        self
    }

    pub(super) fn split(self) -> (Router<Api>, Vec<Described>) {
        (self.router, self.described)
    }

    fn add(
        mut self,
        method: HttpMethod,
        path: &'static str,
        summary: &'static str,
        served: MethodRouter<Api>,
    ) -> Self {
        self.router = self.router.route(path, served);
        self.described.push(Described {
            tag: self.tag,
            method,
            path,
            summary,
        });
        self
    }
}
