//! What brokers keep of applications and spaces that are taken away: it is to be taken away too.

use super::reach::fresh_guid;
use super::service_orders::{on_binding, on_service};
use crate::api::{ApiError, Call, JobOutcome};
use crate::model::{Offer, OperationKind, ServiceBinding, ServiceInstance, ServiceOperation};
use crate::store::{Filter, Tx};

/// Has the brokers take back what an application was bound to, before its rows go.
pub(super) async fn of_app(call: &Call, tx: &mut Tx, app: &str) -> Result<(), ApiError> {
    let bindings: Vec<ServiceBinding> = tx.all(vec![Filter::equals("t.app_guid", app)]).await?;
    for binding in bindings {
        let by = vec![Filter::equals("t.guid", &binding.instance_guid)];
        let service: Option<ServiceInstance> = tx.first(by).await?;
        let Some(service) = service else {
            continue;
        };
        if let Some(offer) = offer_of(call, &service).await? {
            forget(call, tx, ("binding", &binding.guid)).await?;
            let gone = on_binding(call, &offer, (OperationKind::Unbind, &binding, &service));
            leave(call, tx, &gone).await?;
        }
        tx.delete_metadata(&binding.guid).await?;
    }
    Ok(())
}

/// Has the brokers take away what a space holds, before its rows go.
pub(super) async fn of_space(call: &Call, tx: &mut Tx, space: &str) -> Result<(), ApiError> {
    for service in tx.managed_services_in(space).await? {
        let Some(offer) = offer_of(call, &service).await? else {
            continue;
        };
        forget(call, tx, ("service", &service.guid)).await?;
        for binding in tx.bindings_of_service(&service.guid).await? {
            let gone = on_binding(call, &offer, (OperationKind::Unbind, &binding, &service));
            leave(call, tx, &gone).await?;
        }
        let gone = on_service(call, &offer, (OperationKind::Deprovision, &service));
        leave(call, tx, &gone).await?;
    }
    Ok(())
}

/// Removes the operations that somebody waits for, and tells who waits.
pub(super) async fn forget(
    call: &Call,
    tx: &mut Tx,
    (kind, guid): (&str, &str),
) -> Result<(), ApiError> {
    let whose = match kind {
        "binding" => Filter::equals("t.binding_guid", guid),
        "broker" => Filter::equals("t.broker_guid", guid),
        _ => Filter::equals("t.instance_guid", guid),
    };
    let awaited = Filter::sql("t.phase IN ('asking', 'polling', 'fetching')");
    let running: Vec<ServiceOperation> = tx.all(vec![whose, awaited]).await?;
    for operation in running {
        tx.delete_service_operation(&operation.guid).await?;
        if !operation.job_guid.is_empty() {
            let what = match kind {
                "broker" => "Service broker",
                _ => "Service instance",
            };
            let gone = JobOutcome::Failed(ApiError::not_found(what));
            gone.write(tx, &operation.job_guid, "service_instance.create", call.now)
                .await?;
        }
    }
    Ok(())
}

async fn leave(call: &Call, tx: &mut Tx, gone: &ServiceOperation) -> Result<(), ApiError> {
    let until = call.api.services().deadline(call.now, None);
    if let Some(mending) = gone.mending(fresh_guid(), call.now, until) {
        tx.insert_service_operation(&mending).await?;
    }
    Ok(())
}

async fn offer_of(call: &Call, service: &ServiceInstance) -> Result<Option<Offer>, ApiError> {
    match &service.plan_guid {
        Some(plan) => Ok(call.store().offer(plan).await?),
        None => Ok(None),
    }
}
