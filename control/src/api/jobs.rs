//! Jobs: what a client polls for after a 202.

use axum::extract::Path;
use serde_json::{Value, json};

use super::{Answer, ApiError, Call, Routes, ok, rfc3339, state};
use crate::model::Micros;
use crate::store::{Filter, Job, Tx};

/// How a job stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JobOutcome {
    /// It is done.
    Complete,
    /// It ended without having done it.
    Failed(ApiError),
    /// It goes on.
    Processing,
}

impl JobOutcome {
    /// Writes a job under this guid, in the transaction that does its work or after it.
    ///
    /// # Errors
    ///
    /// Fails when the store does.
    pub async fn write(
        &self,
        tx: &mut Tx,
        guid: &str,
        operation: &str,
        now: Micros,
    ) -> Result<(), ApiError> {
        let (state, errors) = match self {
            Self::Complete => ("COMPLETE", Vec::new()),
            Self::Failed(error) => ("FAILED", vec![error.entry()]),
            Self::Processing => ("PROCESSING", Vec::new()),
        };
        let job = Job {
            guid: guid.to_owned(),
            operation: operation.to_owned(),
            state: state.to_owned(),
            errors,
            warnings: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        Ok(tx.write_job(&job).await?)
    }
}

/// Writes a job whose work is done already, and gives its guid.
pub(super) async fn finished(call: &Call, operation: &str) -> Result<String, ApiError> {
    let guid = state::guid();
    let mut tx = call.store().begin().await?;
    let done = JobOutcome::Complete;
    done.write(&mut tx, &guid, operation, call.now).await?;
    tx.commit().await?;
    Ok(guid)
}

pub(super) fn routes() -> Routes {
    Routes::new("Jobs").get("/v3/jobs/{guid}", "Shows how a job stands", show)
}

async fn show(call: Call, Path(guid): Path<String>) -> Answer {
    call.query(&[])?;
    let found: Option<Job> = call
        .store()
        .first(vec![Filter::equals("t.guid", guid)])
        .await?;
    let job = found.ok_or_else(|| ApiError::not_found("Job"))?;
    let document: Value = json!({
        "guid": job.guid,
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(job.updated_at),
        "operation": job.operation,
        "state": job.state,
        "errors": job.errors,
        "warnings": job.warnings,
        "links": {"self": call.base.link(&format!("/v3/jobs/{}", job.guid))},
    });
    ok(document)
}
