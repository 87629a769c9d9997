//! Running: what the rooms need is opened, served, and closed again.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use bus::{Bus, BusOptions};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{Level, error, info};

use super::error::CommandError;
use super::follow::follow;
use super::options::ControllerOptions;
use super::shared;
use crate::api::uaa::{FirstAdmin, prepare_admin, prepare_operator};
use crate::api::{self, Api, ApiParts, ApiSettings, Routes};
use crate::blobs::{Blobs, Signer};
use crate::contract::LISTENING;
use crate::controller::{
    Controller, ControllerParts, ControllerSettings, Endpoint, Orders, Presence,
};
use crate::dial::Trust;
use crate::health::HealthSettings;
use crate::logs::{Recent, RecentLimits};
use crate::sample::BusUrl;
use crate::services::{ServiceParts, ServiceSettings, Services};
use crate::store::Store;

/// Runs the API and the controller until a signal says stop.
///
/// # Errors
///
/// Fails when something that they need cannot be opened; the error says what would help.
pub fn run(options: &ControllerOptions) -> Result<(), CommandError> {
    // Another subscriber, as in a test, may have been set before.
    let _ = tracing_subscriber::fmt()
        // A log that nobody reads any more must not end us: the complaint about it would panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_max_level(Level::INFO)
        .try_init();
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime
        .map_err(CommandError::Runtime)?
        .block_on(live(options))
}

/// Everything that is open.
struct Opened {
    bus: Bus,
    store: Store,
    blobs: Blobs,
    signer: Signer,
    listener: TcpListener,
    address: SocketAddr,
    id: String,
    /// Keeps the identity from a second controller in the same directory.
    _seat: Option<File>,
}

async fn live(options: &ControllerOptions) -> Result<(), CommandError> {
    let catch = |kind| signal(kind).map_err(CommandError::Runtime);
    let mut interrupt = catch(SignalKind::interrupt())?;
    let mut terminate = catch(SignalKind::terminate())?;
    let opened = open(options).await?;
    let (stop, stopped) = watch::channel(false);
    let (controller, orders) = Controller::channel();
    let recent = Arc::new(Recent::new(RecentLimits::default()));
    let host = reachable(opened.address).to_string();
    let presence = Presence::new(&opened.id, &host, controller.clone());
    let services = Services::new(ServiceSettings {
        trust: Trust::beside(options.ca_file.as_deref()).map_err(CommandError::Authorities)?,
        ..ServiceSettings::default()
    });
    let told = (controller, services.clone());
    let api = start_api(options, &opened, told, Arc::clone(&recent)).await?;
    let mut tasks = JoinSet::new();
    let parts = ServiceParts {
        store: opened.store.clone(),
        services,
        id: opened.id.clone(),
    };
    tasks.spawn(crate::services::run(parts, stopped.clone()));
    drive(&mut tasks, options, &opened, orders, &stopped);
    tasks.spawn(report("logs", follow(opened.bus.clone(), recent)));
    announce(&mut tasks, options, &opened, &stopped);
    tasks.spawn(report(
        "presence",
        presence.clone().announce(opened.bus.clone()),
    ));
    say_where(opened.address).map_err(CommandError::Runtime)?;
    let asked = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("controller-stopping");
        stop.send_replace(true);
    };
    api::serve(opened.listener, api, shown(presence), asked).await;
    let _over = timeout(FAREWELL, farewell(&mut tasks)).await;
    opened.store.close().await;
    Ok(())
}

async fn open(options: &ControllerOptions) -> Result<Opened, CommandError> {
    let dir = &options.dir;
    fs::create_dir_all(dir).map_err(|source| file(dir, source))?;
    let (id, seat) = identity(&dir.join("controller-id"))?;
    let database = options.database.clone().unwrap_or_else(|| sqlite(dir));
    let store = Store::open(&database).await.map_err(CommandError::Store)?;
    let packages = dir.join("blobs");
    shared::check(&store, &packages).await?;
    let blobs = Blobs::local(&packages).map_err(CommandError::Blobs)?;
    let signer = signer(&store).await?;
    let address = options.listen;
    let listen = |source| CommandError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let bus = connect(&options.nats).await?;
    Ok(Opened {
        bus,
        store,
        blobs,
        signer,
        listener,
        address,
        id,
        _seat: seat,
    })
}

