//! The first steps of an instance: droplet, files, port, container.

use std::path::Path;

use super::droplets::{DropletError, Wanted, unpack};
use super::environment::{Facts, variables, words};
use super::instance::{Blame, Crash, End, Instance};
use super::life::told;
use super::node::Node;
use super::roster::Told;
use super::runtime::{Access, ContainerSpec, Image, Labels, Role, Runtime, RuntimeError};
use crate::wire::LogStream;

/// Brings an instance to where its program runs.
pub(super) async fn begin(node: &Node, guid: &str, stop: &mut Told) -> Result<(), End> {
    let Some(instance) = node.roster.find(guid) else {
        return Err(End::Crashed(Crash::new(
            Blame::Node,
            "the instance is not known",
        )));
    };
    let start = &instance.start;
    node.say(&instance, LogStream::Out, "Fetching the droplet")
        .await;
    let wanted = Wanted {
        url: &start.executable_uri,
        sha1: start.sha1.as_deref(),
        sha256: start.sha256.as_deref(),
    };
    let droplet = tokio::select! {
        droplet = node.droplets.fetch(wanted) => droplet.map_err(damaged)?,
        reason = told(&mut stop.end) => return Err(End::Told(reason)),
    };
    let root = node.root_of(guid);
    let limit_bytes = instance.amount().disk_mb << 20;
    let (to, from) = (root.clone(), droplet);
    tokio::task::spawn_blocking(move || unpack(&from, &to, limit_bytes))
        .await
        .map_err(|error| End::Crashed(Crash::new(Blame::Node, error)))?
        .map_err(damaged)?;
    let spec = specify(node, &instance, &root).await.map_err(refused)?;
    node.say(&instance, LogStream::Out, "Creating the container")
        .await;
    let started = node.runtime.start(spec).await.map_err(refused)?;
    tracing::info!(instance = guid, pid = started.pid, "instance-started");
    Ok(())
}

async fn specify(
    node: &Node,
    instance: &Instance,
    root: &Path,
) -> Result<ContainerSpec, RuntimeError> {
    let (guid, start) = (instance.guid.as_str(), &instance.start);
    let staged = Staged::read(root);
    let image = match (&start.docker_image, staged.image) {
        (Some(own), _) => Image::Own(own.clone()),
        (None, Some(image)) => Image::StagedIn(image),
        (None, None) => Image::Default,
    };
    let command = start
        .start_command
        .clone()
        .filter(|command| !command.trim().is_empty())
        .or(staged.start_command)
        .ok_or_else(|| {
            RuntimeError::Start(
                "no start command; give one in a Procfile or with `cf push -c COMMAND`".to_owned(),
            )
        })?;
    let port = node.runtime.take_port(guid).await?;
    node.roster
        .change(guid, |instance| instance.port = Some(port));
    let seen = node.runtime.seen_root(root);
    let mut env = variables(Facts {
        start,
        instance: guid,
        ip: &node.identity.ip,
        port: Some(port),
        root: &seen,
        path: &search_path(&node.runtime),
        now: node.now(),
    });
    let (program, access) = own_program(&node.runtime)?;
    env.push(("SWITCHYARD_BIN".to_owned(), program));
    let amount = instance.amount();
    Ok(ContainerSpec {
        handle: guid.to_owned(),
        labels: Labels {
            app_guid: instance.app().to_owned(),
            instance_guid: guid.to_owned(),
            index: start.index,
            version: start.version.clone(),
            role: Role::App,
        },
        image,
        root: root.to_path_buf(),
        memory_mb: amount.memory_mb,
        disk_mb: amount.disk_mb,
        max_open_files: u64::try_from(start.limits.fds).unwrap_or(0),
        env,
        command: words(&command),
        stdout: root.join("logs/stdout.log"),
        stderr: root.join("logs/stderr.log"),
        port: Some(port),
        access,
    })
}

/// Where programs are looked for: on the node as the agent does, in an image as images have it.
pub(super) fn search_path(runtime: &Runtime) -> String {
    match runtime {
        Runtime::Process(_) => std::env::var("PATH").unwrap_or_else(|_| SEARCH_PATH.to_owned()),
        Runtime::Docker(_) => SEARCH_PATH.to_owned(),
    }
}

/// Where a container finds our own program, which serves sites, and what it must be shown for that.
fn own_program(runtime: &Runtime) -> Result<(String, Access), RuntimeError> {
    let program = std::env::current_exe().map_err(|source| RuntimeError::Io {
        path: "/proc/self/exe".into(),
        source,
    })?;
    let mut access = Access::default();
    let seen = match (runtime, program.parent(), program.file_name()) {
        (Runtime::Docker(_), Some(dir), Some(name)) => {
            let inside = Path::new(PROGRAMS);
            access.read_only.push((dir.to_path_buf(), inside.into()));
            inside.join(name)
        }
        (Runtime::Docker(_) | Runtime::Process(_), _, _) => program.clone(),
    };
    Ok((seen.to_string_lossy().into_owned(), access))
}

/// What staging has left in the droplet for us.
#[derive(Default, serde::Deserialize)]
struct Staged {
    start_command: Option<String>,
    image: Option<String>,
}

impl Staged {
    fn read(root: &Path) -> Self {
        let text = std::fs::read_to_string(root.join("staging_info.yml")).unwrap_or_default();
        // A droplet that somebody made elsewhere may hold anything in that file, or nothing.
        let staged: Self = serde_saphyr::from_str(&text).unwrap_or_default();
        let told = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            start_command: told(staged.start_command),
            image: told(staged.image),
        }
    }
}

fn damaged(error: DropletError) -> End {
    let blame = match &error {
        DropletError::TooLarge { .. } => Blame::App,
        DropletError::Archive(_)
        | DropletError::Digest { .. }
        | DropletError::Disk(_)
        | DropletError::Download(_)
        | DropletError::Entry(_)
        | DropletError::NoDigest => Blame::Node,
    };
    End::Crashed(Crash::new(blame, error))
}

fn refused(error: RuntimeError) -> End {
    End::Crashed(Crash::new(Blame::Node, error))
}

/// Where an image finds the programs of the platform.
const PROGRAMS: &str = "/opt/switchyard/bin";
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
