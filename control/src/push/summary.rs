//! Applications in words: one of them, or all of a space.

use std::time::Duration;

use hyper::StatusCode;

use super::client::Client;
use super::error::KatoError;
use super::progress::Progress;
use super::record::{App, Droplet, Instance, Platform, Process, Route};
use super::size;
use super::space::Space;
use super::start::{processes, stats};

/// Shows one application: its routes, its buildpacks and what its instances do.
pub(super) async fn show(
    client: &Client,
    progress: &Progress,
    space: &Space,
    app: &App,
) -> Result<(), KatoError> {
    let urls = urls(&routes(client, app).await?, door(client).await);
    let place = format!("{} / {}", space.organization, space.name);
    progress.line("");
    progress.step("name", &app.name);
    progress.step("space", &place);
    progress.step("state", &app.state.to_lowercase());
    progress.step("routes", &or_none(&urls));
    progress.step("buildpack", &or_none(&buildpacks(client, app).await?));
    for process in processes(client, app).await? {
        let instances = stats(client, &process.guid).await?;
        progress.step(&process.kind, &standing(&process, &instances));
        for instance in &instances {
            progress.line(&format!("    {}", row(instance)));
        }
    }
    Ok(())
}

/// Shows all applications of the space.
pub(super) async fn show_all(
    client: &Client,
    progress: &Progress,
    space: &Space,
) -> Result<(), KatoError> {
    let path = format!("/v3/apps?space_guids={}&order_by=name", space.guid);
    let apps: Vec<App> = client.list("list the applications", &path).await?;
    if apps.is_empty() {
        let place = format!("{} / {}", space.organization, space.name);
        progress.line(&format!("no application in {place} yet"));
        return Ok(());
    }
    let door = door(client).await;
    progress.line(&format!(
        "{:<24} {:<8} {:<20} routes",
        "name", "state", "processes"
    ));
    for app in &apps {
        let mut counts = Vec::new();
        for process in processes(client, app).await? {
            let instances = stats(client, &process.guid).await?;
            let running = running(&instances);
            counts.push(format!("{}:{running}/{}", process.kind, process.instances));
        }
        let urls = urls(&routes(client, app).await?, door);
        let state = app.state.to_lowercase();
        let counts = counts.join(" ");
        progress.line(&format!("{:<24} {state:<8} {counts:<20} {urls}", app.name));
    }
    Ok(())
}

/// The routes that lead to the application.
pub(super) async fn routes(client: &Client, app: &App) -> Result<Vec<Route>, KatoError> {
    let path = format!("/v3/apps/{}/routes", app.guid);
    client.list("list the routes", &path).await
}

async fn buildpacks(client: &Client, app: &App) -> Result<String, KatoError> {
    let path = format!("/v3/apps/{}/droplets/current", app.guid);
    match client.get::<Droplet>("read the droplet", &path).await {
        Ok(droplet) => {
            let names = droplet.buildpacks.iter().flatten();
            let names = names.map(|pack| pack.detect_output.as_ref().unwrap_or(&pack.name));
            let names = names.map(String::as_str);
            Ok(names.collect::<Vec<&str>>().join(", "))
        }
        Err(error) if error.has_status(StatusCode::NOT_FOUND) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// The port of the routers, where it is not the usual one.
async fn door(client: &Client) -> Option<u16> {
    let asked = client.get::<Platform>("ask for the platform", "/v3/info");
    // Who does not say has the usual one.
    asked.await.unwrap_or_default().custom.app_port
}

fn urls(routes: &[Route], door: Option<u16>) -> String {
    let urls: Vec<String> = routes.iter().map(|route| shown(&route.url, door)).collect();
    urls.join(", ")
}

/// A route with the port that a browser needs to be told.
fn shown(url: &str, door: Option<u16>) -> String {
    let (host, path) = match url.find('/') {
        Some(slash) => url.split_at(slash),
        None => (url, ""),
    };
    match door {
        Some(port) if port != HTTP && !host.contains(':') => format!("{host}:{port}{path}"),
        Some(_) | None => url.to_owned(),
    }
}

fn or_none(text: &str) -> String {
    let text = if text.is_empty() { "none" } else { text };
    text.to_owned()
}

fn running(instances: &[Instance]) -> usize {
    instances.iter().filter(|i| i.state == "RUNNING").count()
}

fn standing(process: &Process, instances: &[Instance]) -> String {
    format!(
        "{} of {} running, {} MB memory and {} MB disk each",
        running(instances),
        process.instances,
        process.memory_in_mb,
        process.disk_in_mb
    )
}

fn row(instance: &Instance) -> String {
    let state = instance.state.to_lowercase();
    let mut text = format!("#{} {state:<9}", instance.index);
    if let Some(uptime) = instance.uptime.filter(|_| instance.state == "RUNNING") {
        text += &format!(" for {}", size::span(Duration::from_secs(uptime)));
    }
    if let Some(cpu) = instance.usage.cpu {
        text += &format!("  cpu {:.1} %", cpu * 100.0);
    }
    for (name, used, quota) in [
        ("memory", instance.usage.mem, instance.mem_quota),
        ("disk", instance.usage.disk, instance.disk_quota),
    ] {
        if let Some(used) = used {
            text += &format!("  {name} {}", size::bytes(used));
            if let Some(quota) = quota {
                text += &format!(" of {}", size::bytes(quota));
            }
        }
    }
    if let Some(details) = &instance.details {
        text += &format!("  {details}");
    }
    text
}

const HTTP: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_shown_with_the_port_that_leads_to_it() {
        assert_eq!(shown("a.localhost", Some(8080)), "a.localhost:8080");
        assert_eq!(shown("a.localhost/b", Some(8080)), "a.localhost:8080/b");
        assert_eq!(shown("a.localhost", Some(80)), "a.localhost");
        assert_eq!(shown("a.localhost/b", None), "a.localhost/b");
        assert_eq!(
            shown("tcp.localhost:1024", Some(8080)),
            "tcp.localhost:1024"
        );
    }

    #[test]
    fn an_instance_that_starts_has_no_figures_yet() {
        let text = r#"{"index":0,"state":"STARTING","uptime":0,"usage":{},"mem_quota":1}"#;
        let instance: Instance = serde_json::from_str(text).unwrap();
        assert_eq!(row(&instance), "#0 starting ");
    }

    #[test]
    fn an_instance_that_runs_shows_what_it_uses() {
        let text = r#"{"index":1,"state":"RUNNING","uptime":75,"mem_quota":268435456,
            "usage":{"cpu":0.015,"mem":1048576}}"#;
        let instance: Instance = serde_json::from_str(text).unwrap();
        assert_eq!(
            row(&instance),
            "#1 running   for 1 min 15 s  cpu 1.5 %  memory 1.0 MB of 256 MB"
        );
    }
}
