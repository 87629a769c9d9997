//! Lines as an operator reads them.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tracing::{debug, error, info, trace, warn};

use crate::config::TimestampFormat;

use super::*;

/// What was written, readable from outside.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `story` with events printed, and gives what was printed.
fn printed(config: &ObserveConfig, story: impl FnOnce()) -> String {
    let paper = Paper::default();
    let queue = EventQueue::start(paper.clone()).unwrap();
    let layer = EventLayer::new(config, Zone::UTC, queue.clone());
    let subscriber = Registry::default().with(layer.with_filter(targets(config.level)));
    tracing::subscriber::with_default(subscriber, story);
    queue.flush();
    paper.text()
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
}

#[test]
fn a_line_has_gorouters_keys_in_their_order() {
    let config = ObserveConfig {
        source: "vcap.gorouter".into(),
        timestamp: TimestampFormat::Rfc3339,
        ..ObserveConfig::default()
    };
    let text = printed(&config, || {
        let endpoint = "10.0.0.1:8080";
        let attempts = 3_u64;
        info!(%endpoint, attempts, ok = true, rate = 0.5, "endpoint-registered");
    });
    let timestamp = parse(&text)["timestamp"].as_str().unwrap().to_owned();
    assert_eq!(
        (timestamp.len(), timestamp.ends_with('Z')),
        (30, true),
        "{timestamp}"
    );
    let expected = format!(
        "{{\"log_level\":1,\"timestamp\":\"{timestamp}\",\"message\":\"endpoint-registered\",\
         \"source\":\"vcap.gorouter.observe\",\"data\":{{\"endpoint\":\"10.0.0.1:8080\",\
         \"attempts\":3,\"ok\":true,\"rate\":0.5}}}}\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn the_epoch_is_a_number() {
    let text = printed(&ObserveConfig::default(), || info!("tick"));
    let event = parse(&text);
    assert!(event["timestamp"].as_f64().unwrap() > 1.5e9);
    assert_eq!(event["source"], "gorouter.stdout.observe");
    assert_eq!(event["data"], serde_json::json!({}));
}

#[test]
fn levels_below_the_chosen_one_are_silent() {
    let story = || {
        trace!("trace");
        debug!("debug");
        info!("info");
        warn!("warn");
        error!("error");
    };
    let numbers = |level| -> Vec<u64> {
        let text = printed(
            &ObserveConfig {
                level,
                ..ObserveConfig::default()
            },
            story,
        );
        text.lines()
            .map(|line| parse(line)["log_level"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers(LogLevel::Debug), [0, 1, 2, 3]);
    assert_eq!(numbers(LogLevel::Info), [1, 2, 3]);
    assert_eq!(numbers(LogLevel::Warn), [2, 3]);
    assert_eq!(numbers(LogLevel::Error), [3]);
}

#[test]
fn libraries_are_heard_only_when_something_is_wrong() {
    let text = printed(&ObserveConfig::default(), || {
        info!(target: "async_nats::client", "chatter");
        warn!(target: "async_nats::client", "trouble");
    });
    let event = parse(&text);
    assert_eq!(event["message"], "trouble");
    assert_eq!(event["source"], "gorouter.stdout.async_nats");
}

#[test]
fn hostile_text_stays_within_its_line() {
    let text = printed(&ObserveConfig::default(), || {
        let uri = "a\"\n{\"log_level\":3}\u{7}";
        warn!(uri, "bad\nuri");
    });
    assert_eq!(text.lines().count(), 1);
    let event = parse(&text);
    assert_eq!(event["data"]["uri"], "a\"\n{\"log_level\":3}\u{7}");
    assert_eq!(event["message"], "bad\nuri");
}

#[test]
fn an_error_is_printed_with_its_causes() {
    let cause = io::Error::other("disk on fire");
    let failure = EventsError::Thread(cause);
    let text = printed(&ObserveConfig::default(), || {
        error!(error = &failure as &dyn std::error::Error, "failed");
    });
    assert_eq!(
        parse(&text)["data"]["error"],
        "no thread for the events: disk on fire"
    );
}

#[test]
fn lines_of_many_threads_never_mix() {
    let paper = Paper::default();
    let queue = EventQueue::start(paper.clone()).unwrap();
    let config = ObserveConfig::default();
    let layer = EventLayer::new(&config, Zone::UTC, queue.clone());
    let counts = layer.counts();
    let dispatch = tracing::Dispatch::new(Registry::default().with(layer));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let dispatch = dispatch.clone();
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    (0..200).for_each(|n| info!(thread, n, "step"));
                });
            });
        }
    });
    queue.flush();
    let text = paper.text();
    assert_eq!(
        text.lines()
            .filter(|line| parse(line)["message"] == "step")
            .count(),
        800
    );
    assert_eq!(counts.iter().collect::<Vec<_>>()[1], ("info", 800));
}
