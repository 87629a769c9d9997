//! Stacks, and the lists that are empty here: isolation segments and security groups.

use axum::extract::Path;
use serde_json::{Value, json};

use crate::api::{
    Answer, ApiError, BY_NAME, Base, Body, Call, Fields, Metadata, Need, Routes, created,
    no_content, ok, resource, rfc3339,
};
use crate::model::StackState;
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
            "/v3/spaces/{guid}/running_security_groups",
            "Lists nothing: there are no security groups",
            nothing_of_space,
        )
        .get(
            "/v3/spaces/{guid}/staging_security_groups",
            "Lists nothing: there are no security groups",
            nothing_of_space,
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
    call.list::<Stack>(&listing).await
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let stack = found(&call, &guid).await?;
    ok(call.document(&stack).await?)
}

async fn create(call: Call, body: Body) -> Answer {
    call.need_admin()?;
    let mut fields = body.fields();
    let name = fields.required_name("name");
    let description = fields.text("description").unwrap_or_default();
    if description.chars().count() > 250 {
        fields.problem_of("description", "is too long (maximum is 250 characters)");
    }
    let (state, state_reason) = read_state(&mut fields);
    let metadata = fields.metadata();
    fields.finish()?;
    let stack = Stack {
        guid: call.guid(),
        name,
        description,
        is_default: false,
        state: state.unwrap_or(StackState::Active),
        state_reason: state_reason.flatten(),
        created_at: call.now,
        updated_at: call.now,
    };
    let mut tx = call.store().begin().await?;
    match tx.write_stack(&stack).await {
        Err(StoreError::Taken) => return Err(ApiError::unprocessable("Name must be unique")),
        other => other?,
    }
    tx.write_metadata(&stack.guid, &metadata).await?;
    tx.commit().await?;
    created(call.document(&stack).await?)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let mut stack = found(&call, &guid).await?;
    call.need_admin()?;
    let mut fields = body.fields();
    let (state, reason) = read_state(&mut fields);
    let metadata = fields.metadata();
    fields.finish()?;
    stack.state = state.unwrap_or(stack.state);
    stack.state_reason = reason.unwrap_or(stack.state_reason);
    stack.updated_at = call.now;
    let mut tx = call.store().begin().await?;
    tx.write_stack(&stack).await?;
    tx.write_metadata(&stack.guid, &metadata).await?;
    tx.commit().await?;
    ok(call.document(&stack).await?)
}

/// The state that a body names, and the reason; `Some(None)` takes the reason away.
fn read_state(fields: &mut Fields<'_>) -> (Option<StackState>, Option<Option<String>>) {
    let word = fields.text("state");
    let state = word.as_deref().and_then(StackState::parse);
    if word.is_some() && state.is_none() {
        fields.problem_of(
            "state",
            "must be one of ACTIVE, RESTRICTED, DEPRECATED, DISABLED",
        );
    }
    let reason = fields.nullable_text("state_reason");
    if let Some(Some(text)) = &reason
        && text.chars().count() > MOST_REASON_CHARS
    {
        let words = format!("is too long (maximum is {MOST_REASON_CHARS} characters)");
        fields.problem_of("state_reason", &words);
    }
    (state, reason)
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

async fn nothing_of_space(call: Call, Path(guid): Path<String>) -> Answer {
    call.space(&guid, Need::Read, "Space").await?;
    nothing(call).await
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

resource!(Stack, document);

fn document(base: &Base, stack: &Stack, marks: &Metadata) -> Value {
    json!({
        "guid": stack.guid,
        "created_at": rfc3339(stack.created_at),
        "updated_at": rfc3339(stack.updated_at),
        "name": stack.name,
        "description": stack.description,
        "default": stack.is_default,
        "state": stack.state.as_str(),
        "state_reason": stack.state_reason,
        "build_rootfs_image": stack.name,
        "run_rootfs_image": stack.name,
        "metadata": marks.document(),
        "links": {"self": base.link(&format!("/v3/stacks/{}", stack.guid))},
    })
}

const MOST_REASON_CHARS: usize = 5000;
