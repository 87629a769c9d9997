//! Presence: the controller as a component that operators find and look at.

use axum::http::HeaderMap;
use axum::response::Response;
use bus::{Bus, BusError};
use serde_json::json;
use tracing::warn;

use super::handle::Controller;
use super::site::now;
use crate::component::{Component, HEALTHY, date};
use crate::wire::{Wire, subject};

/// What operators see of a controller.
#[derive(Clone, Debug)]
pub struct Presence {
    component: Component,
    controller: Controller,
}

impl Presence {
    /// The presence of the controller `id`, which is shown at `host` (`<ip>:<port>`).
    #[must_use]
    pub fn new(id: &str, host: &str, controller: Controller) -> Self {
        let uuid = format!("0-{id}");
        let (host, start) = (host.to_owned(), date(now()));
        Self {
            component: Component::new("CloudController", 0, &uuid, host, start),
            controller,
        }
    }

    /// What `/healthz` says.
    #[must_use]
    pub const fn healthz(&self) -> &'static str {
        HEALTHY
    }

    /// What `/varz` says, to those who know the credentials that the bus tells.
    #[must_use]
    pub fn varz(&self, headers: &HeaderMap) -> Response {
        let (processes, running) = self.controller.totals();
        let figures = json!({
            "nodes": self.controller.nodes(),
            "processes": processes,
            "running_instances": running,
        });
        self.component.varz(headers, figures)
    }

    /// Says once that it is there, and then to whoever asks, until the bus is closed.
    ///
    /// # Errors
    ///
    /// Fails when the bus cannot be heard at the start.
    pub async fn announce(self, bus: Bus) -> Result<(), BusError> {
        let mut questions = bus.subscribe(subject::COMPONENT_DISCOVER).await?;
        let announcement = self.component.announcement.encode();
        bus.publish(subject::COMPONENT_ANNOUNCE, announcement.into())
            .await?;
        while let Some(question) = questions.next().await {
            let Some(inbox) = question.reply else {
                continue;
            };
            let discovery = self.component.discovery();
            if let Err(error) = bus.publish(inbox.as_ref(), discovery.into()).await {
                warn!(%error, "bus-message-lost");
            }
        }
        Ok(())
    }
}
