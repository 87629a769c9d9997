//! The same conversation with our server and with the real one.

use bus::server::{RunningServer, Server, ServerOptions};

use super::nats::NatsServer;

/// What both kinds of server can be asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Demands {
    pub(crate) password: Option<(&'static str, &'static str)>,
    pub(crate) token: Option<&'static str>,
}

impl Demands {
    /// Our server.
    pub(crate) async fn start_ours(self) -> RunningServer {
        let options = ServerOptions {
            user: self.password.map(|(user, _)| user.into()),
            password: self.password.map(|(_, password)| password.into()),
            token: self.token.map(Into::into),
            ..ServerOptions::default()
        };
        Server::start(options).await.unwrap()
    }

    /// Debian's, where it is installed.
    pub(crate) fn start_real(self) -> Option<NatsServer> {
        let mut args = Vec::new();
        if let Some((user, password)) = self.password {
            args.extend(["--user", user, "--pass", password]);
        }
        if let Some(token) = self.token {
            args.extend(["--auth", token]);
        }
        NatsServer::start(&args)
    }
}

/// Holds one conversation with both servers, each as a test of its own.
macro_rules! transcript {
    ($(#[$note:meta])* $rule:ident, $demands:expr, |$name:ident, $addr:ident| $body:block) => {
        $(#[$note])*
        mod $rule {
            use super::*;

            async fn converse($name: &'static str, $addr: SocketAddr) $body

            #[tokio::test]
            async fn ours() {
                let server = $demands.start_ours().await;
                converse("ours", server.addr()).await;
                $crate::support::wait::eventually("all clients to be gone", || server.connections() == 0).await;
                assert_eq!(server.subscriptions(), 0);
                server.shutdown().await;
            }

            #[tokio::test]
            async fn real() {
                let Some(server) = $demands.start_real() else { return };
                converse("nats-server", server.addr()).await;
            }
        }
    };
    ($(#[$note:meta])* $rule:ident, |$name:ident, $addr:ident| $body:block) => {
        transcript!($(#[$note])* $rule, $crate::support::both::Demands::default(), |$name, $addr| $body);
    };
}

pub(crate) use transcript;
