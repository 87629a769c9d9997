//! Makes the first connection, and sets up what keeps it alive.

use std::sync::Arc;

use async_nats::{Client, ConnectOptions};
use rand::RngExt;
use rand::seq::SliceRandom;
use rustls::ClientConfig;
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::client::Shared;
use super::error::{ConnectError, FailedServer};
use super::options::{BusOptions, ServerAddr};
use super::selector::Selector;
use super::tls;

/// Messages that the library may hold for one subscription between two turns of the task that takes
/// them over; far above what arrives in one turn, because it does not count well what it drops.
const LIBRARY_QUEUE: usize = 131_072;

/// A connection and what watches over it.
pub(super) type Connected = (Client, Arc<Shared>);

/// Everything that one attempt needs.
struct Attempts {
    options: BusOptions,
    tls: Option<ClientConfig>,
    pool: Vec<async_nats::ServerAddr>,
}

/// Tries all servers, in random order, as often as `options` say.
pub(super) async fn connect(mut options: BusOptions) -> Result<Connected, ConnectError> {
    if options.servers.is_empty() {
        return Err(ConnectError::NoServers);
    }
    options.servers.shuffle(&mut rand::rng());
    let tls = options.tls.as_ref().map(tls::client_config).transpose()?;
    let pool = options
        .servers
        .iter()
        .map(parse)
        .collect::<Result<_, _>>()?;
    let attempts = Attempts { options, tls, pool };
    let mut failed = Vec::new();
    for tried in 0..attempts.options.connect_tries.max(1) {
        if tried > 0 {
            sleep(attempts.options.connect_wait).await;
        }
        failed.clear();
        for (server, addr) in attempts.options.servers.iter().zip(&attempts.pool) {
            match attempts.connect_first(server, addr).await {
                Ok(connected) => return Ok(connected),
                Err(failure) => failed.push(failure),
            }
        }
    }
    Err(ConnectError::Unusable(failed))
}

fn parse(server: &ServerAddr) -> Result<async_nats::ServerAddr, ConnectError> {
    format!("nats://{server}")
        .parse()
        .map_err(|error: std::io::Error| {
            let failure = super::error::Failure::Address;
            let detail = error.to_string();
            ConnectError::Unusable(vec![FailedServer {
                server: server.clone(),
                failure,
                detail,
            }])
        })
}

impl Attempts {
    /// Connects to one server; once that worked, all of them may be used later.
    async fn connect_first(
        &self,
        server: &ServerAddr,
        addr: &async_nats::ServerAddr,
    ) -> Result<Connected, FailedServer> {
        let backoff = Backoff {
            max: self.options.reconnect_wait,
        };
        let shared = Arc::new(Shared::new(&self.options, Selector::new(backoff, addr)));
        let options = self.library_options(&shared);
        let connecting = async_nats::connect_with_options(self.pool.as_slice(), options);
        // The library's own limit does not cover name resolution, and holds for each address.
        match timeout(self.options.dial_timeout, connecting).await {
            Ok(Ok(client)) => Ok((client, shared)),
            Ok(Err(error)) => Err(FailedServer::new(server.clone(), &error)),
            Err(_) => Err(FailedServer::timed_out(server.clone())),
        }
    }

    fn library_options(&self, shared: &Arc<Shared>) -> ConnectOptions {
        let options = &self.options;
        let (on_event, on_choice) = (Arc::clone(shared), Arc::clone(shared));
        let mut library = ConnectOptions::new()
            .name(&options.name)
            .ping_interval(options.ping_interval)
            .connection_timeout(options.dial_timeout)
            .request_timeout(Some(options.request_timeout))
            .subscription_capacity(LIBRARY_QUEUE)
            .event_callback(move |event| {
                on_event.note(&event);
                std::future::ready(())
            })
            .reconnect_to_server_callback(move |pool, _info| {
                let random = rand::rng().random();
                std::future::ready(on_choice.selector.choose(&pool, random))
            });
        if let Some(token) = &options.token {
            library = library.token(token.clone());
        } else if !(options.user.is_empty() && options.password.is_empty()) {
            library = library.user_and_password(options.user.clone(), options.password.clone());
        }
        if let Some(tls) = &self.tls {
            library = library.require_tls(true).tls_client_config(tls.clone());
        }
        library
    }
}
