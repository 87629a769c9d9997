//! The two greetings: INFO says what the server is, CONNECT what the client wants and who it is.

use std::hint::black_box;
use std::net::SocketAddr;

use serde::Serialize;

use super::options::ServerOptions;
use crate::codec::{self, Decode, DecodeError, Reader};

/// What a server says first.
#[derive(Serialize)]
pub(super) struct Info<'a> {
    server_id: &'a str,
    server_name: &'a str,
    version: &'a str,
    proto: u8,
    host: String,
    port: u16,
    headers: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    auth_required: bool,
    max_payload: usize,
    client_id: u64,
    client_ip: String,
}

/// The release of nats-server whose behaviour this one has; clients look at it to know what they may
/// use, so it is not our own.
const VERSION: &str = "2.9.10";

impl<'a> Info<'a> {
    /// What to tell the client `client_id`, which connected from `peer` to `local`.
    pub(super) fn new(
        options: &ServerOptions,
        server_id: &'a str,
        client_id: u64,
        (local, peer): (SocketAddr, SocketAddr),
    ) -> Self {
        Self {
            server_id,
            server_name: "switchyard",
            version: VERSION,
            proto: 1,
            host: local.ip().to_string(),
            port: local.port(),
            headers: true,
            auth_required: Credentials::of(options) != Credentials::None,
            max_payload: options.max_payload,
            client_id,
            client_ip: peer.ip().to_string(),
        }
    }

    /// The line that says so.
    pub(super) fn line(&self) -> String {
        let json = codec::encode(self).expect("invariant: text and numbers are JSON");
        format!("INFO {} \r\n", String::from_utf8_lossy(&json))
    }
}

/// What a client said in its CONNECT, over nats-server's defaults.
#[derive(Debug)]
pub(super) struct Connect {
    /// Every operation is answered with `+OK`.
    pub(super) verbose: bool,
    /// Subjects of publications are checked.
    pub(super) pedantic: bool,
    pub(super) echo: bool,
    pub(super) headers: bool,
    pub(super) no_responders: bool,
    user: String,
    pass: String,
    auth_token: String,
}

crate::json_object!('a, Connect {
    "verbose" => verbose,
    "pedantic" => pedantic,
    "echo" => echo,
    "headers" => headers,
    "no_responders" => no_responders,
    "user" => user,
    "pass" => pass,
    "auth_token" => auth_token,
});

impl Default for Connect {
    fn default() -> Self {
        Self {
            verbose: true,
            pedantic: true,
            echo: true,
            headers: false,
            no_responders: false,
            user: String::new(),
            pass: String::new(),
            auth_token: String::new(),
        }
    }
}

impl Connect {
    /// Reads another CONNECT over this one, by the rules of the Go server.
    pub(super) fn update(&mut self, json: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(json);
        self.decode(&mut reader)?;
        reader.end()
    }

    /// Whether it proves what `options` ask for.
    pub(super) fn is_authorized(&self, options: &ServerOptions) -> bool {
        match Credentials::of(options) {
            Credentials::None => true,
            Credentials::Password { user, password } => {
                // Both are always compared, so that time does not tell which of them was wrong.
                same(self.user.as_bytes(), user.as_bytes())
                    & same(self.pass.as_bytes(), password.as_bytes())
            }
            Credentials::Token(token) => same(self.auth_token.as_bytes(), token.as_bytes()),
        }
    }
}

/// What a client must prove.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Credentials<'a> {
    None,
    Password { user: &'a str, password: &'a str },
    Token(&'a str),
}

impl<'a> Credentials<'a> {
    pub(super) fn of(options: &'a ServerOptions) -> Self {
        if let Some(token) = &options.token {
            return Self::Token(token);
        }
        match &options.password {
            Some(password) => Self::Password {
                user: options.user.as_deref().unwrap_or_default(),
                password,
            },
            None => Self::None,
        }
    }
}

/// Compares in a time that depends on the given length alone.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let mut difference = u8::from(given.len() != expected.len());
    let padding = std::iter::repeat(&0);
    for (given, expected) in given.iter().zip(expected.iter().chain(padding)) {
        difference = black_box(difference | (given ^ expected));
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(json: &str) -> Connect {
        let mut connect = Connect::default();
        connect.update(json.as_bytes()).unwrap();
        connect
    }

    #[test]
    fn without_credentials_anyone_may_come() {
        assert!(connect("{}").is_authorized(&ServerOptions::default()));
    }

    #[test]
    fn user_and_password_must_both_be_right() {
        let options = ServerOptions {
            user: Some("u".into()),
            password: Some("secret".into()),
            ..ServerOptions::default()
        };
        assert!(connect(r#"{"user":"u","pass":"secret"}"#).is_authorized(&options));
        for wrong in [
            "{}",
            r#"{"user":"u"}"#,
            r#"{"user":"v","pass":"secret"}"#,
            r#"{"user":"u","pass":"secre"}"#,
            r#"{"user":"u","pass":"secret "}"#,
            r#"{"user":"u","pass":"secret\u0000"}"#,
            r#"{"auth_token":"secret"}"#,
        ] {
            assert!(!connect(wrong).is_authorized(&options), "{wrong}");
        }
    }

    #[test]
    fn a_token_must_be_right() {
        let options = ServerOptions {
            token: Some("t".into()),
            ..ServerOptions::default()
        };
        assert!(connect(r#"{"auth_token":"t"}"#).is_authorized(&options));
        assert!(!connect(r#"{"user":"t","pass":"t"}"#).is_authorized(&options));
    }

    #[test]
    fn a_second_connect_changes_only_what_it_names() {
        let mut connect = connect(r#"{"verbose":false,"headers":true}"#);
        connect.update(br#"{"pedantic":false}"#).unwrap();
        assert!(!connect.verbose && connect.headers && !connect.pedantic && connect.echo);
    }
}
