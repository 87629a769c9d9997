//! One run of the agent: from its command line to its end.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bus::{Bus, BusError};
use rustix::fs::{FlockOperation, flock};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tracing::{Level, info};

use super::admission::Admission;
use super::begin::search_path;
use super::capacity::capacity;
use super::clear::clear;
use super::droplets::Droplets;
use super::ears::Ears;
use super::environment::date;
use super::error::AgentError;
use super::files::Secret;
use super::name::{NodeName, Origin};
use super::node::{Identity, Node, VERSION};
use super::options::{AgentOptions, RuntimeKind};
use super::recovery::recover;
use super::roster::Roster;
use super::routes::{Endpoint, FILES, Routes};
use super::runtime::{
    DockerOptions, DockerRuntime, ProcessOptions, ProcessRuntime, Runtime, RuntimeError, disown,
};
use super::service::Service;
use super::signals::Signals;
use super::snapshot::Snapshot;
use super::stager::{Stager, StagerError, StagerOptions};
use super::status;
use crate::bus_url::bus_options;
use crate::component::Component;
use crate::dial::Trust;
use crate::logs::Tail;
use crate::wire::{AgentHello, subject};

/// Runs the agent until a signal ends it.
///
/// # Errors
///
/// Fails when its directory, the bus or the containers' engine is not to be had.
pub fn run(options: &AgentOptions) -> Result<(), AgentError> {
    // Somebody who uses the library may listen to events already; then that is where ours go.
    let _ = tracing_subscriber::fmt()
        // A log that nobody reads any more must not end us: the complaint about it would panic.
        .log_internal_errors(false)
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .try_init();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AgentError::Start)?;
    runtime.block_on(serve(options))
}

async fn serve(options: &AgentOptions) -> Result<(), AgentError> {
    // Before anything else: an agent that is told to end while it starts must not leave what an
    // earlier one left.
    let mut signals = Signals::catch().map_err(AgentError::Start)?;
    if options.clear.is_some() && !options.dir.exists() {
        return Ok(());
    }
    let dir = prepare(&options.dir)?;
    let trust = Trust::beside(options.ca_file.as_deref()).map_err(AgentError::Authorities)?;
    let bus_options = bus_options(&options.nats, "switchyard-agent").map_err(AgentError::BusUrl)?;
    let lock = lock(&dir).await?;
    let (name, origin) = settle(&dir, &lock)?;
    let runtime = runtime(options, &dir).await.map_err(AgentError::Runtime)?;
    let snapshot = Snapshot::open(&dir).map_err(at(&dir))?;
    if let Some(seconds) = options.clear {
        return clear(&runtime, &snapshot, Duration::from_secs(seconds)).await;
    }
    let bus = tokio::select! {
        bus = Bus::connect(bus_options) => bus.map_err(AgentError::Bus)?,
        _asked = signals.next() => return clear(&runtime, &snapshot, GRACE).await,
    };
    let listener = status::listen(options.ip)
        .await
        .map_err(AgentError::Start)?;
    let mut tasks = JoinSet::new();
    let (routes, speaking) = Routes::new(bus.clone());
    tasks.spawn(speaking);
    let identity = identify(options, &listener)?;
    let node = Arc::new(Node {
        admission: Admission::new(capacity(options, &dir)),
        droplets: Droplets::open(dir.join("droplets"), trust.clone()).map_err(at(&dir))?,
        roster: Roster::default(),
        last_answers: Duration::from_secs(options.last_answers),
        secret: Secret::fresh(),
        closed: AtomicBool::new(false),
        tail: Tail::new(bus.clone()),
        identity,
        name,
        runtime,
        routes,
        bus,
        dir,
    });
    let component = component(&node, options.index);
    let shown = status::serve(listener, component.clone(), Arc::clone(&node));
    tasks.spawn(shown);
    let ears = listen(&node).await.map_err(AgentError::Subscribe)?;
    let mut lives = JoinSet::new();
    recover(&node, &snapshot, origin, &mut lives).await?;
    let stager = stager(&node, trust).await.map_err(AgentError::Stager)?;
    let (staging, told) = watch::channel(false);
    let mut builds = JoinSet::new();
    builds.spawn(stager.run(told));
    greet(&node, &component).await;
    show_files(&node, options).await;
    let service = Service::new(node, snapshot, component, staging, options);
    service.run(signals, ears, lives).await;
    while builds.join_next().await.is_some() {}
    tasks.abort_all();
    Ok(())
}

/// Finds out under which name this node is known, and whether all that is written here is its own.
fn settle(dir: &Path, lock: &File) -> Result<(NodeName, Origin), AgentError> {
    let (name, origin) = NodeName::open(dir, lock).map_err(at(dir))?;
    if origin == Origin::Copy {
        // Before an engine takes them for its own: they may be those of a neighbour's instances.
        disown(&dir.join(CONTAINERS), dir).map_err(AgentError::Runtime)?;
    }
    Ok((name, origin))
}

async fn listen(node: &Node) -> Result<Ears, BusError> {
    let mut ears = Ears::open(&node.bus, &node.identity.id).await?;
    ears.hear_claims(&node.bus, &node.name.now()).await?;
    Ok(ears)
}

/// How this agent shows itself to operators.
fn component(node: &Node, index: u32) -> Component {
    let Identity {
        id, status_addr, ..
    } = &node.identity;
    Component::new("DEA", index, id, status_addr.clone(), date(node.now()))
}

