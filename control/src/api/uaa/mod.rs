//! UAA: who may come in, and the tokens that say so.
//!
//! In come names, passwords, refresh tokens and client secrets; out go RS256 access tokens and the
//! facts that are needed to check them. It is as much of a login server as `cf` and its relatives
//! use. It never keeps a password or a refresh token, only hashes; it never tells whether the name
//! or the password was wrong; and it has no password of its own: the first administrator comes from
//! a one-time link or from a file.

mod claims;
mod discovery;
mod keys;
mod login;
mod operator;
mod passwords;
mod refusal;
mod setup;
mod token;
mod users;

pub use operator::prepare_operator;
pub use setup::{FirstAdmin, prepare_admin};

pub(super) use claims::{ADMIN_SCOPE, Claims};
pub(super) use keys::Keys;
pub(super) use passwords::Passwords;
pub(super) use users::new_user;

use super::{Api, ApiError, Routes};
use crate::model::Micros;

pub(super) fn routes() -> Routes {
    discovery::routes()
        .merge(token::routes())
        .merge(users::routes())
        .merge(setup::routes())
}

/// What an access token says, if it is ours and has not ended.
pub(super) async fn verify(api: &Api, token: &str, now: Micros) -> Result<Claims, ApiError> {
    if let Some(claims) = api.keys().verify(token, now) {
        return Ok(claims);
    }
    // Another controller may have made a key since.
    api.keys().reload(api.store()).await?;
    let claims = api.keys().verify(token, now);
    claims.ok_or_else(ApiError::invalid_token)
}
