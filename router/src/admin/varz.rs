//! Varz: gorouter's older page of figures (gorouter 8.3).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use crate::observe::metrics::Totals;
use crate::observe::stamp::Stamp;
use crate::observe::zone::Zone;

use super::auth::Credentials;
use super::page::{self, Page};
use super::rates::Rates;
use super::{AdminState, process};

/// Makes `/varz`, and keeps the rates that it shows.
pub(super) struct Varz {
    state: AdminState,
    credentials: Credentials,
    host: String,
    zone: Zone,
    rates: Mutex<Rates>,
}

impl Varz {
    pub(super) fn new(state: AdminState, credentials: Credentials, host: String) -> Self {
        Self {
            state,
            credentials,
            host,
            zone: Zone::local(),
            rates: Mutex::default(),
        }
    }

    /// Feeds the rates.
    pub(super) fn tick(&self) {
        let requests = self.state.metrics.totals().requests;
        self.rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tick(requests);
    }

    /// `/varz`.
    pub(super) fn page(&self) -> Page {
        let mut varz = self.component();
        varz.append(&mut self.router());
        let mut body = Value::Object(varz).to_string();
        body.push('\n');
        page::last(page::whole(page::JSON, body))
    }

    /// What every component of the platform showed.
    fn component(&self) -> Map<String, Value> {
        let state = &self.state;
        let uptime = state.started_at.elapsed().unwrap_or_default();
        let cpu = process::cpu_time().as_secs_f64() / uptime.as_secs_f64().max(1.0) * 100.0;
        let log_counts: Map<String, Value> = state
            .event_counts
            .iter()
            .map(|(level, n)| (level.into(), n.into()))
            .collect();
        object([
            ("type", json!("Router")),
            ("index", json!(state.index)),
            ("host", json!(self.host)),
            (
                "credentials",
                json!([self.credentials.user, self.credentials.pass]),
            ),
            ("uuid", json!(*state.uuid)),
            ("start", json!(self.print(state.started_at))),
            ("uptime", json!(print_uptime(uptime))),
            (
                "num_cores",
                json!(std::thread::available_parallelism().map_or(1, usize::from)),
            ),
            ("mem", json!(process::resident_kb())),
            ("cpu", json!(cpu)),
            ("log_counts", Value::Object(log_counts)),
        ])
    }

    /// What the router adds.
    fn router(&self) -> Map<String, Value> {
        let totals = self.state.metrics.totals();
        let rates = self
            .rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .per_second();
        let mut varz = traffic(&totals, rates);
        let [per_second, ..] = rates;
        varz.append(&mut object([
            ("tags", json!({ "component": self.components(&totals) })),
            ("urls", json!(self.state.table.len())),
            ("droplets", json!(self.state.table.endpoint_count())),
            ("bad_requests", json!(totals.rejected)),
            ("bad_gateways", json!(totals.bad_gateways)),
            ("requests_per_sec", json!(per_second)),
            ("top10_app_requests", json!([])),
            (
                "ms_since_last_registry_update",
                json!(totals.ms_since_last_update),
            ),
        ]));
        varz
    }

    fn components(&self, totals: &Totals) -> Map<String, Value> {
        let labels = self.state.metrics.components();
        let named = totals
            .requests_by_component
            .iter()
            .map(|(label, requests)| {
                (
                    labels.name(*label).into_string(),
                    json!({ "requests": requests }),
                )
            });
        named.filter(|(name, _)| !name.is_empty()).collect()
    }

    /// `2006-01-02 15:04:05 +0000`.
    fn print(&self, moment: SystemTime) -> String {
        let mut text = Vec::new();
        Stamp::new(self.zone).write(&mut text, moment);
        let text = String::from_utf8(text).unwrap_or_default();
        let second = text.get(..19).unwrap_or_default().replace('T', " ");
        let minutes = self.zone.offset_seconds() / 60;
        let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
        format!("{second} {sign}{:02}{:02}", minutes / 60, minutes % 60)
    }
}

fn traffic(totals: &Totals, rates: [f64; 3]) -> Map<String, Value> {
    let [success, redirection, client_error, server_error, other] = totals.responses;
    object([
        ("requests", json!(totals.requests)),
        ("rate", json!(rates)),
        ("responses_2xx", json!(success)),
        ("responses_3xx", json!(redirection)),
        ("responses_4xx", json!(client_error)),
        ("responses_5xx", json!(server_error)),
        ("responses_xxx", json!(other)),
        ("latency", latency(totals)),
    ])
}

fn latency(totals: &Totals) -> Value {
    let shares = [
        ("50", 0.5),
        ("75", 0.75),
        ("90", 0.9),
        ("95", 0.95),
        ("99", 0.99),
    ];
    let quantiles =
        shares.map(|(name, share)| (name, json!(totals.latency_quantile(share).as_secs_f64())));
    let mut latency = object(quantiles);
    let samples = totals.answered();
    latency.insert("samples".into(), json!(samples));
    latency.insert("value".into(), json!(totals.latency_sum().as_secs_f64()));
    Value::Object(latency)
}

/// `0d:3h:22m:31s`.
fn print_uptime(uptime: Duration) -> String {
    let seconds = uptime.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    format!("{days}d:{hours}h:{}m:{}s", seconds / 60 % 60, seconds % 60)
}

fn object<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_in_days_hours_minutes_and_seconds() {
        assert_eq!(print_uptime(Duration::from_secs(12_151)), "0d:3h:22m:31s");
        assert_eq!(print_uptime(Duration::from_secs(90_061)), "1d:1h:1m:1s");
    }
}
