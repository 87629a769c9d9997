//! One instance: what is known of it, and what its end is called.

use serde::{Deserialize, Serialize};

use super::admission::Amount;
use super::runtime::{Cause, PortRequest};
use crate::model::Micros;
use crate::wire::{ExitReason, HeartbeatInstance, InstanceState, StartMessage, Stop};

/// What is known of an instance; written to the snapshot as it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Instance {
    /// Its own guid; the container's name too.
    pub(super) guid: String,
    /// What it was started from; version and routes as they are now.
    pub(super) start: StartMessage,
    pub(super) state: InstanceState,
    /// Since when it is in that state, in microseconds since 1970.
    pub(super) since_micros: i64,
    /// When it was admitted.
    pub(super) admitted_micros: i64,
    pub(super) port: Option<PortRequest>,
    /// Whether it is registered at the routers.
    pub(super) routable: bool,
}

impl Instance {
    pub(super) fn new(guid: String, start: StartMessage, now: Micros) -> Self {
        Self {
            guid,
            start,
            state: InstanceState::Born,
            since_micros: now.0,
            admitted_micros: now.0,
            port: None,
            routable: false,
        }
    }

    /// What it takes of the node.
    pub(super) fn amount(&self) -> Amount {
        amount(&self.start)
    }

    /// Whether it is there for the controllers.
    pub(super) fn is_told(&self) -> bool {
        matches!(
            self.state,
            InstanceState::Born
                | InstanceState::Starting
                | InstanceState::Running
                | InstanceState::Evacuating
                | InstanceState::Crashed
        )
    }

    /// Whether it takes room.
    pub(super) fn is_live(&self) -> bool {
        !matches!(self.state, InstanceState::Crashed | InstanceState::Stopped)
    }

    /// The app; an older controller names only the process, which is the app then.
    pub(super) fn app(&self) -> &str {
        let told = self.start.vcap_application.get("application_id");
        let told = told.and_then(|guid| guid.as_str()).unwrap_or_default();
        [self.start.app.as_str(), told, &self.start.process]
            .into_iter()
            .find(|guid| !guid.is_empty())
            .unwrap_or_default()
    }

    /// Who speaks in its log, as in `APP/PROC/WEB`.
    pub(super) fn source_type(&self) -> String {
        match self.start.process_type.as_str() {
            "" => "APP/PROC/WEB".to_owned(),
            kind => format!("APP/PROC/{}", kind.to_uppercase()),
        }
    }

    /// Whether a selector means it: every given condition holds.
    pub(super) fn matches(&self, selector: &Stop) -> bool {
        let start = &self.start;
        let version = selector.version.as_ref();
        let (guids, indices) = (selector.instances.as_ref(), selector.indices.as_ref());
        start.process == selector.process
            && version.is_none_or(|version| *version == start.version)
            && guids.is_none_or(|guids| guids.contains(&self.guid))
            && indices.is_none_or(|indices| indices.contains(&start.index))
            && selector
                .states
                .as_ref()
                .is_none_or(|states| states.contains(&self.told_state()))
    }

    /// The state as controllers know it.
    pub(super) fn told_state(&self) -> InstanceState {
        match self.state {
            InstanceState::Born => InstanceState::Starting,
            state => state,
        }
    }

    pub(super) fn heartbeat(&self) -> HeartbeatInstance {
        HeartbeatInstance {
            process: self.start.process.clone(),
            version: self.start.version.clone(),
            instance: self.guid.clone(),
            index: self.start.index,
            state: self.told_state(),
            state_timestamp: seconds(self.since_micros),
            cc_partition: self.start.cc_partition.clone(),
            routable: Some(self.routable),
        }
    }
}

/// What a start message asks of the node.
pub(super) fn amount(start: &StartMessage) -> Amount {
    let at_least_0 = |n: i64| u64::try_from(n).unwrap_or(0);
    Amount {
        memory_mb: at_least_0(start.limits.mem),
        disk_mb: at_least_0(start.limits.disk),
    }
}

/// Seconds since 1970 with a fraction, as on the wire.
pub(super) fn seconds(micros: i64) -> f64 {
    // What a double cannot tell apart is less than a microsecond until the year 2255.
    micros as f64 / 1e6
}

/// How the life of an instance ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum End {
    Crashed(Crash),
    /// It was told to.
    Told(ExitReason),
}

/// Why an instance crashed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Crash {
    /// -1 when that is not what ended it.
    pub(super) status: i32,
    pub(super) text: String,
    pub(super) blame: Blame,
}

/// Whose fault a crash is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Blame {
    App,
    Node,
}

impl Crash {
    /// A crash that is no process's exit.
    pub(super) fn new(blame: Blame, text: impl ToString) -> Self {
        Self {
            status: -1,
            text: text.to_string(),
            blame,
        }
    }

    /// A crash by the end of the program, with its last words.
    pub(super) fn of(cause: &Cause, last_words: Option<String>) -> Self {
        let mut text = match cause {
            Cause::Code(code) => format!("app instance exited (exit status {code})"),
            Cause::Signal(signal) => format!("app instance exited (killed by signal {signal})"),
            Cause::OutOfMemory { limit_mb } => {
                format!("out of memory (limit {limit_mb} MB)")
            }
            Cause::TooManyProcesses { limit } => format!("too many processes (limit {limit})"),
            Cause::Lost => "app instance exited (nobody saw how)".to_owned(),
        };
        if let Some(words) = last_words {
            text.push_str(": ");
            text.push_str(&words);
        }
        Self {
            status: cause.exit_status(),
            text,
            blame: Blame::App,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Instance {
        let start = StartMessage {
            process: "p".into(),
            version: "v".into(),
            index: 2,
            ..StartMessage::default()
        };
        Instance::new("i".into(), start, Micros(0))
    }

    fn selector() -> Stop {
        Stop {
            process: "p".into(),
            ..Stop::default()
        }
    }

    #[test]
    fn a_selector_means_only_what_meets_all_its_conditions() {
        let instance = instance();
        assert!(instance.matches(&selector()));
        let hit = Stop {
            version: Some("v".into()),
            instances: Some(vec!["i".into()]),
            indices: Some(vec![2]),
            states: Some(vec![InstanceState::Starting]),
            ..selector()
        };
        assert!(instance.matches(&hit));
        for miss in [
            Stop {
                process: "q".into(),
                ..hit.clone()
            },
            Stop {
                version: Some("w".into()),
                ..hit.clone()
            },
            Stop {
                instances: Some(vec!["j".into()]),
                ..hit.clone()
            },
            Stop {
                indices: Some(vec![]),
                ..hit.clone()
            },
            Stop {
                states: Some(vec![InstanceState::Crashed]),
                ..hit
            },
        ] {
            assert!(!instance.matches(&miss), "{miss:?}");
        }
    }

    #[test]
    fn an_exit_is_told_with_the_last_words() {
        let crash = Crash::of(&Cause::Code(3), Some("no such module".into()));
        assert_eq!(
            crash.text,
            "app instance exited (exit status 3): no such module"
        );
        assert_eq!(crash.status, 3);
        let crash = Crash::of(&Cause::OutOfMemory { limit_mb: 64 }, None);
        assert_eq!(
            (crash.text.as_str(), crash.status),
            ("out of memory (limit 64 MB)", -1)
        );
    }

    #[test]
    fn the_app_is_the_process_when_nothing_else_is_told() {
        let mut instance = instance();
        assert_eq!(instance.app(), "p");
        instance.start.app = "a".into();
        assert_eq!(instance.app(), "a");
    }
}
