//! One run of the sample: bus, ports, announcements, and back again.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::connection::ServerAddr;
use bus::{Bus, BusOptions, subject};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tracing::Level;

use super::SampleError;
use super::announce::Announcer;
use super::instance::Instance;
use super::options::SampleOptions;
use super::serve::serve;
use super::stop;
use super::url::BusUrl;
use crate::contract::LISTENING;

/// Runs the sample until TERM or INT.
///
/// # Errors
///
/// Fails when a port or the bus is not to be had.
pub fn run(options: &SampleOptions) -> Result<(), SampleError> {
    // Somebody who uses the library may listen to events already; then that is where ours go.
    let _ = tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_writer(io::stderr)
        .try_init();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SampleError::Runtime)?;
    runtime.block_on(live(options))
}

async fn live(options: &SampleOptions) -> Result<(), SampleError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(SampleError::Runtime)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(SampleError::Runtime)?;
    let (teller, stop) = stop::channel();
    let bus = connect(&options.bus).await?;
    let starts = bus
        .subscribe(subject::START)
        .await
        .map_err(SampleError::Subscribe)?;
    let mut serving = JoinSet::new();
    let mut instances = Vec::new();
    for (index, listener) in (0..).zip(listen(options).await?) {
        let address = listener.local_addr().map_err(SampleError::Runtime)?;
        let instance = Arc::new(Instance::new(index, address));
        serving.spawn(serve(listener, Arc::clone(&instance), stop.clone()));
        instances.push(instance);
    }
    report(&instances);
    let mut speaking = JoinSet::new();
    speaking.spawn(Announcer::new(bus, &options.host, &instances).speak(starts, stop));
    let outcome = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        // An application that nobody can find any more has no reason to stay.
        _ = speaking.join_next() => Err(SampleError::Closed),
    };
    teller.stop();
    while speaking.join_next().await.is_some() {}
    while serving.join_next().await.is_some() {}
    outcome
}

async fn connect(text: &str) -> Result<Bus, SampleError> {
    let url: BusUrl = text.parse().map_err(|source| SampleError::BusUrl {
        text: text.to_owned(),
        source,
    })?;
    let credentials = url.credentials.clone().unwrap_or_default();
    let options = BusOptions {
        servers: vec![ServerAddr {
            host: url.host.clone(),
            port: url.port,
        }],
        user: credentials.user,
        password: credentials.password,
        name: "switchyard-sample".to_owned(),
        request_timeout: GREETING,
        ..BusOptions::default()
    };
    Bus::connect(options)
        .await
        .map_err(|source| SampleError::Bus {
            url: url.to_string(),
            source,
        })
}

async fn listen(options: &SampleOptions) -> Result<Vec<TcpListener>, SampleError> {
    let instances = options.instances.get();
    if options.port != 0 && options.port.checked_add(instances - 1).is_none() {
        return Err(SampleError::Ports {
            instances,
            port: options.port,
        });
    }
    let mut listeners = Vec::new();
    for number in 0..instances {
        let port = match options.port {
            0 => 0,
            first => first + number,
        };
        let address = SocketAddr::new(options.listen, port);
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| SampleError::Listen { address, source })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Says where the instances are; an output that is gone is no reason to stop.
fn report(instances: &[Arc<Instance>]) {
    let mut out = io::stdout().lock();
    for instance in instances {
        let _ = writeln!(out, "{LISTENING}{}", instance.address);
    }
    let _ = out.flush();
}

/// How long a router may take to greet back.
const GREETING: Duration = Duration::from_millis(500);
