//! The whole configuration: one slice for each room.

use std::path::Path;
use std::{fmt, fs};

use super::error::{ConfigErrors, Finding, Report};
use super::file::File;
use super::read::FromYaml;
use super::yaml;
use super::{
    AdminConfig, BusConfig, DrainConfig, ForwardConfig, ListenConfig, ObserveConfig,
    RegistryConfig, UpstreamConfig,
};

/// What the program believes. [`Config::default`] is gorouter's code defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The operator's side: health, routes, metrics.
    pub admin: AdminConfig,
    /// The way to NATS.
    pub bus: BusConfig,
    /// How long a stop may take.
    pub drain: DrainConfig,
    /// What the walk of a request does.
    pub forward: ForwardConfig,
    /// Ports, front TLS, workers.
    pub listen: ListenConfig,
    /// Logs and metrics.
    pub observe: ObserveConfig,
    /// The route table and its sources.
    pub registry: RegistryConfig,
    /// Connections to endpoints.
    pub upstream: UpstreamConfig,
}

/// A configuration, and what its owner should know.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What the program believes.
    pub config: Config,
    /// Warnings and notes, in the order of the file.
    pub findings: Vec<Finding>,
}

impl Config {
    /// Reads the file at `path`.
    ///
    /// # Errors
    ///
    /// Fails with every problem of the file: that it cannot be read, is not YAML, or has a value
    /// that the router cannot start with.
    pub fn load(path: &Path) -> Result<Loaded, ConfigErrors> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &name),
            Err(error) => Err(ConfigErrors::unreadable(&name, &error)),
        }
    }

    /// Reads `text`, which messages call `name`.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn parse(text: &str, name: &str) -> Result<Loaded, ConfigErrors> {
        let mut report = Report::default();
        let file = match yaml::parse(text) {
            Ok(root) => File::from_yaml(&root, "", &mut report).unwrap_or_default(),
            Err(error) => {
                report.not_yaml(error);
                File::default()
            }
        };
        let config = Self::resolve(&file, &mut report);
        let findings = report.finish(name)?;
        Ok(Loaded { config, findings })
    }

    fn resolve(file: &File, report: &mut Report) -> Self {
        Self {
            admin: AdminConfig::resolve(file, report),
            bus: BusConfig::resolve(file, report),
            drain: DrainConfig::resolve(file),
            forward: ForwardConfig::resolve(file, report),
            listen: ListenConfig::resolve(file, report),
            observe: ObserveConfig::resolve(file, report),
            registry: RegistryConfig::resolve(file, report),
            upstream: UpstreamConfig::resolve(file, report),
        }
    }
}

/// The body of `fuzz_entry`: what was read can be shown, and what was shown can be read.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn fuzz(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(loaded) = Config::parse(&text, "fuzz") {
        let _ = yaml::parse(&loaded.config.to_yaml()).expect("invariant: what we show is YAML");
    }
}

/// A text that no log and no `config show` prints.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the place that compares or sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "\"***\"" })
    }
}
