//! A container in Docker's words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bollard::models::{
    ContainerCreateBody, HostConfig, PortBinding, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::labels;
use crate::agent::runtime::contract::{ContainerSpec, PortRequest};

/// What the node adds to each container.
#[derive(Clone, Debug)]
pub(super) struct Terms<'a> {
    pub(super) image: &'a str,
    /// `UID:GID` of its processes.
    pub(super) user: String,
    pub(super) max_processes: u64,
    /// The address of the node that its port is opened on.
    pub(super) ip: &'a str,
    pub(super) node: &'a Path,
    /// The network that it is in, when that is not the Engine's own.
    pub(super) network: Option<&'a str>,
}

/// Where a container sees its root.
pub(super) const SEEN_ROOT: &str = "/home/vcap";

/// The request that creates the container.
pub(super) fn create(spec: &ContainerSpec, terms: &Terms<'_>) -> ContainerCreateBody {
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let memory = (spec.memory_mb > 0).then(|| whole(spec.memory_mb.saturating_mul(1 << 20)));
    let files = (spec.max_open_files > 0).then(|| {
        vec![ResourcesUlimits {
            name: Some("nofile".to_owned()),
            soft: Some(whole(spec.max_open_files)),
            hard: Some(whole(spec.max_open_files)),
        }]
    });
    let host = HostConfig {
        memory,
        // The same as memory: no swap, or the limit would be no limit.
        memory_swap: memory,
        cpu_shares: Some(whole((spec.memory_mb / 8).clamp(2, 256))),
        pids_limit: Some(whole(terms.max_processes)),
        ulimits: files,
        binds: Some(binds(spec)),
        network_mode: terms.network.map(str::to_owned),
        port_bindings: spec.port.map(|port| bindings(port, terms.ip)),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(terms.image.to_owned()),
        user: Some(terms.user.clone()),
        env: Some(
            spec.env
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        ),
        entrypoint: Some(vec!["/bin/sh".to_owned()]),
        cmd: Some(command(spec)),
        working_dir: Some(SEEN_ROOT.to_owned()),
        exposed_ports: spec.port.map(|port| vec![tcp(port)]),
        labels: Some(labels::write(spec, terms.node)),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// The first process of a container ignores signals that it does not catch, and must reap orphans.
/// A shell is that process, so that programs need not know; it passes SIGTERM to all of them.
const FIRST: &str = r#"exec >>"$1" 2>>"$2"
shift 2
trap 'kill -TERM -1' TERM
"$@" &
child=$!
wait "$child"
status=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; status=$?; done
exit "$status"
"#;

fn command(spec: &ContainerSpec) -> Vec<String> {
    let mut words = vec!["-c".to_owned(), FIRST.to_owned(), "first".to_owned()];
    for file in [&spec.stdout, &spec.stderr] {
        words.push(seen(&spec.root, file).display().to_string());
    }
    words.extend(spec.command.iter().cloned());
    words
}

fn binds(spec: &ContainerSpec) -> Vec<String> {
    let mut binds = vec![format!("{}:{SEEN_ROOT}", spec.root.display())];
    for (host, inside) in &spec.access.read_only {
        binds.push(format!("{}:{}:ro", host.display(), inside.display()));
    }
    for (host, inside) in &spec.access.writable {
        binds.push(format!("{}:{}", host.display(), inside.display()));
    }
    binds
}

fn bindings(port: PortRequest, ip: &str) -> HashMap<String, Option<Vec<PortBinding>>> {
    let binding = PortBinding {
        host_ip: Some(ip.to_owned()),
        host_port: Some(port.external.to_string()),
    };
    HashMap::from([(tcp(port), Some(vec![binding]))])
}

fn tcp(port: PortRequest) -> String {
    format!("{}/tcp", port.internal)
}

/// A file below the root, as the container sees it.
fn seen(root: &Path, file: &Path) -> PathBuf {
    match file.strip_prefix(root) {
        Ok(below) => Path::new(SEEN_ROOT).join(below),
        Err(_) => file.to_path_buf(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::agent::runtime::contract::{Access, Image, Labels, Role};

    pub(in super::super) fn spec() -> ContainerSpec {
        ContainerSpec {
            handle: "i1".into(),
            labels: Labels {
                app_guid: "a".into(),
                instance_guid: "i1".into(),
                index: 3,
                version: "v".into(),
                role: Role::App,
            },
            image: Image::Default,
            root: "/srv/i1".into(),
            memory_mb: 64,
            disk_mb: 128,
            max_open_files: 256,
            env: vec![("A".into(), "b=c".into())],
            command: vec!["run".into(), "it".into()],
            stdout: "/srv/i1/logs/stdout.log".into(),
            stderr: "/srv/i1/logs/stderr.log".into(),
            port: Some(PortRequest {
                internal: 8080,
                external: 61234,
            }),
            access: Access {
                read_only: vec![("/srv/buildpacks".into(), "/buildpacks".into())],
                writable: Vec::new(),
            },
        }
    }

    #[test]
    fn a_container_has_its_limits_its_directory_and_its_port() {
        let terms = Terms {
            image: "base",
            user: "2000:2000".into(),
            max_processes: 512,
            ip: "10.0.0.1",
            node: Path::new("/var/agent"),
            network: None,
        };
        let body = create(&spec(), &terms);
        let host = body.host_config.unwrap();
        assert_eq!(host.memory, Some(64 << 20));
        assert_eq!(host.memory_swap, host.memory);
        assert_eq!((host.pids_limit, host.cpu_shares), (Some(512), Some(8)));
        assert_eq!(
            host.binds.unwrap(),
            ["/srv/i1:/home/vcap", "/srv/buildpacks:/buildpacks:ro"]
        );
        let bindings = host.port_bindings.unwrap();
        let binding = bindings["8080/tcp"].as_ref().unwrap();
        assert_eq!(binding[0].host_port.as_deref(), Some("61234"));
        let words = body.cmd.unwrap();
        assert_eq!(words[3], "/home/vcap/logs/stdout.log");
        assert_eq!(words[5..], ["run", "it"]);
    }
}
