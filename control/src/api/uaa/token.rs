//! `/oauth/token`: a password, a refresh token or a secret in, an access token out.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, CACHE_CONTROL};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::claims::{Claims, audiences, scopes_of};
use super::login;
use super::refusal::Refusal;
use crate::api::{Api, Base, Call, Routes, now, state};
use crate::model::Micros;
use crate::store::{RefreshToken, User};

pub(super) fn routes() -> Routes {
    Routes::new("Login")
        .post("/oauth/token", "Gives an access token", give)
        .delete(
            "/oauth/token/revoke/{jti}",
            "Ends the caller's logins",
            revoke,
        )
}

/// Who the token is for, and how it was asked for.
struct Grant {
    client: String,
    kind: &'static str,
    user: Option<User>,
    scopes: Vec<String>,
    refresh: Option<String>,
}

async fn give(
    State(api): State<Api>,
    base: Base,
    headers: HeaderMap,
    form: Result<Form<HashMap<String, String>>, axum::extract::rejection::FormRejection>,
) -> Result<Response, Refusal> {
    let Ok(Form(form)) = form else {
        return Err(Refusal::InvalidRequest(
            "The form could not be read".to_owned(),
        ));
    };
    let now = now();
    let grant = match form.get("grant_type").map(String::as_str) {
        Some("password") => by_password(&api, &headers, &form, now).await?,
        Some("refresh_token") => by_refresh_token(&api, &headers, &form, now).await?,
        Some("client_credentials") => by_secret(&api, &headers, &form).await?,
        Some(other) => return Err(Refusal::UnsupportedGrant(other.to_owned())),
        None => return Err(Refusal::InvalidRequest("Missing grant type".to_owned())),
    };
    answer(&api, &base, grant, now)
}

async fn by_password(
    api: &Api,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
    now: Micros,
) -> Result<Grant, Refusal> {
    let client = client_of(api, headers, Some(form)).await?;
    let name = form.get("username").map_or("", String::as_str);
    let password = form.get("password").map_or("", String::as_str);
    let user = login::by_password(api, name, password, now).await?;
    let refresh = new_refresh_token();
    let mut tx = api.store().begin().await?;
    tx.insert_refresh_token(&RefreshToken {
        digest: hex_digest(&refresh),
        user_guid: user.guid.clone(),
        client_id: client.clone(),
        expires_at: now.after(api.settings().refresh_token_lifetime),
        created_at: now,
    })
    .await?;
    tx.commit().await?;
    Ok(Grant {
        client,
        kind: "password",
        scopes: scopes_of(user.is_admin),
        user: Some(user),
        refresh: Some(refresh),
    })
}

async fn by_refresh_token(
    api: &Api,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
    now: Micros,
) -> Result<Grant, Refusal> {
    let client = client_of(api, headers, Some(form)).await?;
    let ended = || Refusal::InvalidGrant("Invalid refresh token".to_owned());
    let given = form.get("refresh_token").ok_or_else(ended)?;
    let stored = api.store().refresh_token(&hex_digest(given)).await?;
    let stored = stored
        .filter(|stored| stored.expires_at > now && stored.client_id == client)
        .ok_or_else(ended)?;
    let user = api
        .store()
        .user(&stored.user_guid)
        .await?
        .ok_or_else(ended)?;
    // compat: the same refresh token goes on, since clients run several commands at once.
    Ok(Grant {
        client,
        kind: "password",
        scopes: scopes_of(user.is_admin),
        user: Some(user),
        refresh: Some(given.clone()),
    })
}

