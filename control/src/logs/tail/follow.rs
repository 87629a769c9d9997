//! The task that follows an instance's files until the instance, or the agent, ends.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::Bus;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::lines::End;
use super::offsets::Offsets;
use super::round::{Files, Found};
use crate::wire::{LogBatch, LogRecord, LogStream, Wire, subject};

/// Follows the files of instances and publishes their lines. Clones share the bus.
#[derive(Clone, Debug)]
pub struct Tail {
    bus: Bus,
}

/// An instance whose files are to be followed.
#[derive(Clone, Debug)]
pub struct TailTarget {
    /// The application's guid.
    pub app: String,
    /// Who speaks, as `APP/PROC/WEB`.
    pub source_type: String,
    /// The instance's index.
    pub instance: String,
    /// The files in a fixed order; they may appear later.
    pub files: Vec<(PathBuf, LogStream)>,
    /// Where the offsets are kept; an agent that comes back goes on from there.
    pub offsets: PathBuf,
    /// How many bytes all files together may have in a second, by the user's wish; `None`, or less
    /// than 0, is no limit.
    pub bytes_per_second: Option<i64>,
}

/// Files that are being followed. Dropping it ends that at once; an instance that runs on is
/// followed again from the offsets of at most a second ago.
#[derive(Debug)]
pub struct Following {
    order: watch::Sender<Order>,
    task: Option<JoinHandle<()>>,
}

/// What the task is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Finish,
    Follow,
    Pause,
}

impl Tail {
    /// A tail that publishes on `bus`.
    pub fn new(bus: Bus) -> Self {
        Self { bus }
    }

    /// Begins to follow an instance's files, from where an earlier agent stopped.
    pub fn follow(&self, target: TailTarget) -> Following {
        let (order, orders) = watch::channel(Order::Follow);
        let task = Task::new(self.bus.clone(), target);
        Following {
            order,
            task: Some(tokio::spawn(task.run(orders))),
        }
    }
}

impl Following {
    /// The instance has ended: publishes what is left, and forgets how far the files were read.
    pub async fn finish(mut self) {
        self.end(Order::Finish).await;
    }

    /// The agent ends and the instance does not: publishes what is there, and keeps the offsets.
    pub async fn pause(mut self) {
        self.end(Order::Pause).await;
    }

