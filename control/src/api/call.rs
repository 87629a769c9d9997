//! One request: who makes it, where it came in, when, and what it may touch.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, LOCATION};
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri};

use super::audit::Event;
use super::listing::Orders;
use super::{Actor, Answer, Api, ApiError, Base, Caller, Listing, Query, uaa};
use crate::controller::Controller;
use crate::model::Micros;
use crate::store::{Organization, Page, Space, Store};

/// A request of somebody who is known.
#[derive(Clone, Debug)]
pub struct Call {
    /// What the API stands on.
    pub api: Api,
    /// Who asks.
    pub caller: Caller,
    /// Where links lead.
    pub base: Base,
    /// When the request came in.
    pub now: Micros,
    uri: Uri,
}

/// What somebody wants to do in a space.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Need {
    /// Change the space and its roles.
    Manage,
    /// Start, stop and scale.
    Operate,
    /// Look.
    Read,
    /// Change what is in it, or see its secrets.
    Write,
}

impl FromRequestParts<Api> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Self::Rejection> {
        let now = super::now();
        let base = Base::from_request_parts(parts, api).await?;
        let token = bearer(&parts.headers)?;
        let caller = caller_of(api, token, now).await?;
        Ok(Self {
            api: api.clone(),
            caller,
            base,
            now,
            uri: parts.uri.clone(),
        })
    }
}

impl Call {
    /// The desired state.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.api.store()
    }

    /// Who is told of changes.
    #[must_use]
    pub fn controller(&self) -> &Controller {
        self.api.controller()
    }

    /// A new guid.
    #[must_use]
    pub fn guid(&self) -> String {
        super::state::guid()
    }

    /// The request's parameters, for single objects.
    ///
    /// # Errors
    ///
    /// 10005 when one is not among `known`.
    pub fn query(&self, known: &[&str]) -> Result<Query, ApiError> {
        Query::parse(self.uri.query().unwrap_or_default(), known)
    }

    /// What a list's request asks for; `filters` names the parameters that only this list knows.
    ///
    /// # Errors
    ///
    /// 10005 for what is unknown or ill-formed.
    pub fn listing(&self, filters: &[&str], orders: Orders) -> Result<Listing, ApiError> {
        Listing::parse(&self.uri, filters, orders)
    }

    /// Reads the page that a listing asks for.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    pub async fn page<T: crate::store::Record>(
        &self,
        listing: &Listing,
    ) -> Result<Page<T>, ApiError> {
        Ok(self.store().page(&listing.rows).await?)
    }

    /// Only those who may do everything go on.
    ///
    /// # Errors
    ///
    /// 10003 for everybody else.
    pub fn need_admin(&self) -> Result<(), ApiError> {
        if self.caller.is_admin {
            Ok(())
        } else {
            Err(ApiError::not_authorized())
        }
    }

    /// The space of this guid, if the caller may do there what it needs to; `what` is the object
    /// that is not found when the caller may not see the space, as in `App`.
    ///
    /// # Errors
    ///
    /// 10010 when it is not there or may not be seen, 10003 when it may be seen and no more, or when
    /// its organization is suspended.
    pub async fn space(&self, guid: &str, need: Need, what: &str) -> Result<Space, ApiError> {
        let space = self.store().space(guid).await?;
        let Some(space) = space.filter(|space| self.caller.reads_space(space)) else {
            return Err(ApiError::not_found(what));
        };
        let allowed = match need {
            Need::Manage => self.caller.manages_space(&space),
            Need::Operate => self.caller.operates_space(&space),
            Need::Read => return Ok(space),
            Need::Write => self.caller.writes_space(&space),
        };
        if !allowed {
            return Err(ApiError::not_authorized());
        }
        self.check_suspended(&space.organization_guid).await?;
        Ok(space)
    }

    /// The space that a body names, which must be one that the caller may write to.
    ///
    /// # Errors
    ///
    /// 10008 when it is not there or may not be seen, 10003 when it may be seen and no more.
    pub async fn named_space(&self, guid: &str) -> Result<Space, ApiError> {
        let missing = "Invalid space. Ensure that the space exists and you have access to it.";
        match self.space(guid, Need::Write, "Space").await {
            Err(refused) if refused.code() == super::Code::ResourceNotFound => {
                Err(ApiError::unprocessable(missing))
            }
            other => other,
        }
    }

    /// The organization of this guid, if the caller may see it.
    ///
    /// # Errors
    ///
    /// 10010 when it is not there or may not be seen.
    pub async fn organization(&self, guid: &str) -> Result<Organization, ApiError> {
        let found = self.store().organization(guid).await?;
        found
            .filter(|found| self.caller.reads_organization(&found.guid))
            .ok_or_else(|| ApiError::not_found("Organization"))
    }

    /// The organization of this guid, if the caller may change it.
    ///
    /// # Errors
    ///
    /// 10010 when it may not be seen, 10003 when it may be seen and no more.
    pub async fn managed_organization(&self, guid: &str) -> Result<Organization, ApiError> {
        let found = self.organization(guid).await?;
        if !self.caller.manages_organization(&found.guid) {
            return Err(ApiError::not_authorized());
        }
        self.check_suspended(&found.guid).await?;
        Ok(found)
    }

    /// An event of this caller, now; what else it says is added to it.
    pub fn event(&self, kind: &str) -> Event {
        Event::new(kind, self.caller.actor.party(), self.now)
    }

    /// 202 and where the job is to be asked for.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    pub async fn job(&self, operation: &str) -> Answer {
        let guid = super::jobs::finished(self, operation).await?;
        Ok(self.accepted(&guid))
    }

    /// 202 and where a job that is already written is to be asked for.
    #[must_use]
    pub fn accepted(&self, job: &str) -> Response {
        let location = self.base.url(&format!("/v3/jobs/{job}"));
        (StatusCode::ACCEPTED, [(LOCATION, location)]).into_response()
    }

    async fn check_suspended(&self, organization: &str) -> Result<(), ApiError> {
        if self.caller.is_admin {
            return Ok(());
        }
        match self.store().organization(organization).await? {
            Some(organization) if !organization.suspended => Ok(()),
            _ => Err(ApiError::not_authorized()),
        }
    }
}

/// The token of an `Authorization` field.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let Some(field) = headers.get(AUTHORIZATION) else {
        return Err(ApiError::not_authenticated());
    };
    let text = field.to_str().map_err(|_| ApiError::invalid_token())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(ApiError::invalid_token()),
    }
}

/// The one whose token this is. Rights are read from the store, so that a change counts at once.
async fn caller_of(api: &Api, token: &str, now: Micros) -> Result<Caller, ApiError> {
    let claims = uaa::verify(api, token, now).await?;
    let Some(guid) = claims.user_id else {
        let is_admin = claims.scope.iter().any(|scope| scope == uaa::ADMIN_SCOPE);
        let actor = Actor::Client {
            id: claims.client_id,
        };
        return Ok(Caller::new(actor, is_admin, Vec::new()));
    };
    let user = api.store().user(&guid).await?;
    let user = user.ok_or_else(ApiError::invalid_token)?;
    let roles = if user.is_admin {
        Vec::new()
    } else {
        api.store().roles_of(&user.guid).await?
    };
    let actor = Actor::User {
        guid: user.guid,
        name: user.username,
    };
    Ok(Caller::new(actor, user.is_admin, roles))
}