async fn by_secret(
    api: &Api,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<Grant, Refusal> {
    let (id, secret) = credentials(headers, Some(form)).ok_or(Refusal::InvalidClient)?;
    let client = api.store().oauth_client(&id).await?;
    let hash = client.as_ref().map(|client| client.secret_hash.as_str());
    let right = api.passwords().check(&secret, hash).await?;
    let client = client.filter(|_| right).ok_or(Refusal::InvalidClient)?;
    Ok(Grant {
        client: id,
        kind: "client_credentials",
        user: None,
        scopes: client
            .scopes
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        refresh: None,
    })
}

/// The program that asks: `cf` has an empty secret, any other must prove itself.
pub(super) async fn client_of(
    api: &Api,
    headers: &HeaderMap,
    form: Option<&HashMap<String, String>>,
) -> Result<String, Refusal> {
    let (id, secret) = credentials(headers, form).ok_or(Refusal::InvalidClient)?;
    if id == PUBLIC_CLIENT {
        return if secret.is_empty() {
            Ok(id)
        } else {
            Err(Refusal::InvalidClient)
        };
    }
    let client = api.store().oauth_client(&id).await?;
    let hash = client.as_ref().map(|client| client.secret_hash.as_str());
    if api.passwords().check(&secret, hash).await? {
        Ok(id)
    } else {
        Err(Refusal::InvalidClient)
    }
}

/// Id and secret, from the `Authorization` field or the form.
fn credentials(
    headers: &HeaderMap,
    form: Option<&HashMap<String, String>>,
) -> Option<(String, String)> {
    let pair = match headers.get(AUTHORIZATION) {
        Some(field) => {
            let (scheme, encoded) = field.to_str().ok()?.split_once(' ')?;
            if !scheme.eq_ignore_ascii_case("basic") {
                return None;
            }
            let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
            let (id, secret) = decoded.split_once(':')?;
            (id.to_owned(), secret.to_owned())
        }
        None => {
            let form = form?;
            let secret = form.get("client_secret").cloned().unwrap_or_default();
            (form.get("client_id")?.clone(), secret)
        }
    };
    (!pair.0.contains('\0')).then_some(pair)
}

fn answer(api: &Api, base: &Base, grant: Grant, now: Micros) -> Result<Response, Refusal> {
    let lifetime = api.settings().access_token_lifetime;
    let user = grant.user.as_ref();
    let claims = Claims {
        jti: state::guid().replace('-', ""),
        sub: user.map_or_else(|| grant.client.clone(), |user| user.guid.clone()),
        user_id: user.map(|user| user.guid.clone()),
        user_name: user.map(|user| user.username.clone()),
        email: user.map(|user| user.email.clone()),
        origin: user.map(|user| user.origin.clone()),
        client_id: grant.client.clone(),
        cid: grant.client.clone(),
        azp: grant.client.clone(),
        grant_type: grant.kind.to_owned(),
        aud: audiences(&grant.scopes, &grant.client),
        scope: grant.scopes,
        iss: base.url("/oauth/token"),
        zid: "uaa".to_owned(),
        iat: now.seconds(),
        exp: now.after(lifetime).seconds(),
    };
    let token = api.keys().sign(&claims).ok_or_else(|| {
        Refusal::Platform(crate::api::ApiError::unavailable(
            "The token could not be signed",
        ))
    })?;
    let mut body = json!({
        "access_token": token,
        // compat: clients cut off seven characters, so this word and its case matter.
        "token_type": "bearer",
        "expires_in": lifetime.as_secs(),
        "scope": claims.scope.join(" "),
        "jti": claims.jti,
    });
    if let (Some(refresh), Some(fields)) = (grant.refresh, body.as_object_mut()) {
        fields.insert("refresh_token".to_owned(), refresh.into());
    }
    Ok(([(CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

async fn revoke(call: Call, Path(_jti): Path<String>) -> Result<StatusCode, Refusal> {
    let mut tx = call.store().begin().await?;
    tx.delete_refresh_tokens(call.caller.guid()).await?;
    tx.commit().await?;
    Ok(StatusCode::OK)
}

fn new_refresh_token() -> String {
    let random: [u8; 32] = rand::random();
    format!("{}-r", URL_SAFE_NO_PAD.encode(random))
}

/// Under what a secret that is random anyway is kept.
pub(super) fn hex_digest(secret: &str) -> String {
    let digest = digest(&SHA256, secret.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

const PUBLIC_CLIENT: &str = "cf";
