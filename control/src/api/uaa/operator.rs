//! The machine's own account: a program that may do everything, known by a file that only it can read.

use std::path::Path;

use super::ADMIN_SCOPE;
use crate::api::{Api, ApiError, StartError, now};
use crate::store::OauthClient;

/// Lets the program in that `file` names, as `ID:SECRET`; what it was before is forgotten.
///
/// # Errors
///
/// Fails when the file cannot be read or holds no such pair, and when the store fails.
pub async fn prepare_operator(api: &Api, file: &Path) -> Result<(), StartError> {
    let text = tokio::fs::read_to_string(file).await;
    let text = text.map_err(|source| StartError::File {
        path: file.to_owned(),
        source,
    })?;
    let refused = |detail: &str| StartError::Admin {
        detail: detail.to_owned(),
    };
    let (id, secret) =
        pair(&text).ok_or_else(|| refused("the operator's file is not ID:SECRET"))?;
    let made = write(api, id, secret).await;
    made.map_err(|error| refused(error.detail()))
}

async fn write(api: &Api, id: &str, secret: &str) -> Result<(), ApiError> {
    let client = OauthClient {
        id: id.to_owned(),
        secret_hash: api.passwords().hash(secret).await?,
        scopes: format!("{ADMIN_SCOPE} cloud_controller.read cloud_controller.write"),
    };
    let mut tx = api.store().begin().await?;
    tx.write_oauth_client(&client, now()).await?;
    tx.commit().await?;
    Ok(())
}

/// An id and a secret that is long enough not to be guessed.
fn pair(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.trim().split_once(':')?;
    (!id.is_empty() && secret.len() >= SECRET_MIN_BYTES).then_some((id, secret))
}

const SECRET_MIN_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_lets_nobody_in() {
        assert_eq!(pair("me:guess"), None);
        assert_eq!(pair(":0123456789abcdef0123456789abcdef"), None);
        let long = "0123456789abcdef0123456789abcdef";
        assert_eq!(pair(&format!("me:{long}\n")), Some(("me", long)));
    }
}
