//! Announcing: the API's host names at the router, like any other endpoint.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{Bus, BusError, BusEvent, RegistryMessage, StartMessage, subject};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::warn;

/// The names under which one address is found.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens, as routers reach it.
    pub address: SocketAddr,
    /// Its host names.
    pub names: Vec<String>,
    /// Who it is; the same for the life of the process.
    pub id: String,
}

impl Endpoint {
    /// The names of the API and of what belongs to it in this domain.
    #[must_use]
    pub fn of_api(address: SocketAddr, domain: &str, id: &str) -> Self {
        let names = ["api", "login", "uaa", "log-cache"];
        Self {
            address,
            names: names.map(|name| format!("{name}.{domain}")).into(),
            id: id.to_owned(),
        }
    }

    /// Announces it now, whenever a router starts, and at the interval that routers ask for; takes
    /// it back when `stop` changes or its sender is gone.
    ///
    /// # Errors
    ///
    /// Fails when the bus is closed.
    pub async fn announce(self, bus: Bus, mut stop: watch::Receiver<bool>) -> Result<(), BusError> {
        let mut starts = bus.subscribe(subject::START).await?;
        let mut events = bus.events();
        let mut pause = INTERVAL;
        let message: Bytes = self.message().encode().into();
        loop {
            if let Err(error) = bus.publish(subject::REGISTER, message.clone()).await {
                warn!(%error, "the API's registration was lost; the next one will say it again");
            }
            tokio::select! {
                () = sleep(pause) => {}
                start = starts.next() => match start {
                    Some(start) => pause = interval(&start.payload),
                    None => return Ok(()),
                },
                event = events.next() => match event {
                    Some(BusEvent::Reconnected { .. } | BusEvent::Missed { .. }) => {}
                    Some(_) => continue,
                    None => return Ok(()),
                },
                _ = stop.changed() => break,
            }
        }
        bus.publish(subject::UNREGISTER, message).await?;
        // A router that does not hear of it finds out by itself.
        let _flushed = timeout(FAREWELL, bus.flush()).await;
        Ok(())
    }

    fn message(&self) -> RegistryMessage<'_> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ns = since.map_or(0, |since| since.as_nanos());
        let host = match self.address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        RegistryMessage {
            host: host.into(),
            port: self.address.port(),
            uris: self.names.iter().map(|name| name.as_str().into()).collect(),
            private_instance_id: self.id.as_str().into(),
            tags: [("component".into(), "CloudController".into())].into(),
            endpoint_updated_at_ns: i64::try_from(now_ns).unwrap_or_default(),
            ..RegistryMessage::default()
        }
    }
}

/// How often routers want to hear of it; never rarer than the usual.
fn interval(start: &[u8]) -> Duration {
    match StartMessage::decode(start) {
        Ok(start) if start.minimum_register_interval > 0 => {
            Duration::from_secs(start.minimum_register_interval).min(INTERVAL)
        }
        Ok(_) | Err(_) => INTERVAL,
    }
}

const INTERVAL: Duration = Duration::from_secs(20);
const FAREWELL: Duration = Duration::from_millis(500);
