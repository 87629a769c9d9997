//! `/healthz` and `/varz`, the agent's side for operators; and its instances' files.

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::TcpListener;

use super::files;
use super::node::Node;
use crate::component::{Component, HEALTHY};
use crate::serve::ServeLimits;
use crate::wire::InstanceState;

/// The port of `/healthz` and `/varz`; any free one.
pub(super) async fn listen(ip: IpAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind((ip, 0)).await
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, component: Component, node: Arc<Node>) {
    let router = Router::new()
        .route("/healthz", get(async || HEALTHY))
        .route("/varz", get(varz))
        .with_state((component, Arc::clone(&node)));
    let files = Router::new()
        .route("/instance_paths/{guid}", get(files::serve))
        .with_state(node);
    let router = router.merge(files);
    let service = TowerToHyperService::new(router);
    let limits = ServeLimits::new(Duration::ZERO);
    crate::serve::serve(listener, service, limits, pending()).await;
}

async fn varz(
    State((component, node)): State<(Component, Arc<Node>)>,
    headers: HeaderMap,
) -> Response {
    let (capacity, free) = (node.admission.capacity(), node.admission.free());
    let instances = node.roster.all();
    let count = |state| {
        instances
            .iter()
            .filter(|one| one.told_state() == state)
            .count()
    };
    let figures = json!({
        "can_stage": !node.is_closed(),
        "reservable_stagers": free.memory_mb / 1024,
        "available_memory_ratio": ratio(free.memory_mb, capacity.memory_mb),
        "available_disk_ratio": ratio(free.disk_mb, capacity.disk_mb),
        "instances": {
            "starting": count(InstanceState::Starting),
            "running": count(InstanceState::Running),
            "evacuating": count(InstanceState::Evacuating),
            "crashed": count(InstanceState::Crashed),
        },
    });
    component.varz(&headers, figures)
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}
