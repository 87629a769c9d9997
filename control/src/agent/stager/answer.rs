//! Outcomes as the two answers that a controller waits for.

use super::build::Staged;
use crate::staging::{Failure, Fault, Limits};
use crate::wire::{StagingAnswer, StagingErrorInfo, StagingErrorKind, StagingRequest};

/// The first answer: the container's directory is there.
pub(super) fn ready(request: &StagingRequest) -> StagingAnswer {
    StagingAnswer {
        task_id: request.task_id.clone(),
        // Lines come over the bus; the address is empty, not missing, for those who look for it.
        task_streaming_log_url: Some(String::new()),
        ..StagingAnswer::default()
    }
}

/// The second answer: there is a droplet.
pub(super) fn staged(request: &StagingRequest, staged: Staged) -> StagingAnswer {
    let launch = staged.released.launch;
    let own = request.properties.meta.command.as_deref();
    let used = staged.released.buildpacks.last();
    StagingAnswer {
        task_id: request.task_id.clone(),
        app_id: Some(request.app_id.clone()),
        detected_buildpack: Some(staged.released.detected),
        buildpack_key: used.map(|used| used.name.clone()),
        droplet_sha1: Some(staged.droplet.sha1),
        sha256: Some(staged.droplet.sha256),
        size_bytes: Some(staged.droplet.bytes),
        detected_start_command: launch.start_command(own),
        procfile: launch
            .procfile
            .and_then(|types| serde_json::to_value(types).ok()),
        process_types: launch.process_types,
        buildpacks: staged.released.buildpacks,
        ..StagingAnswer::default()
    }
}

/// Either answer, when there will be no droplet.
pub(super) fn failed(
    request: &StagingRequest,
    failure: &Failure,
    limits: Limits,
    last_lines: &[String],
) -> StagingAnswer {
    let message = failure.message(limits, last_lines);
    StagingAnswer {
        task_id: request.task_id.clone(),
        app_id: Some(request.app_id.clone()),
        error: Some(message.clone()),
        error_info: Some(StagingErrorInfo {
            kind: kind(failure.fault),
            message,
        }),
        ..StagingAnswer::default()
    }
}

fn kind(fault: Fault) -> StagingErrorKind {
    match fault {
        Fault::BuildpackCompileFailed => StagingErrorKind::Compile,
        Fault::BuildpackReleaseFailed => StagingErrorKind::Release,
        Fault::NoAppDetectedError => StagingErrorKind::Detect,
        Fault::StagingError => StagingErrorKind::Staging,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_one_name_everywhere() {
        for fault in [
            Fault::BuildpackCompileFailed,
            Fault::BuildpackReleaseFailed,
            Fault::NoAppDetectedError,
            Fault::StagingError,
        ] {
            let told = serde_json::to_value(kind(fault)).unwrap();
            assert_eq!(told, fault.name());
        }
    }
}