    async fn end(&mut self, order: Order) {
        self.order.send_replace(order);
        if let Some(task) = self.task.take() {
            // A task that panicked has nothing more to say.
            let _ = task.await;
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Task {
    bus: Bus,
    app: String,
    files: Files,
    offsets: Offsets,
    lost: u64,
}

impl Task {
    fn new(bus: Bus, target: TailTarget) -> Self {
        let offsets = Offsets::load(target.offsets.clone(), target.files.len());
        let looked_ns = offsets.saved_at().map_or_else(now_ns, ns_of);
        let files = Files::new(&target, offsets.saved(), looked_ns);
        Self {
            bus,
            app: target.app,
            files,
            offsets,
            lost: 0,
        }
    }

    async fn run(mut self, mut orders: watch::Receiver<Order>) {
        let mut saved = Instant::now();
        loop {
            let order = *orders.borrow();
            let end = if order == Order::Finish {
                End::Closed
            } else {
                End::Open
            };
            // While the bus is away the files keep the lines.
            let more = if order != Order::Follow || self.bus.is_connected() {
                let Some((back, more)) = self.round(end).await else {
                    return;
                };
                self = back;
                more
            } else {
                false
            };
            if order == Order::Finish && !more {
                return self.offsets.forget();
            }
            let paused = order == Order::Pause && !more;
            if paused || saved.elapsed() >= SAVE_PAUSE {
                saved = Instant::now();
                // Offsets that could not be saved cost lines told twice, not lost.
                let _ = self.offsets.save(self.files.offsets());
            }
            if paused {
                return;
            }
            let pause = if more { BUSY_PAUSE } else { IDLE_PAUSE };
            tokio::select! {
                () = sleep(pause) => {}
                changed = orders.changed(), if order == Order::Follow => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Looks at the files away from the threads that must not wait, then publishes what is new.
    async fn round(mut self, end: End) -> Option<(Self, bool)> {
        let looked = tokio::task::spawn_blocking(move || {
            let found = self.files.look(end, now_ns());
            (self, found)
        });
        // The runtime ends, or the task panicked; either way there is nobody to go on.
        let (mut back, found) = looked.await.ok()?;
        let more = found.more;
        back.publish(found).await;
        Some((back, more))
    }

    async fn publish(&mut self, found: Found) {
        let mut records = found.records;
        while !records.is_empty() {
            let rest = records.split_off(fitting(&records));
            let count = records.len() as u64;
            let batch = LogBatch {
                app: self.app.clone(),
                records,
                lost: self.lost,
            };
            let subject = subject::logs(&self.app);
            match self.bus.publish(&subject, batch.encode().into()).await {
                Ok(()) => self.lost = 0,
                Err(_) => self.lost += count,
            }
            records = rest;
        }
    }
}

/// How many of the records, at least one, make a message that every server takes.
fn fitting(records: &[LogRecord]) -> usize {
    let mut bytes = 0;
    let fits = |record: &&LogRecord| {
        bytes += record.text.len() + RECORD_BYTES;
        bytes <= BATCH_MAX_BYTES
    };
    records.iter().take_while(fits).count().max(1)
}

fn now_ns() -> i64 {
    ns_of(SystemTime::now())
}

fn ns_of(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

/// Text may grow sixfold when it is escaped, and a server takes a megabyte.
const BATCH_MAX_BYTES: usize = 128 << 10;
const BUSY_PAUSE: Duration = Duration::from_millis(10);
const IDLE_PAUSE: Duration = Duration::from_millis(100);
const RECORD_BYTES: usize = 128;
const SAVE_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::Path;

    use bus::server::{RunningServer, Server, ServerOptions};
    use bus::{BusOptions, Subscription};
    use tokio::time::timeout;

    use super::*;

    struct Scene {
        dir: tempfile::TempDir,
        _server: RunningServer,
        bus: Bus,
        heard: Subscription,
    }

    impl Scene {
        async fn new() -> Self {
            let server = Server::start(ServerOptions::default()).await.unwrap();
            let options = BusOptions {
                servers: vec![server.addr().into()],
                ..BusOptions::default()
            };
            let bus = Bus::connect(options).await.unwrap();
            let heard = bus.subscribe(subject::ALL_LOGS).await.unwrap();
            bus.flush().await.unwrap();
            Self {
                dir: tempfile::tempdir().unwrap(),
                _server: server,
                bus,
                heard,
            }
        }

        fn target(&self) -> TailTarget {
            TailTarget {
                app: "a1".to_owned(),
                source_type: "APP/PROC/WEB".to_owned(),
                instance: "0".to_owned(),
                files: vec![(self.dir.path().join("out"), LogStream::Out)],
                offsets: self.dir.path().join("offsets"),
                bytes_per_second: None,
            }
        }

        fn say(&self, text: &str) {
            append(&self.dir.path().join("out"), text);
        }

        /// Waits until as many lines were heard.
        async fn hear(&mut self, count: usize) -> Vec<String> {
            let mut lines = Vec::new();
            while lines.len() < count {
                let message = timeout(Duration::from_secs(10), self.heard.next());
                let message = message.await.expect("lines in time").unwrap();
                let batch = LogBatch::decode(&message.payload).unwrap();
                assert_eq!(batch.app, "a1");
                lines.extend(batch.records.into_iter().map(|record| record.text));
            }
            lines
        }
    }

    fn append(path: &Path, text: &str) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[tokio::test]
    async fn lines_are_heard_while_the_instance_runs_and_the_last_one_at_its_end() {
        let mut scene = Scene::new().await;
        let following = Tail::new(scene.bus.clone()).follow(scene.target());
        scene.say("one\n");
        assert_eq!(scene.hear(1).await, ["one"]);
        scene.say("two\nthr");
        assert_eq!(scene.hear(1).await, ["two"]);
        following.finish().await;
        assert_eq!(scene.hear(1).await, ["thr"]);
        assert!(!scene.dir.path().join("offsets").exists());
    }

    #[tokio::test]
    async fn an_agent_that_comes_back_goes_on_where_it_stopped() {
        let mut scene = Scene::new().await;
        let tail = Tail::new(scene.bus.clone());
        scene.say("one\ntwo\n");
        let following = tail.follow(scene.target());
        assert_eq!(scene.hear(2).await, ["one", "two"]);
        following.pause().await;
        scene.say("three\nfour\n");
        let following = tail.follow(scene.target());
        assert_eq!(scene.hear(2).await, ["three", "four"]);
        following.finish().await;
    }

    #[tokio::test]
    async fn an_agent_that_was_killed_loses_no_line() {
        let mut scene = Scene::new().await;
        let tail = Tail::new(scene.bus.clone());
        scene.say("one\n");
        let following = tail.follow(scene.target());
        scene.hear(1).await;
        drop(following);
        scene.say("two\n");
        let following = tail.follow(scene.target());
        // Whether "one" is told again depends on when the offsets were saved last.
        let mut lines = scene.hear(1).await;
        if lines == ["one"] {
            lines = scene.hear(1).await;
        }
        assert_eq!(lines.last().unwrap(), "two");
        following.finish().await;
    }

    #[tokio::test]
    async fn a_burst_becomes_messages_that_a_server_takes() {
        let mut scene = Scene::new().await;
        scene.say(&format!("{}\n", "\u{1}".repeat(900)).repeat(2000));
        let following = Tail::new(scene.bus.clone()).follow(scene.target());
        assert_eq!(scene.hear(2000).await.len(), 2000);
        following.finish().await;
        assert!(fs::metadata(scene.dir.path().join("out")).unwrap().len() > 0);
    }
}
