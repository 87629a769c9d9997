//! The cloud: the parts of one micro cloud, from their start to their end.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::server::{RunningServer, Server, ServerOptions};
use hyper::StatusCode;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::MicroError;
use super::backoff::Next;
use super::child::{Child, Death, Spec};
use super::directory::Directory;
use super::options::{MicroOptions, own_program};
use super::plan::{Plan, local};
use super::screen::{Opening, Part, Screen};
use super::settings::Settings;
use super::tail::Tail;
use crate::contract::{INSTANCE_HEADER, LISTENING};
use crate::fetch;

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) plan: Plan,
    pub(super) router: Child,
    pub(super) deaths: mpsc::Receiver<Death>,
    sample: Child,
    bus: RunningServer,
    directory: Directory,
}

impl Cloud {
    /// Starts all parts; none of them is known to work yet.
    pub(super) async fn start(
        options: &MicroOptions,
        screen: &mut Screen<impl Write>,
    ) -> Result<Self, MicroError> {
        let router = options.router()?;
        let directory = Directory::claim(&options.directory()?)?;
        let plan = Plan::find(options.port, screen)?;
        let settings = write_settings(options, &plan, &directory)?;
        let bus = start_bus(plan.bus).await?;
        let (tell, deaths) = mpsc::channel(DEATHS_HELD);
        let start = |name, program, arguments| {
            let log = log_of(&directory, name);
            let tail =
                Tail::open(&log).map_err(|source| MicroError::Directory { path: log, source })?;
            let shim = own_program()?;
            let spec = Spec {
                name,
                shim,
                program,
                arguments,
            };
            Ok(Child::start(spec, tail, tell.clone()))
        };
        let sample_arguments =
            ["sample", "--host", HOST, "--bus", &bus_url(&plan)].map(OsString::from);
        Ok(Self {
            router: start("router", router, vec!["-c".into(), settings.into()])?,
            sample: start("sample", own_program()?, sample_arguments.into())?,
            plan,
            deaths,
            bus,
            directory,
        })
    }

    /// Waits until the router is healthy and the sample listens, and says where all of it is.
    pub(super) async fn come_up(
        &mut self,
        screen: &mut Screen<impl Write>,
    ) -> Result<(), MicroError> {
        let Self {
            router,
            sample,
            plan,
            ..
        } = self;
        let up = async {
            let (_, address) = tokio::try_join!(healthy(router, plan.status), listening(sample))?;
            Ok(address)
        };
        let sample = hearing(&mut self.deaths, screen, up, &self.directory).await?;
        let opening = self.opening(sample);
        screen.opening(&opening);
        Ok(())
    }

    /// Sends a request through the router until the sample itself has answered.
    pub(super) async fn prove(
        &mut self,
        screen: &mut Screen<impl Write>,
    ) -> Result<(), MicroError> {
        let answered = answered(local(self.plan.router));
        hearing(&mut self.deaths, screen, answered, &self.directory).await?;
        screen.ready(&self.url());
        Ok(())
    }

    /// Ends every part in the order of a request: the router first, while its endpoint still lives.
    pub(super) async fn stop(self) {
        self.router.stop(ROUTER_DRAIN).await;
        self.sample.stop(SAMPLE_DRAIN).await;
        let _ = timeout(BUS_CLOSE, self.bus.shutdown()).await;
    }

    /// The router's access log.
    pub(super) fn access_log(&self) -> PathBuf {
        access_log(&self.directory)
    }

    /// What a death means: one line more on the screen, or the end.
    pub(super) fn heed(
        &self,
        death: &Death,
        screen: &mut Screen<impl Write>,
    ) -> Result<(), MicroError> {
        heed(death, screen, &self.directory)
    }

    fn url(&self) -> String {
        format!("http://{HOST}:{}/", self.plan.router)
    }

    fn opening(&self, sample: SocketAddr) -> Opening {
        let part = |name, note: &str, address| Part {
            name,
            note: note.to_owned(),
            address,
        };
        let router = format!("http://{}", local(self.plan.router));
        Opening {
            parts: vec![
                part("bus", "embedded, core NATS", bus_url(&self.plan)),
                part("router", "healthy", router.clone()),
                part(
                    "sample",
                    &format!("announces {HOST}"),
                    format!("http://{sample}"),
                ),
            ],
            url: self.url(),
            address: format!("{router}/"),
            host: HOST.to_owned(),
            metrics: format!("http://{}{METRICS}", local(self.plan.prometheus)),
            directory: self.directory.path().display().to_string(),
        }
    }
}

