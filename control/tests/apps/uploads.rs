//! Uploads over HTTP: what is no harmless zip is refused, and none makes the API fail.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::{Reply, guid};
use crate::generate::Chance;
use crate::platform::Platform;

async fn upload(platform: &Platform, app: &str, bits: &[u8]) -> Reply {
    let path = format!("{}/upload", new(platform, "packages", app).await);
    platform.client.upload(&path, bits).await
}

/// Where a new package or droplet is.
async fn new(platform: &Platform, kind: &str, app: &str) -> String {
    let mut body = json!({ "relationships": { "app": { "data": { "guid": app } } } });
    if kind == "packages" {
        body["type"] = json!("bits");
    }
    let list = format!("/v3/{kind}");
    let made = platform.client.post(&list, body).await.expect(201);
    format!("{list}/{}", guid(&made))
}

async fn becomes(platform: &Platform, path: &str, state: &str) {
    let begun = Instant::now();
    while platform.client.get(path).await.expect(200)["state"] != state {
        assert!(begun.elapsed() < Duration::from_secs(60), "never {state}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn bits_that_were_taken_stay_whatever_becomes_of_an_older_upload() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let bits = archive("index.html");
    for late in [b"no zip".to_vec(), archive("other")] {
        let package = new(&platform, "packages", &app).await;
        let path = format!("{package}/upload");
        let older = platform.client.begin_upload(&path, &late).await;
        becomes(&platform, &package, "PROCESSING_UPLOAD").await;
        platform.client.upload(&path, &bits).await.expect(200);
        older.finish().await.refusal(422);
        becomes(&platform, &package, "READY").await;
        let kept = platform.client.get(&format!("{package}/download")).await;
        assert_eq!(kept.body, bits);
    }
}

#[tokio::test]
async fn the_bits_of_a_droplet_are_taken_once() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let droplet = new(&platform, "droplets", &app).await;
    let path = format!("{droplet}/upload");
    // More than is held on the way: once half of it is sent, the other side has begun to take it.
    let bits = vec![b'o'; 32 << 20];
    let older = platform.client.begin_upload(&path, &bits).await;
    platform.client.upload(&path, b"bits").await.location();
    older.finish().await.refusal(422);
    let kept = platform.client.get(&format!("{droplet}/download")).await;
    assert_eq!(kept.body, b"bits");
}

fn archive(name: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer.start_file(name, options).unwrap();
    writer.write_all(&[b'x'; 1000]).unwrap();
    writer.start_file("second", options).unwrap();
    writer.write_all(b"y").unwrap();
    writer.finish().unwrap().into_inner()
}

#[tokio::test]
async fn what_leads_outside_or_grows_too_much_is_refused() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    upload(&platform, &app, &archive("index.html"))
        .await
        .expect(200);
    for name in ["../x", "/etc/passwd", "a/../../x"] {
        let (code, words) = upload(&platform, &app, &archive(name)).await.refusal(422);
        assert_eq!(code, 10008);
        assert!(words.contains("outside"), "{words}");
    }
    let mut bomb = archive("index.html");
    // The size that the directory at the end tells of its first file.
    let entry = bomb
        .windows(4)
        .position(|four| four == b"PK\x01\x02")
        .unwrap();
    bomb[entry + 24..entry + 28].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let (_, words) = upload(&platform, &app, &bomb).await.refusal(422);
    assert!(words.contains("times as large"), "{words}");
}

#[tokio::test]
async fn no_upload_makes_the_api_fail() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let mut chance = Chance::new(vec![app.clone()]);
    let good = archive("index.html");
    let mut refused = 0;
    for _ in 0..60 {
        let bits = chance.damaged(&good);
        let reply = upload(&platform, &app, &bits).await;
        assert!(
            matches!(reply.status, 200 | 422),
            "{}: {bits:?}",
            reply.status
        );
        refused += usize::from(reply.status == 422);
    }
    assert!(refused > 0);
    upload(&platform, &app, b"").await.refusal(422);
}

#[tokio::test]
async fn no_form_makes_an_upload_fail() {
    let platform = Platform::start().await;
    let app = platform.app("shop").await;
    let package = new(&platform, "packages", &app).await;
    let droplet = new(&platform, "droplets", &app).await;
    let form = b"--edge\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"a.zip\"\r\n\
        Content-Type: application/zip\r\n\r\nPK\r\n--edge--\r\n";
    let mut chance = Chance::new(vec![app]);
    for path in [package, droplet].map(|one| format!("{one}/upload")) {
        for _ in 0..40 {
            let body = chance.damaged(form);
            let sent = ("multipart/form-data; boundary=edge", body.as_slice());
            let reply = platform.client.send("POST", &path, sent).await;
            assert!(reply.status < 500, "{}: {body:?}", reply.status);
        }
        for kind in [
            "multipart/form-data",
            "application/json",
            "multipart/form-data; boundary=",
        ] {
            let reply = platform.client.send("POST", &path, (kind, form)).await;
            assert!(
                (400..500).contains(&reply.status),
                "{kind}: {}",
                reply.status
            );
        }
    }
}
