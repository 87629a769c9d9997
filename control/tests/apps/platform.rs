//! A platform without nodes: store, blobs, API on a free port, an administrator and a space.

use std::sync::Arc;
use std::time::Duration;

use control::api::uaa::{FirstAdmin, prepare_admin};
use control::api::{Api, ApiParts, ApiSettings, PasswordCost, Routes, serve};
use control::blobs::{Blobs, Signer};
use control::controller::{Controller, Order, Orders};
use control::logs::{Recent, RecentLimits};
use control::model::{BuildState, Droplet, DropletState, Micros};
use control::services::{ServiceSettings, Services};
use control::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::{Client, guid};

pub(crate) struct Platform {
    pub(crate) client: Client,
    pub(crate) store: Store,
    pub(crate) orders: Orders,
    pub(crate) recent: Arc<Recent>,
    pub(crate) space: String,
    pub(crate) organization: String,
    server: JoinHandle<()>,
    _directory: TempDir,
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state.db");
        let url = format!("sqlite://{}?mode=rwc", file.display());
        Self::start_on(Store::open(&url).await.unwrap(), directory).await
    }

    /// A platform with its state in this store, and its bits in this directory.
    pub(crate) async fn start_on(store: Store, directory: TempDir) -> Self {
        let (controller, orders) = Controller::channel();
        let recent = Arc::new(Recent::new(RecentLimits::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut settings = ApiSettings::new("localhost", &format!("http://{address}"));
        settings.password_cost = PasswordCost::Least;
        let parts = ApiParts {
            store: store.clone(),
            controller,
            blobs: Blobs::local(&directory.path().join("blobs")).unwrap(),
            signer: Signer::new(&[7; 32]),
            recent: Arc::clone(&recent),
            services: Services::new(ServiceSettings::default()),
            settings,
        };
        let api = Api::start(parts).await.unwrap();
        let password = directory.path().join("password");
        std::fs::write(&password, "correct horse battery").unwrap();
        let first = FirstAdmin::File {
            name: "admin".to_owned(),
            password_file: password,
        };
        prepare_admin(&api, &first).await.unwrap();
        let server = tokio::spawn(async move {
            serve(listener, api, Routes::new("None"), std::future::pending()).await;
        });
        let mut client = Client {
            address,
            token: None,
        };
        client.token = Some(log_in(&client, "admin", "correct horse battery").await);
        let organization = client
            .post("/v3/organizations", json!({ "name": "acme" }))
            .await;
        let organization = guid(&organization.expect(201));
        let space = new_space(&client, &organization, "dev").await;
        Self {
            client,
            store,
            orders,
            recent,
            space,
            organization,
            server,
            _directory: directory,
        }
    }

    /// An application without anything.
    pub(crate) async fn app(&self, name: &str) -> String {
        let body = json!({ "name": name, "relationships": self.in_space() });
        guid(&self.client.post("/v3/apps", body).await.expect(201))
    }

    pub(crate) fn in_space(&self) -> Value {
        json!({ "space": { "data": { "guid": self.space } } })
    }

    /// An application that has a droplet and is started.
    pub(crate) async fn running_app(&self, name: &str) -> String {
        let app = self.app(name).await;
        let droplet = self.droplet(&app).await;
        let current = format!("/v3/apps/{app}/relationships/current_droplet");
        let body = json!({ "data": { "guid": droplet } });
        self.client.patch(&current, body).await.expect(200);
        let start = format!("/v3/apps/{app}/actions/start");
        self.client.post(&start, json!({})).await.expect(200);
        app
    }

    /// A droplet as staging leaves it.
    pub(crate) async fn droplet(&self, app: &str) -> String {
        let count = self
            .client
            .get(&format!("/v3/apps/{app}/droplets"))
            .await
            .json();
        let number = count["pagination"]["total_results"].as_u64().unwrap();
        let mut process_types = serde_json::Map::new();
        process_types.insert("web".to_owned(), json!("./run"));
        process_types.insert("worker".to_owned(), json!("./work"));
        let droplet = Droplet {
            guid: format!("droplet-{number}-{app}"),
            app_guid: app.to_owned(),
            package_guid: None,
            state: DropletState::Staged,
            error: None,
            sha1: None,
            sha256: Some("00".repeat(32)),
            size_bytes: Some(1),
            process_types,
            buildpacks: vec![json!({ "name": "static", "detect_output": "static" })],
            execution_metadata: String::new(),
            stack: Some("switchyard".to_owned()),
            image: None,
            created_at: Micros(1),
            updated_at: Micros(1),
        };
        let mut tx = self.store.begin().await.unwrap();
        tx.insert_droplet(&droplet).await.unwrap();
        tx.commit().await.unwrap();
        droplet.guid
    }

    /// Ends a build as the controller would.
    pub(crate) async fn finish_build(&self, build: &str, droplet: &str) {
        let mut build = self.store.build(build).await.unwrap().unwrap();
        build.state = BuildState::Staged;
        build.droplet_guid = Some(droplet.to_owned());
        let mut tx = self.store.begin().await.unwrap();
        assert!(tx.update_build(&build).await.unwrap());
        tx.commit().await.unwrap();
    }

    /// Waits for an order that fits.
    pub(crate) async fn order(&mut self, fits: impl Fn(&Order) -> bool) -> Order {
        let wait = async {
            loop {
                let order = self.orders.next().await.expect("a controller");
                if fits(&order) {
                    return order;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .expect("the order never came")
    }
}

/// A token for somebody.
pub(crate) async fn log_in(client: &Client, name: &str, password: &str) -> String {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "password")
        .append_pair("client_id", "cf")
        .append_pair("client_secret", "")
        .append_pair("username", name)
        .append_pair("password", password)
        .finish();
    let kind = "application/x-www-form-urlencoded";
    let reply = client
        .send("POST", "/oauth/token", (kind, form.as_bytes()))
        .await;
    let document = reply.expect(200);
    document["access_token"].as_str().unwrap().to_owned()
}

pub(crate) async fn new_space(client: &Client, organization: &str, name: &str) -> String {
    let relationships = json!({ "organization": { "data": { "guid": organization } } });
    let body = json!({ "name": name, "relationships": relationships });
    guid(&client.post("/v3/spaces", body).await.expect(201))
}