fn write_settings(
    options: &MicroOptions,
    plan: &Plan,
    directory: &Directory,
) -> Result<PathBuf, MicroError> {
    // Routes of an earlier run lead to ports that may belong to somebody else by now.
    let snapshot = directory.file("routes.snapshot");
    let _ = fs::remove_file(&snapshot);
    let password = uuid::Builder::from_random_bytes(rand::random())
        .into_uuid()
        .to_string();
    let settings = Settings {
        port: plan.router,
        bus: plan.bus,
        status: plan.status,
        routes: plan.routes,
        prometheus: plan.prometheus,
        password: &password,
        access_log: &access_log(directory),
        snapshot: &snapshot,
        workers: options.workers,
    };
    directory.write_private("gorouter.yml", &settings.render())
}

async fn start_bus(port: u16) -> Result<RunningServer, MicroError> {
    let options = ServerOptions {
        addr: local(port),
        ..ServerOptions::default()
    };
    Server::start(options)
        .await
        .map_err(|source| MicroError::Bus { port, source })
}

/// Waits for `work` while the deaths of children are heard.
async fn hearing<T>(
    deaths: &mut mpsc::Receiver<Death>,
    screen: &mut Screen<impl Write>,
    work: impl Future<Output = Result<T, MicroError>>,
    directory: &Directory,
) -> Result<T, MicroError> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(death) = deaths.recv() => heed(&death, screen, directory)?,
        }
    }
}

fn heed(
    death: &Death,
    screen: &mut Screen<impl Write>,
    directory: &Directory,
) -> Result<(), MicroError> {
    let Next::GiveUp(deaths) = death.next else {
        screen.death(death);
        return Ok(());
    };
    Err(MicroError::Child {
        name: death.name,
        deaths,
        status: death.status.clone(),
        lines: death.lines.clone(),
        log: log_of(directory, death.name),
    })
}

async fn healthy(router: &Child, status: u16) -> Result<(), MicroError> {
    let healthy = async {
        loop {
            match fetch::get(local(status), "localhost", "/health").await {
                Ok(answer) if answer.status == StatusCode::OK => return,
                Ok(_) | Err(_) => sleep(POLL).await,
            }
        }
    };
    within("the router", Some(router.tail()), healthy).await
}

async fn listening(sample: &Child) -> Result<SocketAddr, MicroError> {
    let tail = sample.tail();
    let address = tail.find(|line| line.strip_prefix(LISTENING)?.parse().ok());
    within("the sample", Some(tail), address).await
}

async fn answered(router: SocketAddr) -> Result<(), MicroError> {
    let answered = async {
        loop {
            match fetch::get(router, HOST, "/").await {
                Ok(answer) if is_from_sample(&answer) => return,
                Ok(_) | Err(_) => sleep(POLL).await,
            }
        }
    };
    within("a request through the router to the sample", None, answered).await
}

fn is_from_sample(answer: &fetch::Answer) -> bool {
    answer.status == StatusCode::OK && answer.headers.contains_key(INSTANCE_HEADER)
}

async fn within<T>(
    name: &'static str,
    tail: Option<&Tail>,
    work: impl Future<Output = T>,
) -> Result<T, MicroError> {
    timeout(COME_UP, work).await.map_err(|_| MicroError::Late {
        name,
        within: COME_UP,
        lines: tail.map(Tail::lines).unwrap_or_default(),
    })
}

fn bus_url(plan: &Plan) -> String {
    format!("nats://{}", local(plan.bus))
}

fn access_log(directory: &Directory) -> PathBuf {
    directory.file("access.log")
}

fn log_of(directory: &Directory, name: &str) -> PathBuf {
    directory.path().join(Path::new(name).with_extension("log"))
}

/// Where the router's metrics are.
pub(super) const METRICS: &str = "/metrics";
const HOST: &str = "hello.localhost";
const DEATHS_HELD: usize = 16;
const POLL: Duration = Duration::from_millis(20);
const COME_UP: Duration = Duration::from_secs(15);
const ROUTER_DRAIN: Duration = Duration::from_millis(4500);
const SAMPLE_DRAIN: Duration = Duration::from_secs(1);
const BUS_CLOSE: Duration = Duration::from_millis(400);