async fn start_api(
    options: &ControllerOptions,
    opened: &Opened,
    (controller, services): (Controller, Services),
    recent: Arc<Recent>,
) -> Result<Api, CommandError> {
    let external = external_url(options, opened.address);
    let parts = ApiParts {
        store: opened.store.clone(),
        controller,
        blobs: opened.blobs.clone(),
        signer: opened.signer.clone(),
        recent,
        services,
        settings: ApiSettings {
            app_port: options.app_port,
            ..ApiSettings::new(&options.domain, &external)
        },
    };
    let api = Api::start(parts).await.map_err(CommandError::Api)?;
    if let Some(file) = &options.operator_file {
        prepare_operator(&api, file)
            .await
            .map_err(CommandError::Api)?;
    }
    let first = match (&options.admin_user, &options.admin_password_file) {
        (Some(name), Some(password_file)) => FirstAdmin::File {
            name: name.clone(),
            password_file: password_file.clone(),
        },
        _ => FirstAdmin::Link,
    };
    let link = prepare_admin(&api, &first)
        .await
        .map_err(CommandError::Api)?;
    if let Some(path) = link {
        let link = format!("{}{path}", external.trim_end_matches('/'));
        match &options.setup_link_file {
            Some(to) => keep_secret(to, &link)?,
            None => println!("first administrator: {link}"),
        }
    }
    Ok(api)
}

fn drive(
    tasks: &mut JoinSet<()>,
    options: &ControllerOptions,
    opened: &Opened,
    orders: Orders,
    stopped: &watch::Receiver<bool>,
) {
    let address = reachable(opened.address);
    let internal = options.internal_url.clone();
    let parts = ControllerParts {
        bus: opened.bus.clone(),
        store: opened.store.clone(),
        blobs: opened.blobs.clone(),
        signer: opened.signer.clone(),
        settings: ControllerSettings {
            id: opened.id.clone(),
            api_url: external_url(options, opened.address),
            internal_url: internal.unwrap_or_else(|| format!("http://{address}")),
            stager_patience: STAGER_PATIENCE,
            health: HealthSettings::default(),
        },
    };
    let running = crate::controller::run(parts, orders, stopped.clone());
    tasks.spawn(report("controller", running));
}

fn announce(
    tasks: &mut JoinSet<()>,
    options: &ControllerOptions,
    opened: &Opened,
    stopped: &watch::Receiver<bool>,
) {
    let address = reachable(opened.address);
    let endpoint = Endpoint::of_api(address, &options.domain, &opened.id);
    let announcing = endpoint.announce(opened.bus.clone(), stopped.clone());
    tasks.spawn(report("announcer", announcing));
}

/// The routes beside the API, for operators.
fn shown(presence: Presence) -> Routes {
    let healthz = presence.healthz();
    Routes::new("Component")
        .get("/healthz", "Says that it is there", async move || healthz)
        .get("/varz", "Shows figures", async move |headers: HeaderMap| {
            presence.varz(&headers)
        })
}

/// Says when a part has ended that should not.
async fn report(part: &'static str, running: impl Future<Output = Result<(), bus::BusError>>) {
    if let Err(error) = running.await {
        error!(%error, part, "part-failed");
    }
}

async fn farewell(tasks: &mut JoinSet<()>) {
    // Two only follow what is said, and end with the bus, which is closed when all who speak are done.
    while tasks.len() > FOLLOWERS {
        let _ended = tasks.join_next().await;
    }
}

