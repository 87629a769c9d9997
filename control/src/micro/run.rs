//! One run: up, ready, figures each second, down.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::time::{MissedTickBehavior, interval};

use super::MicroError;
use super::clock::Moment;
use super::cloud::{Cloud, METRICS};
use super::figures::{Counters, resident_bytes};
use super::options::MicroOptions;
use super::plan::local;
use super::screen::{Screen, Style};
use super::signals::Signals;
use crate::fetch;

/// Runs a micro cloud until somebody says stop.
///
/// # Errors
///
/// Fails when a part cannot start, and when one dies again and again; whatever did start is
/// stopped first.
pub fn run(options: &MicroOptions) -> Result<(), MicroError> {
    // invariant: one thread. The kernel ties a child to the thread that started it, and this one
    // lives as long as the process.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(MicroError::Runtime)?;
    let screen = Screen::new(io::stdout(), Style::of_stdout(options.json));
    runtime.block_on(live(options, screen))
}

async fn live(options: &MicroOptions, mut screen: Screen<impl Write>) -> Result<(), MicroError> {
    let mut signals = Signals::catch()?;
    let mut cloud = Cloud::start(options, &mut screen).await?;
    let outcome = tokio::select! {
        error = work(&mut cloud, &mut screen) => Err(error),
        () = signals.next() => Ok(()),
    };
    screen.stopping();
    let sweeper = cloud.sweeper();
    // A second signal drops the cloud, which kills the parts; the applications are killed then.
    tokio::select! {
        () = cloud.stop() => {}
        () = signals.next() => sweeper.sweep(Duration::ZERO).await,
    }
    screen.stopped();
    outcome
}

/// Works until something ends it.
async fn work(cloud: &mut Cloud, screen: &mut Screen<impl Write>) -> MicroError {
    let up = async {
        cloud.come_up(screen).await?;
        cloud.prove(screen).await
    };
    match up.await {
        Ok(()) => watch(cloud, screen).await,
        Err(error) => error,
    }
}

/// Shows figures each second and hears of deaths.
async fn watch(cloud: &mut Cloud, screen: &mut Screen<impl Write>) -> MicroError {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                let now = look(cloud).await;
                show(before.as_ref(), now.as_ref(), cloud, screen);
                before = now;
                keep_small(cloud.access_log());
            }
            Some(death) = cloud.deaths.recv() => {
                if let Err(error) = cloud.heed(&death, screen) {
                    return error;
                }
            }
        }
    }
}

/// One look at the router's counters.
struct Look {
    at: Instant,
    counters: Counters,
}

async fn look(cloud: &Cloud) -> Option<Look> {
    let answer = fetch::get(local(cloud.plan.prometheus), "localhost", METRICS).await;
    let body = answer.ok()?.body;
    Some(Look {
        at: Instant::now(),
        counters: Counters::parse(&String::from_utf8_lossy(&body)),
    })
}

fn show(before: Option<&Look>, now: Option<&Look>, cloud: &Cloud, screen: &mut Screen<impl Write>) {
    let (Some(before), Some(now)) = (before, now) else {
        return;
    };
    let resident = |pid| resident_bytes(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?);
    let rss = cloud.pids().map(resident).sum();
    let figures = now
        .counters
        .since(&before.counters, now.at - before.at, rss);
    screen.figures(&figures, Moment::now());
}

/// Empties a log that has grown large: an hour of wrk must not fill a laptop's disk.
///
/// The router appends, so its next line begins at the new end.
fn keep_small(log: &Path) {
    let large = fs::metadata(log).is_ok_and(|facts| facts.len() > ACCESS_LOG_MAX_BYTES);
    if large && let Ok(file) = OpenOptions::new().write(true).open(log) {
        // A failure is tried again in a second.
        let _ = file.set_len(0);
    }
}

const ACCESS_LOG_MAX_BYTES: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_log_is_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("access.log");
        let file = fs::File::create(&log).unwrap();
        file.set_len(ACCESS_LOG_MAX_BYTES).unwrap();
        keep_small(&log);
        assert_eq!(fs::metadata(&log).unwrap().len(), ACCESS_LOG_MAX_BYTES);
        file.set_len(ACCESS_LOG_MAX_BYTES + 1).unwrap();
        keep_small(&log);
        assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    }
}
