//! One step of one operation: count it, send it, write what came of it.

use tracing::{info, warn};

use super::answer;
use super::ask::question;
use super::catalog::read_catalog;
use super::decide::{Step, decide};
use super::exchange::{self, url_of};
use super::fault::BrokerFault;
use super::finish::{Ending, write};
use super::now;
use super::run::Site;
use crate::model::{OperationKind, Phase, ServiceBinding, ServiceBroker, ServiceOperation};
use crate::store::{Filter, Lease, StoreError};

/// Carries an operation on by one request.
pub(super) async fn carry(site: &Site, lease: &Lease, operation: ServiceOperation) {
    let guid = operation.guid.clone();
    if let Err(error) = step(site, lease, operation).await {
        // It is still due, so it is tried again.
        warn!(%error, operation = guid, "service-operation-stuck");
    }
}

async fn step(
    site: &Site,
    lease: &Lease,
    mut operation: ServiceOperation,
) -> Result<(), StoreError> {
    let by = vec![Filter::equals("t.guid", &operation.broker_guid)];
    let broker: Option<ServiceBroker> = site.store.first(by).await?;
    let Some(broker) = broker else {
        return Ok(());
    };
    if !count(site, lease, &mut operation).await? {
        return Ok(());
    }
    let step = match hindrance(site, &operation).await? {
        Some(fault) => Step::End {
            outcome: Err(fault),
            mend: false,
        },
        None => ask(site, &broker, &operation).await,
    };
    tell(&operation, &step);
    let ending = Ending {
        operation: &operation,
        broker: &broker,
        now: now(),
        mend_until: now().after(site.settings.give_up_after),
    };
    write(&site.store, lease, &ending, step).await
}

/// Notes that a request is sent, before it is: what may have been sent must be known after a restart.
async fn count(
    site: &Site,
    lease: &Lease,
    operation: &mut ServiceOperation,
) -> Result<bool, StoreError> {
    operation.tries = operation.tries.saturating_add(1);
    let mut tx = site.store.begin().await?;
    tx.check_epoch(lease).await?;
    let is_there = tx.update_service_operation(operation).await?;
    tx.commit().await?;
    Ok(is_there)
}

/// A service whose bindings could not be taken back stays.
async fn hindrance(
    site: &Site,
    operation: &ServiceOperation,
) -> Result<Option<BrokerFault>, StoreError> {
    if operation.kind != OperationKind::Deprovision || operation.phase != Phase::Asking {
        return Ok(None);
    }
    let of_service = vec![Filter::equals("t.instance_guid", &operation.instance_guid)];
    let left: Vec<ServiceBinding> = site.store.all(of_service).await?;
    if left.is_empty() {
        return Ok(None);
    }
    let reasons: Vec<String> = left
        .iter()
        .map(|binding| binding.last_operation.description.clone())
        .collect();
    let words = format!("its bindings could not be removed: {}", reasons.join("; "));
    Ok(Some(answer::incomplete(operation.kind, &words)))
}

async fn ask(site: &Site, broker: &ServiceBroker, operation: &ServiceOperation) -> Step {
    let question = question(operation);
    let told = exchange::ask(&site.settings, broker, &question).await;
    let meaning = answer::read(operation, told, &url_of(broker, &question));
    let step = decide(operation, meaning, now(), &site.settings);
    match step {
        Step::End {
            outcome: Ok(body),
            mend,
        } if operation.kind == OperationKind::Synchronize => Step::End {
            outcome: match read_catalog(&body) {
                Ok(_) => Ok(body),
                Err(bad) => Err(BrokerFault::CatalogInvalid(bad.0)),
            },
            mend,
        },
        other => other,
    }
}

fn tell(operation: &ServiceOperation, step: &Step) {
    let (guid, kind) = (&operation.guid, operation.kind.as_str());
    match step {
        Step::End { outcome: Ok(_), .. } => info!(operation = guid, kind, "service-operation-done"),
        Step::End {
            outcome: Err(fault),
            mend,
        } => warn!(operation = guid, kind, %fault, mend, "service-operation-refused"),
        Step::Go { .. } => {}
    }
}
