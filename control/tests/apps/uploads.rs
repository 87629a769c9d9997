//! Uploads over HTTP: what is no harmless zip is refused, and none makes the API fail.

use std::io::{Cursor, Write as _};

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::{Reply, guid};
use crate::generate::Chance;
use crate::platform::Platform;

async fn upload(platform: &Platform, app: &str, bits: &[u8]) -> Reply {
    let relationships = json!({ "app": { "data": { "guid": app } } });
    let body = json!({ "type": "bits", "relationships": relationships });
    let package = platform.client.post("/v3/packages", body).await.expect(201);
    let path = format!("/v3/packages/{}/upload", guid(&package));
    platform.client.upload(&path, bits).await
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
    let relationships = json!({ "app": { "data": { "guid": app } } });
    let body = json!({ "type": "bits", "relationships": relationships });
    let package = guid(&platform.client.post("/v3/packages", body).await.expect(201));
    let droplet = json!({ "relationships": relationships });
    let droplet = guid(
        &platform
            .client
            .post("/v3/droplets", droplet)
            .await
            .expect(201),
    );
    let form = b"--edge\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"a.zip\"\r\n\
        Content-Type: application/zip\r\n\r\nPK\r\n--edge--\r\n";
    let mut chance = Chance::new(vec![app]);
    let paths = [
        format!("/v3/packages/{package}/upload"),
        format!("/v3/droplets/{droplet}/upload"),
    ];
    for path in paths {
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