async fn stager(node: &Node, trust: Trust) -> Result<Stager, StagerError> {
    let options = StagerOptions {
        id: node.identity.id.clone(),
        ip: node.identity.ip.clone(),
        stacks: node.identity.stacks.clone(),
        placement: node.identity.placement(),
        dir: node.dir.join("staging"),
        path: search_path(&node.runtime),
        trust,
    };
    let (bus, runtime) = (node.bus.clone(), node.runtime.clone());
    Stager::start(options, bus, runtime, node.admission.clone()).await
}

async fn greet(node: &Node, component: &Component) {
    let hello = AgentHello {
        id: node.identity.id.clone(),
        ip: node.identity.ip.clone(),
        version: VERSION.to_owned(),
    };
    node.publish(subject::AGENT_START, &hello).await;
    node.claim().await;
    node.publish(subject::COMPONENT_ANNOUNCE, &component.announcement)
        .await;
    let kind = node.runtime.name();
    info!(id = node.identity.id, runtime = kind, "agent-started");
}

/// Has the routers lead to the files of instances.
async fn show_files(node: &Node, options: &AgentOptions) {
    let port = node.identity.status_addr.rsplit(':').next();
    let port = port.and_then(|port| port.parse().ok());
    if let (Some(domain), Some(port)) = (&options.files_domain, port) {
        let Identity { id, index, .. } = &node.identity;
        let domain = domain.split(':').next().unwrap_or(domain);
        let endpoint = Endpoint {
            host: node.identity.host(),
            port,
            uris: vec![format!("{id}.{domain}")],
            app: String::new(),
            process: String::new(),
            instance: id.clone(),
            index: 0,
            component: format!("dir-server-{index}"),
            options: Default::default(),
            availability_zone: options.availability_zone.clone().unwrap_or_default(),
        };
        node.routes.set(FILES, Some(endpoint)).await;
    }
}

fn identify(options: &AgentOptions, listener: &TcpListener) -> Result<Identity, AgentError> {
    let status_addr = listener.local_addr().map_err(AgentError::Start)?;
    let id = format!("{}-{:032x}", options.index, rand::random::<u128>());
    let files_base = match &options.files_domain {
        Some(domain) => format!("http://{id}.{domain}"),
        None => format!("http://{status_addr}"),
    };
    Ok(Identity {
        id,
        files_base,
        index: options.index,
        ip: options.ip.to_string(),
        stacks: options.stacks.clone(),
        zones: options.zones.clone(),
        availability_zone: options.availability_zone.clone(),
        status_addr: status_addr.to_string(),
    })
}

async fn runtime(options: &AgentOptions, dir: &Path) -> Result<Runtime, RuntimeError> {
    let docker = async || {
        let docker = DockerOptions {
            images: options.docker_images.clone(),
            egress: options.egress(),
            max_processes: options.max_processes,
            ip: options.ip.to_string(),
            node: dir.to_path_buf(),
        };
        DockerRuntime::open(docker).await.map(Runtime::Docker)
    };
    let process = || {
        if !options.block_network_ips.is_empty() {
            let reason = "plain processes have the node's own network";
            return Err(RuntimeError::Fence(reason.to_owned()));
        }
        let program = std::env::current_exe().map_err(|source| RuntimeError::Io {
            path: "/proc/self/exe".into(),
            source,
        })?;
        let process = ProcessOptions {
            dir: dir.join(CONTAINERS),
            program,
            max_processes: options.max_processes,
        };
        ProcessRuntime::open(process).map(Runtime::Process)
    };
    match options.runtime {
        RuntimeKind::Docker => docker().await,
        RuntimeKind::Process => process(),
        RuntimeKind::Auto => match docker().await {
            Ok(docker) => Ok(docker),
            Err(error) => {
                info!(%error, "docker-not-used; instances are plain processes, not isolated");
                process()
            }
        },
    }
}

/// Makes the agent's directory and says where it really is: containers see it by its full path.
fn prepare(dir: &Path) -> Result<std::path::PathBuf, AgentError> {
    for below in ["instances", "offsets", "staging"] {
        fs::create_dir_all(dir.join(below)).map_err(at(dir))?;
    }
    dir.canonicalize().map_err(at(dir))
}

/// Keeps other agents away from the directory, for as long as the file is open.
///
/// One that is ending there, perhaps because its supervisor was killed, is waited for.
async fn lock(dir: &Path) -> Result<File, AgentError> {
    let file = File::create(dir.join("agent.lock")).map_err(at(dir))?;
    let begun = Instant::now();
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if begun.elapsed() > PREDECESSOR {
            return Err(AgentError::InUse(dir.to_path_buf()));
        }
        sleep(LOCK_PACE).await;
    }
    Ok(file)
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> AgentError {
    let path = path.to_path_buf();
    |source| AgentError::Directory { path, source }
}

/// Where the engine of plain processes keeps its records, below the agent's directory.
const CONTAINERS: &str = "containers";
/// What an instance is given to end in when no bus was there to tell of it.
const GRACE: Duration = Duration::from_secs(10);
/// How long an agent before us may take to end: the usual grace of an instance, and a little.
const PREDECESSOR: Duration = Duration::from_secs(15);
const LOCK_PACE: Duration = Duration::from_millis(50);
