//! What an organization may use at most.

use crate::api::{ApiError, Call};
use crate::model::{App, AppState, Process};
use crate::store::QuotaLimits;

/// Whether an application may be started as its processes are.
pub(super) async fn check_start(call: &Call, app: &App) -> Result<(), ApiError> {
    let processes = call.store().processes_of(&app.guid).await?;
    check(call, app, &processes).await
}

/// Whether a started application may have these processes; a stopped one may have any that would
/// fit alone.
pub(super) async fn check_processes(
    call: &Call,
    app: &App,
    processes: &[Process],
) -> Result<(), ApiError> {
    if app.state == AppState::Started {
        check(call, app, processes).await
    } else {
        let (_, limits) = limits(call, app).await?;
        check_each(&limits, processes)
    }
}

async fn check(call: &Call, app: &App, processes: &[Process]) -> Result<(), ApiError> {
    let (organization, limits) = limits(call, app).await?;
    check_each(&limits, processes)?;
    if let Some(most) = limits.total_memory_in_mb {
        let others = call.store().memory_in_use(&organization, &app.guid).await?;
        let own = processes
            .iter()
            .map(|p| u64::from(p.instances) * u64::from(p.memory_mb));
        refuse_over(
            own.fold(others, u64::saturating_add),
            most,
            "memory quota_exceeded",
        )?;
    }
    if let Some(most) = limits.total_instances {
        let others = call
            .store()
            .instances_in_use(&organization, &app.guid)
            .await?;
        let own: u64 = processes.iter().map(|p| u64::from(p.instances)).sum();
        let words = "app_instance_limit app_instance_limit_exceeded";
        refuse_over(others.saturating_add(own), most, words)?;
    }
    check_log_rate(call, app, processes, (&organization, &limits)).await
}

/// Whether the limits of all logs together stay within that of the organization.
async fn check_log_rate(
    call: &Call,
    app: &App,
    processes: &[Process],
    (organization, limits): (&str, &QuotaLimits),
) -> Result<(), ApiError> {
    let Some(most) = limits.log_rate_limit_in_bytes_per_second else {
        return Ok(());
    };
    // compat: both texts (cloud_controller_ng app/models/runtime/constraints/max_log_rate_limit_policy.rb).
    let unlimited = |process: &Process| process.instances > 0 && process.log_rate_limit < 0;
    if processes.iter().any(unlimited) {
        let organization = call.store().organization(organization).await?;
        let name = organization.map_or_else(String::new, |one| one.name);
        let words = format!("log_rate_limit cannot be unlimited in organization '{name}'.");
        return Err(ApiError::unprocessable(words));
    }
    let others = call
        .store()
        .log_rate_in_use(organization, &app.guid)
        .await?;
    let own = processes.iter().map(|process| {
        let each = u64::try_from(process.log_rate_limit).unwrap_or(0);
        u64::from(process.instances).saturating_mul(each)
    });
    refuse_over(
        own.fold(others, u64::saturating_add),
        most,
        "log_rate_limit exceeds organization log rate quota",
    )
}

fn check_each(limits: &QuotaLimits, processes: &[Process]) -> Result<(), ApiError> {
    let Some(most) = limits.per_process_memory_in_mb else {
        return Ok(());
    };
    for process in processes {
        let words = "memory instance_memory_limit_exceeded";
        refuse_over(u64::from(process.memory_mb), most, words)?;
    }
    Ok(())
}

async fn limits(call: &Call, app: &App) -> Result<(String, QuotaLimits), ApiError> {
    let space = call.store().space(&app.space_guid).await?;
    let space = space.ok_or_else(|| ApiError::not_found("Space"))?;
    let limits = call.store().quota_of(&space.organization_guid).await?;
    Ok((space.organization_guid, limits))
}

/// Refuses what is more than a limit; a negative limit is none.
pub(super) fn refuse_over(used: u64, most: i64, words: &str) -> Result<(), ApiError> {
    match u64::try_from(most) {
        Ok(most) if used > most => Err(ApiError::unprocessable(words)),
        Ok(_) | Err(_) => Ok(()),
    }
}
