//! A platform with a broker, and those who carry operations out.

use std::time::Duration;

use control::services::{ServiceParts, ServiceSettings, Services, run};
use control::store::Store;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::broker::{Broker, PASSWORD, USERNAME};
use crate::client::{Client, Reply, guid};
use crate::platform::Platform;

pub(crate) struct Scene {
    pub(crate) platform: Platform,
    pub(crate) broker: Broker,
    pub(crate) drivers: Vec<Driver>,
}

/// One that carries operations out.
pub(crate) struct Driver {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Driver {
    pub(crate) fn start(store: &Store, settings: ServiceSettings, id: &str) -> Self {
        let parts = ServiceParts {
            store: store.clone(),
            services: Services::new(settings),
            id: id.to_owned(),
        };
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(run(parts, stopped));
        Self { stop, task }
    }

    /// Ends it as a signal would.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        (&mut self.task).await.unwrap();
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn kill(mut self) {
        self.task.abort();
        let ended = (&mut self.task).await;
        assert!(ended.is_err());
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Impatient, but for answers: a busy machine must not be taken for a silent broker.
pub(crate) fn settings() -> ServiceSettings {
    ServiceSettings {
        connect_within: Duration::from_secs(30),
        answer_within: Duration::from_secs(60),
        retry_after: Duration::from_millis(10),
        poll_every: Duration::from_millis(20),
        poll_least: Duration::from_millis(20),
        mend_every: Duration::from_millis(20),
        look_every: Duration::from_millis(20),
        ..ServiceSettings::default()
    }
}

impl Scene {
    /// A platform on SQLite whose broker is registered, and whose plans everybody may have.
    pub(crate) async fn start() -> Self {
        Self::on(Platform::start().await).await
    }

    pub(crate) async fn on(platform: Platform) -> Self {
        let scene = Self::empty(platform).await;
        let job = scene.register("broker").await;
        scene.completed(&job).await;
        let plans = scene.get("/v3/service_plans?per_page=5000").await;
        for plan in plans["resources"].as_array().unwrap() {
            let path = format!("/v3/service_plans/{}/visibility", guid(plan));
            let body = json!({ "type": "public" });
            scene.client().post(&path, body).await.expect(200);
        }
        scene
    }

    /// A platform and a broker that do not know each other.
    pub(crate) async fn empty(platform: Platform) -> Self {
        let driver = Driver::start(&platform.store, settings(), "one");
        Self {
            broker: Broker::start().await,
            platform,
            drivers: vec![driver],
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.platform.client
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.client().get(path).await.expect(200)
    }

    pub(crate) fn registration(&self, name: &str) -> Value {
        json!({ "name": name, "url": self.broker.url(), "authentication": { "type": "basic",
            "credentials": { "username": USERNAME, "password": PASSWORD } } })
    }

    /// Registers the broker, and gives where its job is.
    pub(crate) async fn register(&self, name: &str) -> String {
        let body = self.registration(name);
        let reply = self.client().post("/v3/service_brokers", body).await;
        reply.location()
    }

    /// The guid of a plan.
    pub(crate) async fn plan(&self, name: &str) -> String {
        let path = format!("/v3/service_plans?names={name}");
        guid(&self.get(&path).await["resources"][0])
    }

    /// Asks for a service.
    pub(crate) async fn order(&self, name: &str, plan: &str) -> Reply {
        let plan = self.plan(plan).await;
        let body = json!({ "type": "managed", "name": name, "relationships": {
            "space": { "data": { "guid": self.platform.space } },
            "service_plan": { "data": { "guid": plan } } } });
        self.client().post("/v3/service_instances", body).await
    }

    /// A service that was made.
    pub(crate) async fn service(&self, name: &str) -> String {
        let job = self.order(name, "small").await.location();
        self.completed(&job).await;
        self.guid_of(name).await
    }

    pub(crate) async fn guid_of(&self, name: &str) -> String {
        guid(&self.seen(name).await)
    }

    /// A service as the list shows it.
    pub(crate) async fn seen(&self, name: &str) -> Value {
        let path = format!("/v3/service_instances?names={name}");
        self.get(&path).await["resources"][0].clone()
    }

    /// Asks for a binding.
    pub(crate) async fn bind(&self, app: &str, service: &str) -> Reply {
        let body = binding(app, service);
        self.client()
            .post("/v3/service_credential_bindings", body)
            .await
    }

    /// An application `shop`, bound to a service `mine`.
    pub(crate) async fn bound(&self) -> (String, String) {
        let (app, service) = (self.platform.app("shop").await, self.service("mine").await);
        let job = self.bind(&app, &service).await.location();
        self.completed(&job).await;
        (app, service)
    }

    /// Deletes what is at this path, and waits until it is gone.
    pub(crate) async fn delete(&self, path: &str) {
        let job = self.client().delete(path).await.location();
        self.completed(&job).await;
    }

    /// The bindings of a service.
    pub(crate) async fn bindings(&self, service: &str) -> Vec<Value> {
        let path = format!("/v3/service_credential_bindings?service_instance_guids={service}");
        let list = self.get(&path).await;
        list["resources"].as_array().unwrap().clone()
    }

    /// The job at this path, once it is over.
    pub(crate) async fn ended(&self, job: &str) -> Value {
        self.wait(job, async || {
            let job = self.get(job).await;
            let over = ["COMPLETE", "FAILED"].contains(&job["state"].as_str().unwrap());
            over.then_some(job)
        })
        .await
    }

    pub(crate) async fn completed(&self, job: &str) {
        let job = self.ended(job).await;
        assert_eq!(job["state"], "COMPLETE", "{job}");
    }

    /// What a job that failed says.
    pub(crate) async fn failed(&self, job: &str) -> Value {
        let job = self.ended(job).await;
        assert_eq!(job["state"], "FAILED", "{job}");
        job["errors"][0].clone()
    }

    /// Waits until the job is in this state.
    pub(crate) async fn state(&self, job: &str, state: &str) {
        self.wait(state, async || {
            (self.get(job).await["state"] == state).then_some(())
        })
        .await;
    }

    /// Waits until something is there.
    pub(crate) async fn wait<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
        found.unwrap_or_else(|_| panic!("{what}: it never came; {:?}", self.broker.calls()))
    }

    /// Waits until the broker keeps so many services and bindings.
    pub(crate) async fn keeps(&self, services: usize, bindings: usize) {
        self.wait("the broker keeps what it should", async || {
            (self.broker.keeps() == (services, bindings)).then_some(())
        })
        .await;
    }

    /// Waits until nothing is asked of brokers any more.
    pub(crate) async fn settled(&self) {
        self.wait("nothing is left to do", async || {
            let left: Vec<control::model::ServiceOperation> =
                self.platform.store.all(Vec::new()).await.unwrap();
            left.is_empty().then_some(())
        })
        .await;
    }
}

pub(crate) fn binding(app: &str, service: &str) -> Value {
    json!({ "type": "app", "relationships": { "app": { "data": { "guid": app } },
        "service_instance": { "data": { "guid": service } } } })
}

pub(crate) fn key(name: &str, service: &str) -> Value {
    json!({ "type": "key", "name": name, "relationships":
        { "service_instance": { "data": { "guid": service } } } })
}
