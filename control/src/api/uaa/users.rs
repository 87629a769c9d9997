//! `/Users`: the people that the login server knows.

use axum::Json;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::login::ORIGIN;
use super::passwords;
use super::refusal::Refusal;
use crate::api::{Body, Call, Fields, Query, Routes, rfc3339, state};
use crate::model::Micros;
use crate::store::{Direction, Filter, ListQuery, Order, StoreError, User};

pub(super) fn routes() -> Routes {
    Routes::new("Login")
        .get("/Users", "Lists the people that are known", list)
        .post("/Users", "Makes a person known", create)
        .get("/Users/{guid}", "Shows a person", show)
        .delete("/Users/{guid}", "Forgets a person", delete)
        .put("/Users/{guid}/password", "Changes a password", set_password)
}

/// A user who was not known before.
pub(in crate::api) fn new_user(username: &str, origin: &str, now: Micros) -> User {
    User {
        guid: state::guid(),
        username: username.to_owned(),
        origin: origin.to_owned(),
        password_hash: None,
        given_name: String::new(),
        family_name: String::new(),
        email: String::new(),
        is_admin: false,
        failed_logins: 0,
        locked_until: None,
        created_at: now,
        updated_at: now,
    }
}

async fn list(call: Call) -> Result<Response, Refusal> {
    call.need_admin()?;
    let known = [
        "filter",
        "startIndex",
        "count",
        "sortBy",
        "sortOrder",
        "attributes",
    ];
    let query = call.query(&known)?;
    let number = |name: &str, usual: u32| {
        let given = query.text(name).and_then(|text| text.parse().ok());
        given.filter(|number| *number > 0).unwrap_or(usual)
    };
    let (start, count) = (number("startIndex", 1), number("count", 100).min(500));
    let rows = ListQuery {
        page: (start - 1) / count + 1,
        per_page: count,
        order: Order {
            column: "t.username",
            direction: Direction::Ascending,
        },
        filters: selected(&query)?,
    };
    let page = call.store().page::<User>(&rows).await?;
    let resources: Vec<Value> = page.items.iter().map(document).collect();
    Ok(Json(json!({
        "resources": resources,
        "startIndex": start,
        "itemsPerPage": count,
        "totalResults": page.total,
        "schemas": ["urn:scim:schemas:core:1.0"],
    }))
    .into_response())
}

/// `userName Eq "a" and origin eq "uaa"`: what clients look somebody up by.
fn selected(query: &Query) -> Result<Vec<Filter>, Refusal> {
    let Some(filter) = query.text("filter") else {
        return Ok(Vec::new());
    };
    let terms = filter.split(" and ").flat_map(|part| part.split(" AND "));
    terms.map(|term| term_filter(term.trim(), filter)).collect()
}

fn term_filter(term: &str, whole: &str) -> Result<Filter, Refusal> {
    let refuse = || Refusal::Invalid(format!("Invalid filter '{whole}'"));
    let mut words = term.splitn(3, ' ');
    let (name, relation, value) = (words.next(), words.next(), words.next());
    let value = value.map(|value| value.trim().trim_matches(['"', '\'']));
    let (Some(name), Some(relation), Some(value)) = (name, relation, value) else {
        return Err(refuse());
    };
    if !relation.eq_ignore_ascii_case("eq") {
        return Err(refuse());
    }
    match name.to_ascii_lowercase().as_str() {
        "id" => Ok(Filter::equals("t.guid", value)),
        "origin" => Ok(Filter::equals("t.origin", value)),
        "username" => Ok(Filter::equals("LOWER(t.username)", value.to_lowercase())),
        _ => Err(refuse()),
    }
}

