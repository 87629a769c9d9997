//! The cast of every test: bus, files, runtime, stager, and a controller's questions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::server::{RunningServer, Server, ServerOptions};
use bus::{Bus, BusOptions, Subscription};
use control::agent::admission::{Admission, Amount};
use control::agent::runtime::{ProcessOptions, ProcessRuntime, Runtime};
use control::agent::stager::{Stager, StagerOptions};
use control::dial::Trust;
use control::wire::{
    LogBatch, PlacementProperties, StagingAnswer, StagingLimits, StagingRequest, StagingStop, Wire,
    subject,
};
use flate2::read::GzDecoder;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::files::{Files, zip};

pub(crate) struct Scene {
    pub(crate) dir: TempDir,
    pub(crate) files: Files,
    pub(crate) bus: Bus,
    pub(crate) admission: Admission,
    _server: RunningServer,
    logs: Subscription,
    stop: watch::Sender<bool>,
    stager: JoinSet<()>,
}

/// A build that has begun.
pub(crate) struct Begun {
    answers: Subscription,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let server = Server::start(ServerOptions::default()).await.unwrap();
        let bus = connect(&server).await;
        let dir = tempfile::tempdir().unwrap();
        let runtime = ProcessRuntime::open(ProcessOptions {
            dir: dir.path().join("containers"),
            program: program(),
            max_processes: 512,
        });
        let admission = Admission::new(Amount {
            memory_mb: 4096,
            disk_mb: 16_384,
        });
        let options = StagerOptions {
            id: "0-test".to_owned(),
            ip: "127.0.0.1".to_owned(),
            stacks: vec!["switchyard".to_owned()],
            placement: PlacementProperties::default(),
            dir: dir.path().join("stager"),
            path: std::env::var("PATH").unwrap(),
            trust: Trust::default(),
        };
        let runtime = Runtime::Process(runtime.unwrap());
        // A bus of its own, as in life: what it says reaches us through the server.
        let stager = Stager::start(options, connect(&server).await, runtime, admission.clone());
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(stager.await.unwrap().run(stopped));
        let logs = bus.subscribe(subject::ALL_LOGS).await.unwrap();
        let scene = Self {
            dir,
            files: Files::start().await,
            bus,
            admission,
            _server: server,
            logs,
            stop,
            stager: tasks,
        };
        scene.heard_by_the_stager().await;
        scene
    }

    /// Waits until the stager listens: it answers a call for advertisements.
    pub(crate) async fn heard_by_the_stager(&self) {
        let mut heard = self
            .bus
            .subscribe(subject::STAGING_ADVERTISE)
            .await
            .unwrap();
        self.bus
            .publish(subject::STAGING_LOCATE, "".into())
            .await
            .unwrap();
        soon(heard.next()).await.unwrap();
    }

    /// A request for the package of these files.
    pub(crate) fn request(&self, files: &[(&str, &str)]) -> StagingRequest {
        self.files.put("package", zip(files));
        let mut request = StagingRequest {
            app_id: "app-1".to_owned(),
            task_id: "task-1".to_owned(),
            stack: "switchyard".to_owned(),
            download_uri: self.files.url("package?signature=x"),
            upload_uri: self.files.url("droplet?signature=x"),
            ..StagingRequest::default()
        };
        request.properties.limits = StagingLimits {
            memory: 512,
            disk: 1024,
            fds: 1024,
        };
        request
    }

    /// Puts a buildpack on the server and asks for it.
    pub(crate) fn with_buildpack(
        &self,
        request: &mut StagingRequest,
        name: &str,
        files: &[(&str, &str)],
    ) {
        let path = format!("{name}.zip");
        self.files.put(&path, zip(files));
        request.properties.buildpacks.push(self.files.url(&path));
    }

    pub(crate) async fn begin(&self, request: &StagingRequest) -> Begun {
        let inbox = format!("_INBOX.test.{}", request.task_id);
        let answers = self.bus.subscribe(&inbox).await.unwrap();
        let subject = subject::staging_start("0-test");
        let bytes = request.encode().into();
        self.bus
            .publish_with_reply(&subject, &inbox, bytes)
            .await
            .unwrap();
        Begun { answers }
    }

    /// Says that a build is to end.
    pub(crate) async fn say(&self, stop: &StagingStop) {
        let said = self
            .bus
            .publish(subject::STAGING_STOP, stop.encode().into());
        said.await.unwrap();
    }

    /// Stages to the end; the first answer must be a good one.
    pub(crate) async fn stage(&self, request: &StagingRequest) -> StagingAnswer {
        let mut begun = self.begin(request).await;
        let ready = begun.answer().await;
        assert_eq!(ready.error, None);
        begun.answer().await
    }

    /// Lines of the application's log, until one holds `last`.
    pub(crate) async fn lines_until(&mut self, last: &str) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        while !lines.iter().any(|line| line.contains(last)) {
            let message = soon(self.logs.next()).await.unwrap();
            let batch = LogBatch::decode(&message.payload).unwrap();
            assert_eq!(batch.app, "app-1");
            for record in batch.records {
                assert_eq!(record.source_type, "STG");
                lines.push(record.text);
            }
        }
        lines
    }

    /// Unpacks the droplet that was sent.
    pub(crate) fn droplet(&self) -> PathBuf {
        let bytes = self.files.get("droplet").expect("a droplet was sent");
        let into = self.dir.path().join("droplet");
        tar::Archive::new(GzDecoder::new(&bytes[..]))
            .unpack(&into)
            .unwrap();
        into
    }

    /// Ends the stager, and shows that it left nothing.
    pub(crate) async fn end(mut self) {
        self.stop.send_replace(true);
        soon(self.stager.join_next()).await.unwrap().unwrap();
        assert_eq!(self.admission.free().memory_mb, 4096);
        let builds = self.dir.path().join("stager/builds");
        assert_eq!(names(&builds), BTreeSet::new());
    }
}

impl Begun {
    pub(crate) async fn answer(&mut self) -> StagingAnswer {
        let message = soon(self.answers.next()).await.unwrap();
        let answer = StagingAnswer::decode(&message.payload).unwrap();
        assert_eq!(answer.task_id, "task-1");
        answer
    }
}

/// Names in a directory; none when there is none.
pub(crate) fn names(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

pub(crate) fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_switchyard").into()
}

/// What must not take longer than a slow machine needs.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what)
        .await
        .expect("it happens within a minute")
}

async fn connect(server: &RunningServer) -> Bus {
    let options = BusOptions {
        servers: vec![server.addr().into()],
        ..BusOptions::default()
    };
    Bus::connect(options).await.unwrap()
}
