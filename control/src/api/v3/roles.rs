//! Roles: who may do what, where.

use axum::extract::Path;
use serde_json::{Map, Value, json};

use super::flags;
use crate::api::{
    Answer, ApiError, BY_TIME, Base, Body, Call, JobOutcome, Need, Routes, created, ok, rfc3339,
};
use crate::store::{Filter, Organization, Role, RoleKind, Space, StoreError, User};

pub(super) fn routes() -> Routes {
    Routes::new("Roles")
        .get("/v3/roles", "Lists roles", list)
        .post("/v3/roles", "Gives somebody a role", create)
        .get("/v3/roles/{guid}", "Shows a role", show)
        .delete("/v3/roles/{guid}", "Takes a role away", delete)
}

async fn list(call: Call) -> Answer {
    let filters = [
        "types",
        "user_guids",
        "space_guids",
        "organization_guids",
        "include",
    ];
    let mut listing = call.listing(&filters, BY_TIME)?;
    listing.query.check_includes(INCLUDES)?;
    listing.within("types", "t.type");
    listing.within("user_guids", "t.user_guid");
    listing.within("space_guids", "t.space_guid");
    listing.within("organization_guids", "t.organization_guid");
    if let Some(filter) = visible(&call) {
        listing.keep(filter);
    }
    let page = call.page::<Role>(&listing).await?;
    let mut whole = listing.document(&call.base, &page, |role| document(&call.base, role));
    if let (Some(included), Some(fields)) = (
        included(&call, &listing.query, &page.items).await?,
        whole.as_object_mut(),
    ) {
        fields.insert("included".to_owned(), included);
    }
    ok(whole)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    let query = call.query(&["include"])?;
    query.check_includes(INCLUDES)?;
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(visible(&call));
    let role: Option<Role> = call.store().first(filters).await?;
    let role = role.ok_or_else(|| ApiError::not_found("Role"))?;
    let mut whole = document(&call.base, &role);
    if let (Some(included), Some(fields)) = (
        included(&call, &query, std::slice::from_ref(&role)).await?,
        whole.as_object_mut(),
    ) {
        fields.insert("included".to_owned(), included);
    }
    ok(whole)
}

/// Somebody, as a body names a user: by guid, or by name and origin.
enum Named {
    Guid(String),
    Name {
        name: String,
        origin: Option<String>,
    },
}

/// Where a role is to be given.
enum Place {
    Organization(Organization),
    Space(Space),
}

async fn create(call: Call, body: Body) -> Answer {
    let mut fields = body.fields();
    let word = fields.required_text("type");
    let kind = RoleKind::parse(&word);
    if kind.is_none() && !word.is_empty() {
        let words: Vec<&str> = RoleKind::ALL.iter().map(|kind| kind.as_str()).collect();
        fields.problem(format!("Type must be one of the allowed types {words:?}"));
    }
    let relationships = fields.nested("relationships", |inner| {
        let user = read_user(inner.value("user"));
        (
            user,
            inner.one("organization").flatten(),
            inner.one("space").flatten(),
        )
    });
    let (user, organization, space) = relationships.unwrap_or_default();
    if user.is_none() {
        fields.problem("Relationships User can't be blank");
    }
    if organization.is_some() == space.is_some() {
        fields.problem("Relationships must name one organization or one space");
    } else if kind.is_some_and(|kind| kind.is_of_space() != space.is_some()) {
        fields.problem("Relationships do not fit the type of the role");
    }
    fields.finish()?;
    let (Some(kind), Some(user)) = (kind, user) else {
        return Err(ApiError::unprocessable("Type and user can't be blank"));
    };
    let place = place(&call, organization, space).await?;
    if matches!(user, Named::Name { .. }) {
        flags::need(&call, "set_roles_by_username").await?;
    }
    let user = user_of(&call, user).await?;
    check_member(&call, &user, &place).await?;
    let role = role_of(&call, kind, &user, &place);
    write(&call, &role, &user, &place).await?;
    created(document(&call.base, &role))
}

fn read_user(value: Option<&Value>) -> Option<Named> {
    let data = value?.get("data")?;
    if let Some(guid) = data.get("guid").and_then(Value::as_str) {
        return Some(Named::Guid(guid.to_owned()));
    }
    let text = |name: &str| data.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Named::Name {
        name: text("username")?,
        origin: text("origin"),
    })
}

