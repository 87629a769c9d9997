//! Component: how a process shows itself to operators, on the bus and at `/healthz` and `/varz`.

use std::time::Instant;

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::model::Micros;
use crate::wire::{ComponentAnnouncement, ComponentDiscovery, Wire};

/// What `/healthz` says.
pub(crate) const HEALTHY: &str = "ok\n";

/// Who we are to operators, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) announcement: ComponentAnnouncement,
    began: Instant,
}

impl Component {
    /// A component of this kind with credentials of its own; `host` is where `/varz` is.
    pub(crate) fn new(kind: &str, index: u32, uuid: &str, host: String, start: String) -> Self {
        let secret = || format!("{:032x}", rand::random::<u128>());
        Self {
            announcement: ComponentAnnouncement {
                kind: kind.to_owned(),
                index,
                uuid: uuid.to_owned(),
                host,
                credentials: vec![secret(), secret()],
                start,
            },
            began: Instant::now(),
        }
    }

    /// The answer to somebody who asks who is there.
    pub(crate) fn discovery(&self) -> Vec<u8> {
        let discovery = ComponentDiscovery {
            component: self.announcement.clone(),
            uptime: self.uptime(),
        };
        discovery.encode()
    }

    /// `/varz`: who we are and these figures, for those who know the credentials.
    pub(crate) fn varz(&self, headers: &HeaderMap, figures: Value) -> Response {
        if !self.admits(headers) {
            let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"varz\"")];
            return (StatusCode::UNAUTHORIZED, ask).into_response();
        }
        let who = &self.announcement;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let own = json!({
            "type": who.kind, "index": who.index, "uuid": who.uuid, "host": who.host,
            "start": who.start, "uptime": self.uptime(), "num_cores": cores,
        });
        let whole: Map<String, Value> = [own, figures]
            .into_iter()
            .filter_map(|part| match part {
                Value::Object(part) => Some(part),
                _ => None,
            })
            .flatten()
            .collect();
        Json(whole).into_response()
    }

    fn uptime(&self) -> String {
        let s = self.began.elapsed().as_secs();
        format!(
            "{}d:{}h:{}m:{}s",
            s / 86400,
            s / 3600 % 24,
            s / 60 % 60,
            s % 60
        )
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let expected = BASE64_STANDARD.encode(self.announcement.credentials.join(":"));
        let given = headers
            .get(header::AUTHORIZATION)
            .map(|value| value.as_bytes());
        let expected = format!("Basic {expected}");
        given.is_some_and(|given| {
            aws_lc_rs::constant_time::verify_slices_are_equal(given, expected.as_bytes()).is_ok()
        })
    }
}

/// `YYYY-MM-DD HH:MM:SS +0000`.
pub(crate) fn date(at: Micros) -> String {
    let at =
        OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (at.date(), at.time());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} +0000",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
