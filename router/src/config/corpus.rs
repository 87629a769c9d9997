//! The golden corpus: for each file of `fixtures/`, what is said and what is believed.
//!
//! `name.expected` holds every finding, then the lines of `config show` that are not the default.
//! It is updated by hand, and reviewed as what operators see.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{
    Config, DrainConfig, Finding, Loaded, LogLevel, NatsHost, PrometheusConfig, Secret,
    TimestampFormat,
};

#[test]
fn every_file_of_the_corpus_means_what_is_written_beside_it() {
    let certificates = Certificates::new();
    let mut files = 0;
    for file in fixtures() {
        let name = file.file_name().unwrap().to_str().unwrap();
        let text = certificates.fill_in(&fs::read_to_string(&file).unwrap());
        let expected = fs::read_to_string(file.with_extension("expected")).unwrap_or_default();
        assert_eq!(outcome(&text, name), expected, "{name}");
        files += 1;
    }
    assert!(files >= 8, "{files} files");
}

#[test]
fn the_example_is_what_operators_run() {
    let text = include_str!("../../../examples/gorouter.yml");
    let Loaded { config, findings } = Config::parse(text, "gorouter.yml").unwrap();
    assert_eq!(findings, []);

    let mut expected = Config::default();
    let seconds = Duration::from_secs;
    expected.admin.user = "router-status".into();
    expected.admin.pass = Secret::new("change-me");
    expected.admin.prometheus = Some(PrometheusConfig {
        port: 8083,
        tls: None,
    });
    expected.bus.hosts = vec![NatsHost {
        hostname: "127.0.0.1".into(),
        port: 4222,
    }];
    expected.drain = DrainConfig {
        drain_wait: seconds(20),
        drain_timeout: seconds(60),
    };
    expected.forward.max_attempts = NonZeroU32::new(3).unwrap();
    expected.forward.empty_pool_response_code_503 = true;
    expected.observe.level = LogLevel::Info;
    expected.observe.timestamp = TimestampFormat::Rfc3339;
    expected.registry.start_response_delay_interval = seconds(0);
    expected.registry.suspend_pruning_if_nats_unavailable = true;
    expected.registry.empty_pool_response_code_503 = true;
    expected.registry.empty_pool_timeout = seconds(30);
    expected.upstream.disable_keep_alives = false;
    expected.upstream.max_idle_conns = 4000;
    expected.upstream.max_idle_conns_per_host = 2000;
    assert_eq!(config, expected);
}

#[test]
fn no_file_of_the_corpus_shows_a_secret() {
    let certificates = Certificates::new();
    for file in fixtures() {
        let text = certificates.fill_in(&fs::read_to_string(&file).unwrap());
        let said = match Config::parse(&text, "file") {
            Ok(loaded) => format!("{:?} {}", loaded, loaded.config.to_yaml()),
            Err(errors) => format!("{errors:?} {errors}"),
        };
        for secret in ["-secret", "sesame", "0123"] {
            assert!(!said.contains(secret), "{}: {secret}", file.display());
        }
    }
}

#[test]
fn any_bytes_have_a_verdict() {
    for file in fixtures() {
        let text = fs::read(&file).unwrap();
        for end in (0..text.len()).step_by(61) {
            super::fuzz_entry(&text[..end]);
        }
    }
    super::fuzz_entry(b"\xff\xfe\0port: 1");
    super::fuzz_entry(b"switchyard: {workers: 99999999999999999999}");
}

fn outcome(text: &str, name: &str) -> String {
    let (findings, config) = match Config::parse(text, name) {
        Ok(loaded) => (loaded.findings, Some(loaded.config)),
        Err(errors) => (errors.findings, None),
    };
    let said: String = findings
        .iter()
        .map(|finding: &Finding| format!("{}\n", finding.display(name)))
        .collect();
    match config {
        Some(config) => format!("{said}---\n{}", unusual(&config)),
        None => said,
    }
}

/// What `config show` has beyond the defaults.
fn unusual(config: &Config) -> String {
    let default = Config::default().to_yaml();
    let usual: Vec<_> = paths(&default);
    let lines = paths(&config.to_yaml());
    lines
        .into_iter()
        .filter(|line| !usual.contains(line))
        .collect()
}

/// `a:\n  b: 1` as `a.b: 1`.
fn paths(yaml: &str) -> Vec<String> {
    let mut above: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in yaml.lines() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        above.truncate(depth);
        match line.trim().strip_suffix(':') {
            Some(key) => above.push(key),
            None => {
                let parents: String = above.iter().map(|key| format!("{key}.")).collect();
                lines.push(format!("{parents}{}\n", line.trim()));
            }
        }
    }
    lines
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/fixtures");
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .collect();
    files.sort();
    files
}

/// Fresh certificates, so that no key lies in the repository.
struct Certificates {
    places: [(&'static str, String); 3],
}

impl Certificates {
    fn new() -> Self {
        let ours = rcgen::generate_simple_self_signed(["router.test".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["other.test".to_owned()]).unwrap();
        Self {
            places: [
                ("\"@CERT@\"", ours.cert.pem()),
                ("\"@KEY@\"", ours.signing_key.serialize_pem()),
                ("\"@OTHER_KEY@\"", other.signing_key.serialize_pem()),
            ],
        }
    }

    fn fill_in(&self, text: &str) -> String {
        let quoted = |pem: &str| serde_json::to_string(pem).unwrap();
        self.places
            .iter()
            .fold(text.to_owned(), |text, (place, pem)| {
                text.replace(place, &quoted(pem))
            })
    }
}