/// The place, if the caller may give roles there.
async fn place(
    call: &Call,
    organization: Option<String>,
    space: Option<String>,
) -> Result<Place, ApiError> {
    let hidden = |what: &'static str| {
        move |refused: ApiError| match refused.code() {
            crate::api::Code::ResourceNotFound => ApiError::unprocessable(format!(
                "Invalid {what}. Ensure that the {what} exists and you have access to it."
            )),
            _ => refused,
        }
    };
    if let Some(guid) = space {
        let space = call.space(&guid, Need::Manage, "Space").await;
        return space.map(Place::Space).map_err(hidden("space"));
    }
    let guid = organization.unwrap_or_default();
    let organization = call.managed_organization(&guid).await;
    organization
        .map(Place::Organization)
        .map_err(hidden("organization"))
}

async fn user_of(call: &Call, named: Named) -> Result<User, ApiError> {
    let (found, what) = match named {
        Named::Guid(guid) => (call.store().user(&guid).await?, "guid"),
        Named::Name { name, origin } => {
            let origin = origin.unwrap_or_else(|| ORIGIN.to_owned());
            (call.store().user_named(&name, &origin).await?, "username")
        }
    };
    found.ok_or_else(|| {
        let detail = format!(
            "Invalid user. Ensure that a user with this {what} exists and you have access to it."
        );
        ApiError::unprocessable(detail)
    })
}

/// A role in a space is for those who have one in its organization.
async fn check_member(call: &Call, user: &User, place: &Place) -> Result<(), ApiError> {
    let Place::Space(space) = place else {
        return Ok(());
    };
    let roles = call.store().roles_of(&user.guid).await?;
    let organization = space.organization_guid.as_str();
    if roles
        .iter()
        .any(|role| role.organization_guid == organization)
    {
        return Ok(());
    }
    Err(ApiError::unprocessable(
        "Users cannot be assigned roles in a space if they do not have a role in that space's organization.",
    ))
}

fn role_of(call: &Call, kind: RoleKind, user: &User, place: &Place) -> Role {
    let (organization, space) = match place {
        Place::Organization(organization) => (organization.guid.as_str(), ""),
        Place::Space(space) => ("", space.guid.as_str()),
    };
    Role {
        guid: call.guid(),
        kind,
        user_guid: user.guid.clone(),
        organization_guid: organization.to_owned(),
        space_guid: space.to_owned(),
        created_at: call.now,
        updated_at: call.now,
    }
}

async fn write(call: &Call, role: &Role, user: &User, place: &Place) -> Result<(), ApiError> {
    let kind = role.kind.as_str();
    let event = call.event(&format!("audit.user.{kind}_add"));
    let event = event.target("user", &user.guid, &user.username);
    let (event, words) = match place {
        Place::Organization(one) => (
            event.organization(one),
            format!("organization '{}'", one.name),
        ),
        Place::Space(one) => (event.space(one), format!("space '{}'", one.name)),
    };
    let mut tx = call.store().begin().await?;
    match tx.insert_role(role).await {
        Err(StoreError::Taken) => {
            let name = &user.username;
            let detail = format!("User '{name}' already has '{kind}' role in {words}.");
            return Err(ApiError::unprocessable(detail));
        }
        other => other?,
    }
    event.write(&mut tx).await?;
    Ok(tx.commit().await?)
}

async fn delete(call: Call, Path(guid): Path<String>) -> Answer {
    let mut filters = vec![Filter::equals("t.guid", guid)];
    filters.extend(visible(&call));
    let role: Option<Role> = call.store().first(filters).await?;
    let role = role.ok_or_else(|| ApiError::not_found("Role"))?;
    let event = call.event(&format!("audit.user.{}_remove", role.kind.as_str()));
    let event = if role.kind.is_of_space() {
        event.space(&call.space(&role.space_guid, Need::Manage, "Role").await?)
    } else {
        let organization = call.managed_organization(&role.organization_guid).await?;
        check_leaving(&call, &role).await?;
        event.organization(&organization)
    };
    let user = call.store().user(&role.user_guid).await?;
    let name = user.map(|user| user.username).unwrap_or_default();
    let job = call.guid();
    let mut tx = call.store().begin().await?;
    tx.delete_role(&role.guid).await?;
    event
        .target("user", &role.user_guid, &name)
        .write(&mut tx)
        .await?;
    JobOutcome::Complete
        .write(&mut tx, &job, "role.delete", call.now)
        .await?;
    tx.commit().await?;
    Ok(call.accepted(&job))
}

