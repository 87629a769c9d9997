//! The subjects of the platform, spelt here and nowhere else.

/// An agent has started.
pub const AGENT_START: &str = "dea.start";
/// An agent says what it can still take.
pub const AGENT_ADVERTISE: &str = "dea.advertise";
/// A controller asks every agent to advertise at once.
pub const AGENT_LOCATE: &str = "dea.locate";
/// A request: every agent says how much it has in use.
pub const AGENT_STATUS: &str = "dea.status";
/// An agent takes nothing any more.
pub const AGENT_SHUTDOWN: &str = "dea.shutdown";
/// Instances are to end.
pub const STOP: &str = "dea.stop";
/// The routes or the version of a process have changed.
pub const UPDATE: &str = "dea.update";
/// A request: which instances are there, and what do they use?
pub const FIND: &str = "dea.find.droplet";
/// An agent lists its instances.
pub const HEARTBEAT: &str = "dea.heartbeat";

/// An instance has ended.
pub const EXITED: &str = "droplet.exited";
/// The desired state of a process was written.
pub const UPDATED: &str = "droplet.updated";

/// An agent says that it can stage.
pub const STAGING_ADVERTISE: &str = "staging.advertise";
/// A controller asks every stager to advertise at once.
pub const STAGING_LOCATE: &str = "staging.locate";
/// Staging of an application is to end.
pub const STAGING_STOP: &str = "staging.stop";
/// The buildpacks that stagers should have at hand.
pub const BUILDPACKS: &str = "buildpacks";

/// The health reconciler is up.
pub const RECONCILER_START: &str = "healthmanager.start";
/// A request: which instances have crashed, which indices flap?
pub const RECONCILER_STATUS: &str = "healthmanager.status";
/// A request: how many instances are healthy?
pub const RECONCILER_HEALTH: &str = "healthmanager.health";
/// A request: everything that is known of some processes.
pub const RECONCILER_PROCESS: &str = "healthmanager.droplet";
/// An instance is to be started.
pub const HEALTH_START: &str = "health.start";
/// Instances are to be stopped.
pub const HEALTH_STOP: &str = "health.stop";
/// The pool of nodes is too small.
pub const HEALTH_SCALE: &str = "health.scale";

/// A component says once that it is there.
pub const COMPONENT_ANNOUNCE: &str = "vcap.component.announce";
/// A request: every component says that it is there.
pub const COMPONENT_DISCOVER: &str = "vcap.component.discover";

/// What a controller subscribes to for the log records of all applications.
pub const ALL_LOGS: &str = "switchyard.logs.>";

/// The queue group in which one of several controllers takes a request of the health reconciler.
pub const QUEUE_CONTROLLERS: &str = "cc";
/// The queue group in which one of several controllers records an exit.
pub const QUEUE_EXITS: &str = "crash_event_registration";

/// Where the agent `id` takes new instances.
pub fn start(id: &str) -> String {
    format!("dea.{id}.start")
}

/// Where the agent `id` takes staging requests.
pub fn staging_start(id: &str) -> String {
    format!("staging.{id}.start")
}

/// Where agents claim the name of a node.
pub fn node(name: &str) -> String {
    format!("switchyard.node.{name}")
}

/// Where the log records of the application `app` are said.
pub fn logs(app: &str) -> String {
    format!("switchyard.logs.{app}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_agent_is_spoken_to_under_its_id() {
        assert_eq!(start("0-af"), "dea.0-af.start");
        assert_eq!(staging_start("0-af"), "staging.0-af.start");
        assert_eq!(node("6f1b"), "switchyard.node.6f1b");
        assert_eq!(logs("6f1b"), "switchyard.logs.6f1b");
    }
}
