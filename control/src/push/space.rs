//! Where applications live: organizations, spaces, and applications by name.

use hyper::{Method, StatusCode};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::client::Client;
use super::error::KatoError;
use super::record::{App, Named};

/// A space, by id and by name.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Space {
    /// The space's id.
    pub guid: String,
    /// The space's name.
    pub name: String,
    /// The name of its organization.
    pub organization: String,
}

/// Finds the space, and makes it and its organization where they are missing.
///
/// # Errors
///
/// Fails when the API refuses or does not answer.
pub async fn ensure_space(client: &Client, org: &str, space: &str) -> Result<Space, KatoError> {
    let what = "create the organization";
    let document = json!({ "name": org });
    let path = "/v3/organizations";
    let org_guid = match client.send(what, Method::POST, path, &document).await {
        Ok(Named { guid, .. }) => guid,
        Err(error) if error.has_status(StatusCode::UNPROCESSABLE_ENTITY) => {
            organization(client, org).await?.ok_or(error)?.guid
        }
        Err(error) => return Err(error),
    };
    let what = "create the space";
    let document = json!({
        "name": space,
        "relationships": {"organization": {"data": {"guid": org_guid}}},
    });
    match client
        .send(what, Method::POST, "/v3/spaces", &document)
        .await
    {
        Ok(Named { guid, name }) => Ok(Space {
            guid,
            name,
            organization: org.to_owned(),
        }),
        Err(error) if error.has_status(StatusCode::UNPROCESSABLE_ENTITY) => {
            find_space(client, org, space).await.map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

/// Finds a space by the names of its organization and its own.
pub(super) async fn find_space(
    client: &Client,
    org: &str,
    space: &str,
) -> Result<Space, KatoError> {
    let Some(organization) = organization(client, org).await? else {
        let problem = format!("there is no organization `{org}` that this account may see");
        return Err(KatoError::Target(problem));
    };
    let path = format!(
        "/v3/spaces?names={}&organization_guids={}",
        escaped(space),
        organization.guid
    );
    let mut spaces: Vec<Named> = client.list("look for the space", &path).await?;
    let Some(found) = spaces.pop() else {
        let problem = format!("there is no space `{space}` in `{org}`");
        return Err(KatoError::Target(problem));
    };
    Ok(Space {
        guid: found.guid,
        name: found.name,
        organization: org.to_owned(),
    })
}

/// The only space that the account can see, of those with these names where one is given.
pub(super) async fn only_space(
    client: &Client,
    org: Option<&str>,
    space: Option<&str>,
) -> Result<Space, KatoError> {
    let what = "list the spaces";
    let path = "/v3/organizations?order_by=name";
    let mut orgs: Vec<Named> = client.list(what, path).await?;
    orgs.retain(|found| org.is_none_or(|org| org == found.name));
    let mut spaces = Vec::new();
    for org in &orgs {
        let path = format!("/v3/spaces?organization_guids={}&order_by=name", org.guid);
        let found: Vec<Named> = client.list(what, &path).await?;
        spaces.extend(found.into_iter().map(|space| Space {
            guid: space.guid,
            name: space.name,
            organization: org.name.clone(),
        }));
    }
    if let Some(name) = space {
        spaces.retain(|found| found.name == name);
        if spaces.is_empty() {
            let problem = format!("there is no space `{name}` that this account may see");
            return Err(KatoError::Target(problem));
        }
    }
    match spaces.len() {
        1 => spaces.pop().ok_or_else(|| no_choice(&[])),
        _ => Err(no_choice(&spaces)),
    }
}

fn no_choice(spaces: &[Space]) -> KatoError {
    let names: Vec<String> = spaces
        .iter()
        .map(|space| format!("{} / {}", space.organization, space.name))
        .collect();
    KatoError::Target(if names.is_empty() {
        "there is no space yet that this account may use".to_owned()
    } else {
        format!("there are several spaces: {}", names.join(", "))
    })
}

async fn organization(client: &Client, name: &str) -> Result<Option<Named>, KatoError> {
    let path = format!("/v3/organizations?names={}", escaped(name));
    let mut found: Vec<Named> = client.list("look for the organization", &path).await?;
    Ok(found.pop())
}

/// Finds an application by its name.
///
/// # Errors
///
/// Fails when the API refuses or does not answer.
pub async fn find_app(
    client: &Client,
    space: &Space,
    name: &str,
) -> Result<Option<App>, KatoError> {
    let path = format!(
        "/v3/apps?names={}&space_guids={}",
        escaped(name),
        space.guid
    );
    let mut found: Vec<App> = client.list("look for the application", &path).await?;
    Ok(found.pop())
}

/// An application that has to be there.
pub(super) async fn app(client: &Client, space: &Space, name: &str) -> Result<App, KatoError> {
    find_app(client, space, name)
        .await?
        .ok_or_else(|| KatoError::App(name.to_owned()))
}

/// A value for a query. A comma would be read as the next value of a list.
pub(super) fn escaped(value: &str) -> String {
    byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_and_a_blank_in_a_name_stay_one_value() {
        assert_eq!(escaped("a, b&c"), "a%2C%20b%26c");
    }

    #[test]
    fn several_spaces_are_named_for_a_choice() {
        let space = |name: &str| Space {
            guid: String::new(),
            name: name.to_owned(),
            organization: "acme".to_owned(),
        };
        let told = no_choice(&[space("dev"), space("prod")]).to_string();
        assert_eq!(told, "there are several spaces: acme / dev, acme / prod");
    }
}
