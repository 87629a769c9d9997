//! The first administrator: from a file, or from a person who follows a one-time link.

use std::path::{Path as FilePath, PathBuf};
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use serde::Deserialize;

use super::login::ORIGIN;
use super::passwords;
use super::token::hex_digest;
use super::users::new_user;
use crate::api::{Api, ApiError, Routes, StartError, now};
use crate::store::{Filter, StoreError, User};

/// How the first administrator comes to be.
#[derive(Clone, Debug)]
pub enum FirstAdmin {
    /// With this name, and the password that a file holds.
    File {
        /// The name.
        name: String,
        /// Where the password is; white space around it does not count.
        password_file: PathBuf,
    },
    /// By a link that is used once.
    Link,
}

/// Sees to it that there is, or can be, an administrator. Gives the path of the one-time link, as
/// in `/setup/…`, when one is needed.
///
/// # Errors
///
/// Fails when the password's file cannot be read or holds none, and when the store fails.
pub async fn prepare_admin(api: &Api, first: &FirstAdmin) -> Result<Option<String>, StartError> {
    match first {
        FirstAdmin::File {
            name,
            password_file,
        } => {
            let password = read_password(password_file).await?;
            let made = make_admin(api, name, &password, OnKnown::Renew).await;
            let refused = |error: ApiError| StartError::Admin {
                detail: error.detail().to_owned(),
            };
            made.map(|()| None).map_err(refused)
        }
        FirstAdmin::Link => new_link(api).await,
    }
}

async fn read_password(path: &FilePath) -> Result<String, StartError> {
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|source| StartError::File {
        path: path.to_owned(),
        source,
    })?;
    Ok(text.trim().to_owned())
}

async fn new_link(api: &Api) -> Result<Option<String>, StartError> {
    let admins = vec![Filter::equals("t.is_admin", 1_i64)];
    if api.store().first::<User>(admins).await?.is_some() {
        return Ok(None);
    }
    let random: [u8; 32] = rand::random();
    let secret = URL_SAFE_NO_PAD.encode(random);
    let mut tx = api.store().begin().await?;
    let until = now().after(LINK_LIFETIME);
    tx.replace_setup_link(&hex_digest(&secret), until).await?;
    tx.commit().await?;
    Ok(Some(format!("/setup/{secret}")))
}

/// What to do when somebody has the administrator's name already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum OnKnown {
    Refuse,
    Renew,
}

async fn make_admin(
    api: &Api,
    name: &str,
    password: &str,
    on_known: OnKnown,
) -> Result<(), ApiError> {
    if name.is_empty() || name.chars().count() > 255 || name.contains('\0') {
        return Err(ApiError::unprocessable(
            "The name must have 1 to 255 characters",
        ));
    }
    if let Some(problem) = passwords::problem_of(password) {
        return Err(ApiError::unprocessable(problem));
    }
    let known = api.store().user_named(name, ORIGIN).await?;
    let hash = api.hash(password).await?;
    let mut tx = api.store().begin().await?;
    match known {
        None => {
            let mut user = new_user(name, ORIGIN, now());
            user.email = name.to_owned();
            user.is_admin = true;
            user.password_hash = Some(hash);
            match tx.insert_user(&user).await {
                // Another controller has just made it from the same file.
                Err(StoreError::Taken) if on_known == OnKnown::Renew => return Ok(()),
                Err(StoreError::Taken) => return Err(taken()),
                other => other?,
            }
        }
        Some(user) if on_known == OnKnown::Renew => {
            tx.make_admin(&user.guid).await?;
            let check = api
                .passwords()
                .check(password, user.password_hash.as_deref());
            // A start with the same password must not end everybody's logins.
            if !check.await? {
                tx.set_password(&user.guid, &hash, now()).await?;
            }
        }
        Some(_) => return Err(taken()),
    }
    Ok(tx.commit().await?)
}

fn taken() -> ApiError {
    ApiError::unprocessable("Somebody has this name already")
}

pub(super) fn routes() -> Routes {
    Routes::new("Setup")
        .get(
            "/setup/{secret}",
            "Asks for the first administrator's name and password",
            page,
        )
        .post("/setup/{secret}", "Makes the first administrator", make)
}

async fn page(State(api): State<Api>, Path(secret): Path<String>) -> Result<Response, ApiError> {
    if api
        .store()
        .setup_link_counts(&hex_digest(&secret), now())
        .await?
    {
        Ok(shown(StatusCode::OK, FORM))
    } else {
        Ok(shown(StatusCode::NOT_FOUND, USED))
    }
}

/// What the page sends.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

async fn make(
    State(api): State<Api>,
    Path(secret): Path<String>,
    form: Result<Form<Wanted>, axum::extract::rejection::FormRejection>,
) -> Result<Response, ApiError> {
    let Ok(Form(wanted)) = form else {
        return Ok(shown(StatusCode::BAD_REQUEST, FORM));
    };
    let digest = hex_digest(&secret);
    if !api.store().setup_link_counts(&digest, now()).await? {
        return Ok(shown(StatusCode::NOT_FOUND, USED));
    }
    if wanted.username.is_empty() || passwords::problem_of(&wanted.password).is_some() {
        return Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, FORM));
    }
    // The link is used up first: of two who follow it at once, one makes an administrator.
    let mut tx = api.store().begin().await?;
    if !tx.use_setup_link(&digest, now()).await? {
        return Ok(shown(StatusCode::NOT_FOUND, USED));
    }
    tx.commit().await?;
    make_admin(&api, &wanted.username, &wanted.password, OnKnown::Refuse).await?;
    Ok(shown(StatusCode::CREATED, MADE))
}

fn shown(status: StatusCode, page: &'static str) -> Response {
    let fields = [
        (CACHE_CONTROL, "no-store"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (http::header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, fields, Html(page)).into_response()
}

const LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

const FORM: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Switchyard</title>\
<h1>The first administrator</h1><form method=post>\
<p><label>Name <input name=username required maxlength=255 autocomplete=username></label>\
<p><label>Password <input name=password type=password required maxlength=255 autocomplete=new-password></label>\
<p><button>Create</button></form></html>";
const USED: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Switchyard</title>\
<h1>This link was used, has ended or never was</h1>\
<p>While there is no administrator, each start of the platform prints a new one.</html>";
const MADE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Switchyard</title>\
<h1>Done</h1><p>Log in with <code>cf login</code> or <code>kato login</code>.</html>";
