//! What the runtime promises, kept by Docker.

use std::path::Path;
use std::time::Duration;

use control::agent::runtime::{
    Access, Cause, ContainerSpec, DockerOptions, DockerRuntime, Egress, Image, Labels, Role,
    Runtime, RuntimeError,
};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::image::{IMAGE, is_there};

pub(crate) async fn open(dir: &Path) -> Runtime {
    open_with(dir, Egress::default()).await
}

pub(crate) async fn open_with(dir: &Path, egress: Egress) -> Runtime {
    let options = DockerOptions {
        images: vec![IMAGE.to_owned()],
        egress,
        max_processes: 64,
        ip: "127.0.0.1".to_owned(),
        node: dir.to_path_buf(),
    };
    Runtime::Docker(DockerRuntime::open(options).await.unwrap())
}

pub(crate) async fn spec(
    runtime: &Runtime,
    dir: &TempDir,
    handle: &str,
    script: &str,
) -> ContainerSpec {
    let root = dir.path().join(handle);
    std::fs::create_dir_all(root.join("logs")).unwrap();
    ContainerSpec {
        handle: handle.to_owned(),
        labels: Labels {
            app_guid: "a".into(),
            instance_guid: handle.to_owned(),
            index: 1,
            version: "v".into(),
            role: Role::App,
        },
        image: Image::Default,
        memory_mb: 64,
        disk_mb: 64,
        max_open_files: 256,
        env: vec![("GREETING".into(), "hello".into())],
        command: vec!["/bin/bash".into(), "-c".into(), script.to_owned()],
        stdout: root.join("logs/stdout.log"),
        stderr: root.join("logs/stderr.log"),
        port: Some(runtime.take_port(handle).await.unwrap()),
        access: Access::default(),
        root,
    }
}

/// A name that no other run of the tests uses.
pub(crate) fn handle() -> String {
    format!("test-{:016x}", rand::random::<u64>())
}

pub(crate) async fn ended(runtime: &Runtime, handle: &str) -> Cause {
    let waiting = timeout(Duration::from_secs(60), runtime.wait(handle));
    waiting.await.unwrap().unwrap().cause
}

#[tokio::test]
async fn a_container_has_its_environment_its_limits_and_its_status() {
    if !is_there() {
        return;
    }
    let (dir, name) = (tempfile::tempdir().unwrap(), handle());
    let runtime = open(dir.path()).await;
    let script = "echo $GREETING; ulimit -n; id -u; echo oops >&2; exit 5";
    let spec = spec(&runtime, &dir, &name, script).await;
    let (stdout, stderr) = (spec.stdout.clone(), spec.stderr.clone());
    runtime.start(spec).await.unwrap();
    assert_eq!(ended(&runtime, &name).await, Cause::Code(5));
    let said = std::fs::read_to_string(stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..2], ["hello", "256"]);
    assert_ne!(lines[2], "0");
    assert_eq!(std::fs::read_to_string(stderr).unwrap(), "oops\n");
    runtime.remove(&name).await.unwrap();
    assert!(runtime.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_program_without_handlers_ends_at_the_first_signal() {
    if !is_there() {
        return;
    }
    let (dir, name) = (tempfile::tempdir().unwrap(), handle());
    let runtime = open(dir.path()).await;
    let spec = spec(&runtime, &dir, &name, "exec sleep 600").await;
    runtime.start(spec).await.unwrap();
    runtime.stop(&name, Duration::from_secs(60)).await.unwrap();
    assert_eq!(ended(&runtime, &name).await, Cause::Signal(15));
    runtime.remove(&name).await.unwrap();
}

#[tokio::test]
async fn too_much_memory_is_out_of_memory() {
    if !is_there() {
        return;
    }
    let (dir, name) = (tempfile::tempdir().unwrap(), handle());
    let runtime = open(dir.path()).await;
    let hog = "python3 -c 'x = bytearray(200 << 20)'; sleep 600";
    let spec = spec(&runtime, &dir, &name, &format!("exec {hog}")).await;
    runtime.start(spec).await.unwrap();
    assert_eq!(
        ended(&runtime, &name).await,
        Cause::OutOfMemory { limit_mb: 64 }
    );
    runtime.remove(&name).await.unwrap();
}

#[tokio::test]
async fn another_engine_of_the_same_agent_finds_its_containers_by_their_labels() {
    if !is_there() {
        return;
    }
    let (dir, name) = (tempfile::tempdir().unwrap(), handle());
    let runtime = open(dir.path()).await;
    let spec = spec(&runtime, &dir, &name, "exec sleep 600").await;
    let (labels, port) = (spec.labels.clone(), spec.port);
    runtime.start(spec).await.unwrap();

    let again = open(dir.path()).await;
    let found = again.list().await.unwrap();
    assert_eq!((found.len(), found[0].running), (1, true));
    assert_eq!((&found[0].labels, found[0].port), (&labels, port));
    let other = tempfile::tempdir().unwrap();
    assert!(open(other.path()).await.list().await.unwrap().is_empty());
    again.remove(&name).await.unwrap();
    assert!(again.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_container_that_is_not_named_after_its_instance_is_found_and_removed() {
    if !is_there() {
        return;
    }
    let (dir, name) = (tempfile::tempdir().unwrap(), handle());
    let runtime = open(dir.path()).await;
    let mut spec = spec(&runtime, &dir, &name, "exec sleep 600").await;
    spec.labels.instance_guid = "the-task".into();
    spec.labels.role = Role::Stage;
    runtime.start(spec).await.unwrap();
    let found = runtime.list().await.unwrap();
    assert_eq!((found.len(), found[0].handle.as_str()), (1, name.as_str()));
    runtime.remove(&found[0].handle).await.unwrap();
    assert!(runtime.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_missing_image_is_named_and_leaves_nothing_behind() {
    if !is_there() {
        return;
    }
    let (dir, name) = (tempfile::tempdir().unwrap(), handle());
    let runtime = open(dir.path()).await;
    let mut spec = spec(&runtime, &dir, &name, "true").await;
    spec.image = Image::Own("switchyard/no-such-image:none".into());
    let refused = runtime.start(spec).await.unwrap_err();
    assert!(matches!(refused, RuntimeError::NoImage(ref image) if image.contains("no-such")));
    assert!(runtime.list().await.unwrap().is_empty());
}