/// The last role in an organization stays while there are roles in its spaces.
async fn check_leaving(call: &Call, role: &Role) -> Result<(), ApiError> {
    let roles = call.store().roles_of(&role.user_guid).await?;
    let others = roles
        .iter()
        .any(|other| other.organization_guid == role.organization_guid && other.guid != role.guid);
    if others {
        return Ok(());
    }
    let inside = vec![Filter::equals(
        "t.organization_guid",
        role.organization_guid.as_str(),
    )];
    let spaces = call.store().all::<Space>(inside).await?;
    if roles
        .iter()
        .any(|role| spaces.iter().any(|space| space.guid == role.space_guid))
    {
        return Err(ApiError::unprocessable(
            "Cannot delete organization_user role while user has roles in spaces in that organization.",
        ));
    }
    Ok(())
}

/// Roles are seen by those who see the place.
fn visible(call: &Call) -> Option<Filter> {
    if call.caller.is_admin {
        return None;
    }
    let user = call.caller.guid();
    let filter = Filter::sql("t.user_guid = ")
        .value(user)
        .then(" OR t.organization_guid IN (SELECT organization_guid FROM roles WHERE organization_guid <> '' AND user_guid = ")
        .value(user)
        .then(") OR t.space_guid IN (SELECT space_guid FROM roles WHERE space_guid <> '' AND user_guid = ")
        .value(user)
        .then(") OR t.space_guid IN (SELECT s.guid FROM spaces s JOIN roles r ON r.organization_guid = s.organization_guid WHERE r.type = 'organization_manager' AND r.user_guid = ")
        .value(user)
        .then(")");
    Some(filter)
}

async fn included(
    call: &Call,
    query: &crate::api::Query,
    roles: &[Role],
) -> Result<Option<Value>, ApiError> {
    let mut all = Map::new();
    let store = call.store();
    if query.includes("user") {
        let guids = roles.iter().map(|role| role.user_guid.as_str());
        let found = store
            .all::<User>(vec![Filter::within("t.guid", guids)])
            .await?;
        all.insert("users".to_owned(), call.documents(&found).await?.into());
    }
    if query.includes("organization") {
        let guids = roles.iter().map(|role| role.organization_guid.as_str());
        let found = store
            .all::<Organization>(vec![Filter::within("t.guid", guids)])
            .await?;
        let documents = call.documents(&found).await?;
        all.insert("organizations".to_owned(), documents.into());
    }
    if query.includes("space") {
        let guids = roles.iter().map(|role| role.space_guid.as_str());
        let found = store
            .all::<Space>(vec![Filter::within("t.guid", guids)])
            .await?;
        all.insert("spaces".to_owned(), call.documents(&found).await?.into());
    }
    Ok((!all.is_empty()).then_some(Value::Object(all)))
}

fn document(base: &Base, role: &Role) -> Value {
    let named = |guid: &str| match guid {
        "" => Value::Null,
        guid => json!({"guid": guid}),
    };
    let mut links = Map::new();
    links.insert(
        "self".to_owned(),
        base.link(&format!("/v3/roles/{}", role.guid)),
    );
    links.insert(
        "user".to_owned(),
        base.link(&format!("/v3/users/{}", role.user_guid)),
    );
    if role.kind.is_of_space() {
        links.insert(
            "space".to_owned(),
            base.link(&format!("/v3/spaces/{}", role.space_guid)),
        );
    } else {
        let path = format!("/v3/organizations/{}", role.organization_guid);
        links.insert("organization".to_owned(), base.link(&path));
    }
    json!({
        "guid": role.guid,
        "created_at": rfc3339(role.created_at),
        "updated_at": rfc3339(role.updated_at),
        "type": role.kind.as_str(),
        "relationships": {
            "user": {"data": {"guid": role.user_guid}},
            "organization": {"data": named(&role.organization_guid)},
            "space": {"data": named(&role.space_guid)},
        },
        "links": links,
    })
}

const INCLUDES: &[&str] = &["user", "space", "organization"];
const ORIGIN: &str = "uaa";
