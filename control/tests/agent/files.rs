//! Droplets, and a server that they are fetched from.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A droplet that is served over HTTP until it is dropped.
pub(crate) struct Droplet {
    pub(crate) url: String,
    pub(crate) sha256: String,
    _serving: JoinSet<()>,
}

impl Droplet {
    /// A droplet with these files below `app/`.
    pub(crate) async fn serve(files: &[(&str, &str)]) -> Self {
        Self::of(pack(files)).await
    }

    /// These bytes, whatever they are.
    pub(crate) async fn of(bytes: Vec<u8>) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr: SocketAddr = listener.local_addr().unwrap();
        let router = Router::new().route("/droplet", get(async move || bytes.clone()));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url: format!("http://{addr}/droplet?signature=x"),
            sha256: sha256.collect(),
            _serving: serving,
        }
    }
}

fn pack(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        builder
            .append_data(&mut header, format!("./app/{path}"), content.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}
