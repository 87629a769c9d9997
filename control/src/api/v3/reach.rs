//! From the guid in a path to what it names, if the caller may do there what it needs to.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::api::{ApiError, Call, Listing, Metadata, Need, state};
use crate::model::{
    App, Build, Deployment, Droplet, Package, Process, Route, ServiceBinding, ServiceInstance,
};
use crate::store::{Buildpack, Filter, Stack, Tx};

impl Call {
    /// An application.
    pub(in crate::api) async fn app(&self, guid: &str, need: Need) -> Result<App, ApiError> {
        self.app_behind(guid, need, "App").await
    }

    /// The application that a body names.
    pub(super) async fn named_app(&self, guid: &str) -> Result<App, ApiError> {
        match self.app(guid, Need::Write).await {
            Err(refused) if refused.code() == crate::api::Code::ResourceNotFound => {
                Err(ApiError::unprocessable(
                    "App is invalid. Ensure it exists and you have access to it.",
                ))
            }
            other => other,
        }
    }

    /// A process and its application.
    pub(super) async fn process(&self, guid: &str, need: Need) -> Result<(App, Process), ApiError> {
        let found = self.store().process(guid).await?;
        let process = found.ok_or_else(|| ApiError::not_found("Process"))?;
        let app = self.app_behind(&process.app_guid, need, "Process").await?;
        Ok((app, process))
    }

    /// The process of one type, the newest of them; its application's guid is in the path.
    pub(super) async fn process_of(
        &self,
        app_guid: &str,
        process_type: &str,
        need: Need,
    ) -> Result<(App, Process), ApiError> {
        let app = self.app(app_guid, need).await?;
        let processes = self.store().processes_of(&app.guid).await?;
        let newest = processes
            .into_iter()
            .rev()
            .find(|p| p.process_type == process_type);
        let process = newest.ok_or_else(|| ApiError::not_found("Process"))?;
        Ok((app, process))
    }

    /// A package and its application.
    pub(super) async fn package(&self, guid: &str, need: Need) -> Result<(App, Package), ApiError> {
        let found = self.store().package(guid).await?;
        let package = found.ok_or_else(|| ApiError::not_found("Package"))?;
        let app = self.app_behind(&package.app_guid, need, "Package").await?;
        Ok((app, package))
    }

    /// A build and its application.
    pub(super) async fn build(&self, guid: &str, need: Need) -> Result<(App, Build), ApiError> {
        let found = self.store().build(guid).await?;
        let build = found.ok_or_else(|| ApiError::not_found("Build"))?;
        let app = self.app_behind(&build.app_guid, need, "Build").await?;
        Ok((app, build))
    }

    /// A droplet and its application.
    pub(super) async fn droplet(&self, guid: &str, need: Need) -> Result<(App, Droplet), ApiError> {
        let found = self.store().droplet(guid).await?;
        let droplet = found.ok_or_else(|| ApiError::not_found("Droplet"))?;
        let app = self.app_behind(&droplet.app_guid, need, "Droplet").await?;
        Ok((app, droplet))
    }

    /// A deployment and its application.
    pub(super) async fn deployment(
        &self,
        guid: &str,
        need: Need,
    ) -> Result<(App, Deployment), ApiError> {
        let found = self.store().deployment(guid).await?;
        let deployment = found.ok_or_else(|| ApiError::not_found("Deployment"))?;
        let app = self
            .app_behind(&deployment.app_guid, need, "Deployment")
            .await?;
        Ok((app, deployment))
    }

    /// A route.
    pub(super) async fn route(&self, guid: &str, need: Need) -> Result<Route, ApiError> {
        let found = self.store().route(guid).await?;
        let route = found.ok_or_else(|| ApiError::not_found("Route"))?;
        self.space(&route.space_guid, need, "Route").await?;
        Ok(route)
    }

    /// A service.
    pub(super) async fn service(
        &self,
        guid: &str,
        need: Need,
    ) -> Result<ServiceInstance, ApiError> {
        let found = self.store().service_instance(guid).await?;
        let service = found.ok_or_else(|| ApiError::not_found("Service instance"))?;
        self.space(&service.space_guid, need, "Service instance")
            .await?;
        Ok(service)
    }

