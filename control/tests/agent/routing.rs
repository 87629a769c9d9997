//! Starting, finding, updating and stopping: what routers and controllers are told.

use control::wire::{
    FindInstances, HealthCheck, HealthCheckData, HealthCheckKind, Stop, Update, Wire,
};
use serde_json::Value;

use crate::files::Droplet;
use crate::scene::{Scene, web, worker};

fn uris(json: &Value) -> Vec<&str> {
    let uris = json["uris"].as_array().unwrap();
    uris.iter().map(|uri| uri.as_str().unwrap()).collect()
}

/// The one instance of the process, as its agent tells it.
async fn find(scene: &Scene) -> Value {
    let question = FindInstances {
        process: "p1".into(),
        include_stats: true,
        ..FindInstances::default()
    };
    let asking = scene
        .bus
        .request("dea.find.droplet", question.encode().into());
    serde_json::from_slice(&asking.await.unwrap().payload).unwrap()
}

#[tokio::test]
async fn an_instance_is_registered_when_it_answers_and_taken_back_before_it_ends() {
    let droplet = Droplet::serve(&[("index.html", "hello")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&web(&droplet)).await;
    let route = scene.hear("router.register", |_| true).await;
    assert_eq!(route["app"], "a1");
    assert_eq!(route["private_instance_index"], "0");
    let addr = format!("{}:{}", route["host"].as_str().unwrap(), route["port"]);
    tokio::net::TcpStream::connect(&addr).await.unwrap();
    let running = scene.eventually("RUNNING", 1).await;
    assert_eq!(route["private_instance_id"], running[0]["instance"]);
    assert_eq!(running[0]["routable"], true);

    let stop = Stop {
        process: "p1".into(),
        ..Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    let gone = scene.hear("router.unregister", |_| true).await;
    assert_eq!(gone["port"], route["port"]);
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "STOPPED");
    scene.eventually("", 0).await;
    assert!(tokio::net::TcpStream::connect(&addr).await.is_err());
}

#[tokio::test]
async fn routes_change_without_a_restart() {
    let droplet = Droplet::serve(&[("index.html", "hello")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&web(&droplet)).await;
    scene.hear("router.register", |_| true).await;
    let update = Update {
        process: "p1".into(),
        uri_options: Default::default(),
        uris: vec!["new.localhost".into()],
        version: Some("v2".into()),
    };
    scene.tell("dea.update", &update).await;
    let gone = scene.hear("router.unregister", |_| true).await;
    assert_eq!(uris(&gone), ["shop.localhost"]);
    let route = scene.hear("router.register", |_| true).await;
    assert_eq!(uris(&route), ["new.localhost"]);
    assert_eq!(gone["private_instance_id"], route["private_instance_id"]);
    let found = find(&scene).await;
    assert_eq!(found["version"], "v2");
}

#[tokio::test]
async fn a_router_that_starts_is_told_all_routes() {
    let droplet = Droplet::serve(&[("index.html", "hello")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&web(&droplet)).await;
    scene.hear("router.register", |_| true).await;
    let start = br#"{"id":"r","hosts":[],"minimumRegisterIntervalInSeconds":20}"#;
    scene
        .bus
        .publish("router.start", start.as_slice().into())
        .await
        .unwrap();
    scene.hear("router.start", |_| true).await;
    scene.hear("router.register", |_| true).await;
}

#[tokio::test]
async fn an_instance_is_found_with_its_numbers() {
    let droplet = Droplet::serve(&[("run", "")]).await;
    let mut scene = Scene::start(&[]).await;
    scene.start_instance(&worker(&droplet, "sleep 600")).await;
    scene.eventually("RUNNING", 1).await;
    let found = find(&scene).await;
    assert_eq!(
        (&found["index"], &found["state"]),
        (&0.into(), &"RUNNING".into())
    );
    assert_eq!(found["stats"]["mem_quota"], 64 << 20);
    assert_eq!(found["stats"]["name"], "shop");
}

#[tokio::test]
async fn an_agent_without_instances_says_so() {
    let mut scene = Scene::start(&["--memory-mb", "1000", "--zones", "blue,default"]).await;
    let ad = scene.hear("dea.advertise", |_| true).await;
    assert_eq!(
        (&ad["id"], &ad["available_memory"]),
        (&scene.id.clone().into(), &1000.into())
    );
    assert_eq!(ad["stacks"][0], "switchyard");
    assert_eq!(ad["placement_properties"]["zones"][1], "default");
    scene.eventually("", 0).await;
    let question = br"{}".as_slice();
    let who = scene
        .bus
        .request("vcap.component.discover", question.into())
        .await
        .unwrap();
    let who: Value = serde_json::from_slice(&who.payload).unwrap();
    assert_eq!(who["type"], "DEA");
}

#[tokio::test]
async fn an_instance_that_is_not_ready_takes_no_requests_and_lives() {
    let droplet = Droplet::serve(&[("ready", "yes")]).await;
    let mut scene = Scene::start(&[]).await;
    let mut start = web(&droplet);
    start.readiness_health_check = Some(HealthCheck {
        kind: HealthCheckKind::Http,
        data: HealthCheckData {
            interval: Some(1),
            invocation_timeout: Some(10),
            endpoint: Some("/ready".into()),
            ..HealthCheckData::default()
        },
    });
    scene.start_instance(&start).await;
    let route = scene.hear("router.register", |_| true).await;
    let instance = route["private_instance_id"].as_str().unwrap();
    let file = scene
        .dir
        .path()
        .join("instances")
        .join(instance)
        .join("app/ready");
    std::fs::remove_file(&file).unwrap();
    scene.hear("router.unregister", |_| true).await;
    std::fs::write(&file, "again").unwrap();
    let again = scene.hear("router.register", |_| true).await;
    assert_eq!(again, route);
}

/// Answers one request, when the file `go` is there, and ends.
const SLOW: &str = r#"
import http.server, os, sys, time
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("begun", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.01)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"whole")
        self.wfile.flush()
        os._exit(0)
http.server.HTTPServer(("", int(os.environ["PORT"])), Slow).serve_forever()
"#;

#[tokio::test]
async fn a_program_is_told_to_end_only_when_requests_on_their_way_had_their_time() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let droplet = Droplet::serve(&[("slow.py", SLOW)]).await;
    // As long as it takes: the answer is what ends the program.
    let mut scene = Scene::start(&["--last-answers", "600"]).await;
    let mut start = web(&droplet);
    start.start_command = Some("exec python3 slow.py".into());
    scene.start_instance(&start).await;
    let route = scene.hear("router.register", |_| true).await;
    let instance = route["private_instance_id"].as_str().unwrap();
    let app = scene.dir.path().join(format!("instances/{instance}/app"));
    let addr = format!("127.0.0.1:{}", route["port"]);
    let mut request = tokio::net::TcpStream::connect(&addr).await.unwrap();
    request.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let begun = async {
        while !app.join("begun").exists() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let deadline = std::time::Duration::from_secs(60);
    tokio::time::timeout(deadline, begun).await.unwrap();
    let stop = Stop {
        process: "p1".into(),
        ..Stop::default()
    };
    scene.tell("dea.stop", &stop).await;
    scene.hear("router.unregister", |_| true).await;
    // An agent that does not wait has long told the program to end when it has answered all of these.
    for _ in 0..100 {
        let asking = scene.bus.request("dea.status", b"{}".as_slice().into());
        asking.await.unwrap();
    }
    std::fs::write(app.join("go"), "").unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nwhole"), "{answer:?}");
    let exited = scene.hear("droplet.exited", |_| true).await;
    assert_eq!(exited["reason"], "STOPPED");
}
