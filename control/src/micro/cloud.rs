//! The cloud: the parts of one micro cloud, from their start to their end.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::server::{RunningServer, Server, ServerOptions};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::MicroError;
use super::backoff::Next;
use super::child::{Child, Death, Spec};
use super::directory::Directory;
use super::hello::{Proof, answered, welcome};
use super::operator::{Operator, setup_link};
use super::options::{MicroOptions, own_program};
use super::parts::{Files, api_url, bus_url, write_settings};
use super::patience::healthy;
use super::plan::{Plan, local};
use super::screen::Screen;
use super::sweeper::Sweeper;
use super::tail::Tail;
use super::welcome::{Account, Opening, Part, Ready};

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Cloud {
    pub(super) plan: Plan,
    pub(super) deaths: mpsc::Receiver<Death>,
    router: Child,
    controller: Child,
    agent: Child,
    bus: RunningServer,
    operator: Operator,
    admin: Option<String>,
    files: Files,
    directory: Directory,
    sweeper: Sweeper,
}

impl Cloud {
    /// Starts all parts; none of them is known to work yet.
    pub(super) async fn start(
        options: &MicroOptions,
        screen: &mut Screen<impl Write>,
    ) -> Result<Self, MicroError> {
        let router = options.router()?;
        let directory = Directory::claim(&options.directory()?)?;
        let plan = Plan::find(options, screen)?;
        let operator = Operator::of(&directory)?;
        let settings = write_settings(options, &plan, &directory)?;
        let files = Files::of(&directory, settings, operator.file.clone());
        let controller = files.controller(options, &plan, &directory)?;
        let agent = Files::agent(options, &plan, &directory);
        let bus = start_bus(plan.bus).await?;
        let (tell, deaths) = mpsc::channel(DEATHS_HELD);
        let nursery = Nursery {
            directory: &directory,
            shim: own_program()?,
            tell,
        };
        let own = || nursery.shim.clone();
        let sweeper = Sweeper::new(own(), agent.clone());
        Ok(Self {
            router: nursery.start("router", router, files.router())?,
            controller: nursery.start("controller", own(), controller)?,
            agent: nursery.start("agent", own(), agent)?,
            admin: options.admin_user.clone(),
            plan,
            deaths,
            bus,
            operator,
            files,
            directory,
            sweeper,
        })
    }

    /// Who ends what an agent leaves that was killed.
    pub(super) fn sweeper(&self) -> Sweeper {
        self.sweeper.clone()
    }

    /// Waits until the parts answer, and says where all of it is.
    pub(super) async fn come_up(
        &mut self,
        screen: &mut Screen<impl Write>,
    ) -> Result<(), MicroError> {
        let Self {
            router, controller, ..
        } = self;
        let (status, api) = (local(self.plan.status), local(self.plan.api));
        let up = async {
            tokio::try_join!(
                healthy("the router", router, status, "/health"),
                healthy("the controller", controller, api, "/"),
            )
        };
        hearing(&mut self.deaths, screen, up, &self.directory).await?;
        screen.opening(&self.opening());
        let api = api_url(&self.plan);
        screen.account(&Account {
            setup_link: setup_link(&self.files.setup_link, &api),
            admin: self.admin.clone(),
            api,
        });
        Ok(())
    }

    /// Pushes the sample where that has not happened yet, and sends a request through the router
    /// until it was answered.
    pub(super) async fn prove(
        &mut self,
        screen: &mut Screen<impl Write>,
    ) -> Result<(), MicroError> {
        let api = api_url(&self.plan);
        let router = local(self.plan.router);
        let (operator, directory) = (&self.operator, &self.directory);
        let proved = async {
            let proof = welcome(&api, operator, directory).await?;
            answered(router, proof).await?;
            Ok::<Proof, MicroError>(proof)
        };
        let proof = hearing(&mut self.deaths, screen, proved, directory).await?;
        screen.ready(&Ready {
            url: format!("http://{}:{}/", proof.host(), router.port()),
            address: format!("http://{router}/"),
            host: proof.host(),
            user: self.admin.clone(),
            api,
        });
        Ok(())
    }

    /// Ends every part in the order of a request: the router first, while its endpoints still
    /// live, and the controller last, since agents tell it of their end.
    pub(super) async fn stop(self) {
        self.router.stop(ROUTER_DRAIN).await;
        self.agent.stop(AGENT_DRAIN).await;
        self.sweeper.sweep(LEFT_BEHIND).await;
        self.controller.stop(CONTROLLER_DRAIN).await;
        let _ = timeout(BUS_CLOSE, self.bus.shutdown()).await;
    }

    /// The router's access log.
    pub(super) fn access_log(&self) -> &Path {
        &self.files.access_log
    }

    /// The processes of the platform itself, as far as they live.
    pub(super) fn pids(&self) -> impl Iterator<Item = u32> {
        let children = [&self.router, &self.controller, &self.agent];
        let children = children.into_iter().filter_map(Child::pid);
        children.chain([std::process::id()])
    }

    /// What a death means: one line more on the screen, or the end.
    pub(super) fn heed(
        &self,
        death: &Death,
        screen: &mut Screen<impl Write>,
    ) -> Result<(), MicroError> {
        heed(death, screen, &self.directory)
    }

    fn opening(&self) -> Opening {
        let part = |name, note: &str, address| Part {
            name,
            note: note.to_owned(),
            address,
        };
        let log = |name| log_of(&self.directory, name).display().to_string();
        Opening {
            parts: vec![
                part("bus", "embedded, core NATS", bus_url(&self.plan)),
                part(
                    "router",
                    "healthy",
                    format!("http://{}", local(self.plan.router)),
                ),
                part("control", "API and health manager", api_url(&self.plan)),
                part("agent", "one node, this machine", log("agent")),
            ],
            metrics: format!("http://{}{METRICS}", local(self.plan.prometheus)),
            directory: self.directory.path().display().to_string(),
        }
    }
}

/// Where children are born.
struct Nursery<'a> {
    directory: &'a Directory,
    shim: PathBuf,
    tell: mpsc::Sender<Death>,
}

impl Nursery<'_> {
    fn start(
        &self,
        name: &'static str,
        program: PathBuf,
        arguments: Vec<OsString>,
    ) -> Result<Child, MicroError> {
        let log = log_of(self.directory, name);
        let tail =
            Tail::open(&log).map_err(|source| MicroError::Directory { path: log, source })?;
        let spec = Spec {
            name,
            shim: self.shim.clone(),
            program,
            arguments,
        };
        Ok(Child::start(spec, tail, self.tell.clone()))
    }
}

async fn start_bus(port: u16) -> Result<RunningServer, MicroError> {
    let options = ServerOptions {
        addr: local(port),
        ..ServerOptions::default()
    };
    let fault = |source: io::Error| MicroError::Bus { port, source };
    Server::start(options).await.map_err(fault)
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

fn log_of(directory: &Directory, name: &str) -> PathBuf {
    directory.path().join(Path::new(name).with_extension("log"))
}

/// Where the router's metrics are.
pub(super) const METRICS: &str = "/metrics";
const DEATHS_HELD: usize = 16;
const ROUTER_DRAIN: Duration = Duration::from_millis(4500);
/// The agent gives its instances 10 s to end.
const AGENT_DRAIN: Duration = Duration::from_secs(13);
/// For instances whose agent had just died and could not ask them to end.
const LEFT_BEHIND: Duration = Duration::from_secs(5);
const CONTROLLER_DRAIN: Duration = Duration::from_secs(3);
const BUS_CLOSE: Duration = Duration::from_millis(400);
