//! Binding applications to services.

use super::reach::fresh_guid;
use crate::api::{ApiError, Call};
use crate::model::manifest::ServiceManifest;
use crate::model::{App, BindingKind, Operation, ServiceBinding, ServiceInstance};
use crate::store::{Filter, Space, StoreError, Tx};

/// A binding of a service, with the credentials that the service has now.
pub(super) fn new_binding(
    call: &Call,
    service: &ServiceInstance,
    app_guid: Option<&str>,
    name: Option<String>,
) -> ServiceBinding {
    ServiceBinding {
        guid: fresh_guid(),
        kind: match app_guid {
            Some(_) => BindingKind::App,
            None => BindingKind::Key,
        },
        name,
        instance_guid: service.guid.clone(),
        app_guid: app_guid.map(str::to_owned),
        credentials: service.credentials.clone(),
        syslog_drain_url: service.syslog_drain_url.clone(),
        last_operation: Operation::succeeded("create"),
        created_at: call.now,
        updated_at: call.now,
    }
}

/// Writes a binding, if there may be one.
pub(super) async fn insert(tx: &mut Tx, binding: &ServiceBinding) -> Result<(), ApiError> {
    if let Some(name) = &binding.name {
        check_name(tx, binding, name).await?;
    }
    tx.insert_binding(binding)
        .await
        .map_err(|error| match error {
            StoreError::Taken => {
                ApiError::unprocessable("The app is already bound to the service instance")
            }
            other => other.into(),
        })
}

async fn check_name(tx: &mut Tx, binding: &ServiceBinding, name: &str) -> Result<(), ApiError> {
    let mut same = vec![Filter::equals("t.name", name)];
    let words = match &binding.app_guid {
        Some(app) => {
            same.push(Filter::equals("t.app_guid", app));
            format!(
                "The binding name is invalid. App binding names must be unique. The app already \
                 has a binding with name '{name}'."
            )
        }
        None => {
            same.push(Filter::equals("t.instance_guid", &binding.instance_guid));
            same.push(Filter::equals("t.type", BindingKind::Key.as_str()));
            format!(
                "The binding name is invalid. Key binding names must be unique. The service \
                 instance already has a key binding with name '{name}'."
            )
        }
    };
    let found: Option<ServiceBinding> = tx.first(same).await?;
    match found {
        Some(_) => Err(ApiError::unprocessable(words)),
        None => Ok(()),
    }
}

/// Binds an application to a service of its space; what is bound stays bound.
pub(super) async fn bind_by_name(
    call: &Call,
    tx: &mut Tx,
    (app, space): (&App, &Space),
    wanted: &ServiceManifest,
) -> Result<(), ApiError> {
    let service: Option<ServiceInstance> = tx
        .first(vec![
            Filter::equals("t.space_guid", &space.guid),
            Filter::equals("t.name", &wanted.name),
        ])
        .await?;
    let Some(service) = service else {
        return Err(ApiError::unprocessable(format!(
            "Service instance '{}' not found",
            wanted.name
        )));
    };
    let bound: Option<ServiceBinding> = tx
        .first(vec![
            Filter::equals("t.instance_guid", &service.guid),
            Filter::equals("t.app_guid", &app.guid),
        ])
        .await?;
    if bound.is_some() {
        return Ok(());
    }
    let name = wanted.binding_name.clone();
    insert(tx, &new_binding(call, &service, Some(&app.guid), name)).await
}
