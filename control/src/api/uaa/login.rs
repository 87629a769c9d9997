//! A login with name and password, and what happens after too many that failed.

use std::time::Duration;

use super::refusal::Refusal;
use crate::api::Api;
use crate::model::Micros;
use crate::store::User;

/// The user of this name and password.
pub(super) async fn by_password(
    api: &Api,
    name: &str,
    password: &str,
    now: Micros,
) -> Result<User, Refusal> {
    if name.contains('\0') {
        return Err(Refusal::Unauthorized);
    }
    let user = api.store().user_named(name, ORIGIN).await?;
    if let Some(user) = &user
        && user.locked_until.is_some_and(|until| until > now)
    {
        return Err(Refusal::Locked);
    }
    let hash = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let right = api.passwords().check(password, hash).await?;
    let Some(user) = user else {
        return Err(Refusal::Unauthorized);
    };
    let mut tx = api.store().begin().await?;
    if right {
        if user.failed_logins > 0 || user.locked_until.is_some() {
            tx.login_succeeded(&user.guid).await?;
        }
    } else {
        tx.login_failed(&user.guid, ALLOWED_FAILURES, now.after(LOCK))
            .await?;
    }
    tx.commit().await?;
    if right {
        Ok(user)
    } else {
        Err(Refusal::Unauthorized)
    }
}

/// Where users of our own are known.
pub(super) const ORIGIN: &str = "uaa";

const ALLOWED_FAILURES: i64 = 5;
const LOCK: Duration = Duration::from_secs(300);
