//! Who asks: the API's addresses, and tokens for a name and a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded::Serializer;

use super::address::Address;
use super::error::KatoError;
use super::transport::{Payload, Question, Reply, TransportError, ask};
use crate::dial::Trust;

/// Where the parts of one API are, as its root says.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Links {
    /// The API itself, without a path.
    pub api: Address,
    /// Where tokens come from.
    pub login: Address,
    /// Where recent log lines are; absent on a platform that keeps none.
    pub log_cache: Option<Address>,
    /// Whom to trust there; each command line says that anew.
    #[serde(skip)]
    pub trust: Trust,
}

/// What is shown to the API with each request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Credentials {
    /// A bearer token.
    pub access_token: String,
    /// What a new one can be had for.
    pub refresh_token: Option<String>,
}

impl Links {
    /// Asks the API's root where its parts are.
    ///
    /// # Errors
    ///
    /// Fails when the address is none, when nobody answers there, and when it is no such API.
    pub async fn discover(api: &str, trust: &Trust) -> Result<Self, KatoError> {
        let text = if api.contains("://") {
            api.to_owned()
        } else {
            format!("http://{api}")
        };
        let api: Url = text.parse().map_err(|_| KatoError::Url(text.clone()))?;
        if !matches!(api.scheme(), "http" | "https") {
            return Err(KatoError::Url(text));
        }
        let what = "ask the API for its addresses";
        let question = Question {
            method: Method::GET,
            url: api.join("/").map_err(|_| KatoError::Url(text))?,
            payload: Payload::None,
            authorization: None,
        };
        let reply = ask(trust, &question).await.map_err(unreachable(what))?;
        let root: Root = read(what, &reply)?;
        let login = root.links.login.or(root.links.uaa);
        Ok(Self {
            login: login.map_or_else(|| api.clone().into(), |link| link.href),
            log_cache: root.links.log_cache.map(|link| link.href),
            api: api.into(),
            trust: trust.clone(),
        })
    }

    /// Exchanges a name and a password for tokens.
    ///
    /// # Errors
    ///
    /// Fails when they are not accepted, and when nobody answers.
    pub async fn log_in(&self, user: &str, password: &str) -> Result<Credentials, KatoError> {
        let form = [
            ("grant_type", "password"),
            ("username", user),
            ("password", password),
        ];
        self.tokens(CLIENT, &form).await
    }

    /// Exchanges a refresh token for fresh tokens.
    pub(super) async fn refresh(&self, token: &str) -> Result<Credentials, KatoError> {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.tokens(CLIENT, &form).await
    }

    /// Exchanges a client's name and secret for a token.
    ///
    /// # Errors
    ///
    /// Fails when they are not accepted, and when nobody answers.
    pub async fn identify(&self, client: &str, secret: &str) -> Result<Credentials, KatoError> {
        let form = [("grant_type", "client_credentials")];
        self.tokens(&format!("{client}:{secret}"), &form).await
    }

    async fn tokens(
        &self,
        client: &str,
        fields: &[(&str, &str)],
    ) -> Result<Credentials, KatoError> {
        let mut url = self.login.url().clone();
        let path = format!("{}/oauth/token", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let question = Question {
            method: Method::POST,
            url,
            payload: Payload::Form(Serializer::new(String::new()).extend_pairs(fields).finish()),
            authorization: Some(format!("Basic {}", STANDARD.encode(client))),
        };
        let what = "log in";
        let reply = ask(&self.trust, &question).await;
        let reply = reply.map_err(unreachable(what))?;
        let denied = [StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST];
        if denied.contains(&reply.status) {
            let denial: Denial = serde_json::from_slice(&reply.body).unwrap_or_default();
            return Err(KatoError::Login(denial.error_description));
        }
        read(what, &reply)
    }
}

/// The shape of `GET /`, as far as it is needed.
#[derive(Deserialize)]
struct Root {
    links: RootLinks,
}

#[derive(Deserialize)]
struct RootLinks {
    login: Option<Link>,
    uaa: Option<Link>,
    log_cache: Option<Link>,
}

#[derive(Deserialize)]
struct Link {
    href: Address,
}

#[derive(Default, Deserialize)]
struct Denial {
    #[serde(default)]
    error_description: String,
}

pub(super) fn unreachable(what: &str) -> impl FnOnce(TransportError) -> KatoError {
    let what = what.to_owned();
    move |source| KatoError::Unreachable { what, source }
}

pub(super) fn read<T: for<'a> Deserialize<'a>>(what: &str, reply: &Reply) -> Result<T, KatoError> {
    serde_json::from_slice(&reply.body).map_err(|source| KatoError::Answer {
        what: what.to_owned(),
        source,
    })
}

/// The public client that every command line tool of this platform is; its secret is empty.
const CLIENT: &str = "cf:";
