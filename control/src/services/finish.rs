//! What came of a request, written: rows of services and bindings, jobs, and what must be mended.

use serde_json::{Map, Value};

use super::decide::Step;
use super::effects;
use super::fault::BrokerFault;
use super::fresh_guid;
use crate::model::{Micros, OperationKind, Phase, ServiceBroker, ServiceOperation};
use crate::store::{Filter, Job, Lease, Store, StoreError, Tx};

/// What all that is written needs to know.
pub(super) struct Ending<'a> {
    pub(super) operation: &'a ServiceOperation,
    pub(super) broker: &'a ServiceBroker,
    pub(super) now: Micros,
    /// Until when it is tried to take away what was left behind.
    pub(super) mend_until: Micros,
}

/// Writes a step in one transaction, if the lease still counts.
pub(super) async fn write(
    store: &Store,
    lease: &Lease,
    ending: &Ending<'_>,
    step: Step,
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    tx.check_epoch(lease).await?;
    match step {
        Step::End { outcome, mend } => end(&mut tx, ending, (outcome, mend)).await?,
        Step::Go {
            phase,
            due,
            description,
            accepted,
        } => {
            let next = next(ending, (phase, due), accepted.as_ref());
            if tx.update_service_operation(&next).await? {
                effects::progress(&mut tx, ending, description, accepted.as_ref()).await?;
                write_job(&mut tx, ending, &next).await?;
            } else {
                abandoned(&mut tx, ending).await?;
            }
        }
    }
    tx.commit().await
}

fn next(
    ending: &Ending<'_>,
    (phase, due): (Phase, Micros),
    accepted: Option<&Map<String, Value>>,
) -> ServiceOperation {
    let mut next = ending.operation.clone();
    if next.phase != phase && !(phase == Phase::Mending) {
        next.tries = 0;
    }
    next.phase = phase;
    next.due_at = due;
    next.updated_at = ending.now;
    if let Some(accepted) = accepted {
        let word = accepted.get("operation").and_then(Value::as_str);
        next.facts.operation = word.map(str::to_owned);
    }
    next
}

async fn end(
    tx: &mut Tx,
    ending: &Ending<'_>,
    (outcome, mend): (Result<Map<String, Value>, BrokerFault>, bool),
) -> Result<(), StoreError> {
    let operation = ending.operation;
    let was_there = tx.delete_service_operation(&operation.guid).await?;
    if !was_there {
        return abandoned(tx, ending).await;
    }
    if mend {
        leave_for_mending(tx, ending).await?;
    }
    if !operation.phase.is_awaited() {
        return Ok(());
    }
    effects::end(tx, ending, &outcome).await?;
    end_job(tx, ending, outcome.err()).await
}

/// What it was for is gone, while the broker was asked to make it.
async fn abandoned(tx: &mut Tx, ending: &Ending<'_>) -> Result<(), StoreError> {
    let makes = matches!(
        ending.operation.kind,
        OperationKind::Bind | OperationKind::Provision
    );
    if makes {
        leave_for_mending(tx, ending).await?;
    }
    Ok(())
}

async fn leave_for_mending(tx: &mut Tx, ending: &Ending<'_>) -> Result<(), StoreError> {
    let mending = ending
        .operation
        .mending(fresh_guid(), ending.now, ending.mend_until);
    match mending {
        Some(mending) => tx.insert_service_operation(&mending).await,
        None => Ok(()),
    }
}

async fn write_job(
    tx: &mut Tx,
    ending: &Ending<'_>,
    next: &ServiceOperation,
) -> Result<(), StoreError> {
    if next.phase != Phase::Polling || ending.operation.phase == Phase::Polling {
        return Ok(());
    }
    let Some(mut job) = job(tx, ending).await? else {
        return Ok(());
    };
    if job.state == "PROCESSING" {
        job.state = "POLLING".to_owned();
        job.updated_at = ending.now;
        tx.write_job(&job).await?;
    }
    Ok(())
}

/// A job is complete when the last operation that it waits for is, and failed when one has failed.
async fn end_job(
    tx: &mut Tx,
    ending: &Ending<'_>,
    fault: Option<BrokerFault>,
) -> Result<(), StoreError> {
    let Some(mut job) = job(tx, ending).await? else {
        return Ok(());
    };
    let others = tx.operations_of_job(&job.guid).await?;
    match fault {
        Some(fault) => {
            job.state = "FAILED".to_owned();
            job.errors.push(fault.entry());
        }
        None if others.is_empty() && job.state != "FAILED" => job.state = "COMPLETE".to_owned(),
        None => return Ok(()),
    }
    job.updated_at = ending.now;
    tx.write_job(&job).await
}

async fn job(tx: &mut Tx, ending: &Ending<'_>) -> Result<Option<Job>, StoreError> {
    let guid = &ending.operation.job_guid;
    if guid.is_empty() {
        return Ok(None);
    }
    tx.first(vec![Filter::equals("t.guid", guid)]).await
}
