//! What an access token says.

use serde::{Deserialize, Serialize};

/// The claims of an access token, in the words of UAA.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::api) struct Claims {
    pub(super) jti: String,
    pub(super) sub: String,
    /// The user's guid; a program has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::api) user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) user_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<String>,
    pub(in crate::api) client_id: String,
    pub(super) cid: String,
    pub(super) azp: String,
    pub(super) grant_type: String,
    pub(in crate::api) scope: Vec<String>,
    pub(super) aud: Vec<String>,
    pub(super) iss: String,
    pub(super) zid: String,
    /// Seconds since 1970.
    pub(super) iat: i64,
    /// Seconds since 1970.
    pub(super) exp: i64,
}

/// What lets a program do everything.
pub(in crate::api) const ADMIN_SCOPE: &str = "cloud_controller.admin";

/// What a user may ask for.
pub(super) fn scopes_of(is_admin: bool) -> Vec<String> {
    let admin: &[&str] = if is_admin { ADMIN_SCOPES } else { &[] };
    let all = USER_SCOPES.iter().chain(admin);
    all.map(|scope| (*scope).to_owned()).collect()
}

/// The audiences of scopes: what stands before their last dot.
pub(super) fn audiences(scopes: &[String], client: &str) -> Vec<String> {
    let mut audiences: Vec<String> = scopes
        .iter()
        .map(|scope| {
            scope
                .rsplit_once('.')
                .map_or(scope.as_str(), |(before, _)| before)
        })
        .map(str::to_owned)
        .collect();
    audiences.push(client.to_owned());
    audiences.sort();
    audiences.dedup();
    audiences
}

const USER_SCOPES: &[&str] = &[
    "openid",
    "uaa.user",
    "password.write",
    "cloud_controller.read",
    "cloud_controller.write",
];
const ADMIN_SCOPES: &[&str] = &[ADMIN_SCOPE, "scim.read", "scim.write", "uaa.admin"];
