//! What clients ask before they log in, and what checks tokens needs.

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::token::client_of;
use crate::api::{Api, Base, Call, Routes, now};

pub(super) fn routes() -> Routes {
    Routes::new("Login")
        .get("/login", "Says what to ask a person for", prompts)
        .get("/info", "Says what to ask a person for", prompts)
        .get(
            "/.well-known/openid-configuration",
            "Describes the login server",
            openid,
        )
        .get(
            "/token_keys",
            "Lists the keys that sign access tokens",
            token_keys,
        )
        .get(
            "/token_key",
            "Shows the key that signs access tokens",
            token_key,
        )
        .get("/userinfo", "Shows who the caller is", userinfo)
        .post(
            "/check_token",
            "Shows what an access token says",
            check_token,
        )
}

async fn prompts(base: Base) -> Json<Value> {
    Json(json!({
        "app": {"version": UAA_VERSION},
        "links": {
            "uaa": base.as_str(),
            "login": base.as_str(),
            "passwd": base.url("/forgot_password"),
            "register": base.url("/create_account"),
        },
        "zone_name": "uaa",
        "entityID": base.as_str(),
        "commit_id": env!("CARGO_PKG_VERSION"),
        "idpDefinitions": {},
        "prompts": {"username": ["text", "Email"], "password": ["password", "Password"]},
    }))
}

async fn openid(base: Base) -> Json<Value> {
    Json(json!({
        "issuer": base.url("/oauth/token"),
        "authorization_endpoint": base.url("/oauth/authorize"),
        "token_endpoint": base.url("/oauth/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "userinfo_endpoint": base.url("/userinfo"),
        "jwks_uri": base.url("/token_keys"),
        "end_session_endpoint": base.url("/logout.do"),
        "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code", "code id_token", "id_token", "token id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "id_token_encryption_alg_values_supported": ["none"],
        "claim_types_supported": ["normal"],
        "claims_supported": ["sub", "user_name", "origin", "iss", "email", "given_name", "family_name"],
        "claims_parameter_supported": false,
        "code_challenge_methods_supported": ["S256", "plain"],
        "service_documentation": base.url("/openapi.json"),
        "ui_locales_supported": ["en-US"],
    }))
}

async fn token_keys(State(api): State<Api>) -> Json<Value> {
    Json(json!({"keys": api.keys().public()}))
}

async fn token_key(State(api): State<Api>) -> Json<Value> {
    Json(api.keys().public().into_iter().next().unwrap_or_default())
}

async fn userinfo(call: Call) -> Result<Json<Value>, Refusal> {
    let user = call.store().user(call.caller.guid()).await?;
    let user = user.ok_or(Refusal::InvalidToken)?;
    Ok(Json(json!({
        "user_id": user.guid,
        "sub": user.guid,
        "user_name": user.username,
        "email": user.email,
        "given_name": user.given_name,
        "family_name": user.family_name,
        "name": format!("{} {}", user.given_name, user.family_name).trim(),
        "origin": user.origin,
    })))
}

/// The form of `/check_token`.
#[derive(Deserialize)]
struct Checked {
    #[serde(default)]
    token: String,
}

async fn check_token(
    State(api): State<Api>,
    headers: HeaderMap,
    form: Result<Form<Checked>, FormRejection>,
) -> Result<Response, Refusal> {
    client_of(&api, &headers, None).await?;
    let Ok(Form(form)) = form else {
        return Err(Refusal::InvalidRequest(
            "The form could not be read".to_owned(),
        ));
    };
    let claims = super::verify(&api, &form.token, now()).await?;
    Ok(Json(claims).into_response())
}

/// The UAA whose answers these look like; clients compare it with what they need.
const UAA_VERSION: &str = "77.0.0";