async fn create(call: Call, body: Body) -> Result<Response, Refusal> {
    call.need_admin()?;
    let mut fields = body.fields();
    let username = fields.required_name("userName");
    let password = fields.text("password");
    let origin = fields.text("origin").filter(|origin| !origin.is_empty());
    let name = fields.nested("name", |name| {
        let names = (name.text("givenName"), name.text("familyName"));
        name.allow_others();
        names
    });
    let email = first_email(&mut fields);
    fields.allow_others();
    fields
        .finish()
        .map_err(|refused| Refusal::Invalid(refused.detail().to_owned()))?;
    let origin = origin.unwrap_or_else(|| ORIGIN.to_owned());
    let mut user = new_user(&username, &origin, call.now);
    let (given, family) = name.unwrap_or_default();
    user.given_name = given.unwrap_or_default();
    user.family_name = family.unwrap_or_default();
    user.email = email.unwrap_or_else(|| username.clone());
    user.password_hash = match password {
        Some(password) if origin == ORIGIN => Some(hashed(&call, &password).await?),
        _ => None,
    };
    let mut tx = call.store().begin().await?;
    match tx.insert_user(&user).await {
        Err(StoreError::Taken) => return Err(Refusal::UserExists(username)),
        other => other?,
    }
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(document(&user))).into_response())
}

fn first_email(fields: &mut Fields<'_>) -> Option<String> {
    let emails = fields.value("emails")?.as_array()?;
    let value = emails.first()?.get("value")?.as_str()?;
    Some(value.to_owned())
}

async fn show(call: Call, Path(guid): Path<String>) -> Result<Response, Refusal> {
    if call.caller.guid() != guid {
        call.need_admin()?;
    }
    let user = call.store().user(&guid).await?;
    let user = user.ok_or(Refusal::NoSuchUser(guid))?;
    Ok(Json(document(&user)).into_response())
}

async fn delete(call: Call, Path(guid): Path<String>) -> Result<Response, Refusal> {
    call.need_admin()?;
    let user = call.store().user(&guid).await?;
    let user = user.ok_or(Refusal::NoSuchUser(guid))?;
    let mut tx = call.store().begin().await?;
    tx.delete_user(&user.guid).await?;
    tx.commit().await?;
    Ok(Json(document(&user)).into_response())
}

async fn set_password(
    call: Call,
    Path(guid): Path<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let mut fields = body.fields();
    let password = fields.required_text("password");
    let old = fields.text("oldPassword");
    fields.allow_others();
    fields
        .finish()
        .map_err(|refused| Refusal::Invalid(refused.detail().to_owned()))?;
    if call.caller.guid() != guid {
        call.need_admin()?;
    }
    let user = call.store().user(&guid).await?;
    let user = user.ok_or_else(|| Refusal::NoSuchUser(guid.clone()))?;
    // Somebody's own password is changed only by who knows it, an administrator's too.
    if call.caller.guid() == guid {
        let old = old.unwrap_or_default();
        let hash = user.password_hash.as_deref();
        if !call.api.passwords().check(&old, hash).await? {
            return Err(Refusal::Unauthorized);
        }
    }
    let hash = hashed(&call, &password).await?;
    let mut tx = call.store().begin().await?;
    tx.set_password(&guid, &hash, call.now).await?;
    tx.commit().await?;
    Ok(Json(json!({"status": "ok", "message": "password updated"})).into_response())
}

async fn hashed(call: &Call, password: &str) -> Result<String, Refusal> {
    if let Some(problem) = passwords::problem_of(password) {
        return Err(Refusal::Invalid(problem.to_owned()));
    }
    Ok(call.api.hash(password).await?)
}

fn document(user: &User) -> Value {
    json!({
        "id": user.guid,
        "externalId": "",
        "userName": user.username,
        "name": {"givenName": user.given_name, "familyName": user.family_name},
        "emails": [{"value": user.email, "primary": true}],
        "groups": [],
        "active": true,
        "verified": true,
        "origin": user.origin,
        "zoneId": "uaa",
        "meta": {
            "version": 0,
            "created": rfc3339(user.created_at),
            "lastModified": rfc3339(user.updated_at),
        },
        "schemas": ["urn:scim:schemas:core:1.0"],
    })
}
