//! A small HTTP client: one connection for each request, read to its end.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Somebody who is logged in, or nobody.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<String>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, ("application/json", b"")).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        let body = body.to_string();
        self.send("POST", path, ("application/json", body.as_bytes()))
            .await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Reply {
        let body = body.to_string();
        self.send("PATCH", path, ("application/json", body.as_bytes()))
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, ("application/json", b"")).await
    }

    pub(crate) async fn yaml(&self, path: &str, text: &str) -> Reply {
        self.send("POST", path, ("application/x-yaml", text.as_bytes()))
            .await
    }

    /// Sends a multipart form whose one file is `bits`, after the list of matched files.
    pub(crate) async fn upload(&self, path: &str, bits: &[u8]) -> Reply {
        self.send("POST", path, (FORM, &form(bits))).await
    }

    /// Sends the first half of such a form.
    pub(crate) async fn begin_upload(&self, path: &str, bits: &[u8]) -> Upload {
        let form = form(bits);
        let (half, rest) = form.split_at(form.len() / 2);
        let mut stream = self.open("POST", path, (FORM, form.len())).await;
        stream.write_all(half).await.unwrap();
        Upload {
            stream,
            rest: rest.to_vec(),
        }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        (kind, body): (&str, &[u8]),
    ) -> Reply {
        let mut stream = self.open(method, path, (kind, body.len())).await;
        // A server that refuses early may close before it has read everything.
        let _sent = stream.write_all(body).await;
        read(stream).await
    }

    /// A connection on which the head of a request was sent.
    async fn open(&self, method: &str, path: &str, (kind, length): (&str, usize)) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let bearer = self.token.as_ref();
        let bearer = bearer.map(|token| format!("Authorization: bearer {token}\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             User-Agent: cf/8.18.4 (go1.26; amd64 linux)\r\nAccept: application/json\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n{}\r\n",
            self.address,
            bearer.unwrap_or_default()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

/// An upload that goes on.
pub(crate) struct Upload {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Upload {
    /// Sends the rest.
    pub(crate) async fn finish(mut self) -> Reply {
        // A server that refuses early may close before it has read everything.
        let _sent = self.stream.write_all(&self.rest).await;
        read(self.stream).await
    }
}

fn form(bits: &[u8]) -> Vec<u8> {
    let mut body = b"--edge\r\nContent-Disposition: form-data; name=\"resources\"\r\n\r\n[]\r\n\
        --edge\r\nContent-Disposition: form-data; name=\"bits\"; filename=\"package.zip\"\r\n\
        Content-Type: application/zip\r\n\r\n"
        .to_vec();
    body.extend_from_slice(bits);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    body
}

/// Reads an answer to the end of its connection.
async fn read(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let _read = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("an answer");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply {
        status,
        body: bytes[end + 4..].to_vec(),
        head: head.to_ascii_lowercase(),
    }
}

const FORM: &str = "multipart/form-data; boundary=edge";

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The document of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        self.json()
    }

    /// The code and the sentence of a refusal with this status.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16) -> (u64, String) {
        let document = self.expect(status);
        let error = &document["errors"][0];
        (
            error["code"].as_u64().unwrap(),
            error["detail"].as_str().unwrap().to_owned(),
        )
    }

    /// A field of the head, by its name in small letters; the head is kept in small letters too.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines();
        let mut fields = fields.filter_map(|line| line.split_once(": "));
        fields.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The path that a job is asked for at.
    #[track_caller]
    pub(crate) fn location(&self) -> String {
        assert_eq!(self.status, 202, "{}", String::from_utf8_lossy(&self.body));
        let url = self.header("location").expect("a Location");
        format!("/{}", url.splitn(4, '/').nth(3).unwrap())
    }
}

/// The guid of a document.
#[track_caller]
pub(crate) fn guid(document: &Value) -> String {
    document["guid"].as_str().expect("a guid").to_owned()
}
