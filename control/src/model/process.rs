//! Processes: one type of an application's programs, and when its instances must be replaced.

use super::words::words;
use super::{AppState, HealthCheck, HealthCheckKind, Micros};

/// One process of an application.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Its guid; the first `web` process has the application's.
    pub guid: String,
    /// The application that it belongs to.
    pub app_guid: String,
    /// `web`, `worker` and so on.
    pub process_type: String,
    /// The user's own command; `None`: the droplet's.
    pub command: Option<String>,
    /// How many instances are wanted.
    pub instances: u32,
    /// Memory of each instance in MB.
    pub memory_mb: u32,
    /// Disk of each instance in MB.
    pub disk_mb: u32,
    /// Bytes per second; -1 for no limit.
    pub log_rate_limit: i64,
    /// When an instance counts as alive.
    pub health_check: HealthCheck,
    /// When a living instance may serve.
    pub readiness: HealthCheck,
    /// Renewed when running instances must be replaced.
    pub version: String,
    /// The droplet that its instances run.
    pub droplet_guid: Option<String>,
    /// The deployment that made it, while that goes on.
    pub deployment_guid: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last changed.
    pub updated_at: Micros,
}

/// What a new process is made of.
#[derive(Clone, Debug)]
pub struct NewProcess<'a> {
    /// Its guid.
    pub guid: String,
    /// The application that it belongs to.
    pub app_guid: &'a str,
    /// `web`, `worker` and so on.
    pub process_type: &'a str,
    /// Its first version.
    pub version: String,
    /// When it is made.
    pub now: Micros,
}

impl Process {
    /// A process with every default: one instance for `web`, none for other types.
    #[must_use]
    pub fn new(made: NewProcess<'_>) -> Self {
        Self {
            guid: made.guid,
            app_guid: made.app_guid.to_owned(),
            process_type: made.process_type.to_owned(),
            command: None,
            instances: u32::from(made.process_type == WEB),
            memory_mb: DEFAULT_MEMORY_MB,
            disk_mb: DEFAULT_DISK_MB,
            log_rate_limit: -1,
            health_check: HealthCheck::of_process_type(made.process_type),
            readiness: HealthCheck::of_kind(HealthCheckKind::Process),
            version: made.version,
            droplet_guid: None,
            deployment_guid: None,
            created_at: made.now,
            updated_at: made.now,
        }
    }

    /// Makes the change. While the application is started, one of memory, health check type or
    /// droplet renews the version, so that running instances are replaced.
    pub fn change(&mut self, change: ProcessChange, app: AppState, fresh_version: String) {
        let before = (
            self.memory_mb,
            self.health_check.kind,
            self.droplet_guid.clone(),
        );
        self.take(change);
        let after = (
            self.memory_mb,
            self.health_check.kind,
            self.droplet_guid.clone(),
        );
        if app == AppState::Started && before != after {
            self.version = fresh_version;
        }
    }

    fn take(&mut self, change: ProcessChange) {
        if let Some(command) = change.command {
            self.command = command;
        }
        self.instances = change.instances.unwrap_or(self.instances);
        self.memory_mb = change.memory_mb.unwrap_or(self.memory_mb);
        self.disk_mb = change.disk_mb.unwrap_or(self.disk_mb);
        self.log_rate_limit = change.log_rate_limit.unwrap_or(self.log_rate_limit);
        if let Some(check) = change.health_check {
            self.health_check = check;
        }
        if let Some(check) = change.readiness {
            self.readiness = check;
        }
        if let Some(droplet) = change.droplet_guid {
            self.droplet_guid = Some(droplet);
        }
    }
}

/// What is to be different; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessChange {
    /// The user's command, or the droplet's again.
    pub command: Option<Option<String>>,
    /// How many instances are wanted.
    pub instances: Option<u32>,
    /// Memory of each instance in MB.
    pub memory_mb: Option<u32>,
    /// Disk of each instance in MB.
    pub disk_mb: Option<u32>,
    /// Bytes per second; -1 for no limit.
    pub log_rate_limit: Option<i64>,
    /// When an instance counts as alive.
    pub health_check: Option<HealthCheck>,
    /// When a living instance may serve.
    pub readiness: Option<HealthCheck>,
    /// The droplet that its instances run.
    pub droplet_guid: Option<String>,
}

words! {
    /// How far a package has come.
    PackageState {
        /// Nothing was uploaded yet.
        AwaitingUpload = "AWAITING_UPLOAD",
        /// Its bits can not be used.
        Failed = "FAILED",
        /// Its bits are being stored.
        ProcessingUpload = "PROCESSING_UPLOAD",
        /// It can be staged.
        Ready = "READY",
    }
}

words! {
    /// What a package is.
    PackageKind {
        /// The application's files in a zip.
        Bits = "bits",
        /// The name of an image.
        Docker = "docker",
    }
}

/// The type whose processes are reached through routes.
pub const WEB: &str = "web";

/// Memory of an instance that names none, in MB.
pub const DEFAULT_MEMORY_MB: u32 = 1024;

/// Disk of an instance that names none, in MB.
pub const DEFAULT_DISK_MB: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Process {
        Process::new(NewProcess {
            guid: "p".to_owned(),
            app_guid: "a",
            process_type: WEB,
            version: "v1".to_owned(),
            now: Micros(1),
        })
    }

    fn version_after(change: ProcessChange, state: AppState) -> String {
        let mut process = web();
        process.change(change, state, "v2".to_owned());
        process.version
    }

    fn more_memory() -> ProcessChange {
        ProcessChange {
            memory_mb: Some(2048),
            ..ProcessChange::default()
        }
    }

    #[test]
    fn memory_check_type_and_droplet_renew_the_version_of_a_started_app() {
        let by_process = HealthCheck::of_kind(HealthCheckKind::Process);
        for change in [
            more_memory(),
            ProcessChange {
                health_check: Some(by_process),
                ..ProcessChange::default()
            },
            ProcessChange {
                droplet_guid: Some("d".to_owned()),
                ..ProcessChange::default()
            },
        ] {
            assert_eq!(version_after(change, AppState::Started), "v2");
        }
    }

    #[test]
    fn a_stopped_app_keeps_its_version() {
        assert_eq!(version_after(more_memory(), AppState::Stopped), "v1");
    }

    #[test]
    fn the_number_of_instances_and_the_command_renew_nothing() {
        let change = ProcessChange {
            instances: Some(5),
            command: Some(Some("./run".to_owned())),
            memory_mb: Some(DEFAULT_MEMORY_MB),
            ..ProcessChange::default()
        };
        assert_eq!(version_after(change, AppState::Started), "v1");
    }
}
