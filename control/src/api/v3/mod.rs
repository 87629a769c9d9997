//! v3: one file per resource of the client API.
//!
//! In come requests of known callers, out go documents and changes of desired state. Each file has
//! `routes()`, and nothing else leaves it.

mod app_actions;
mod app_environment;
mod apps;
mod begin;
mod brokers;
mod buildpacks;
mod builds;
mod deployment_body;
mod deployments;
mod destinations;
mod domains;
mod droplets;
mod flags;
mod http_routes;
mod included;
mod lifecycle;
mod manifest_apply;
mod manifest_routes;
mod manifests;
mod marketplace;
mod offerings;
mod organizations;
mod package_zip;
mod packages;
mod plan_visibility;
mod plans;
mod processes;
mod quota;
mod quotas;
mod reach;
mod roles;
mod room;
mod root;
mod route_rules;
mod service_bindings;
mod service_documents;
mod service_instances;
mod service_leftovers;
mod service_make;
mod service_orders;
mod service_rules;
mod service_sight;
mod spaces;
mod stacks;
mod stats;
mod uploads;
mod users;

pub(super) use begin::begin;

use super::Routes;

pub(super) fn routes() -> Routes {
    root::routes()
        .merge(buildpacks::routes())
        .merge(domains::routes())
        .merge(flags::routes())
        .merge(organizations::routes())
        .merge(quotas::routes())
        .merge(roles::routes())
        .merge(spaces::routes())
        .merge(app_actions::routes())
        .merge(app_environment::routes())
        .merge(apps::routes())
        .merge(builds::routes())
        .merge(deployments::routes())
        .merge(destinations::routes())
        .merge(droplets::routes())
        .merge(http_routes::routes())
        .merge(manifests::routes())
        .merge(brokers::routes())
        .merge(marketplace::routes())
        .merge(offerings::routes())
        .merge(plan_visibility::routes())
        .merge(plans::routes())
        .merge(packages::routes())
        .merge(processes::routes())
        .merge(service_bindings::routes())
        .merge(service_instances::routes())
        .merge(stats::routes())
        .merge(uploads::routes())
        .merge(stacks::routes())
        .merge(users::routes())
}
