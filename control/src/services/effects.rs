//! What an operation makes of the service, the binding or the broker that it is about.

use serde_json::{Map, Value, json};

use super::catalog::read_catalog;
use super::fault::BrokerFault;
use super::finish::Ending;
use super::fresh_guid;
use crate::model::{
    BindingKind, BrokerState, OperationKind, ServiceBinding, ServiceBroker, ServiceInstance,
    ServicePlan,
};
use crate::store::{AuditEvent, Filter, Party, Space, StoreError, Tx};

type Outcome = Result<Map<String, Value>, BrokerFault>;

/// Shows what the broker says while it works.
pub(super) async fn progress(
    tx: &mut Tx,
    ending: &Ending<'_>,
    description: Option<String>,
    accepted: Option<&Map<String, Value>>,
) -> Result<(), StoreError> {
    let operation = ending.operation;
    if !operation.phase.is_awaited() || (description.is_none() && accepted.is_none()) {
        return Ok(());
    }
    if operation.binding_guid.is_empty() {
        let found = tx.hold_service(&operation.instance_guid).await?;
        let Some(mut service) = found else {
            return Ok(());
        };
        let dashboard = accepted.and_then(|body| text(body, "dashboard_url"));
        service.dashboard_url = dashboard.or(service.dashboard_url);
        service.last_operation.description =
            description.unwrap_or(service.last_operation.description);
        service.updated_at = ending.now;
        return tx.update_service(&service).await;
    }
    let Some(mut binding) = binding(tx, ending).await? else {
        return Ok(());
    };
    binding.last_operation.description = description.unwrap_or_default();
    binding.updated_at = ending.now;
    tx.update_binding(&binding).await
}

/// Writes how an operation ended.
pub(super) async fn end(
    tx: &mut Tx,
    ending: &Ending<'_>,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    match ending.operation.kind {
        OperationKind::Synchronize => end_catalog(tx, ending, outcome).await,
        OperationKind::Deprovision | OperationKind::Provision | OperationKind::Update => {
            let found = tx.hold_service(&ending.operation.instance_guid).await?;
            match found {
                Some(service) => end_service(tx, ending, service, outcome).await,
                None => Ok(()),
            }
        }
        OperationKind::Bind | OperationKind::Unbind => match binding(tx, ending).await? {
            Some(binding) => end_binding(tx, ending, binding, outcome).await,
            None => Ok(()),
        },
    }
}

async fn end_catalog(
    tx: &mut Tx,
    ending: &Ending<'_>,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    // It may have been changed meanwhile.
    let by = vec![Filter::equals("t.guid", &ending.broker.guid)];
    let found: Option<ServiceBroker> = tx.first(by).await?;
    let Some(mut broker) = found else {
        return Ok(());
    };
    let catalog = outcome.as_ref().ok().map(read_catalog);
    broker.state = match catalog {
        Some(Ok(catalog)) => {
            tx.write_catalog(&broker, &catalog, (ending.now, fresh_guid))
                .await?;
            BrokerState::Available
        }
        Some(Err(_)) | None => BrokerState::Failed,
    };
    broker.updated_at = ending.now;
    tx.update_broker(&broker).await
}

async fn end_service(
    tx: &mut Tx,
    ending: &Ending<'_>,
    mut service: ServiceInstance,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let kind = ending.operation.kind;
    service.updated_at = ending.now;
    service.last_operation = service.last_operation.ended(words(outcome));
    let Ok(body) = outcome else {
        return tx.update_service(&service).await;
    };
    if kind == OperationKind::Deprovision {
        tx.delete_service(&service.guid).await?;
        tx.delete_metadata(&service.guid).await?;
        return record(tx, ending, "audit.service_instance.delete", &service).await;
    }
    let dashboard = text(body, "dashboard_url");
    service.dashboard_url = dashboard.or(service.dashboard_url);
    let change = &ending.operation.facts.then;
    if let Some(plan) = &change.plan_guid {
        let found: Option<ServicePlan> = tx.first(vec![Filter::equals("t.guid", plan)]).await?;
        service.plan_guid = found.map(|plan| plan.guid).or(service.plan_guid);
    }
    if let Some(version) = &change.maintenance_info {
        service.maintenance_info.clone_from(version);
    }
    tx.update_service(&service).await?;
    let event = match kind {
        OperationKind::Update => "audit.service_instance.update",
        _ => "audit.service_instance.create",
    };
    record(tx, ending, event, &service).await
}

async fn end_binding(
    tx: &mut Tx,
    ending: &Ending<'_>,
    mut binding: ServiceBinding,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let binds = ending.operation.kind == OperationKind::Bind;
    binding.updated_at = ending.now;
    binding.last_operation = binding.last_operation.ended(words(outcome));
    let Ok(body) = outcome else {
        return tx.update_binding(&binding).await;
    };
    if binds {
        let credentials = body.get("credentials").and_then(Value::as_object);
        binding.credentials = credentials.cloned().unwrap_or_default();
        binding.syslog_drain_url = text(body, "syslog_drain_url");
        let mounts = body.get("volume_mounts").and_then(Value::as_array);
        binding.volume_mounts = mounts.cloned().unwrap_or_default();
        tx.update_binding(&binding).await?;
    } else {
        tx.delete_binding(&binding.guid).await?;
        tx.delete_metadata(&binding.guid).await?;
    }
    let event = match (binding.kind, binds) {
        (BindingKind::App, true) => "audit.service_binding.create",
        (BindingKind::App, false) => "audit.service_binding.delete",
        (BindingKind::Key, true) => "audit.service_key.create",
        (BindingKind::Key, false) => "audit.service_key.delete",
    };
    let by = vec![Filter::equals("t.guid", &binding.instance_guid)];
    let service: Option<ServiceInstance> = tx.first(by).await?;
    match service {
        Some(service) => record(tx, ending, event, &service).await,
        None => Ok(()),
    }
}

async fn binding(tx: &mut Tx, ending: &Ending<'_>) -> Result<Option<ServiceBinding>, StoreError> {
    let guid = &ending.operation.binding_guid;
    tx.first(vec![Filter::equals("t.guid", guid)]).await
}

async fn record(
    tx: &mut Tx,
    ending: &Ending<'_>,
    event: &str,
    service: &ServiceInstance,
) -> Result<(), StoreError> {
    let by = vec![Filter::equals("t.guid", &service.space_guid)];
    let space: Option<Space> = tx.first(by).await?;
    let facts = &ending.operation.facts;
    let party = |kind: &str, guid: &str, name: &str| Party {
        guid: guid.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
    };
    let event = AuditEvent {
        guid: fresh_guid(),
        kind: event.to_owned(),
        actor: party("user", &facts.user_guid, &facts.user_name),
        target: party("service_instance", &service.guid, &service.name),
        space_guid: service.space_guid.clone(),
        organization_guid: space
            .map(|space| space.organization_guid)
            .unwrap_or_default(),
        data: json!({}),
        created_at: ending.now,
    };
    tx.insert_audit_event(&event).await
}

fn words(outcome: &Outcome) -> Result<(), String> {
    match outcome {
        Ok(_) => Ok(()),
        Err(BrokerFault::Failed { description, .. }) => Err(description.clone()),
        Err(fault) => Err(fault.to_string()),
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Option<String> {
    let text = body.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}
