//! From a listener to answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use tokio::net::TcpListener;

use super::body::Answer;
use super::instance::Instance;
use super::page;
use super::stop::Stop;
use crate::contract::INSTANCE_HEADER;
use crate::serve::{self, ServeLimits};

/// Serves one instance until told to stop, then lets what is in flight finish.
pub(super) async fn serve(listener: TcpListener, instance: Arc<Instance>, mut stop: Stop) {
    let service = service_fn(move |request| {
        let response = answer(&instance, request);
        async move { Ok::<_, Infallible>(response) }
    });
    serve::serve(listener, service, ServeLimits::new(DRAIN), stop.said()).await;
}

fn answer(instance: &Instance, request: Request<Incoming>) -> Response<Answer> {
    let mut response = route(instance, request);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&instance.id) {
        headers.insert(INSTANCE_HEADER, id);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

fn route(instance: &Instance, request: Request<Incoming>) -> Response<Answer> {
    let number = instance.count();
    match request.uri().path() {
        "/" => {
            let page = page::render(instance, &request, number);
            let mut response = whole(StatusCode::OK, HTML, page.into());
            response.headers_mut().insert(
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
            );
            response
        }
        "/health" => whole(StatusCode::OK, TEXT, Bytes::from_static(b"ok\n")),
        "/echo" if has_body(request.method()) => {
            // Never the type that was sent: a stranger's HTML must not become a page of ours.
            respond(StatusCode::OK, BINARY, Answer::Echo(request.into_body()))
        }
        "/echo" => whole(
            StatusCode::METHOD_NOT_ALLOWED,
            TEXT,
            Bytes::from_static(b"send a body with POST or PUT\n"),
        ),
        path => match path.strip_prefix("/bytes/").map(str::parse::<u64>) {
            Some(Ok(length)) if length <= FILLER_MAX_BYTES => {
                respond(StatusCode::OK, BINARY, Answer::Filler(length))
            }
            Some(_) => whole(
                StatusCode::BAD_REQUEST,
                TEXT,
                Bytes::from_static(b"a number of bytes up to 1 TiB follows /bytes/\n"),
            ),
            None => whole(
                StatusCode::NOT_FOUND,
                TEXT,
                Bytes::from_static(b"there are /, /bytes/N, /echo and /health\n"),
            ),
        },
    }
}

fn has_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

fn whole(status: StatusCode, kind: HeaderValue, bytes: Bytes) -> Response<Answer> {
    respond(status, kind, Answer::Whole(bytes))
}

fn respond(status: StatusCode, kind: HeaderValue, body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");
const FILLER_MAX_BYTES: u64 = 1 << 40;
const DRAIN: Duration = Duration::from_millis(800);

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::super::stop::{self, StopSender};
    use super::*;
    use crate::fetch::{self, Answer as Fetched};

    /// An instance on a free port, and the way to stop it.
    async fn instance() -> (Arc<Instance>, StopSender, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let instance = Arc::new(Instance::new(0, address));
        let (stop, stopped) = stop::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&instance), stopped));
        (instance, stop, tasks)
    }

    async fn get(path: &str) -> Fetched {
        let (instance, _stop, _tasks) = instance().await;
        fetch::get(instance.address, "hello.localhost", path)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn the_page_names_its_instance() {
        let (instance, _stop, _tasks) = instance().await;
        let answer = fetch::get(instance.address, "hello.localhost", "/")
            .await
            .unwrap();
        assert_eq!(answer.headers[INSTANCE_HEADER], *instance.id);
        assert!(String::from_utf8_lossy(&answer.body).contains(&instance.id));
    }

    #[tokio::test]
    async fn bytes_are_as_many_as_asked_for() {
        assert_eq!(get("/bytes/100000").await.body.len(), 100_000);
        assert_eq!(get("/bytes/many").await.status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn an_unknown_path_is_not_found() {
        assert_eq!(get("/nowhere").await.status, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_stopped_instance_ends_although_a_client_stays() {
        let (instance, stop, mut tasks) = instance().await;
        let _idle = TcpStream::connect(instance.address).await.unwrap();
        fetch::get(instance.address, "hello.localhost", "/health")
            .await
            .unwrap();
        stop.stop();
        timeout(Duration::from_secs(10), tasks.join_next())
            .await
            .unwrap();
    }
}
