//! Binding applications to services, and making keys.

use serde_json::{Map, Value};

use super::reach::fresh_guid;
use super::service_orders::{self, Place, busy, check_idle};
use crate::api::{ApiError, Call, Need};
use crate::model::manifest::ServiceManifest;
use crate::model::{App, BindingKind, Offer, Operation, ServiceBinding, ServiceInstance};
use crate::store::{Filter, Space, Tx};

/// A service that something is to be bound to.
pub(super) struct Source {
    service: ServiceInstance,
    /// What it is one of and where it lives, when a broker takes care of it.
    kept: Option<(Offer, Place)>,
}

/// What a binding is to be.
pub(super) struct Wanted<'a> {
    /// The application; `None` for a key.
    pub(super) app: Option<App>,
    pub(super) name: Option<String>,
    pub(super) parameters: Option<Map<String, Value>>,
    /// Whether the application may have only one.
    pub(super) once: bool,
    /// The job that waits for it; it gets one of its own when this is empty.
    pub(super) job: &'a str,
}

impl Source {
    pub(super) async fn of(call: &Call, service: ServiceInstance) -> Result<Self, ApiError> {
        let kept = match &service.plan_guid {
            None => None,
            Some(plan) => {
                let offer = call.store().offer(plan).await?;
                let offer = offer.ok_or_else(|| ApiError::not_found("Service plan"))?;
                let space = &service.space_guid;
                let space = call.space(space, Need::Write, "Service instance").await?;
                Some((offer, Place::of(call, space).await?))
            }
        };
        Ok(Self { service, kept })
    }
}

/// Writes a binding, if there may be one; with the job to wait for, when its broker is asked.
pub(super) async fn bind(
    call: &Call,
    tx: &mut Tx,
    source: &Source,
    wanted: &Wanted<'_>,
) -> Result<(ServiceBinding, Option<String>), ApiError> {
    let held = tx.hold_service(&source.service.guid).await?;
    let service = held.ok_or_else(|| ApiError::unprocessable("Service instance not found"))?;
    check_idle(tx, &service).await?;
    let mut binding = new_binding(call, &service, wanted);
    check_twice(tx, &binding, wanted.once).await?;
    if let Some(name) = &binding.name {
        check_name(tx, &binding, name).await?;
    }
    let Some((offer, home)) = &source.kept else {
        if wanted.parameters.is_some() {
            return Err(ApiError::unprocessable(
                "Binding parameters are not supported for user-provided service instances",
            ));
        }
        tx.insert_binding(&binding).await?;
        return Ok((binding, None));
    };
    if !offer.is_bindable() {
        let words = "Service plan does not allow bindings.";
        return Err(ApiError::unprocessable(words));
    }
    if !service.last_operation.has_made() {
        let words = "Service instance cannot be bound: it was not created.";
        return Err(ApiError::unprocessable(words));
    }
    binding.last_operation = Operation::begun("create", call.now);
    tx.insert_binding(&binding).await?;
    let parameters = wanted.parameters.clone();
    let mut order = service_orders::bind(call, offer, (&binding, &service, home), parameters);
    if wanted.job.is_empty() {
        let job = service_orders::place(call, tx, order, "service_bindings.create").await?;
        return Ok((binding, Some(job)));
    }
    wanted.job.clone_into(&mut order.job_guid);
    tx.insert_service_operation(&order).await?;
    Ok((binding, Some(wanted.job.to_owned())))
}

/// A binding of a service, with the credentials that the service has now.
fn new_binding(call: &Call, service: &ServiceInstance, wanted: &Wanted<'_>) -> ServiceBinding {
    ServiceBinding {
        guid: fresh_guid(),
        kind: match wanted.app {
            Some(_) => BindingKind::App,
            None => BindingKind::Key,
        },
        name: wanted.name.clone(),
        instance_guid: service.guid.clone(),
        app_guid: wanted.app.as_ref().map(|app| app.guid.clone()),
        credentials: service.credentials.clone(),
        syslog_drain_url: service.syslog_drain_url.clone(),
        volume_mounts: Vec::new(),
        last_operation: Operation::succeeded("create", call.now),
        created_at: call.now,
        updated_at: call.now,
    }
}

/// A binding that failed makes room for the next.
async fn check_twice(tx: &mut Tx, binding: &ServiceBinding, once: bool) -> Result<(), ApiError> {
    let Some(app) = &binding.app_guid else {
        return Ok(());
    };
    let same: Vec<ServiceBinding> = tx
        .all(vec![
            Filter::equals("t.instance_guid", &binding.instance_guid),
            Filter::equals("t.app_guid", app),
        ])
        .await?;
    for before in &same {
        if before.last_operation.made_nothing() {
            tx.delete_binding(&before.guid).await?;
            tx.delete_metadata(&before.guid).await?;
        } else if once {
            return Err(ApiError::unprocessable(
                "The app is already bound to the service instance",
            ));
        }
    }
    if same.len() >= MOST_BINDINGS {
        return Err(ApiError::unprocessable(format!(
            "The app has too many bindings to this service instance (limit: {MOST_BINDINGS}). \
             Consider deleting existing/orphaned bindings."
        )));
    }
    Ok(())
}

async fn check_name(tx: &mut Tx, binding: &ServiceBinding, name: &str) -> Result<(), ApiError> {
    let mut same = vec![Filter::equals("t.name", name)];
    let words = match &binding.app_guid {
        Some(app) => {
            same.push(Filter::equals("t.app_guid", app));
            // The same service may be bound again under its name, to renew its credentials.
            same.push(Filter::sql("t.instance_guid <> ").value(&binding.instance_guid));
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

/// Binds an application to a service of its space; what is bound stays bound. Says whether a broker
/// is asked, which the job then waits for.
pub(super) async fn bind_by_name(
    call: &Call,
    tx: &mut Tx,
    (app, space): (&App, &Space),
    (wanted, job): (&ServiceManifest, &str),
) -> Result<bool, ApiError> {
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
    let bound: Vec<ServiceBinding> = tx
        .all(vec![
            Filter::equals("t.instance_guid", &service.guid),
            Filter::equals("t.app_guid", &app.guid),
        ])
        .await?;
    let stands = |one: &ServiceBinding| !one.last_operation.made_nothing();
    if bound.iter().any(stands) {
        return Ok(false);
    }
    if service.last_operation.is_running() {
        return Err(busy(&service));
    }
    let wanted = Wanted {
        app: Some(app.clone()),
        name: wanted.binding_name.clone(),
        parameters: wanted.parameters.clone().filter(|given| !given.is_empty()),
        once: true,
        job,
    };
    let source = Source::of(call, service).await?;
    let (_, waits) = bind(call, tx, &source, &wanted).await?;
    Ok(waits.is_some())
}

const MOST_BINDINGS: usize = 5;
