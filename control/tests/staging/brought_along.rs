//! The buildpacks that the agent brings along, on real files.

use std::process::Stdio;

use aws_lc_rs::digest::{SHA256, digest};
use control::wire::StagingAnswer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::scene::{Scene, names, program, soon};

fn web(answer: &StagingAnswer) -> &str {
    assert_eq!(answer.error, None);
    &answer.process_types["web"]
}

#[tokio::test]
async fn a_site_is_staged_and_served() {
    let mut scene = Scene::new().await;
    let request = scene.request(&[("index.html", "hello"), ("img/a.txt", "x")]);
    let answer = scene.stage(&request).await;
    assert!(web(&answer).contains("static --dir"), "{}", web(&answer));
    assert_eq!(answer.detected_buildpack.as_deref(), Some("static"));
    assert_eq!(answer.buildpacks[0].name, "static");
    let sent = scene.files.get("droplet").unwrap();
    let sum: String = digest(&SHA256, &sent)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(answer.sha256.as_deref(), Some(&*sum));
    assert_eq!(answer.size_bytes, Some(sent.len() as u64));

    let lines = scene.lines_until("Staging done").await;
    for part in [
        "memory 1024 MB",
        "Downloaded the package",
        "Unpacked 2 files",
        "Uploaded the droplet",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(part)),
            "{part}: {lines:?}"
        );
    }
    let droplet = scene.droplet();
    let parts = [
        "app",
        "deps",
        "logs",
        "profile.d",
        "staging_info.yml",
        "tmp",
    ];
    assert_eq!(names(&droplet), parts.map(str::to_owned).into());
    assert_eq!(names(&droplet.join("app/public")).len(), 2);

    let page = served(&droplet.join("app"), web(&answer)).await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.ends_with("hello"),
        "{page}"
    );
    scene.end().await;
}

/// Starts a site as an instance would be, and fetches its first page.
async fn served(app: &std::path::Path, command: &str) -> String {
    let mut site = Command::new("bash")
        .args(["-c", command])
        .current_dir(app)
        .env("SWITCHYARD_BIN", program())
        .env("PORT", "0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(site.stdout.take().unwrap()).lines();
    let first = soon(lines.next_line()).await.unwrap().unwrap();
    let port = first.rsplit(':').next().unwrap();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut page = String::new();
    soon(stream.read_to_string(&mut page)).await.unwrap();
    page
}

#[tokio::test]
async fn a_staticfile_names_the_root() {
    let scene = Scene::new().await;
    let files = [
        ("Staticfile", "root: dist\n"),
        ("dist/index.html", "x"),
        ("package.json", "{}"),
    ];
    let answer = scene.stage(&scene.request(&files)).await;
    assert!(
        web(&answer).ends_with("static --dir 'dist'"),
        "{}",
        web(&answer)
    );
    scene.end().await;
}

#[tokio::test]
async fn a_procfile_starts_what_it_names() {
    let scene = Scene::new().await;
    let files = [
        ("Procfile", "web: ./run --port $PORT\nclock: ./tick\n"),
        ("run", "x"),
    ];
    let answer = scene.stage(&scene.request(&files)).await;
    assert_eq!(web(&answer), "./run --port $PORT");
    assert_eq!(answer.process_types["clock"], "./tick");
    assert_eq!(answer.procfile.unwrap()["clock"], "./tick");
    assert_eq!(answer.detected_buildpack.as_deref(), Some("procfile"));
    scene.end().await;
}

#[tokio::test]
async fn python_without_requirements_is_left_as_it_is() {
    let scene = Scene::new().await;
    let files = [
        ("app.py", "print('hello')\n"),
        ("requirements.txt", "# none\n\n"),
    ];
    let answer = scene.stage(&scene.request(&files)).await;
    assert_eq!(web(&answer), "exec python3 -u app.py");
    let app = scene.droplet().join("app");
    assert_eq!(
        names(&app),
        ["app.py", "requirements.txt"].map(str::to_owned).into()
    );
    scene.end().await;
}

#[tokio::test]
async fn node_without_dependencies_is_left_as_it_is() {
    let scene = Scene::new().await;
    let files = [("package.json", r#"{"scripts":{"start":"node it's.js"}}"#)];
    let answer = scene.stage(&scene.request(&files)).await;
    assert_eq!(web(&answer), "npm start");
    let files = [("package.json", "{}"), ("server.js", "x")];
    let answer = scene.stage(&scene.request(&files)).await;
    assert_eq!(web(&answer), "exec node server.js");
    scene.end().await;
}

#[tokio::test]
async fn a_missing_interpreter_is_named_with_what_to_install() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("package.json", "{}")]);
    // A search path with a shell and no node.
    let bin = scene.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for tool in ["sh", "bash", "cat", "mkdir"] {
        std::os::unix::fs::symlink(format!("/bin/{tool}"), bin.join(tool)).unwrap();
    }
    let path = format!("PATH={}", bin.display());
    request.properties.environment.push(path);
    let answer = scene.stage(&request).await;
    let failure = answer.failure().unwrap();
    assert!(
        failure.message.contains("this node has no Node.js"),
        "{}",
        failure.message
    );
    scene.end().await;
}

#[tokio::test]
async fn a_buildpack_that_was_named_is_not_asked() {
    let scene = Scene::new().await;
    let mut request = scene.request(&[("index.html", "x"), ("Procfile", "web: ./run\n")]);
    request.properties.buildpack_key = Some("staticfile_buildpack".to_owned());
    let answer = scene.stage(&request).await;
    assert_eq!(answer.buildpack_key.as_deref(), Some("static"));
    assert_eq!(web(&answer), "./run");
    scene.end().await;
}
