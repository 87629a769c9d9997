//! A watched file of static routes: a YAML list of registrations, with the keys of a bus message.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use bus::RegistryMessage;
use tracing::{info, warn};

use crate::config::{self, RegistryConfig};
use crate::registry::writer::{Now, Registry};
use crate::route::Millis;

/// Routes that nobody announces. A file that is bad or gone leaves those from before in force.
pub struct FileSource {
    path: PathBuf,
    seen: Option<Stamp>,
    /// One registration each, as JSON; empty until a good file was read.
    routes: Vec<Vec<u8>>,
    refreshed: Millis,
    refresh_every: Duration,
}

/// What tells one version of the file from the next; all zero if there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stamp {
    inode: u64,
    modified: (i64, i64),
    bytes: u64,
}

/// How often the file is looked at.
pub const POLL_EVERY: Duration = Duration::from_secs(1);
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

impl FileSource {
    /// Watches `switchyard.static_routes`, if it is set.
    #[must_use]
    pub fn of(config: &RegistryConfig) -> Option<Self> {
        let path = config.static_routes.clone()?;
        // Often enough that a static route is never stale.
        let refresh_every = config.droplet_stale_threshold / 3;
        Some(Self {
            path,
            seen: None,
            routes: Vec::new(),
            refreshed: Millis(0),
            refresh_every,
        })
    }

    /// Looks at the file; registers what is new in it and unregisters what has gone.
    ///
    /// It reads a local file, and only when that has changed.
    pub fn poll(&mut self, registry: &mut Registry, now: Now) {
        let stamp = fs::metadata(&self.path)
            .as_ref()
            .map_or_else(|_| Stamp::default(), Stamp::of);
        if self.seen != Some(stamp) {
            self.seen = Some(stamp);
            match self.read() {
                Ok(routes) => self.replace(routes, registry, now),
                Err(error) => warn!(path = %self.path.display(), error, "static-routes-unusable"),
            }
        }
        if now.millis.since(self.refreshed) >= self.refresh_every {
            self.register_all(registry, now);
        }
    }

    fn replace(&mut self, routes: Vec<Vec<u8>>, registry: &mut Registry, now: Now) {
        let old = std::mem::replace(&mut self.routes, routes);
        let standing: HashSet<_> = self
            .messages()
            .flat_map(|message| places(&message))
            .collect();
        for mut message in old
            .iter()
            .filter_map(|json| RegistryMessage::decode(json).ok())
        {
            let address = (message.host.to_string(), message.endpoint_port());
            message
                .uris
                .retain(|uri| !standing.contains(&(address.clone(), uri.to_string())));
            registry.unregister(&message, now);
        }
        self.register_all(registry, now);
        info!(path = %self.path.display(), registrations = self.routes.len(), "static-routes-loaded");
    }

    fn register_all(&mut self, registry: &mut Registry, now: Now) {
        self.refreshed = now.millis;
        self.messages()
            .for_each(|message| registry.register(&message, now));
    }

    fn messages(&self) -> impl Iterator<Item = RegistryMessage<'_>> {
        self.routes
            .iter()
            .filter_map(|json| RegistryMessage::decode(json).ok())
    }

    /// All registrations of the file, or what is wrong with the first bad one.
    fn read(&self) -> Result<Vec<Vec<u8>>, String> {
        let text = self.text().map_err(|error| error.to_string())?;
        let entries: Option<Vec<serde_json::Value>> =
            config::from_yaml(&text).map_err(|error| error.to_string())?;
        let mut routes = Vec::new();
        for (number, entry) in (1..).zip(entries.unwrap_or_default()) {
            let json = entry.to_string().into_bytes();
            let decoded = RegistryMessage::decode(&json)
                .map_err(|error| format!("entry {number}: {error}"))?;
            if decoded.uris.is_empty() || decoded.host.is_empty() || decoded.endpoint_port() == 0 {
                return Err(format!(
                    "entry {number}: uris, host and port or tls_port are needed"
                ));
            }
            routes.push(json);
        }
        Ok(routes)
    }

    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        let length = fs::File::open(&self.path)?
            .take(MAX_FILE_BYTES + 1)
            .read_to_string(&mut text)?;
        if length as u64 > MAX_FILE_BYTES {
            return Err(io::Error::other("the file is larger than 64 MiB"));
        }
        Ok(text)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Self {
            inode: metadata.ino(),
            modified,
            bytes: metadata.len(),
        }
    }
}

/// Everything a message stands for: its address, under each of its URIs.
fn places(message: &RegistryMessage<'_>) -> Vec<((String, u16), String)> {
    let address = (message.host.to_string(), message.endpoint_port());
    message
        .uris
        .iter()
        .map(|uri| (address.clone(), uri.to_string()))
        .collect()
}