    /// A binding and its service.
    pub(super) async fn binding(
        &self,
        guid: &str,
        need: Need,
    ) -> Result<(ServiceInstance, ServiceBinding), ApiError> {
        let missing = || ApiError::not_found("Service credential binding");
        let binding = self.store().service_binding(guid).await?;
        let binding = binding.ok_or_else(missing)?;
        let service = self
            .store()
            .service_instance(&binding.instance_guid)
            .await?;
        let service = service.ok_or_else(missing)?;
        self.space(&service.space_guid, need, "Service credential binding")
            .await?;
        Ok((service, binding))
    }

    /// Keeps the rows whose `space_guid` the caller may see.
    pub(super) fn keep_visible_spaces(&self, listing: &mut Listing) {
        if let Some(filter) = self.caller.space_filter("t.space_guid") {
            listing.keep(filter);
        }
    }

    /// Keeps the rows of applications that the caller may see; of those, what the list asks for by
    /// `app_guids` and by `space_guids`, if it knows these.
    pub(super) fn keep_of_apps(&self, listing: &mut Listing) {
        listing.within("app_guids", "t.app_guid");
        listing.within_sql(
            "space_guids",
            "t.app_guid IN (SELECT guid FROM apps WHERE space_guid IN ",
            ")",
        );
        if let Some(filter) = self.caller.space_filter(SPACE_OF_APP) {
            listing.keep(filter);
        }
    }

    /// Keeps the rows whose service is in a space that the caller may see.
    pub(super) fn keep_visible_services(&self, listing: &mut Listing) {
        if let Some(filter) = self.caller.space_filter(SPACE_OF_SERVICE) {
            listing.keep(filter);
        }
    }

    /// Whether there is a stack of this name.
    pub(super) async fn check_stack(&self, name: &str) -> Result<(), ApiError> {
        let found: Option<Stack> = self
            .store()
            .first(vec![Filter::equals("t.name", name)])
            .await?;
        match found {
            Some(_) => Ok(()),
            None => Err(ApiError::unprocessable("Stack must be an existing stack")),
        }
    }

    /// The names of all admin buildpacks.
    pub(super) async fn buildpack_names(&self) -> Result<HashSet<String>, ApiError> {
        let found: Vec<Buildpack> = self.store().all(Vec::new()).await?;
        Ok(found.into_iter().map(|buildpack| buildpack.name).collect())
    }

    /// Writes an audit event about an application.
    pub(super) async fn record(
        &self,
        tx: &mut Tx,
        kind: &'static str,
        app: &App,
        data: Value,
    ) -> Result<(), ApiError> {
        let event = self
            .event(kind)
            .target("app", &app.guid, &app.name)
            .data(data);
        let spaces: Vec<crate::store::Space> = tx
            .all(vec![Filter::equals("t.guid", &app.space_guid)])
            .await?;
        match spaces.first() {
            Some(space) => event.space(space).write(tx).await,
            None => event.write(tx).await,
        }
    }

    async fn app_behind(&self, guid: &str, need: Need, what: &str) -> Result<App, ApiError> {
        let found = self.store().app(guid).await?;
        let app = found.ok_or_else(|| ApiError::not_found(what))?;
        self.space(&app.space_guid, need, what).await?;
        Ok(app)
    }
}

/// A guid that nothing has yet.
pub(super) fn fresh_guid() -> String {
    state::guid()
}

/// The marks of one resource among those of many.
pub(super) fn metadata_in(marks: &HashMap<String, Metadata>, guid: &str) -> Metadata {
    marks.get(guid).cloned().unwrap_or_default()
}

const SPACE_OF_APP: &str = "(SELECT a.space_guid FROM apps a WHERE a.guid = t.app_guid)";
const SPACE_OF_SERVICE: &str =
    "(SELECT i.space_guid FROM service_instances i WHERE i.guid = t.instance_guid)";
