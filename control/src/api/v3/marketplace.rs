//! The marketplace: what brokers offer. There are no brokers yet, so every list is empty.

use axum::extract::Path;
use serde_json::{Value, json};

use crate::api::listing::BY_NAME;
use crate::api::{Answer, ApiError, Call, Routes, ok};
use crate::store::Page;

pub(super) fn routes() -> Routes {
    Routes::new("Services")
        .get("/v3/service_brokers", "Lists brokers", brokers)
        .get("/v3/service_brokers/{guid}", "Shows a broker", broker)
        .get(
            "/v3/service_offerings",
            "Lists what brokers offer",
            offerings,
        )
        .get(
            "/v3/service_offerings/{guid}",
            "Shows what a broker offers",
            offering,
        )
        .get("/v3/service_plans", "Lists plans", plans)
        .get("/v3/service_plans/{guid}", "Shows a plan", plan)
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

async fn brokers(call: Call) -> Answer {
    nothing(&call, &["names", "space_guids"])
}

async fn offerings(call: Call) -> Answer {
    nothing(
        &call,
        &[
            "names",
            "available",
            "service_broker_guids",
            "service_broker_names",
            "space_guids",
            "organization_guids",
            "fields[service_broker]",
        ],
    )
}

async fn plans(call: Call) -> Answer {
    let mut answer = empty(
        &call,
        &[
            "names",
            "available",
            "include",
            "organization_guids",
            "service_broker_guids",
            "service_broker_names",
            "service_instance_guids",
            "service_offering_guids",
            "service_offering_names",
            "space_guids",
            "fields[service_offering.service_broker]",
        ],
    )?;
    if let Some(fields) = answer.as_object_mut() {
        let included = json!({ "service_offerings": [], "service_brokers": [] });
        fields.insert("included".to_owned(), included);
    }
    ok(answer)
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

async fn broker(_call: Call) -> Answer {
    Err(ApiError::not_found("Service broker"))
}

async fn offering(_call: Call) -> Answer {
    Err(ApiError::not_found("Service offering"))
}

async fn plan(_call: Call) -> Answer {
    Err(ApiError::not_found("Service plan"))
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
