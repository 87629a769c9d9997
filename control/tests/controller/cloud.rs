//! A controller with its bus, its database and the rows that a user would have written.

use std::net::SocketAddr;
use std::time::Duration;

use bus::Bus;
use bus::connection::BusOptions;
use bus::server::{RunningServer, Server, ServerOptions};
use control::blobs::{Blobs, Signer};
use control::controller::{Controller, ControllerParts, ControllerSettings, run};
use control::health::HealthSettings;
use control::model::InstanceState;
use control::store::Store;
use futures_util::stream;
use sqlx::{AnyPool, AssertSqlSafe, Row};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The controller and everything that it needs.
pub(crate) struct Cloud {
    pub(crate) bus: Bus,
    pub(crate) controller: Controller,
    pub(crate) blobs: Blobs,
    pool: AnyPool,
    url: String,
    health: HealthSettings,
    running: Option<Running>,
    server: RunningServer,
    _directory: TempDir,
}

/// A controller that runs until this is dropped.
pub(crate) struct Running {
    task: JoinSet<()>,
    _stop: watch::Sender<bool>,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        Self::start_with(HealthSettings::default()).await
    }

    /// With this policy.
    pub(crate) async fn start_with(health: HealthSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/state.db?mode=rwc", directory.path().display());
        Self::open(directory, url, health)
            .await
            .with_controller()
            .await
    }

    /// On this database, with this policy.
    pub(crate) async fn start_at(url: String, health: HealthSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::open(directory, url, health)
            .await
            .with_controller()
            .await
    }

    /// On this database, with a bus and no controller.
    pub(crate) async fn without_controller(url: String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::open(directory, url, HealthSettings::default()).await
    }

    async fn with_controller(mut self) -> Self {
        self.start_controller().await;
        self
    }

    async fn open(directory: TempDir, url: String, health: HealthSettings) -> Self {
        Store::open(&url).await.unwrap().close().await;
        let pool = AnyPool::connect(&url).await.unwrap();
        let blobs = Blobs::local(&directory.path().join("blobs")).unwrap();
        let server = Server::start(ServerOptions::default()).await.unwrap();
        let bus = connect(&server).await;
        let (controller, _orders) = Controller::channel();
        let cloud = Self {
            bus,
            controller,
            blobs,
            pool,
            url,
            health,
            running: None,
            server,
            _directory: directory,
        };
        cloud
            .write("INSERT INTO organization_quotas VALUES ('q', 'q', '{}', 1, 1)")
            .await;
        cloud
            .write("INSERT INTO organizations VALUES ('o', 'o', 0, 'q', 1, 1)")
            .await;
        cloud
            .write("INSERT INTO spaces VALUES ('s', 's', 'o', 1, 1)")
            .await;
        cloud
            .write("INSERT INTO domains VALUES ('d', 'localhost', 0, NULL, 1, 1)")
            .await;
        cloud
    }

    /// Where the bus is.
    pub(crate) fn bus_address(&self) -> SocketAddr {
        self.server.addr()
    }

    pub(crate) async fn connect(&self) -> Bus {
        connect(&self.server).await
    }

    pub(crate) async fn start_controller(&mut self) {
        let (controller, running) = self.another_controller("the-controller").await;
        self.controller = controller;
        self.running = Some(running);
    }

    /// One more controller on the same database; it ends when what is returned is dropped.
    pub(crate) async fn another_controller(&self, id: &str) -> (Controller, Running) {
        let (controller, orders) = Controller::channel();
        let (stop, stopped) = watch::channel(false);
        let parts = ControllerParts {
            bus: self.connect().await,
            store: Store::open(&self.url).await.unwrap(),
            blobs: self.blobs.clone(),
            signer: Signer::new(&[1; 32]),
            settings: ControllerSettings {
                id: id.to_owned(),
                api_url: "http://api.localhost".to_owned(),
                internal_url: "http://127.0.0.1:1".to_owned(),
                stager_patience: Duration::from_secs(1),
                health: self.health.clone(),
            },
        };
        let mut task = JoinSet::new();
        task.spawn(async move { run(parts, orders, stopped).await.unwrap() });
        let running = Running { task, _stop: stop };
        (controller, running)
    }

    /// Ends the controller without a farewell.
    pub(crate) async fn kill_controller(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.task.shutdown().await;
        }
    }

    /// Ends the controller without a farewell, and starts another one.
    pub(crate) async fn restart_controller(&mut self) {
        self.kill_controller().await;
        self.start_controller().await;
    }

    /// Waits until the controller knows this many nodes, and acts on what they say.
    pub(crate) async fn heard(&self, nodes: usize) {
        // Whoever leads has told the agents so; their answers come before anything said later.
        let controller = self.controller.clone();
        let deadline = Instant::now() + DEADLINE;
        let room = control::controller::Room {
            memory_mb: 1,
            disk_mb: 1,
            stack: "switchyard".to_owned(),
        };
        let has_room = || matches!(controller.has_room(&room), Some(Ok(())));
        while controller.nodes() < nodes || !has_room() {
            assert!(Instant::now() < deadline, "{nodes} nodes are not heard");
            sleep(PAUSE).await;
        }
    }

    /// An application that should run, with a droplet that is there.
    pub(crate) async fn app(&self, guid: &str, instances: u32, memory_mb: u32) {
        self.write(&format!(
            "INSERT INTO apps VALUES ('{guid}', '{guid}', 's', 'STARTED', 'buildpack', '[]', \
             'switchyard', '{{\"GREETING\":\"hello\"}}', '{{}}', 'droplet-{guid}', 1, 1)"
        ))
        .await;
        self.write(&format!(
            "INSERT INTO droplets (guid, app_guid, state, process_types, created_at, updated_at) \
             VALUES ('droplet-{guid}', '{guid}', 'STAGED', '{{\"web\":\"run it\"}}', 1, 1)"
        ))
        .await;
        self.process(guid, guid, instances, memory_mb).await;
    }

    async fn process(&self, guid: &str, app: &str, instances: u32, memory_mb: u32) {
        self.write(&format!(
            "INSERT INTO processes (guid, app_guid, type, instances, memory_mb, disk_mb, \
             health_check, readiness_health_check, version, droplet_guid, created_at, updated_at) \
             VALUES ('{guid}', '{app}', 'web', {instances}, {memory_mb}, 64, '{{}}', '{{}}', \
             'v-{guid}', 'droplet-{app}', 1, 1)"
        ))
        .await;
    }

    pub(crate) async fn route(&self, app: &str, host: &str) {
        self.write(&format!(
            "INSERT INTO routes (guid, space_guid, domain_guid, host, created_at, updated_at) \
             VALUES ('route-{host}', 's', 'd', '{host}', 1, 1)"
        ))
        .await;
        self.write(&format!(
            "INSERT INTO destinations (guid, route_guid, app_guid, process_type, created_at) \
             VALUES ('to-{host}', 'route-{host}', '{app}', 'web', 1)"
        ))
        .await;
    }

    pub(crate) async fn build(&self, guid: &str, app: &str) {
        self.write(&format!(
            "INSERT INTO packages (guid, app_guid, type, state, created_at, updated_at) \
             VALUES ('package-{app}', '{app}', 'bits', 'READY', 1, 1)"
        ))
        .await;
        self.another_build(guid, app).await;
    }

    /// One more build of the same package.
    pub(crate) async fn another_build(&self, guid: &str, app: &str) {
        let deadline = i64::MAX;
        self.write(&format!(
            "INSERT INTO builds (guid, app_guid, package_guid, state, lifecycle_type, stack, \
             memory_mb, disk_mb, deadline, created_by_guid, created_by_name, created_at, updated_at) \
             VALUES ('{guid}', '{app}', 'package-{app}', 'STAGING', 'buildpack', 'switchyard', \
             64, 64, {deadline}, 'u', 'u', 1, 1)"
        ))
        .await;
    }

    /// A rolling deployment from the first process of an application to a new one.
    pub(crate) async fn deployment(&self, app: &str, process: &str, instances: u32) {
        self.process(process, app, 0, 64).await;
        let deadline = i64::MAX;
        self.write(&format!(
            "INSERT INTO deployments (guid, app_guid, state, status_value, status_reason, strategy, \
             droplet_guid, process_guid, previous_process_guid, original_instances, \
             desired_instances, deadline, created_at, updated_at) VALUES ('deployment-{app}', \
             '{app}', 'DEPLOYING', 'ACTIVE', 'DEPLOYING', 'rolling', 'droplet-{app}', '{process}', \
             '{app}', {instances}, {instances}, {deadline}, 1, 1)"
        ))
        .await;
    }

    /// Waits for the end of a build, and returns its state.
    pub(crate) async fn build_ended(&self, guid: &str) -> String {
        let state = format!("SELECT state AS text FROM builds WHERE guid = '{guid}'");
        let deadline = Instant::now() + DEADLINE;
        loop {
            let state = self.row(&state).await;
            if state != "STAGING" {
                return state;
            }
            assert!(Instant::now() < deadline, "the build does not end");
            sleep(PAUSE).await;
        }
    }

    /// Waits until the column `text` of the one row that the query gives has become this.
    pub(crate) async fn row_becomes(&self, sql: &str, expected: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let found = self.row(sql).await;
            if found == expected {
                return;
            }
            assert!(Instant::now() < deadline, "{sql}: {found}");
            sleep(PAUSE).await;
        }
    }

    /// How many instances the API would show as running.
    pub(crate) fn seen_running(&self, process: &str) -> usize {
        let instances = self.controller.instances(process);
        let running = instances
            .iter()
            .filter(|one| one.state == InstanceState::Running);
        running.count()
    }

    pub(crate) async fn write(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::query(sql).execute(&self.pool).await.unwrap();
    }

    /// The column `text` of the one row that the query gives.
    pub(crate) async fn row(&self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        let row = sqlx::query(sql).fetch_one(&self.pool).await.unwrap();
        row.get("text")
    }

    /// Stores a droplet's bytes, and returns their digest.
    pub(crate) async fn store_blob(blobs: &Blobs, bytes: &'static [u8]) -> String {
        let chunk = Ok::<_, std::convert::Infallible>(bytes::Bytes::from_static(bytes));
        let stored = blobs.put_stream(stream::iter([chunk]), 1 << 20).await;
        stored.unwrap().digest.to_string()
    }
}

async fn connect(server: &RunningServer) -> Bus {
    let options = BusOptions {
        servers: vec![server.addr().into()],
        ..BusOptions::default()
    };
    Bus::connect(options).await.unwrap()
}

/// Waits until it is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(PAUSE).await;
    }
}

/// What a slow machine may take its time for.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, what).await;
    waited.expect("it happens by its deadline")
}

const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);
