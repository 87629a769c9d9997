//! What the rooms are made of: the configuration's slices turned into listeners, logs and settings.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use bus::BusOptions;

use super::error::StartError;
use crate::config::Config;
use crate::core::accept;
use crate::listen::{FrontTls, Gate, Http2};
use crate::observe::access_log::{AccessLog, LogProducer};
use crate::observe::metrics::Metrics;
use crate::proxy::{EndpointKeepAlive, Settings, SharedSettings};

pub(super) fn front_tls(config: &Config) -> Result<Option<FrontTls>, rustls::Error> {
    let http2 = if config.listen.enable_http2 {
        Http2::Offered
    } else {
        Http2::Withheld
    };
    config
        .listen
        .tls
        .as_ref()
        .map(|tls| FrontTls::new(tls, http2))
        .transpose()
}

pub(super) fn access_log(
    config: &Config,
    metrics: &Metrics,
) -> Result<(Option<AccessLog>, Vec<LogProducer>), StartError> {
    let Some(path) = &config.observe.access_log_file else {
        return Ok((None, Vec::new()));
    };
    let drops = (0..config.listen.workers.get()).map(|worker| metrics.access_log_drops(worker));
    let (log, producers) = AccessLog::open(path, config.observe.access_log_buffer_bytes, drops)
        .map_err(|source| StartError::AccessLog {
            path: path.clone(),
            source,
        })?;
    Ok((Some(log), producers))
}

pub(super) fn settings(config: &Config) -> SharedSettings {
    let keep_alive = if config.upstream.disable_keep_alives {
        EndpointKeepAlive::Disabled
    } else {
        EndpointKeepAlive::Enabled
    };
    SharedSettings::from_pointee(Settings::new(
        config.forward.clone(),
        keep_alive,
        own_ip().to_string(),
    ))
}

/// The address that this machine uses towards others; no packet is sent.
fn own_ip() -> IpAddr {
    let outward = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    match outward {
        Ok(addr) => addr.ip(),
        Err(_offline) => IpAddr::from([127, 0, 0, 1]),
    }
}

pub(super) fn bus_options(config: &Config) -> BusOptions {
    BusOptions {
        servers: config
            .bus
            .hosts
            .iter()
            .map(|host| bus::connection::ServerAddr {
                host: host.hostname.clone(),
                port: host.port,
            })
            .collect(),
        user: config.bus.user.clone(),
        password: config.bus.pass.reveal().to_owned(),
        token: config
            .bus
            .nats_token
            .as_ref()
            .map(|token| token.reveal().to_owned()),
        tls: config.bus.tls.as_ref().map(|tls| bus::connection::BusTls {
            ca_certs: tls.ca_certs.clone(),
            identity: tls
                .client
                .as_ref()
                .map(|pair| bus::connection::BusIdentity {
                    cert_chain: pair.cert_chain.clone(),
                    private_key: Arc::clone(&pair.private_key),
                }),
        }),
        ping_interval: config.bus.nats_client_ping_interval,
        ..BusOptions::default()
    }
}

/// The listeners of one core.
type CoreListeners = Vec<(Gate, TcpListener)>;

/// The traffic ports, open.
pub(super) struct Doors {
    /// One set for each core.
    pub(super) sets: Vec<CoreListeners>,
    pub(super) http: Option<SocketAddr>,
    pub(super) https: Option<SocketAddr>,
}

impl Doors {
    /// Opens the ports that the configuration names.
    ///
    /// # Errors
    ///
    /// Fails when one of them is not to be had.
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let mut doors = Self {
            sets: (0..config.listen.workers.get())
                .map(|_| Vec::new())
                .collect(),
            http: None,
            https: None,
        };
        if let Some(port) = config.listen.port {
            doors.http = doors.add(Gate::Plain, config, port)?;
        }
        if let Some(tls) = &config.listen.tls {
            doors.https = doors.add(Gate::Tls, config, tls.ssl_port)?;
        }
        Ok(doors)
    }

    fn add(
        &mut self,
        gate: Gate,
        config: &Config,
        port: u16,
    ) -> Result<Option<SocketAddr>, StartError> {
        let addr = SocketAddr::new(config.listen.listen_address, port);
        let bound = accept::bind(addr, self.sets.len())
            .map_err(|source| StartError::Listen { addr, source })?;
        let actual = bound
            .first()
            .and_then(|listener| listener.local_addr().ok());
        for (set, listener) in self.sets.iter_mut().zip(bound) {
            set.push((gate, listener));
        }
        let event = match gate {
            Gate::Plain => "tcp-listener-started",
            Gate::Tls => "tls-listener-started",
        };
        tracing::info!(address = actual.map(tracing::field::display), "{event}");
        Ok(actual)
    }
}
