//! Stacks, and the lists that are empty here: isolation segments and security groups.

use axum::extract::Path;
use serde_json::{Value, json};

use crate::api::{
    Answer, ApiError, BY_NAME, Base, Body, Call, Marks, Routes, created, no_content, ok, rfc3339,
};
use crate::store::{Page, Stack, StoreError};

pub(super) fn routes() -> Routes {
    Routes::new("Stacks")
        .get("/v3/stacks", "Lists stacks", list)
        .post("/v3/stacks", "Makes a stack known", create)
        .get("/v3/stacks/{guid}", "Shows a stack", show)
        .patch("/v3/stacks/{guid}", "Marks a stack", update)
        .delete("/v3/stacks/{guid}", "Takes a stack away", delete)
        .get(
            "/v3/isolation_segments",
            "Lists nothing: there are no isolation segments",
            nothing,
        )
        .get(
            "/v3/security_groups",
            "Lists nothing: there are no security groups",
            nothing,
        )
        .get(
            "/v3/space_quotas",
            "Lists nothing: there are no quotas of spaces",
            nothing,
        )
}

async fn list(call: Call) -> Answer {
    let mut listing = call.listing(&["names", "default"], BY_NAME)?;
    listing.within("names", "t.name");
    if let Some(wanted) = listing.query.flag("default")? {
        listing.keep(crate::store::Filter::equals(
            "t.is_default",
            i64::from(wanted),
        ));
    }
    let page = call.page::<Stack>(&listing).await?;
    let marks = call
        .marks(page.items.iter().map(|one| one.guid.as_str()))
        .await?;
    ok(listing.document(&call.base, &page, |one| document(&call.base, one, &marks)))
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let stack = found(&call, &guid).await?;
    shown(&call, &stack).await.and_then(ok)
}

async fn create(call: Call, body: Body) -> Answer {
    call.need_admin()?;
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let description = fields.text("description").unwrap_or_default();
    if description.chars().count() > 250 {
        fields.problem_of("description", "is too long (maximum is 250 characters)");
    }
    let metadata = fields.metadata();
    fields.finish()?;
    let stack = Stack {
        guid: call.guid(),
        name,
        description,
        is_default: false,
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    match tx.insert_stack(&stack).await {
        Err(StoreError::Taken) => return Err(ApiError::unprocessable("Name must be unique")),
        other => other?,
    }
    tx.write_metadata(&stack.guid, &metadata).await?;
    tx.commit().await?;
    shown(&call, &stack).await.and_then(created)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let stack = found(&call, &guid).await?;
    call.need_admin()?;
    let mut fields = body.fields();
    let metadata = fields.metadata();
    fields.finish()?;
    let mut tx = call.store().begin().await?;
    tx.write_metadata(&stack.guid, &metadata).await?;
    tx.commit().await?;
    shown(&call, &stack).await.and_then(ok)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let stack = found(&call, &guid).await?;
    call.need_admin()?;
    if stack.is_default {
        let detail = format!("Stack '{}' is the one that applications run on", stack.name);
        return Err(ApiError::unprocessable(detail));
    }
    let mut tx = call.store().begin().await?;
    tx.delete_stack(&stack.guid).await?;
    tx.commit().await?;
    no_content()
}

async fn nothing(call: Call) -> Answer {
    let filters = [
        "names",
        "organization_guids",
        "space_guids",
        "running_space_guids",
        "staging_space_guids",
        "globally_enabled_running",
        "globally_enabled_staging",
    ];
    let listing = call.listing(&filters, BY_NAME)?;
    let page = Page::<Value> {
        items: Vec::new(),
        total: 0,
    };
    ok(listing.document(&call.base, &page, Value::clone))
}

async fn found(call: &Call, guid: &str) -> Result<Stack, ApiError> {
    let stack = call.store().stack(guid).await?;
    stack.ok_or_else(|| ApiError::not_found("Stack"))
}

async fn shown(call: &Call, stack: &Stack) -> Result<Value, ApiError> {
    let marks = call.marks([stack.guid.as_str()]).await?;
    Ok(document(&call.base, stack, &marks))
}

fn document(base: &Base, stack: &Stack, marks: &Marks) -> Value {
    json!({
        "guid": stack.guid,
        "created_at": rfc3339(stack.created_at),
        "updated_at": rfc3339(stack.updated_at),
        "name": stack.name,
        "description": stack.description,
        "default": stack.is_default,
        "build_rootfs_image": stack.name,
        "run_rootfs_image": stack.name,
        "metadata": marks.of(&stack.guid),
        "links": {"self": base.link(&format!("/v3/stacks/{}", stack.guid))},
    })
}
