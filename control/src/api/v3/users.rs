//! Users, as the platform knows them.

use axum::extract::Path;
use serde_json::{Value, json};

use crate::api::{
    Answer, ApiError, BY_TIME, Base, Body, Call, JobOutcome, Metadata, Routes, created, ok,
    resource, rfc3339, uaa,
};
use crate::store::{Filter, Role, Space, StoreError, User};

pub(super) fn routes() -> Routes {
    Routes::new("Users")
        .get("/v3/users", "Lists users", list)
        .post("/v3/users", "Makes a user known", create)
        .get("/v3/users/{guid}", "Shows a user", show)
        .patch("/v3/users/{guid}", "Marks a user", update)
        .delete("/v3/users/{guid}", "Forgets a user", delete)
        .get(
            "/v3/organizations/{guid}/users",
            "Lists the users of an organization",
            of_organization,
        )
        .get(
            "/v3/spaces/{guid}/users",
            "Lists the users of a space",
            of_space,
        )
}

const FILTERS: &[&str] = &["usernames", "partial_usernames", "origins"];

async fn list(call: Call) -> Answer {
    listed(&call, visible(&call)).await
}

async fn of_organization(call: Call, Path(guid): Path<String>) -> Answer {
    let organization = call.organization(&guid).await?;
    let filter = Filter::sql("t.guid IN (SELECT user_guid FROM roles WHERE organization_guid = ")
        .value(organization.guid)
        .then(")");
    listed(&call, Some(filter)).await
}

async fn of_space(call: Call, Path(guid): Path<String>) -> Answer {
    let space: Space = call.space(&guid, crate::api::Need::Read, "Space").await?;
    let filter = Filter::sql("t.guid IN (SELECT user_guid FROM roles WHERE space_guid = ")
        .value(space.guid)
        .then(")");
    listed(&call, Some(filter)).await
}

async fn listed(call: &Call, filter: Option<Filter>) -> Answer {
    let mut listing = call.listing(FILTERS, BY_TIME)?;
    if let Some(names) = listing.query.values("usernames") {
        let names = names.iter().map(|name| name.to_lowercase());
        listing.keep(Filter::within("LOWER(t.username)", names));
    }
    if listing.query.text("origins").is_some()
        && listing.query.text("usernames").is_none()
        && listing.query.text("partial_usernames").is_none()
    {
        let words =
            "Origins filter cannot be provided without usernames or partial_usernames filter.";
        return Err(ApiError::bad_query(words));
    }
    listing.within("origins", "t.origin");
    filter.into_iter().for_each(|filter| listing.keep(filter));
    call.list::<User>(&listing).await
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let user = found(&call, &guid).await?;
    ok(call.document(&user).await?)
}

/// A user is known by the login server already; another origin's user becomes known here.
async fn create(call: Call, body: Body) -> Answer {
    call.need_admin()?;
    let mut fields = body.fields();
    let guid = fields.text("guid");
    let name = fields.text("username");
    let origin = fields.text("origin");
    let metadata = fields.metadata();
    if guid.is_none() && (name.is_none() || origin.is_none()) {
        fields.problem("Guid or username and origin must be provided");
    }
    fields.finish()?;
    if let Some(guid) = &guid
        && let Some(user) = call.store().user(guid).await?
    {
        return created(call.document(&user).await?);
    }
    let name = name.or_else(|| guid.clone()).unwrap_or_default();
    let mut user = uaa::new_user(&name, origin.as_deref().unwrap_or("uaa"), call.now);
    user.guid = guid.unwrap_or(user.guid);
    let mut tx = call.store().begin().await?;
    match tx.insert_user(&user).await {
        Err(StoreError::Taken) => {
            let (name, origin) = (&user.username, &user.origin);
            let detail =
                format!("User with username '{name}' and origin '{origin}' already exists.");
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    }
    tx.write_metadata(&user.guid, &metadata).await?;
    tx.commit().await?;
    created(call.document(&user).await?)
}

async fn update(call: Call, Path(guid): Path<String>, body: Body) -> Answer {
    let user = found(&call, &guid).await?;
    call.need_admin()?;
    call.mark(&user, &body).await
}

// compat: `cf` deletes a user here first and at the login server after, where it must still be
// known; here all roles end.
async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let user = found(&call, &guid).await?;
    call.need_admin()?;
    let job = call.guid();
    let mut tx = call.store().begin().await?;
    let roles = vec![Filter::equals("t.user_guid", user.guid.as_str())];
    for role in tx.all::<Role>(roles).await? {
        tx.delete_role(&role.guid).await?;
    }
    tx.delete_refresh_tokens(&user.guid).await?;
    if user.password_hash.is_none() {
        tx.delete_user(&user.guid).await?;
    }
    JobOutcome::Complete
        .write(&mut tx, &job, "user.delete", call.now)
        .await?;
    tx.commit().await?;
    Ok(call.accepted(&job))
}

async fn found(call: &Call, guid: &str) -> Result<User, ApiError> {
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(visible(call));
    let user: Option<User> = call.store().first(filters).await?;
    user.ok_or_else(|| ApiError::not_found("User"))
}

/// Users are seen by those who share an organization with them.
fn visible(call: &Call) -> Option<Filter> {
    if call.caller.is_admin {
        return None;
    }
    let user = call.caller.guid();
    let filter = Filter::sql("t.guid = ")
        .value(user)
        .then(
            " OR t.guid IN (SELECT other.user_guid FROM roles other JOIN roles own \
             ON own.organization_guid = other.organization_guid \
             WHERE own.organization_guid <> '' AND own.user_guid = ",
        )
        .value(user)
        .then(")");
    Some(filter)
}

resource!(User, document);

fn document(base: &Base, user: &User, marks: &Metadata) -> Value {
    json!({
        "guid": user.guid,
        "created_at": rfc3339(user.created_at),
        "updated_at": rfc3339(user.updated_at),
        "username": user.username,
        "presentation_name": user.username,
        "origin": user.origin,
        "metadata": marks.document(),
        "links": {"self": base.link(&format!("/v3/users/{}", user.guid))},
    })
}