async fn connect(text: &str) -> Result<Bus, CommandError> {
    let parse = |one: &str| one.trim().parse::<BusUrl>().map_err(CommandError::BusUrl);
    let urls: Vec<BusUrl> = text.split(',').map(parse).collect::<Result<_, _>>()?;
    let shown: Vec<String> = urls.iter().map(ToString::to_string).collect();
    let credentials = urls.iter().find_map(|url| url.credentials.clone());
    let credentials = credentials.unwrap_or_default();
    let server = |url: &BusUrl| bus::connection::ServerAddr {
        host: url.host.clone(),
        port: url.port,
    };
    let options = BusOptions {
        servers: urls.iter().map(server).collect(),
        user: credentials.user,
        password: credentials.password,
        name: "switchyard controller".to_owned(),
        connect_tries: 20,
        connect_wait: Duration::from_millis(500),
        ..BusOptions::default()
    };
    Bus::connect(options)
        .await
        .map_err(|source| CommandError::Bus {
            url: shown.join(","),
            source,
        })
}

/// The key that all controllers of this database sign with.
async fn signer(store: &Store) -> Result<Signer, CommandError> {
    let fresh = uuid_text() + &uuid_text();
    let mut tx = store.begin().await.map_err(CommandError::Store)?;
    let key = tx.setting_or("file_signing_key", &fresh).await;
    let key = key.map_err(CommandError::Store)?;
    tx.commit().await.map_err(CommandError::Store)?;
    Ok(Signer::new(key.as_bytes()))
}

/// Who this controller is, the same after a restart, so that it can take up its lease at once.
///
/// The identity is this controller's while the file is open. Another controller in the same directory
/// gets an identity of its own: two with the same one would both hold the lease.
fn identity(path: &Path) -> Result<(String, Option<File>), CommandError> {
    let mut open = File::options();
    open.read(true).write(true).create(true).truncate(false);
    let mut seat = open.open(path).map_err(|source| file(path, source))?;
    if seat.try_lock().is_err() {
        return Ok((uuid_text(), None));
    }
    let mut id = String::new();
    seat.read_to_string(&mut id)
        .map_err(|source| file(path, source))?;
    if id.trim().is_empty() {
        id = uuid_text();
        fs::write(path, &id).map_err(|source| file(path, source))?;
    }
    Ok((id.trim().to_owned(), Some(seat)))
}

pub(super) fn uuid_text() -> String {
    uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string()
}

fn keep_secret(path: &Path, link: &str) -> Result<(), CommandError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{link}"));
    written.map_err(|source| file(path, source))
}

pub(super) fn file(path: &Path, source: std::io::Error) -> CommandError {
    CommandError::File {
        path: path.to_owned(),
        source,
    }
}

fn sqlite(dir: &Path) -> String {
    format!("sqlite://{}?mode=rwc", dir.join("state.db").display())
}

fn external_url(options: &ControllerOptions, address: SocketAddr) -> String {
    let given = options.external_url.clone();
    given.unwrap_or_else(|| format!("http://{}", reachable(address)))
}

/// An address that others on this machine reach, where we listen on all.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(at) if at.ip().is_unspecified() => ([127, 0, 0, 1], at.port()).into(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, at.port()).into()
        }
        other => other,
    }
}

fn say_where(address: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{LISTENING}{address}")?;
    out.flush()
}

/// How long a stager may take to make a container ready.
const STAGER_PATIENCE: Duration = Duration::from_secs(15);
/// The log follower and the presence.
const FOLLOWERS: usize = 2;
const FAREWELL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_controllers_in_one_directory_have_two_names_and_one_that_comes_back_has_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("controller-id");
        let (first, seat) = identity(&path).unwrap();
        let (second, none) = identity(&path).unwrap();
        assert!(first != second && none.is_none());
        drop(seat);
        let (again, seat) = identity(&path).unwrap();
        assert!(again == first && seat.is_some());
    }
}
