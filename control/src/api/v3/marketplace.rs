//! Lists of what there is none of yet: route bindings, tasks, revisions.

use axum::extract::Path;
use serde_json::Value;

use crate::api::listing::BY_NAME;
use crate::api::{Answer, ApiError, Call, Routes, ok};
use crate::store::Page;

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get(
            "/v3/service_route_bindings",
            "Lists the routes bound to services",
            bindings,
        )
        .get("/v3/tasks", "Lists tasks", tasks)
        .get(
            "/v3/apps/{guid}/tasks",
            "Lists the tasks of an application",
            tasks_of_app,
        )
        .get(
            "/v3/apps/{guid}/revisions",
            "Lists the revisions of an application",
            revisions,
        )
}

async fn bindings(call: Call) -> Answer {
    nothing(
        &call,
        &[
            "route_guids",
            "service_instance_guids",
            "service_instance_names",
            "include",
        ],
    )
}

async fn tasks(call: Call) -> Answer {
    nothing(
        &call,
        &[
            "app_guids",
            "names",
            "states",
            "space_guids",
            "organization_guids",
        ],
    )
}

async fn tasks_of_app(call: Call, Path(guid): Path<String>) -> Answer {
    call.app(&guid, crate::api::Need::Read).await?;
    nothing(&call, &["names", "states", "sequence_ids"])
}

async fn revisions(call: Call, Path(guid): Path<String>) -> Answer {
    call.app(&guid, crate::api::Need::Read).await?;
    nothing(&call, &["versions", "deployable"])
}

fn nothing(call: &Call, filters: &[&str]) -> Answer {
    ok(empty(call, filters)?)
}

fn empty(call: &Call, filters: &[&str]) -> Result<Value, ApiError> {
    let listing = call.listing(filters, BY_NAME)?;
    let page = Page {
        items: Vec::<()>::new(),
        total: 0,
    };
    Ok(listing.document(&call.base, &page, |()| Value::Null))
}
